"""Sounds as they are played: at one rate and one loudness, with the anchor that is low-passed at 3.5 kHz."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from audiobench_pytest.datasets import read_audio
from audiobench_pytest.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Samples = NDArray[np.float32]

TARGET_LUFS = -23.0
"""Loudness that sounds are brought to (EBU R 128), unless one of a session would clip: then all are lower alike."""

ANCHOR_HZ = 3500
_MOST_HZ = 48_000
_PEAK = 0.99
_BLOCK_S = 0.4


def rate_of(path: Path) -> int:
    """Return the rate of a kept answer in Hz."""
    import soundfile

    return min(_MOST_HZ, int(soundfile.info(path).samplerate))


def decoded(path: Path, rate: int) -> Samples:
    """Return a sound at a rate in Hz.

    Raises:
        SampleError: It cannot be read.
    """
    return read_audio(path, rate).samples


def anchor(sound: Samples, rate: int) -> Samples:
    """Return what is left of a recording below 3.5 kHz."""
    import numpy as np
    import soxr

    low = soxr.resample(sound, rate, 2 * ANCHOR_HZ, quality="VHQ")
    back: Samples = soxr.resample(low, 2 * ANCHOR_HZ, rate, quality="VHQ").astype(np.float32)
    return np.pad(back, (0, max(0, len(sound) - len(back))))[: len(sound)]


def loudness(sound: Samples, rate: int) -> float:
    """Return the integrated loudness in LUFS (ITU-R BS.1770-4); of a sound below 0.4 s that of the whole of it.

    Returns:
        Minus infinity where there is nothing to hear.

    Raises:
        UsageError: pyloudnorm is not installed.
    """
    try:
        import pyloudnorm
    except ModuleNotFoundError:
        raise UsageError(
            "listening tests match loudness by the package 'pyloudnorm': pip install 'audiobench-pytest[speech]'"
        ) from None
    seconds = len(sound) / rate
    if not seconds > 0.0 or not sound.any():
        return -math.inf
    meter = pyloudnorm.Meter(rate, block_size=min(_BLOCK_S, seconds))
    return float(meter.integrated_loudness(sound.astype("float64")))


def matched(sounds: Mapping[str, tuple[Samples, int]]) -> tuple[dict[str, Samples], float]:
    """Return sounds of one loudness, by name, and which that is in LUFS; what is silent stays as it is.

    Args:
        sounds: Samples and their rate in Hz, by name.
    """
    import numpy as np

    levels = {name: loudness(sound, rate) for name, (sound, rate) in sounds.items()}
    target = TARGET_LUFS
    for name, (sound, _) in sounds.items():
        if math.isfinite(levels[name]):
            room = 20.0 * math.log10(_PEAK / float(np.abs(sound).max()))
            target = min(target, levels[name] + room)
    played = {}
    for name, (sound, _) in sounds.items():
        gain = 10.0 ** ((target - levels[name]) / 20.0) if math.isfinite(levels[name]) else 1.0
        played[name] = (sound * np.float32(gain)).astype(np.float32)
    return played, target


def as_wav(sound: Samples, rate: int) -> bytes:
    """Return a sound as every browser plays it, with nothing in it that tells where it comes from."""
    import soundfile

    buffer = io.BytesIO()
    soundfile.write(buffer, sound, rate, format="WAV", subtype="PCM_16")
    return buffer.getvalue()
