"""Two runs on the same samples, side by side."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from audiobench_pytest.leaderboard.statistics.bootstrap import RESAMPLES, SEED, Estimate, estimates

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from audiobench_pytest.leaderboard.statistics.bootstrap import Array, Columns, Values


@dataclass(frozen=True, slots=True)
class ScoredSamples:
    """The numbers of one run's scored samples.

    Attributes:
        ids: Sample ids, in any order.
        columns: Sufficient numbers, one `(samples,)` array per name, in the order of `ids`.
        clusters: Name of each sample's cluster (its speaker), in the order of `ids`, or None for single samples.
    """

    ids: Sequence[str]
    columns: Columns
    clusters: Sequence[str] | None = None


@dataclass(frozen=True, slots=True)
class Pairs:
    """The samples that two runs share.

    Attributes:
        ids: Their ids, sorted.
        first: Numbers of the first run, in the order of `ids`.
        second: Numbers of the second run, with the same names.
        clusters: `(samples,)` cluster of each sample, or None.
        only_first: Ids of samples that only the first run scored, sorted: they enter nothing.
        only_second: The same for the second run.
    """

    ids: tuple[str, ...]
    first: Columns
    second: Columns
    clusters: NDArray[np.intp] | None
    only_first: tuple[str, ...]
    only_second: tuple[str, ...]


def pair(first: ScoredSamples, second: ScoredSamples) -> Pairs:
    """Return what two runs say of the samples that both scored; the clusters are the first run's, if it has any.

    Raises:
        ValueError: A run names a sample twice, or ids, columns and clusters differ in length.
    """
    rows, others = _rows(first), _rows(second)
    ids = tuple(sorted(rows.keys() & others.keys()))
    here = np.fromiter((rows[one] for one in ids), np.intp, len(ids))
    there = np.fromiter((others[one] for one in ids), np.intp, len(ids))
    clusters, order = (first.clusters, here) if first.clusters is not None else (second.clusters, there)
    numbers = None
    if clusters is not None:
        seen: dict[str, int] = {}
        numbers = np.fromiter((seen.setdefault(clusters[row], len(seen)) for row in order), np.intp, len(ids))
    ours, theirs = same_names(
        {name: np.asarray(column, np.float64)[here] for name, column in first.columns.items()},
        {name: np.asarray(column, np.float64)[there] for name, column in second.columns.items()},
    )
    return Pairs(
        ids=ids,
        first=ours,
        second=theirs,
        clusters=numbers,
        only_first=tuple(sorted(rows.keys() - others.keys())),
        only_second=tuple(sorted(others.keys() - rows.keys())),
    )


def same_names(first: Columns, second: Columns) -> tuple[Columns, Columns]:
    """Return both with zeros for a number that only the other run's samples have."""
    size = max((len(column) for columns in (first, second) for column in columns.values()), default=0)
    missing = np.zeros(size)
    names = sorted({*first, *second})
    return {name: first.get(name, missing) for name in names}, {name: second.get(name, missing) for name in names}


def estimate_of_both(
    first: Columns,
    second: Columns,
    values: Values,
    quantity: str,
    combine: Callable[[Array, Array], Array],
    clusters: NDArray[np.intp] | None = None,
    *,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> Estimate:
    """Return the estimate of a combination of both runs' values of a quantity; both see the same draws.

    Args:
        first: Sufficient numbers of one run, `(samples,)` each.
        second: Those of the other, on the same samples.
        values: Sums to quantities.
        quantity: Which one.
        combine: What to make of the first run's values and the second's; elementwise.
        clusters: `(samples,)` cluster of each sample, or None.
        resamples: Number of draws.
        seed: Seed of the draws.
    """

    def combined(sums: Columns) -> Mapping[str, Array]:
        ours, theirs = ({key[1:]: column for key, column in sums.items() if key[0] == side} for side in "12")
        return {quantity: combine(values(ours)[quantity], values(theirs)[quantity])}

    columns = {f"{side}{key}": one for side, half in (("1", first), ("2", second)) for key, one in half.items()}
    return estimates(columns, combined, clusters, resamples=resamples, seed=seed)[quantity]


def value_of(columns: Columns, values: Values, quantity: str) -> float | None:
    """Return a quantity over all samples, from exact sums; None where nothing defines it.

    Raises:
        ValueError: There is no such quantity.
    """
    found = values({name: np.array([math.fsum(column)]) for name, column in columns.items()})
    if quantity not in found:
        raise ValueError(f"there is no quantity '{quantity}' among {', '.join(sorted(found))}")
    value = float(np.asarray(found[quantity]).reshape(-1)[0])
    return value if math.isfinite(value) else None


def _rows(run: ScoredSamples) -> Mapping[str, int]:
    rows = {one: row for row, one in enumerate(run.ids)}
    lengths = {len(run.ids), *(len(column) for column in run.columns.values())}
    if run.clusters is not None:
        lengths.add(len(run.clusters))
    if len(rows) != len(run.ids) or len(lengths) > 1:
        raise ValueError(
            f"ids must be distinct and as many as each column and the clusters: {len(run.ids)} ids, {len(rows)} of "
            f"them distinct, lengths {sorted(lengths)}"
        )
    return rows
