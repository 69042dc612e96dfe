"""Two runs on the same samples: how they differ, and whether that is more than chance.

docs/statistics.md says in plain words what is computed, and how well it does in simulation.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from audiobench_pytest.leaderboard.statistics.bootstrap import RESAMPLES, SEED, estimates
from audiobench_pytest.leaderboard.statistics.discordance import Discordance, discordance, ends_of, possible
from audiobench_pytest.leaderboard.statistics.pairs import Pairs, estimate_of_both, value_of
from audiobench_pytest.leaderboard.statistics.permutation import least_p, sign_flip_p
from audiobench_pytest.leaderboard.statistics.power import LEVEL, smallest_difference, smallest_shown
from audiobench_pytest.types import Quantity

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from audiobench_pytest.leaderboard.statistics.bootstrap import Array, Columns, Values

_ROUNDING = 1e-12
"""A change below this share of the value is rounding, not a difference."""


@dataclass(frozen=True, slots=True)
class Flip:
    """A sample on which two runs differ.

    Attributes:
        id: The sample's id.
        first: The quantity on this sample alone in the first run, or None where it has none.
        second: The same in the second run.
        effect: By how much the quantity of the whole set would change if the runs differed on this sample only.
        better: Whether that is for the better.
    """

    id: str
    first: float | None
    second: float | None
    effect: float
    better: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """Second run against first run, in one quantity, over the samples they share.

    Attributes:
        quantity: What is compared.
        samples: Number of shared samples.
        units: What was resampled and swapped: number of samples, or of clusters.
        first: Value of the first run on the shared samples, or None where nothing defines it.
        second: Value of the second run.
        difference: second - first, in the quantity's unit.
        relative: difference / first, or None where first is 0.
        low: Lower end of the 95 % interval of the difference; None where none can be told.
        high: Upper end.
        p: Two-sided p-value of "the runs are equally good", by sign flips; None where nothing defines a difference.
        p_holm: The same corrected for the comparisons of a suite, see `correct`; None until then.
        smallest: The smallest true difference that this set would show with 80 % power at the 5 % level, by the test
            that gives `p` and, after `correct`, by its corrected value; None where there is none.
        why_not: Why there is none, in words; else "".
        least_p: The least p-value that there can be, with the correction: what no result can fall below.
        error: Standard error of the difference, NaN where none can be told.
        apart: The samples or clusters on which the runs differ.
        better: Samples on which the second run is better.
        worse: Samples on which it is worse.
        equal: Samples on which the runs are as good as each other.
        flips: The better and worse samples, the most weighty first.
        only_first: Ids of samples left out since only the first run scored them.
        only_second: Ids of samples left out since only the second run scored them.
    """

    quantity: Quantity
    samples: int
    units: int
    first: float | None
    second: float | None
    difference: float | None
    relative: float | None
    low: float | None
    high: float | None
    p: float | None
    p_holm: float | None
    smallest: float | None
    why_not: str
    least_p: float
    error: float
    apart: Discordance
    better: int
    worse: int
    equal: int
    flips: tuple[Flip, ...]
    only_first: tuple[str, ...]
    only_second: tuple[str, ...]

    @property
    def is_hopeless(self) -> bool:
        """Whether no result whatever could be significant."""
        return self.least_p > LEVEL


def compare(
    pairs: Pairs, values: Values, quantity: Quantity, *, resamples: int = RESAMPLES, seed: int = SEED
) -> Comparison:
    """Compare two runs in one quantity.

    The interval is the symmetric bootstrap-t interval of the difference; both runs see the same draws. The p-value asks
    how often a difference as large comes about when it is a coin's decision, per sample or cluster, which run said
    what: exact where few samples differ, see `sign_flips`.

    Args:
        pairs: The shared samples.
        values: Sums of sufficient numbers to quantities.
        quantity: Which one, and which direction is better.
        resamples: Number of draws of the bootstrap.
        seed: Seed of the draws.

    Raises:
        ValueError: `values` does not give this quantity, or the runs share no sample.
    """
    if not pairs.ids:
        raise ValueError("the two runs share no sample: nothing can be compared")
    name = quantity.name
    first, second = (value_of(columns, values, name) for columns in (pairs.first, pairs.second))
    estimate = estimate_of_both(
        pairs.first, pairs.second, values, name, _difference, pairs.clusters, resamples=resamples, seed=seed
    )
    difference = None if first is None or second is None else second - first
    apart = discordance(pairs.first, pairs.second, values, quantity, pairs.clusters)
    ends = ends_of(estimate, apart, 0.975) if apart.differing else None
    if ends is not None and first is not None and second is not None:
        ends = possible(pairs.first, pairs.second, values, quantity, ends, (first, second), pairs.clusters)
    smallest, why_not = smallest_shown(estimate.error, apart)
    flips, equal = _flips(pairs, values, quantity)
    better = sum(flip.better for flip in flips)
    return Comparison(
        quantity=quantity,
        samples=len(pairs.ids),
        units=estimate.units,
        first=first,
        second=second,
        difference=difference,
        relative=difference / first if difference is not None and first else None,
        low=ends[0] if ends else None,
        high=ends[1] if ends else None,
        p=sign_flip_p(pairs.first, pairs.second, values, name, pairs.clusters, seed=seed),
        p_holm=None,
        smallest=smallest,
        why_not=why_not,
        least_p=least_p(estimate.units),
        error=estimate.error,
        apart=apart,
        better=better,
        worse=len(flips) - better,
        equal=equal,
        flips=flips,
        only_first=pairs.only_first,
        only_second=pairs.only_second,
    )


def holm(p_values: Sequence[float]) -> list[float]:
    """Return the p-values corrected for their number, in the given order.

    After Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 1979: a
    suite in which nothing differs shows a corrected value of at most 0.05 in at most 5 % of all cases, whatever the
    dependence between its comparisons.
    """
    order = sorted(range(len(p_values)), key=lambda place: p_values[place])
    corrected = [1.0] * len(p_values)
    reached = 0.0
    for rank, place in enumerate(order):
        reached = max(reached, min(1.0, (len(order) - rank) * p_values[place]))
        corrected[place] = reached
    return corrected


def correct(comparisons: Sequence[Comparison]) -> list[Comparison]:
    """Return the comparisons of a suite with `p_holm`; one without a p-value keeps None and does not count.

    What a comparison can show at best, and the smallest difference that it can, are those of the smallest p-value of
    the suite, which is multiplied by the number of comparisons.
    """
    known = [one.p for one in comparisons if one.p is not None]
    corrected = iter(holm(known))
    return [one if one.p is None else _corrected(one, next(corrected), len(known)) for one in comparisons]


def _corrected(one: Comparison, p_holm: float, tests: int) -> Comparison:
    smallest, why_not = smallest_shown(one.error, one.apart, tests)
    least = min(1.0, tests * least_p(one.units))
    return dataclasses.replace(one, p_holm=p_holm, smallest=smallest, why_not=why_not, least_p=least)


def detectable(
    columns: Columns,
    values: Values,
    clusters: NDArray[np.intp] | None = None,
    *,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> dict[str, float | None]:
    """Return the smallest difference from another run that a set can show, per quantity, from one run alone.

    It is that between two runs as uncertain as this one whose errors have nothing to do with each other: the worst
    case. Runs that stumble over the same samples can be told apart more finely; `Comparison.smallest` knows how finely.
    """
    found = estimates(columns, values, clusters, resamples=resamples, seed=seed)
    return {name: smallest_difference(math.sqrt(2.0) * one.error, one.units) for name, one in found.items()}


def _flips(pairs: Pairs, values: Values, quantity: Quantity) -> tuple[tuple[Flip, ...], int]:
    """Return the samples on which one run is better, and the number of all others."""
    sums = {name: math.fsum(column) for name, column in pairs.first.items()}
    moved = {name: sums[name] + (pairs.second[name] - column) for name, column in pairs.first.items()}
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        before = values({name: np.array([number]) for name, number in sums.items()})[quantity.name]
        effects = values(moved)[quantity.name] - before
        firsts, seconds = (values(columns)[quantity.name] for columns in (pairs.first, pairs.second))
    rows = np.flatnonzero(np.abs(effects) > _ROUNDING * np.abs(before))
    flips = [
        Flip(
            id=pairs.ids[row],
            first=float(firsts[row]) if np.isfinite(firsts[row]) else None,
            second=float(seconds[row]) if np.isfinite(seconds[row]) else None,
            effect=float(effects[row]),
            better=bool((effects[row] > 0) == quantity.higher_is_better),
        )
        for row in rows
    ]
    return tuple(sorted(flips, key=lambda flip: (-abs(flip.effect), flip.id))), len(pairs.ids) - len(rows)


def _difference(first: Array, second: Array) -> Array:
    return second - first
