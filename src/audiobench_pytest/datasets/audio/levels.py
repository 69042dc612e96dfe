"""How loud a clip is, in the few numbers that tell a fault of the recording."""

from __future__ import annotations

import math
from collections.abc import Mapping

from audiobench_pytest.types import Audio

_FULL = 0.98
"""Of full scale: resampling rounds the corners of what was clipped."""


def levels(audio: Audio) -> Mapping[str, float]:
    """Return the levels of a clip.

    Returns:
        `peak`: its largest absolute sample, full scale is 1; `rms`: its mean level in decibels of full scale, at least
        -120; `full`: share of samples at full scale or beyond, 0 to 1, where there are any.
    """
    import numpy as np

    samples = audio.samples
    if not len(samples):
        return {}
    peak = max(float(samples.max()), -float(samples.min()))
    power = float(np.vdot(samples, samples)) / len(samples)
    found = {"peak": round(peak, 4), "rms": round(10 * math.log10(max(power, 1e-12)), 1)}
    if peak >= _FULL:
        found["full"] = round(int(np.count_nonzero(np.abs(samples) >= _FULL)) / len(samples), 5)
    return found
