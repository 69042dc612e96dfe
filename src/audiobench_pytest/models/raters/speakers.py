"""Raters that say whether two sounds are of one voice."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
import warnings
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar

from audiobench_pytest.catalog.schema import ModelSpec
from audiobench_pytest.models.raters.base import Rater

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_MOST_VOICES = 4096


class ResemblyzerRater(Rater):
    """Cosine of two speaker embeddings (GE2E, Wan et al. 2018), by Resemblyzer with its weights, on the CPU.

    Sounds are preprocessed as the package does for its users: brought to a loudness, long silences shortened. Two
    voices that differ have 0.45 to 0.65, one voice 0.8 to 0.9; it moves with the band that is left. Each sound is taken
    whole: a voice to take is no recording of the answer, and says other words for another time.
    """

    compares: ClassVar = True
    aligns: ClassVar = False
    packages = ("resemblyzer", "torch", "librosa")
    distributions: ClassVar = ("Resemblyzer", "torch", "librosa")

    def __init__(self, spec: ModelSpec, args: Mapping[str, Any]) -> None:
        super().__init__(spec, args)
        self._encoder: Any = None
        self._voices: dict[str, NDArray[np.float32]] = {}

    def weights(self) -> Sequence[Path]:
        """Return the network inside the package."""
        found = importlib.util.find_spec("resemblyzer")
        folders = list(found.submodule_search_locations or ()) if found is not None else []
        return tuple(path for folder in folders for path in Path(folder).glob("pretrained.pt"))

    def load(self) -> None:
        """Load the network."""
        _lend_pkg_resources()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of scipy, over how Resemblyzer imports it
            from resemblyzer import VoiceEncoder

        self._encoder = VoiceEncoder("cpu", verbose=False)

    def close(self) -> None:
        """Free the network."""
        self._encoder = None
        self._voices.clear()

    def rate(self, sound: NDArray[np.float32], reference: NDArray[np.float32] | None) -> Mapping[str, float]:
        """Return `sim`."""
        if reference is None:
            raise ValueError("nothing to compare with")
        return {"sim": float(self._voice(sound) @ self._voice(reference))}

    def _voice(self, sound: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the embedding of a sound; that of a recording is met again with every model."""
        from resemblyzer import preprocess_wav

        key = hashlib.sha256(sound.tobytes()).hexdigest()
        if key not in self._voices:
            if len(self._voices) >= _MOST_VOICES:
                self._voices.clear()
            heard = preprocess_wav(sound)
            if not len(heard):
                raise ValueError("no voice is heard in it")
            self._voices[key] = self._encoder.embed_utterance(heard)
        return self._voices[key]


def _lend_pkg_resources() -> None:
    """Let webrtcvad, which Resemblyzer imports, ask for its own version: newer setuptools have no `pkg_resources`."""
    if importlib.util.find_spec("pkg_resources") is None:
        module = ModuleType("pkg_resources")
        module.get_distribution = lambda name: SimpleNamespace(version=version(name))  # type: ignore[attr-defined]
        sys.modules["pkg_resources"] = module
