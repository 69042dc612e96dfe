"""Quantiles of the normal and of Student's t distribution, without a library of distributions."""

from __future__ import annotations

import functools
import math
from statistics import NormalDist

_SERIES = 200
"""Degrees of freedom up to which the distribution is summed exactly; above, the expansion errs by less than 1e-9."""


def normal_quantile(share: float) -> float:
    """Return the value that a standard normal number stays below with this probability, 0 < share < 1."""
    return NormalDist().inv_cdf(share)


@functools.lru_cache(1024)
def student_quantile(share: float, degrees: int) -> float:
    """Return the value that a Student t number stays below with this probability.

    Args:
        share: The probability, 0 < share < 1.
        degrees: Degrees of freedom, 1 or more.

    Raises:
        ValueError: An argument is out of range.
    """
    if not 0.0 < share < 1.0 or degrees < 1:
        raise ValueError(f"share={share} must lie between 0 and 1 and degrees={degrees} must be positive")
    if share < 0.5:
        return -student_quantile(1.0 - share, degrees)
    if degrees > _SERIES:
        return _expansion(normal_quantile(share), degrees)
    low, high = 0.0, 1.0
    while student_within(high, degrees) < 2.0 * share - 1.0:
        low, high = high, 2.0 * high
    for _ in range(200):
        middle = (low + high) / 2.0
        if middle in (low, high):
            break
        if student_within(middle, degrees) < 2.0 * share - 1.0:
            low = middle
        else:
            high = middle
    return high


def student_within(reach: float, degrees: int) -> float:
    """Return the probability that a Student t number lies between -reach and reach.

    The finite series of Abramowitz and Stegun, Handbook of Mathematical Functions, 26.7.3 and 26.7.4.
    """
    angle = math.atan2(reach, math.sqrt(degrees))
    sine, squared = math.sin(angle), math.cos(angle) ** 2
    if degrees % 2:
        term, total = math.cos(angle), 0.0
        for k in range(3, degrees + 1, 2):
            total += term
            term *= squared * (k - 1) / k
        return 2.0 / math.pi * (angle + sine * total)
    term, total = 1.0, 0.0
    for k in range(2, degrees + 1, 2):
        total += term
        term *= squared * (k - 1) / k
    return sine * total


def _expansion(z: float, degrees: int) -> float:
    """Return the quantile from the normal one, z, by the expansion 26.7.5 of the same book."""
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    for power, term in enumerate(terms, 1):
        z += term / float(degrees) ** power
    return z
