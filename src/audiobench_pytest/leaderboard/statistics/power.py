"""The smallest difference that two runs of a set would show, by the very test that decides whether they differ."""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING

import numpy as np

from audiobench_pytest.leaderboard.statistics.permutation import EXACT, least_p
from audiobench_pytest.leaderboard.statistics.quantiles import normal_quantile, student_quantile

if TYPE_CHECKING:
    from audiobench_pytest.leaderboard.statistics.bootstrap import Array
    from audiobench_pytest.leaderboard.statistics.discordance import Discordance

LEVEL = 0.05
"""Level of every test: how often a difference is seen where there is none."""

POWER = 0.8
"""How often the smallest difference that a set is said to see is seen."""

_SETS = 500
"""Simulated sets of few units; the difference found so is right within two or three percent."""


def smallest_shown(error: float, apart: Discordance, tests: int = 1) -> tuple[float | None, str]:
    """Return the smallest true difference that the test would show with 80 % power, or None and the reason.

    It is what the spread of the differences allows and, where few units differ, no less than it takes for enough of
    them to differ at all. A single p-value is multiplied by the number of tests, as Holm's correction does with the
    smallest.

    Args:
        error: Standard error of the difference.
        apart: The units on which the runs differ.
        tests: Number of tests that are corrected for together.
    """
    level, units = LEVEL / max(1, tests), apart.units
    if least_p(units) > level:
        corrected = f" times {tests} comparisons" if tests > 1 else ""
        reason = f"of {units} that could differ, none can give a p-value below {least_p(units):.4g}{corrected}"
        return None, reason
    if not apart.differing:
        return None, "the runs do not differ anywhere, so that how much they would is not known"
    if not error >= 0.0 or not math.isfinite(apart.each):
        return None, "nothing tells how much the difference varies"
    by_spread = error * _errors_needed(units, level)
    by_number = _hits_needed(level) * apart.each / apart.effective if apart.rare else 0.0
    return max(by_spread, by_number), ""


def smallest_difference(error: float, units: int, *, level: float = LEVEL) -> float | None:
    """Return the smallest true difference that a two-sided test of many units would show with 80 % power, or None.

    Args:
        error: Standard error of the difference.
        units: Number of samples or clusters behind it.
        level: Level of the test.
    """
    if not error > 0.0 or units < 2:
        return None
    return error * (student_quantile(1.0 - level / 2.0, units - 1) + student_quantile(POWER, units - 1))


@functools.lru_cache(256)
def _errors_needed(units: int, level: float) -> float:
    """Return how many standard errors a difference must have for the sign-flip test to show it."""
    if units > EXACT:
        return student_quantile(1.0 - level / 2.0, units - 1) + student_quantile(POWER, units - 1)
    # Few units: the exact test is simulated on units whose differences are normal.
    noise = _normal(_SETS, units)
    signs = np.arange(2 ** (units - 1))[:, None] >> np.arange(units) & 1
    ways = 1.0 - 2.0 * signs.astype(np.float64)
    low, high = 0.0, 64.0
    for _ in range(14):
        middle = (low + high) / 2.0
        low, high = (
            (low, middle) if _share_shown(noise, middle / math.sqrt(units), ways, level) >= POWER else (middle, high)
        )
    return high


def _share_shown(noise: Array, shift: float, ways: Array, level: float) -> float:
    sets: Array = np.add(noise, shift)
    observed = np.abs(sets.sum(axis=1)) * (1.0 - 1e-9)
    found = np.stack(
        [(np.abs(np.einsum("wn,n->w", ways, one)) >= seen).mean() for one, seen in zip(sets, observed, strict=True)]
    )
    return float((found <= level).mean())


def _normal(sets: int, units: int) -> Array:
    """Return `(sets, units)` of normal numbers, the same with every numpy."""
    words = np.asarray(np.random.PCG64(1).random_raw(sets * units), np.float64) / 2.0**64
    numbers = np.array([normal_quantile(min(max(share, 1e-12), 1.0 - 1e-12)) for share in words])
    return numbers.reshape(sets, units)


@functools.lru_cache(256)
def _hits_needed(level: float) -> float:
    """Return how many units must be expected to differ, all in one direction, for enough to do so in 80 % of sets."""
    least = 1
    while 2.0 ** (1 - least) > level:
        least += 1
    low, high = 0.0, 10.0 * least
    for _ in range(60):
        middle = (low + high) / 2.0
        fewer = math.fsum(math.exp(k * math.log(middle) - middle - math.lgamma(k + 1.0)) for k in range(least))
        low, high = (low, middle) if 1.0 - fewer >= POWER else (middle, high)
    return high
