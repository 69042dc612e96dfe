"""Is a run worse than its baseline by more than is allowed?

docs/statistics.md says in plain words what is computed, and how often it is wrong in simulation.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from audiobench_pytest.leaderboard.statistics.bootstrap import RESAMPLES, SEED
from audiobench_pytest.leaderboard.statistics.discordance import discordance, ends_of, possible
from audiobench_pytest.leaderboard.statistics.pairs import estimate_of_both, same_names, value_of
from audiobench_pytest.types import Quantity

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from audiobench_pytest.leaderboard.statistics.bootstrap import Array, Columns, Estimate, Values
    from audiobench_pytest.leaderboard.statistics.discordance import Discordance


class Outlook(StrEnum):
    """What a regression test concludes."""

    PASS = "pass"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True)
class Regression:
    """What is known of the worsening of a run against its baseline.

    Attributes:
        verdict: `fail` where even `low` is above `allowed`, `pass` where `high` is at most `allowed`, else
            `inconclusive`: the samples cannot tell.
        worsening: How much worse the new run is, in the quantity's unit; negative where it is better; None where
            nothing defines it.
        low: The least worsening that the samples allow for: one-sided, too high in at most 1 - confidence of all runs.
        high: The greatest: too low in at most 1 - confidence of all runs.
        allowed: The allowed regression in the quantity's unit; None where nothing defines it.
        base: Value of the baseline.
        new: Value of the new run.
        units: What was resampled: number of samples, or of clusters.
        confidence: As asked for.
        clustered: Whether clusters were, that is whether `units` are no samples.
        effective: How many units of equal size would tell as much.
        differing: On how many units the runs differ; with none, the interval is what their number alone tells.
        p: How sure `fail` is: the least 1 - confidence at which `low` is above `allowed`; None where there is no `low`.
    """

    verdict: Outlook
    worsening: float | None
    low: float | None
    high: float | None
    allowed: float | None
    base: float | None
    new: float | None
    units: int
    confidence: float
    clustered: bool = False
    effective: float = 0.0
    differing: int = 0
    p: float | None = None

    @property
    def identical(self) -> bool:
        """Whether the runs are as good as each other on every single unit."""
        return self.units > 0 and not self.differing


def regression(
    columns_new: Columns,
    columns_base: Columns,
    values: Values,
    quantity: Quantity,
    max_regression: float,
    confidence: float = 0.95,
    *,
    relative: bool = False,
    clusters: NDArray[np.intp] | None = None,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> Regression:
    """Judge whether a run is worse than its baseline by more than is allowed, on the same samples.

    The verdict is `fail` where even the favourable end of the interval of the worsening lies beyond what is allowed,
    `pass` where even the unfavourable end lies within, `inconclusive` in between. Each end is one-sided at
    `confidence`: a run that is worse by exactly what is allowed, or by less, fails in at most 1 - confidence of all
    cases. With no or one sample (or cluster), and where nothing defines a value, the verdict is `inconclusive`.

    Where few units differ, or none, the ends are at least as far apart as their number alone allows: ten samples on
    which nothing differs do not show that nothing does elsewhere (see `discordance`).

    Args:
        columns_new: Sufficient numbers of the new run, `(samples,)` each.
        columns_base: Those of the baseline, on the same samples in the same order (see `pairs.pair`).
        values: Sums of sufficient numbers to quantities.
        quantity: Which one, and which direction is better.
        max_regression: How much worse the new run may be: in the quantity's unit, or a share of the baseline's value.
        confidence: See above; above 0.5, below 1.
        relative: Whether `max_regression` is a share.
        clusters: `(samples,)` cluster of each sample, or None.
        resamples: Number of draws.
        seed: Seed of the draws.

    Raises:
        ValueError: `values` does not give this quantity, or an argument is out of range.
    """
    if not 0.5 < confidence < 1.0 or not max_regression >= 0.0:
        raise ValueError(
            f"confidence={confidence} must lie between 0.5 and 1, max_regression={max_regression} must not be negative"
        )
    base_columns, new_columns = same_names(columns_base, columns_new)
    base, new = (value_of(columns, values, quantity.name) for columns in (base_columns, new_columns))
    sign = -1.0 if quantity.higher_is_better else 1.0
    # A share of the baseline's value varies with the draw and is taken off in each; a fixed amount is a fixed limit.
    share, limit = (max_regression, 0.0) if relative else (0.0, max_regression)

    def worse_by(base: Array, new: Array) -> Array:
        return sign * (new - base) - share * np.abs(base)

    found = estimate_of_both(
        base_columns, new_columns, values, quantity.name, worse_by, clusters, resamples=resamples, seed=seed
    )
    apart = discordance(base_columns, new_columns, values, quantity, clusters)
    excess = _Excess(found, apart, quantity.higher_is_better)
    ends = excess.ends(confidence)
    taken_off = share * abs(base) if base is not None else 0.0
    if ends is not None and base is not None and new is not None:
        ends = _inside(ends, taken_off, sign, possible_of=(base_columns, new_columns, values, quantity, clusters))
    verdict = Outlook.INCONCLUSIVE
    if ends is not None and ends[0] > limit:
        verdict = Outlook.FAIL
    elif ends is not None and ends[1] <= limit:
        verdict = Outlook.PASS
    known = base is not None and new is not None
    return Regression(
        verdict=verdict,
        worsening=sign * (new - base) if base is not None and new is not None else None,
        low=ends[0] + taken_off if ends is not None else None,
        high=ends[1] + taken_off if ends is not None else None,
        allowed=limit + taken_off if known else None,
        base=base,
        new=new,
        units=found.units,
        confidence=confidence,
        clustered=clusters is not None and apart.units < len(clusters),
        effective=apart.effective,
        differing=apart.differing,
        p=excess.p_beyond(limit),
    )


@dataclass(frozen=True, slots=True)
class _Excess:
    """By how much a run is worse, or worse than a share of the baseline."""

    found: Estimate
    apart: Discordance
    turned: bool

    def ends(self, confidence: float) -> tuple[float, float] | None:
        """Return both ends, each one-sided at a confidence."""
        return ends_of(self.found, self.apart, confidence, turned=self.turned)

    def p_beyond(self, limit: float) -> float | None:
        """Return the least 1 - confidence at which the lower end lies above a limit; 1 where it never does."""
        if self.ends(0.75) is None:
            return None
        # The interval at 2 * confidence - 1: at one half both ends meet.
        # Nor does it know of more than its draws do: of a thousand, none may lie beyond.
        least = 0.5 / (len(self.found.draws) + 1.0)
        low, high = math.log(least), math.log(0.5 - 1e-9)
        if self._is_beyond(1.0 - least, limit):
            return least
        if not self._is_beyond(1.0 - math.exp(high), limit):
            return 1.0
        for _ in range(40):
            middle = (low + high) / 2.0
            low, high = (low, middle) if self._is_beyond(1.0 - math.exp(middle), limit) else (middle, high)
        return math.exp(high)

    def _is_beyond(self, confidence: float, limit: float) -> bool:
        ends = self.ends(confidence)
        return ends is not None and ends[0] > limit


def _inside(
    ends: tuple[float, float],
    taken_off: float,
    sign: float,
    possible_of: tuple[Columns, Columns, Values, Quantity, NDArray[np.intp] | None],
) -> tuple[float, float]:
    """Return the ends of an excess moved inside of what a worsening can be."""
    base, new, values, quantity, clusters = possible_of
    at = tuple(value_of(columns, values, quantity.name) or 0.0 for columns in (base, new))
    worse = (ends[0] + taken_off, ends[1] + taken_off)
    as_difference = worse if sign > 0 else (-worse[1], -worse[0])
    low, high = possible(base, new, values, quantity, as_difference, (at[0], at[1]), clusters)
    if sign < 0:
        low, high = -high, -low
    return low - taken_off, high - taken_off
