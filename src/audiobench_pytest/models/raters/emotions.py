"""The rater that says which emotion it hears in a sound."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from audiobench_pytest.catalog.schema import ModelSpec
from audiobench_pytest.errors import ModelError
from audiobench_pytest.hub import COMMIT, explain
from audiobench_pytest.models.base import Weights, weights_of
from audiobench_pytest.models.options import Option
from audiobench_pytest.models.raters.base import Rater
from audiobench_pytest.models.transformers import devices
from audiobench_pytest.models.transformers.checkpoints import folder_digest

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_WEIGHTS, _CONFIGURATION = "model.pt", "config.yaml"
"""Files of such a checkpoint that decide on what it hears, beside those that any checkpoint may have."""


class Emotion2vecRater(Rater):
    """Probabilities of nine emotions by emotion2vec+ (Ma et al. 2024), through funasr, one whole sound at a time.

    The weights are those of a repository of the hub, pinned by its commit, or of a folder, pinned by its digest.
    """

    packages = ("funasr", "torch", "huggingface_hub")
    distributions: ClassVar = ("funasr", "torch")
    installed_by = "pip install funasr torch torchaudio huggingface_hub"
    options: ClassVar[Mapping[str, Option]] = {
        "device": Option(str, "auto", "auto, cpu, mps, cuda or cuda:N", (), False),
    }

    @classmethod
    def fetched_weights(cls, spec: ModelSpec, args: Mapping[str, Any]) -> list[Weights]:
        """Return the repository of the checkpoint, where it is no folder."""
        return weights_of(spec.source, spec.revision, whole=True)

    def __init__(self, spec: ModelSpec, args: Mapping[str, Any]) -> None:
        super().__init__(spec, args)
        self._placement = devices.place(self.args["device"], "float32")
        self._model: Any = None

    def identity(self) -> dict[str, Any]:
        """Return the base identity with what pins the weights: a commit, or the digest of a folder.

        Raises:
            ModelError: The checkpoint is not there.
        """
        if self._is_folder:
            digest = folder_digest(self._folder(), also=(_WEIGHTS, _CONFIGURATION))
            return {**super().identity(), "model": "folder", "revision": None, "weights": digest}
        return {**super().identity(), "revision": self._commit}

    def describe(self) -> dict[str, Any]:
        """Return where it runs."""
        return devices.describe(self._placement)

    def load(self) -> None:
        """Bring the network to its device.

        Raises:
            ModelError: It cannot be loaded.
        """
        devices.check(self._placement, self.spec.name)
        folder = self._folder()
        try:
            from funasr import AutoModel  # type: ignore[import-not-found]

            self._model = AutoModel(
                model=str(folder), device=self._placement.device, disable_update=True, disable_pbar=True
            )
        except Exception as exc:  # of the package, of torch, of whatever reads its configuration
            raise ModelError(
                f"model '{self.spec.name}' cannot be loaded from {folder}: {type(exc).__name__}: {exc}"
            ) from exc

    def close(self) -> None:
        """Free the network."""
        self._model = None

    def rate(self, sound: NDArray[np.float32], reference: NDArray[np.float32] | None) -> Mapping[str, float]:
        """Return the probability of each emotion."""
        (found,) = self._model.generate(
            input=sound, fs=self.sample_rate, granularity="utterance", extract_embedding=False
        )
        return {_english(label): float(score) for label, score in zip(found["labels"], found["scores"], strict=True)}

    @property
    def _is_folder(self) -> bool:
        return bool(self.spec.source) and not weights_of(self.spec.source)

    @functools.cached_property
    def _commit(self) -> str:
        """The commit of a repository: as its entry has it, else that which the cache knows, else that of the hub.

        Raises:
            ModelError: The hub does not give it.
        """
        source, revision = str(self.spec.source or ""), self.spec.revision or "main"
        if not source:
            raise ModelError(f"model '{self.spec.name}': its entry needs a 'source': a folder, or a hub id")
        if COMMIT.fullmatch(revision):
            return revision
        import huggingface_hub

        try:
            # `.../snapshots/<commit>/config.yaml`; what the cache holds is not asked for again.
            cached = huggingface_hub.try_to_load_from_cache(source, _CONFIGURATION, revision=revision)
            found = cached if isinstance(cached, str) else None
            return Path(found or huggingface_hub.hf_hub_download(source, _CONFIGURATION, revision=revision)).parent.name
        except Exception as exc:  # the client's errors and those of the library below it share no base class
            raise ModelError(explain(exc, f"model '{self.spec.name}': {source} at {revision}", source)) from exc

    def _folder(self) -> Path:
        """Return where the checkpoint lies, fetching it where it is of a hub and not here yet.

        Raises:
            ModelError: There is none, or the hub does not give it.
        """
        if self._is_folder:
            folder = Path(str(self.spec.source)).expanduser()
            if not folder.is_dir():
                raise ModelError(f"model '{self.spec.name}': there is no folder {folder}")
            return folder
        import huggingface_hub

        source, commit = str(self.spec.source), self._commit
        try:
            return Path(huggingface_hub.snapshot_download(source, revision=commit))
        except Exception as exc:  # as above
            raise ModelError(explain(exc, f"model '{self.spec.name}': {source} at {commit}", source)) from exc


def _english(label: object) -> str:
    """Return the English half of a label (`\u5f00\u5fc3/happy`); the class for what is none of them has no word."""
    word = str(label).rpartition("/")[2].strip("<>")
    return word if word not in ("", "unk") else "unknown"
