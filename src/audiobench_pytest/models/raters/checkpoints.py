"""Raters whose weights come from a hub, or lie in a folder: WavLM's likeness of voices, UTMOS."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from audiobench_pytest.catalog.schema import ModelSpec
from audiobench_pytest.errors import ModelError
from audiobench_pytest.models.base import Weights, weights_of
from audiobench_pytest.models.options import Option
from audiobench_pytest.models.raters.base import Rater, within
from audiobench_pytest.models.transformers import devices

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from audiobench_pytest.models.transformers.checkpoints import Checkpoint


class WavlmRater(Rater):
    """Cosine of two speaker embeddings of a WavLM with an x-vector head, through transformers, one sound at a time.

    Not the checkpoint of published tables, which is that of `wavlm_large.py`: its values compare with those of the same
    entry alone. A padded batch would change an embedding, so there is none. Each sound is taken whole.
    """

    compares: ClassVar = True
    aligns: ClassVar = False
    packages = ("torch", "transformers")
    distributions: ClassVar = ("torch", "transformers")
    extra = "local"
    options: ClassVar[Mapping[str, Option]] = {
        "device": Option(str, "cpu", "auto, cpu, mps, cuda or cuda:N", (), False),
    }

    @classmethod
    def fetched_weights(cls, spec: ModelSpec, args: Mapping[str, Any]) -> list[Weights]:
        """Return the checkpoint's repository, where it is no folder."""
        return weights_of(spec.source, spec.revision)

    def __init__(self, spec: ModelSpec, args: Mapping[str, Any]) -> None:
        super().__init__(spec, args)
        self._placement = devices.place(self.args["device"], "float32")
        self._parts: tuple[Any, Any] | None = None

    def identity(self) -> dict[str, Any]:
        """Return the base identity with what pins the weights: a commit, or the digest of a folder.

        Raises:
            ModelError: The checkpoint is not there.
        """
        return {**super().identity(), **self._checkpoint.identity()}

    @functools.cached_property
    def _checkpoint(self) -> Checkpoint:
        from audiobench_pytest.models.transformers.checkpoints import open_checkpoint

        return open_checkpoint(self.spec)

    def load(self) -> None:
        """Load model and feature extractor, in single precision.

        Raises:
            ModelError: They cannot be loaded, or lack the head.
        """
        extractor = self._checkpoint.load("AutoFeatureExtractor")
        model = self._checkpoint.load_model("WavLMForXVector", self._placement, "auto", "it tells no voices apart")
        self._parts = (extractor, model)

    def describe(self) -> dict[str, Any]:
        """Return where it runs."""
        return devices.describe(self._placement)

    def close(self) -> None:
        """Free the network."""
        self._parts = None

    def rate(self, sound: NDArray[np.float32], reference: NDArray[np.float32] | None) -> Mapping[str, float]:
        """Return `sim`."""
        if reference is None:
            raise ValueError("nothing to compare with")
        one, other = self._voice(sound), self._voice(reference)
        return {"sim": float(one @ other)}

    def _voice(self, sound: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the embedding of a sound, of length 1."""
        import numpy as np
        import torch

        assert self._parts is not None
        extractor, model = self._parts
        given = extractor(sound, sampling_rate=self.sample_rate, return_tensors="pt").to(self._placement.device)
        with torch.inference_mode():
            found: NDArray[np.float64] = model(**given).embeddings[0].cpu().double().numpy()
        return found / np.linalg.norm(found)


class UtmosRater(Rater):
    """UTMOS 2022, strong learner (Saeki et al.), by the package utmos, which fetches its weights from a hub.

    It learnt from English; the entry knows no other language. One sound at a time.
    """

    packages = ("utmos", "fairseq", "torch")
    distributions: ClassVar = ("utmos", "fairseq", "torch")
    installed_by = "pip install utmos, where fairseq can be installed"  # it holds back many others

    @classmethod
    def fetched_weights(cls, spec: ModelSpec, args: Mapping[str, Any]) -> list[Weights]:
        """Return that the package alone knows where its weights are."""
        return weights_of("UTMOS 2022", elsewhere="a hub of the package utmos")

    def __init__(self, spec: ModelSpec, args: Mapping[str, Any]) -> None:
        super().__init__(spec, args)
        self._score: Any = None

    def load(self) -> None:
        """Load the network, fetching it where it is not there yet.

        Raises:
            ModelError: It cannot be loaded.
        """
        try:
            import utmos  # type: ignore[import-not-found]

            self._score = utmos.Score()
        except Exception as exc:  # the package's own, or its hub's
            raise ModelError(f"model '{self.spec.name}' cannot be loaded: {type(exc).__name__}: {exc}") from exc

    def close(self) -> None:
        """Free the network."""
        self._score = None

    def rate(self, sound: NDArray[np.float32], reference: NDArray[np.float32] | None) -> Mapping[str, float]:
        """Return `utmos`, 1 to 5."""
        import torch

        return {"utmos": float(self._score.calculate_wav(torch.from_numpy(within(sound))[None], self.sample_rate))}
