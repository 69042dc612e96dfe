"""The interval of a value: counted exactly where samples are right or wrong, or nothing varies, else by the bootstrap.

docs/statistics.md says in plain words what is computed, and how well it does in simulation.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from audiobench_pytest.leaderboard.statistics import exact
from audiobench_pytest.leaderboard.statistics.bootstrap import RESAMPLES, SEED, Estimate, estimates
from audiobench_pytest.leaderboard.statistics.units import Units
from audiobench_pytest.types import Quantity

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from audiobench_pytest.leaderboard.statistics.bootstrap import Columns, Values

    Ends = tuple[float, float] | None

_SAME = 1e-9
"""Two values closer than this share of the range are one."""


def intervals(
    columns: Columns,
    values: Values,
    clusters: NDArray[np.intp] | None = None,
    *,
    quantities: Iterable[Quantity] = (),
    confidence: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> dict[str, Ends]:
    """Return the interval of every quantity.

    A share of samples that are right or wrong, each for itself, has the Clopper-Pearson interval. A value at the edge
    of what there can be, from which no sample (or cluster) departs, has the one end that the rule of three gives. All
    others share one set of bootstrap draws, see `Estimate.interval`; where few samples err, the end away from the edge
    is at least as far as their number alone tells.

    Args:
        columns: As in `bootstrap_sums`.
        values: Sums to quantities.
        clusters: As in `bootstrap_sums`.
        quantities: What is known of the quantities: no end lies beyond the least and the greatest value. One that is
            not among them has the interval of the bootstrap.
        confidence: Share of new sets whose true value each interval is to cover.
        resamples: Number of draws.
        seed: Seed of the draws.

    Returns:
        Per quantity `(low, high)`, or None where none can be told: a single sample or cluster that tells of no share,
        a value that nothing defines, samples that do not vary.
    """
    found = estimates(columns, values, clusters, resamples=resamples, seed=seed)
    known = {quantity.name: quantity for quantity in quantities}
    # Per sample even where samples are of clusters: whether a quantity is a share is a matter of the samples.
    units = Units(columns, values, clusters)
    return {
        name: _of_one(one, known[name], units, confidence) if name in known else one.interval(confidence)
        for name, one in found.items()
    }


def _of_one(one: Estimate, quantity: Quantity, units: Units, confidence: float) -> Ends:
    if not np.isfinite(one.value):
        return None
    least, greatest = quantity.minimum, quantity.maximum
    if not units.clustered and least is not None and greatest is not None:
        share = _counted(units.own(quantity.name), least, greatest, one.value)
        if share is not None:
            low, high = exact.two_sided(*share, confidence)
            return least + (greatest - least) * low, least + (greatest - least) * high
    if (edge := _at_the_edge(one, quantity, units)) is not None:
        return edge
    ends = one.interval(confidence, bounds=(least, greatest))
    whole = units.whole(quantity)
    if ends is None or whole is None or least is None or quantity.higher_is_better:
        return ends
    # A rate that few have a part in: as many more may have one as their number allows.
    more = units.more_hits(quantity.name, least, one.value, (1.0 + confidence) / 2.0)
    high = max(ends[1], float(f"{one.value + more:.12g}"))
    return ends[0], high if greatest is None else min(high, greatest)


def _counted(own: NDArray[np.float64], least: float, greatest: float, value: float) -> tuple[int, int] | None:
    """Return hits and size of a share of samples, or None where the value is not one."""
    own = own[np.isfinite(own)]
    near = _SAME * (greatest - least)
    hit, miss = np.abs(own - greatest) <= near, np.abs(own - least) <= near
    if not len(own) or not (hit | miss).all():
        return None
    hits = int(hit.sum())
    expected = least + (greatest - least) * hits / len(own)
    return (hits, len(own)) if abs(value - expected) <= near else None


def _at_the_edge(one: Estimate, quantity: Quantity, units: Units) -> Ends:
    """Return the interval of a value at which no unit departs from the least or the greatest there can be."""
    whole = units.whole(quantity)
    if one.error > 0.0 or whole is None or not units.size:
        return None
    reach = whole * exact.upper(0.0, units.effective, exact.RULE_OF_THREE)
    if quantity.minimum is not None and one.value == quantity.minimum:
        return one.value, one.value + reach
    if quantity.maximum is not None and one.value == quantity.maximum:
        return one.value - reach, one.value
    return None
