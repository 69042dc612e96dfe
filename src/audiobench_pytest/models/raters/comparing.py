"""Raters that compare with the recording: intelligibility, quality, distortion, spectra."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from audiobench_pytest.models.raters.base import Rater, within

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_MELS, _FFT, _HOP = 80, 1024, 256
_FLOOR = 1e-5
_REPETITIONS = (1, 2, 4, 8)


class StoiRater(Rater):
    """Short-time objective intelligibility (Taal et al. 2011), and extended (Jensen and Taal 2016), by pystoi.

    Both need 30 frames (0.4 s) in which the recording is not silent: a shorter one, and the answer with it, is repeated
    until there are as many.
    """

    compares: ClassVar = True
    packages = ("pystoi",)
    distributions: ClassVar = ("pystoi",)

    def rate(self, sound: NDArray[np.float32], reference: NDArray[np.float32] | None) -> Mapping[str, float]:
        """Return `stoi` and `estoi`."""
        import numpy as np

        if reference is None:
            raise ValueError("nothing to compare with")
        for times in _REPETITIONS:
            found = _stoi(np.tile(reference, times), np.tile(sound, times), self.sample_rate or 16_000)
            if found is not None:
                return found
        raise ValueError(f"too little of the recording is not silent, also {_REPETITIONS[-1]} times in a row")


def _stoi(reference: NDArray[np.float32], sound: NDArray[np.float32], rate: int) -> dict[str, float] | None:
    """Return both forms, or None where pystoi has too few frames: it then warns, and says 1e-5."""
    from pystoi import stoi

    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        try:
            return {
                "stoi": float(stoi(reference, sound, rate)),
                "estoi": float(stoi(reference, sound, rate, extended=True)),
            }
        except RuntimeWarning:
            return None


class PesqRater(Rater):
    """Wide-band PESQ (ITU-T P.862.2) at 16 kHz, by the package pesq."""

    compares: ClassVar = True
    packages = ("pesq",)
    distributions: ClassVar = ("pesq",)

    def rate(self, sound: NDArray[np.float32], reference: NDArray[np.float32] | None) -> Mapping[str, float]:
        """Return `pesq`."""
        from pesq import pesq

        return {"pesq": pesq(self.sample_rate, reference, sound, "wb")}


class SiSdrRater(Rater):
    """Scale-invariant signal to distortion ratio (Le Roux et al. 2019), in dB, of the means taken out."""

    compares: ClassVar = True
    extra = "demo"

    def rate(self, sound: NDArray[np.float32], reference: NDArray[np.float32] | None) -> Mapping[str, float]:
        """Return `si_sdr`; two equal sounds differ by the rounding of their samples, which bounds it."""
        import numpy as np

        if reference is None:
            raise ValueError("nothing to compare with")
        wanted = reference.astype(np.float64) - reference.mean(dtype=np.float64)
        given = sound.astype(np.float64) - sound.mean(dtype=np.float64)
        target = wanted * (given @ wanted) / (wanted @ wanted)
        # 16-bit samples are right to 2^-16: a distortion below that is none that a file could hold.
        rest = max(float(np.sum((given - target) ** 2)), len(given) * 2.0**-32 / 12)
        return {"si_sdr": 10 * float(np.log10(max(float(target @ target), 1e-20) / rest))}


class MelDistanceRater(Rater):
    """Root mean square distance of log mel spectra, in dB: 80 bands up to 8 kHz, windows of 1,024 samples every 256."""

    compares: ClassVar = True
    extra = "demo"

    def rate(self, sound: NDArray[np.float32], reference: NDArray[np.float32] | None) -> Mapping[str, float]:
        """Return `mel_distance`."""
        import numpy as np

        if reference is None:
            raise ValueError("nothing to compare with")
        bands = _mel_bands(_MELS, _FFT, self.sample_rate or 16_000)
        first, second = (20 * np.log10(np.maximum(_magnitudes(one) @ bands.T, _FLOOR)) for one in (sound, reference))
        return {"mel_distance": float(np.sqrt(np.mean((first - second) ** 2)))}


def _magnitudes(sound: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return `(frames, bins)` magnitudes of Hann windows."""
    import numpy as np

    padded = np.pad(within(sound).astype(np.float64), _FFT // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, _FFT)[::_HOP]
    spectra: NDArray[np.float64] = np.abs(np.fft.rfft(frames * np.hanning(_FFT), axis=1))
    return spectra


def _mel_bands(bands: int, fft: int, rate: int) -> NDArray[np.float64]:
    """Return `(bands, bins)` triangles of unit height, evenly spaced in mel (2595 log10(1 + f / 700))."""
    import numpy as np

    top = 2595 * np.log10(1 + rate / 2 / 700)
    edges = 700 * (10 ** (np.linspace(0, top, bands + 2) / 2595) - 1)
    bins = np.fft.rfftfreq(fft, 1 / rate)
    low, middle, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    up, down = (bins - low) / (middle - low), (high - bins) / (high - middle)
    triangles: NDArray[np.float64] = np.maximum(0.0, np.minimum(up, down))
    return triangles
