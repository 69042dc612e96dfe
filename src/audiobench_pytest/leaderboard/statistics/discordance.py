"""How far a difference of two runs may lie from the one seen where few samples, or clusters, differ at all.

A bootstrap draws from what was seen: where nothing differed, it finds no difference, and where two clusters differ
alike, it finds nothing that varies. What is uncertain there is how many units differ, and of that the binomial
distribution knows the bounds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from audiobench_pytest.leaderboard.quantities import LEAST_EFFECTIVE
from audiobench_pytest.leaderboard.statistics import exact
from audiobench_pytest.leaderboard.statistics.bootstrap import unit_sums
from audiobench_pytest.leaderboard.statistics.intervals import intervals
from audiobench_pytest.leaderboard.statistics.units import FEW, Units

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from audiobench_pytest.leaderboard.statistics.bootstrap import Columns, Estimate, Values
    from audiobench_pytest.types import Quantity

_ROUNDING = 1e-12
"""A change below this share of the value is rounding, not a difference."""


@dataclass(frozen=True, slots=True)
class Discordance:
    """The units on which two runs differ in a quantity.

    Attributes:
        units: Number of samples or clusters.
        effective: How many of equal size tell as much.
        differing: On how many the runs differ.
        higher: Share of the samples in units where the second run has the higher value.
        lower: The same of the lower value.
        each: What a unit that differs is off by, in the quantity's unit: the root of the mean square of those that
            differ, and the less there are the more of what units are off that err; NaN where nobody knows.
    """

    units: int
    effective: float
    differing: int
    higher: float
    lower: float
    each: float

    @property
    def few(self) -> bool:
        """Whether their number is what is uncertain, more than what each is off by.

        So it is where few of many differ, and where there are hardly any at all: of two speakers that agree. Ten
        speakers of whom each differs somewhat say how much that varies.
        """
        return self.rare or self.effective < LEAST_EFFECTIVE

    @property
    def rare(self) -> bool:
        """Whether few of many differ."""
        return self.differing <= FEW and 2 * self.differing <= self.units

    def reach(self, confidence: float) -> tuple[float, float] | None:
        """Return how much lower and how much higher than the one seen the true difference may be, each one-sided.

        The bounds of both shares are Clopper and Pearson's, put together after Zou and Donner, "Construction of
        confidence limits about effect measures", Statistics in Medicine 2008.
        """
        if self.units < 2 or not math.isfinite(self.each):
            return None
        up_low, up_high = self._away(self.higher, confidence)
        down_low, down_high = self._away(self.lower, confidence)
        # What is higher is not lower: of many that differ little, a part of both; where all differ, one share is the
        # other's rest, and its bounds add up.
        up, down = ((share * self.effective + 0.5) / (self.effective + 1.0) for share in (self.higher, self.lower))
        together = min(1.0, math.sqrt(up * down / ((1.0 - up) * (1.0 - down))))
        below, above = (
            math.sqrt(one**2 + other**2 + 2.0 * together * one * other)
            for one, other in ((up_low, down_high), (up_high, down_low))
        )
        return self.each * below, self.each * above

    def _away(self, share: float, confidence: float) -> tuple[float, float]:
        hits = min(self.effective, share * self.effective)
        below = share - exact.lower(hits, self.effective, confidence)
        return max(0.0, below), max(0.0, exact.upper(hits, self.effective, confidence) - share)


def discordance(
    first: Columns, second: Columns, values: Values, quantity: Quantity, clusters: NDArray[np.intp] | None = None
) -> Discordance:
    """Count the units on which two runs differ.

    Args:
        first: Sufficient numbers of one run, `(samples,)` each.
        second: Those of the other, with the same names, on the same samples.
        values: Sums to quantities.
        quantity: Which one.
        clusters: `(samples,)` cluster of each sample, or None.
    """
    sides = [Units(columns, values, clusters) for columns in (first, second)]
    units = sides[0]
    effects = _effects(first, second, values, quantity.name, clusters)
    up, down = effects > 0.0, effects < 0.0
    differing = up | down
    off = np.abs(effects[differing]) / units.weights[differing]
    wrong = np.concatenate([side.wrong(quantity) for side in sides])
    typical = math.sqrt(float((wrong**2).mean())) if len(wrong) else units.whole(quantity)
    squares = float((off**2).sum())
    # What a unit that errs is off by counts in full where none differs, and the less the more do.
    doubt = 1.0 / (1.0 + len(off))
    each = math.nan if typical is None else math.sqrt((squares + doubt * typical**2) / (len(off) + doubt))
    return Discordance(
        units=units.size,
        effective=units.effective,
        differing=len(off),
        higher=float(units.weights[up].sum()),
        lower=float(units.weights[down].sum()),
        each=each,
    )


def ends_of(
    found: Estimate, apart: Discordance, confidence: float, *, turned: bool = False
) -> tuple[float, float] | None:
    """Return both ends of a difference, each one-sided at a confidence; None where nothing tells any.

    Args:
        found: The difference and its draws.
        apart: The units on which the runs differ.
        confidence: Above 0.5, below 1.
        turned: Whether `found` is the first run's value less the second's.
    """
    ends = found.interval(2.0 * confidence - 1.0, symmetric=True)
    still = ends is None and found.error == 0.0
    if still:
        # Nothing varies: the runs agree on all units, or differ by the same on each.
        ends = (found.value, found.value)
    if ends is None or not (apart.few or still):
        return ends
    reach = apart.reach(confidence)
    if reach is None:
        return None
    below, above = reversed(reach) if turned else reach
    return min(ends[0], found.value - below), max(ends[1], found.value + above)


def possible(
    first: Columns,
    second: Columns,
    values: Values,
    quantity: Quantity,
    ends: tuple[float, float],
    at: tuple[float, float],
    clusters: NDArray[np.intp] | None = None,
) -> tuple[float, float]:
    """Return the ends of a difference, second less first, moved inside of what there can be.

    An error rate of 2 % cannot fall by more than itself, or by more than what it may be in truth.

    Args:
        first: Numbers of the first run.
        second: Those of the second.
        values: Sums to quantities.
        quantity: Which one.
        ends: The ends of the interval of the difference.
        at: The values of both runs.
        clusters: `(samples,)` cluster of each sample, or None.
    """
    least, greatest = quantity.minimum, quantity.maximum
    low, high = ends
    inside = (least is None or (low >= least - at[0] and high <= at[1] - least)) and (
        greatest is None or (high <= greatest - at[0] and low >= at[1] - greatest)
    )
    if inside:
        return ends
    known = [intervals(one, values, clusters, quantities=[quantity])[quantity.name] for one in (first, second)]
    if None in known:
        return ends
    (first_low, first_high), (second_low, second_high) = (one for one in known if one is not None)
    if least is not None:
        low, high = max(low, least - first_high), min(high, second_high - least)
    if greatest is not None:
        low, high = max(low, second_low - greatest), min(high, greatest - first_low)
    seen = at[1] - at[0]
    return min(low, seen), max(high, seen)


def _effects(
    first: Columns, second: Columns, values: Values, quantity: str, clusters: NDArray[np.intp] | None
) -> NDArray[np.float64]:
    """Return `(units,)`: by how much the value of the whole set would rise if the runs differed on this unit only."""
    names, ours = unit_sums(first, clusters)
    theirs = unit_sums(second, clusters)[1]
    sums = {name: math.fsum(column) for name, column in zip(names, ours, strict=True)}
    moved = {name: sums[name] + (other - one) for name, one, other in zip(names, ours, theirs, strict=True)}
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        before = values({name: np.array([number]) for name, number in sums.items()})[quantity]
        found = np.asarray(values(moved)[quantity], np.float64) - before
    found = np.where(np.isfinite(found), found, 0.0)
    return np.where(np.abs(found) > _ROUNDING * np.abs(before), found, 0.0)
