"""Exact bounds of a share that was counted: binomial, for any number of hits and any size of the set.

Numbers need not be whole: of clusters of unequal size, as many count as there effectively are.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable

RULE_OF_THREE = 0.95
"""Confidence of the one end of a share of which nothing (or all) was seen: 1 - 0.05 ** (1 / n), nearly 3 / n."""

PERCENTILE_CONFIDENCE = 0.99
"""How sure a limit on a percentile must be."""

_ROUNDING = 1e-9
"""By what share of the size hits may be out of range."""

_STEPS = 300
"""Most steps of the continued fraction; it takes some tens."""


@functools.lru_cache(4096)
def upper(hits: float, size: float, confidence: float) -> float:
    """Return the greatest share that is still likely (Clopper and Pearson, Biometrika 1934).

    Were the true share any greater, this few hits would come in less than 1 - confidence of all sets.

    Args:
        hits: Number seen, 0 to `size`.
        size: Of how many.
        confidence: One-sided, between 0 and 1.

    Raises:
        ValueError: An argument is out of range.
    """
    _check(hits, size, confidence)
    # Shares of effective numbers are added up: all of them may be a rounding more than all.
    hits = max(0.0, hits)
    if hits >= size:
        return 1.0
    return _solved(lambda share: 1.0 - beta_below(share, hits + 1.0, size - hits), 1.0 - confidence)


def lower(hits: float, size: float, confidence: float) -> float:
    """Return the least share that is still likely; the mirror of `upper`."""
    return 1.0 - upper(size - hits, size, confidence)


def two_sided(hits: float, size: float, confidence: float = 0.95) -> tuple[float, float]:
    """Return both ends of the Clopper-Pearson interval of a share; never without width, also at none and at all."""
    one_sided = (1.0 + confidence) / 2.0
    return lower(hits, size, one_sided), upper(hits, size, one_sided)


def at_most(hits: int, size: int, share: float) -> float:
    """Return the probability of at most this many hits of `size` where each is one with probability `share`."""
    if hits >= size:
        return 1.0
    return 1.0 - beta_below(share, hits + 1.0, size - float(hits))


def most_beyond(size: int, percent: float, confidence: float = PERCENTILE_CONFIDENCE) -> int | None:
    """Return how many of `size` values may lie above a limit for the percentile to lie below it for sure, or None.

    None says that the set is too small even where no value is above: of the 95th percentile 90 values are needed, of
    the median 7.
    """
    least, most = -1, size
    while most - least > 1:
        middle = (least + most) // 2
        if at_most(middle, size, 1.0 - percent / 100.0) > 1.0 - confidence:
            most = middle
        else:
            least = middle
    return least if least >= 0 else None


def least_size(percent: float, confidence: float = PERCENTILE_CONFIDENCE) -> int:
    """Return how many values it takes to be sure of a percentile where none is above the limit."""
    return math.ceil(math.log(1.0 - confidence) / math.log(percent / 100.0) - 1e-9)


def beta_below(point: float, first: float, second: float) -> float:
    """Return the regularised incomplete beta function: the probability that a Beta(first, second) number is below.

    The continued fraction 26.5.8 of Abramowitz and Stegun, Handbook of Mathematical Functions, evaluated after Lentz.
    """
    if point <= 0.0 or point >= 1.0:
        return 0.0 if point <= 0.0 else 1.0
    if point > (first + 1.0) / (first + second + 2.0):
        return 1.0 - beta_below(1.0 - point, second, first)
    weight = math.exp(
        math.lgamma(first + second)
        - math.lgamma(first)
        - math.lgamma(second)
        + first * math.log(point)
        + second * math.log1p(-point)
    )
    return weight * _fraction(point, first, second) / first


def _fraction(point: float, first: float, second: float) -> float:
    tiny = 1e-300
    top, bottom = 1.0, 1.0 - (first + second) * point / (first + 1.0)
    bottom = 1.0 / (bottom or tiny)
    found = bottom
    # The fraction converges in about the square root of the larger parameter.
    for step in range(1, _STEPS + int(10 * math.sqrt(max(first, second)))):
        even = step * (second - step) * point / ((first + 2 * step - 1) * (first + 2 * step))
        odd = -(first + step) * (first + second + step) * point / ((first + 2 * step) * (first + 2 * step + 1))
        for term in (even, odd):
            bottom = 1.0 / ((1.0 + term * bottom) or tiny)
            top = (1.0 + term / top) or tiny
            found *= top * bottom
        if abs(top * bottom - 1.0) < 1e-15:
            break
    return found


def _solved(falling: Callable[[float], float], wanted: float) -> float:
    """Return where a function that falls from 1 to 0 over the shares takes a value."""
    low, high = 0.0, 1.0
    for _ in range(200):
        middle = (low + high) / 2.0
        if middle in (low, high):
            break
        if falling(middle) > wanted:
            low = middle
        else:
            high = middle
    return float(f"{high:.12g}")


def _check(hits: float, size: float, confidence: float) -> None:
    if not (size > 0 and -_ROUNDING * size <= hits <= (1 + _ROUNDING) * size and 0.0 < confidence < 1.0):
        raise ValueError(f"{hits} hits of {size} at confidence {confidence}: 0 <= hits <= size, size above 0, 0 to 1")
