"""What each rater of sounds says: names, units and ranges of its ratings; `models.raters` computes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rating:
    """One number that a rater gives of one sound.

    Attributes:
        name: `stoi`, `ovrl`.
        unit: `dB`, `s`, or "" for a plain number.
        higher_is_better: The direction.
        minimum: The least there can be, or None.
        maximum: The greatest there can be, or None.
    """

    name: str
    unit: str = ""
    higher_is_better: bool = True
    minimum: float | None = None
    maximum: float | None = None


EMOTIONS = ("angry", "disgusted", "fearful", "happy", "neutral", "other", "sad", "surprised", "unknown")
"""What emotion2vec+ tells apart, in its own order."""


def _mos(*names: str) -> tuple[Rating, ...]:
    return tuple(Rating(name, minimum=1.0, maximum=5.0) for name in names)


RATINGS: Mapping[str, tuple[Rating, ...]] = {
    "stoi": (Rating("stoi", minimum=0.0, maximum=1.0), Rating("estoi", minimum=0.0, maximum=1.0)),
    "si-sdr": (Rating("si_sdr", "dB"),),
    "pesq": (Rating("pesq", minimum=1.0, maximum=5.0),),
    "dnsmos": _mos("dnsmos_ovrl", "dnsmos_sig", "dnsmos_bak", "dnsmos_p808"),
    "resemblyzer": (Rating("sim", minimum=-1.0, maximum=1.0),),
    "wavlm-sv": (Rating("sim", minimum=-1.0, maximum=1.0),),
    "wavlm-large-sv": (Rating("sim", minimum=-1.0, maximum=1.0),),
    "ecapa": (Rating("sim", minimum=-1.0, maximum=1.0),),
    "eres2net": (Rating("sim", minimum=-1.0, maximum=1.0),),
    "vad": (
        Rating("speech_share", minimum=0.0, maximum=1.0),
        Rating("leading_silence_s", "s", higher_is_better=False, minimum=0.0),
        Rating("trailing_silence_s", "s", higher_is_better=False, minimum=0.0),
    ),
    "loudness": (Rating("lufs", "LUFS"),),
    "mel-distance": (Rating("mel_distance", "dB", higher_is_better=False, minimum=0.0),),
    "f0": (
        Rating("f0_rmse_cents", "cents", higher_is_better=False, minimum=0.0),
        Rating("voicing_error", higher_is_better=False, minimum=0.0, maximum=1.0),
    ),
    "distillmos": _mos("distillmos"),
    "plcmos": _mos("plcmos"),
    "utmos": _mos("utmos"),
    "emotion2vec": tuple(Rating(name, minimum=0.0, maximum=1.0) for name in EMOTIONS),
}
"""By the name of the rater, the headline first."""
