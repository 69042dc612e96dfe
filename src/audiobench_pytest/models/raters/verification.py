"""What raters have in common that compare voices by the networks of speaker verification, as published tables do."""

from __future__ import annotations

import abc
import hashlib
import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from audiobench_pytest.catalog.schema import ModelSpec
from audiobench_pytest.errors import ModelError, SampleError
from audiobench_pytest.hub import explain
from audiobench_pytest.models.base import Weights, weights_of
from audiobench_pytest.models.options import Option
from audiobench_pytest.models.raters.base import Rater
from audiobench_pytest.models.transformers import devices, torchaudio_compat
from audiobench_pytest.records.digests import file_digest

if TYPE_CHECKING:
    import numpy as np
    import torch
    from numpy.typing import NDArray

_MOST_VOICES = 4096


class VerificationRater(Rater):
    """Cosine of two speaker embeddings, each of a whole sound by itself, in single precision.

    The two are not aligned: published values take both as they are, and the voice to be taken says something else.
    Weights are the entry's `file`, of a repository of the hub or of a folder. What pins them is their digest: the
    entry's `sha256`, to which the file is held before it is loaded, or else that of the file itself.
    """

    compares: ClassVar = True
    aligns: ClassVar = False
    extra = "local"
    options: ClassVar[Mapping[str, Option]] = {
        "device": Option(str, "auto", "auto, cpu, mps, cuda or cuda:N", (), False),
        # What they lead to is part of the identity: the digest of the weights.
        "file": Option(str, None, "name of the file of weights", (), False),
        "hub": Option(str, "hf", "who keeps it: the Hugging Face hub, or ModelScope", ("hf", "ms"), False),
        "sha256": Option(str, None, "SHA-256 that the file must have; default: any", (), False),
    }

    @classmethod
    def fetched_weights(cls, spec: ModelSpec, args: Mapping[str, Any]) -> list[Weights]:
        """Return the repository of the weights, where it is no folder."""
        elsewhere = "ModelScope" if args.get("hub") == "ms" else ""
        return weights_of(spec.source, spec.revision, elsewhere=elsewhere, file=str(args["file"] or ""))

    @classmethod
    def lacks(cls, spec: ModelSpec, args: Mapping[str, Any]) -> list[tuple[str, str]]:
        """Return the packages that are not there, among them ModelScope's client where it fetches the weights."""
        found = super().lacks(spec, args)
        if any(one.elsewhere for one in cls.fetched_weights(spec, args)) and not importlib.util.find_spec("modelscope"):
            found.append(("the package 'modelscope'", "pip install modelscope"))
        return found

    def __init__(self, spec: ModelSpec, args: Mapping[str, Any]) -> None:
        super().__init__(spec, args)
        self._placement = devices.place(self.args["device"], "float32")
        self._voices: dict[str, NDArray[np.float64]] = {}

    def identity(self) -> dict[str, Any]:
        """Return the base identity with the digest of the weights, wherever they lie.

        Raises:
            ModelError: They are not there, where the entry does not say what they must be.
        """
        pinned = self.args["sha256"] or self._digest(self._file())
        return {**super().identity(), "model": self.args["file"], "revision": None, "weights": pinned}

    def describe(self) -> dict[str, Any]:
        """Return where it runs."""
        return devices.describe(self._placement)

    def load(self) -> None:
        """Bring the network to its device.

        Raises:
            ModelError: Its weights are not there, are not those of the entry, or fit no such network.
        """
        devices.check(self._placement, self.spec.name)
        path = self._file()
        wanted = self.args["sha256"]
        if wanted and (found := self._digest(path)) != wanted:
            raise ModelError(
                f"model '{self.spec.name}': {path} has the SHA-256 {found}, its entry wants {wanted}: fetch it anew, "
                "or describe other weights in an entry of their own, without that sha256"
            )
        self.load_from(path)

    def close(self) -> None:
        """Free the network."""
        self._voices.clear()

    def rate(self, sound: NDArray[np.float32], reference: NDArray[np.float32] | None) -> Mapping[str, float]:
        """Return `sim`."""
        if reference is None:
            raise ValueError("nothing to compare with")
        return {"sim": float(self._voice(sound) @ self._voice(reference))}

    @abc.abstractmethod
    def load_from(self, path: Path) -> None:
        """Bring the network of a file of weights to its device.

        Raises:
            ModelError: It fits no such network.
        """

    @abc.abstractmethod
    def embedding(self, sound: torch.Tensor) -> torch.Tensor:
        """Return the embedding of one sound, `(samples,)` on the device, of any length."""

    def _voice(self, sound: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the embedding of a sound, of length 1; a recording is met again with every model."""
        import numpy as np
        import torch

        key = hashlib.sha256(sound.tobytes()).hexdigest()
        if key not in self._voices:
            if len(self._voices) >= _MOST_VOICES:
                self._voices.clear()
            with devices.steady(self._placement, 0):
                given = torch.from_numpy(np.ascontiguousarray(sound)).to(self._placement.device)
                found: NDArray[np.float64] = self.embedding(given).cpu().double().numpy()
            self._voices[key] = found / np.linalg.norm(found)
        return self._voices[key]

    def _file(self) -> Path:
        """Return where the weights lie, fetching them where they are of a hub and not here yet.

        Raises:
            ModelError: They are not there, and the hub does not give them.
        """
        source, name = self.spec.source, self.args["file"]
        if not source or not name:
            raise ModelError(
                f"model '{self.spec.name}': its entry needs 'source' (a folder or a hub id) and, among its args, 'file'"
            )
        folder = Path(source).expanduser()
        if folder.is_dir() or source.startswith((".", "/", "~")):
            path = folder / str(name)
            if not path.is_file():
                raise ModelError(f"model '{self.spec.name}': there is no file {path}: put the weights there")
            return path
        if self.args["hub"] == "ms":
            return self._of_modelscope(source, str(name))
        import huggingface_hub

        revision = self.spec.revision or "main"
        cached = huggingface_hub.try_to_load_from_cache(source, name, revision=revision)
        if isinstance(cached, str):
            return Path(cached)
        try:
            return Path(huggingface_hub.hf_hub_download(source, name, revision=revision))
        except Exception as exc:  # the client's errors and those of the library below it share no base class
            about = f"model '{self.spec.name}': {name} of {source} at {revision}"
            raise ModelError(explain(exc, about, source)) from exc

    def _of_modelscope(self, source: str, name: str) -> Path:
        about = f"model '{self.spec.name}': {name} of {source} at {self.spec.revision} on ModelScope"
        try:
            from modelscope import model_file_download
        except ImportError as exc:
            raise ModelError(
                f"{about}: its client is not installed: pip install modelscope, or put the file into a folder and name "
                "that as 'source' in an entry of your own"
            ) from exc
        try:
            return Path(model_file_download(source, name, revision=self.spec.revision))
        except Exception as exc:  # the client's own, or those of the library below it
            raise ModelError(f"{about} cannot be fetched: {type(exc).__name__}: {exc}") from exc

    def _digest(self, path: Path) -> str:
        try:
            return file_digest(path)
        except SampleError as exc:
            raise ModelError(f"model '{self.spec.name}': {exc}") from exc


def weights_in(model: str, path: Path) -> Any:
    """Return what a file holds, on the CPU: weights by name, if it is one of them; nothing in it is run.

    Raises:
        ModelError: It is no file of weights.
    """
    import torch

    torchaudio_compat.preseed()
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as exc:  # of pickle, zip, torch
        raise ModelError(f"model '{model}': {path} is no file of weights: {type(exc).__name__}: {exc}") from exc


def held_to(model: str, path: Path, given: Mapping[str, Any], wanted: Mapping[str, tuple[int, ...]]) -> None:
    """Check that weights are those of a network: each there, of its shape, and none more.

    Raises:
        ModelError: They are not.
    """
    missing = sorted(wanted.keys() - given.keys())
    strange = sorted(given.keys() - wanted.keys())
    misfits = [
        f"{name} {tuple(given[name].shape)} in place of {shape}"
        for name, shape in wanted.items()
        if name in given and tuple(given[name].shape) != shape
    ]
    for count, what, names in (
        (len(missing), "lacks", missing),
        (len(strange), "has besides", strange),
        (len(misfits), "has of another shape", misfits),
    ):
        if count:
            told = ", ".join(names[:3]) + (", ..." if count > 3 else "")
            raise ModelError(f"model '{model}': {path} {what} {count} weight(s) of its network: {told}")
