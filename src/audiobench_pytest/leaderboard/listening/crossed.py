"""The interval of a mean over ratings, where chance is in who listened as well as in what was played."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from audiobench_pytest.leaderboard.statistics.quantiles import student_quantile


@dataclass(frozen=True, slots=True)
class Crossed:
    """A mean over ratings.

    Attributes:
        mean: Over all ratings.
        low: Lower end of its interval, or None where there is none to tell.
        high: Upper end.
        raters: Number of raters.
        clips: Number of clips.
    """

    mean: float
    low: float | None
    high: float | None
    raters: int
    clips: int


def crossed_mean(
    values: Sequence[float],
    raters: Sequence[str],
    clips: Sequence[str],
    bounds: tuple[float, float],
    confidence: float = 0.95,
) -> Crossed:
    """Return the mean of ratings with an interval over raters and clips.

    Its variance is that between raters, and that between clips, less what is counted in both (Cameron, Gelbach and
    Miller, "Robust inference with multiway clustering", JBES 2011), with Student's quantile for the fewer of the two.
    Of one rater it is over clips alone, and of one clip over raters.

    Args:
        values: One per rating; at least one.
        raters: Whose it is.
        clips: Of which clip.
        bounds: The least and the greatest value there can be; no end lies beyond.
        confidence: Share of new sets of raters and clips whose true mean the interval is to cover.
    """
    mean = math.fsum(values) / len(values)
    apart = [value - mean for value in values]
    of_raters, of_clips = _groups(apart, raters), _groups(apart, clips)
    of_both = _groups(apart, list(zip(raters, clips, strict=True)))
    found = Crossed(mean, None, None, len(of_raters), len(of_clips))
    parts = [_variance(groups, len(values)) for groups in (of_raters, of_clips) if len(groups) > 1]
    if not parts:
        return found
    # What both leave over may come out below zero by chance: then the greater of the two is all that is known.
    variance = max(math.fsum(parts) - _variance(of_both, len(values)), *parts) if len(parts) > 1 else parts[0]
    if not variance > 0.0:
        return found
    degrees = min(len(groups) for groups in (of_raters, of_clips) if len(groups) > 1) - 1
    reach = student_quantile((1.0 + confidence) / 2.0, degrees) * math.sqrt(variance)
    low, high = (float(f"{end:.12g}") for end in (mean - reach, mean + reach))
    return Crossed(mean, max(bounds[0], low), min(bounds[1], high), len(of_raters), len(of_clips))


def _groups(apart: Sequence[float], names: Sequence[object]) -> list[float]:
    sums: dict[object, list[float]] = {}
    for value, name in zip(apart, names, strict=True):
        sums.setdefault(name, []).append(value)
    return [math.fsum(values) for values in sums.values()]


def _variance(groups: Sequence[float], ratings: int) -> float:
    """Return the variance of a mean as its groups differ."""
    if len(groups) < 2:
        return 0.0
    return len(groups) / (len(groups) - 1) * math.fsum(total**2 for total in groups) / ratings**2
