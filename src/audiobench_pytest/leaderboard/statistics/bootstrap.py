"""Uncertainty of values that are functions of sums over samples: draws and standard errors by the bootstrap.

docs/statistics.md says in plain words what is computed, and how well it does in simulation.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from audiobench_pytest.leaderboard.statistics.quantiles import student_quantile

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Columns = Mapping[str, Array]
    """Sufficient numbers: one `(samples,)` array per name, in order of sample id."""
    Values = Callable[[Columns], Mapping[str, Array]]
    """Sums of sufficient numbers to quantities, elementwise; `metrics.recipes.Recipe.values` is one."""

SEED = 20_240_607
"""Seed of every interval this package prints: two reductions of the same numbers give the same interval."""

RESAMPLES = 1000

STUDENTISED = 5000
"""Most samples or clusters for which each draw's own standard error is computed; above, it makes no difference."""

_MOST_NUMBERS = 100_000
"""Most numbers (units times columns) for which it is done: a confusion matrix of 50 classes has hundreds of columns."""

_CHUNK = 1 << 19
"""Draws held at once: about 25 MB of scratch memory, whatever the size of the set."""

_NOTHING = 1e-12
"""A standard error below this share of the value is the rounding of numbers that do not vary."""

_LEAST_UNITS = 3
"""A draw without any spread is taken to know as much as this many clusters do, see `Estimate.interval`."""


@dataclass(frozen=True, slots=True, eq=False)
class Estimate:
    """A value and how it varies when the set is drawn anew: all that an interval at any confidence needs.

    Attributes:
        value: The value on all samples; NaN where nothing defines it.
        error: Its standard error; 0 where nothing varies, NaN where none can be told.
        units: What was resampled: number of samples, or of clusters.
        draws: Sorted values of the draws that have one.
        ratios: Sorted `(draw - value) / the draw's own standard error`, or None where the draws themselves are used.
    """

    value: float
    error: float
    units: int
    draws: Array
    ratios: Array | None = None

    def interval(
        self,
        confidence: float = 0.95,
        *,
        symmetric: bool = False,
        bounds: tuple[float | None, float | None] = (None, None),
    ) -> tuple[float, float] | None:
        """Return the ends of the interval, or None where there is nothing to tell one from.

        With `ratios` it is the bootstrap-t interval: the value less the error times quantiles of the ratios. A ratio
        counts for no more than Student's quantile for `units` samples or, if that is less, for three: a draw that
        holds no error at all, say, has no spread of its own and would make the interval infinite. Without `ratios` it
        is the percentile interval. The value always lies inside.

        Args:
            confidence: Share of new sets whose true value the interval is to cover, 0 to 1.
            symmetric: Take quantiles of the absolute ratios: better for a difference of two runs, which is as likely
                too high as too low, and worse for a rate.
            bounds: The least and the greatest value there can be; no end lies beyond.

        Returns:
            Both ends, in 12 significant digits: what follows depends on the order in which a machine adds.

        Raises:
            ValueError: The confidence is not between 0 and 1.
        """
        if not 0.0 < confidence < 1.0:
            raise ValueError(f"confidence={confidence} must lie between 0 and 1")
        if not self.error > 0.0 or not len(self.draws):
            return None
        tail = (1.0 - confidence) / 2.0
        if self.ratios is None:
            low, high = _tails(self.draws, tail)
        else:
            most = max(student_quantile(1.0 - tail, degrees) for degrees in (self.units - 1, _LEAST_UNITS - 1))
            if symmetric:
                reach = min(_tails(np.sort(np.abs(self.ratios)), 2.0 * tail)[1], most)
                below = above = reach
            else:
                lowest, highest = _tails(self.ratios, tail)
                below, above = min(highest, most), min(-lowest, most)
            low, high = self.value - below * self.error, self.value + above * self.error
        least, greatest = bounds
        low = max(low, -math.inf if least is None else least)
        high = min(high, math.inf if greatest is None else greatest)
        return min(_rounded(low), self.value), max(_rounded(high), self.value)


def bootstrap_sums(
    columns: Columns, *, clusters: NDArray[np.intp] | None = None, resamples: int = RESAMPLES, seed: int = SEED
) -> dict[str, Array]:
    """Return the sums of each column under resampling with replacement.

    Whole samples are drawn, after Bisani and Ney, "Bootstrap estimates for confidence intervals in ASR performance
    evaluation", ICASSP 2004; or whole clusters, as many as there are, since the utterances of a speaker err together.
    All columns see the same draws.

    Args:
        columns: Sufficient numbers, `(samples,)` each, in order of sample id: the result depends on the order.
        clusters: `(samples,)`, which cluster each sample belongs to, by any numbers; None to draw samples.
        resamples: Number of draws.
        seed: Seed of the draws.

    Returns:
        `(resamples,)` per column.

    Raises:
        ValueError: The arrays differ in shape or are not one-dimensional, or there is nothing to draw.
    """
    names, table = unit_sums(columns, clusters)
    size = _size(table)
    if not size or resamples < 1:
        raise ValueError(f"there are {size} samples to draw and {resamples} draws to make; each must be positive")
    drawn = np.concatenate([_sums(counts, table) for counts in _multiplicities(size, resamples, seed)])
    return {name: drawn[:, k] for k, name in enumerate(names)}


def estimates(
    columns: Columns,
    values: Values,
    clusters: NDArray[np.intp] | None = None,
    *,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> dict[str, Estimate]:
    """Return every quantity with its standard error and draws.

    Draws for which a quantity is not defined (NaN) are left out of it. The standard error is the jackknife's over
    samples or clusters; above `STUDENTISED` of them, or with very many columns, it is the spread of the draws.

    Args:
        columns: As in `bootstrap_sums`.
        values: Sums to quantities.
        clusters: As in `bootstrap_sums`.
        resamples: Number of draws.
        seed: Seed of the draws.
    """
    names, table = unit_sums(columns, clusters)
    size = _size(table)
    at = _At(values, names)
    # Exact sums, as a reduced result has them: the value must not lie outside of its own interval by rounding.
    whole = np.array([[math.fsum(columns[name]) for name in names]])
    point = {name: float(value[0]) for name, value in at(whole).items()}
    if size < 2:
        return {name: Estimate(value, math.nan, size, np.empty(0)) for name, value in point.items()}
    studentised = size <= STUDENTISED and size * len(names) <= _MOST_NUMBERS
    spread = _jackknife(table, at) if studentised else {}
    draws: dict[str, list[Array]] = {name: [] for name in point}
    errors: dict[str, list[Array]] = {name: [] for name in point}
    steps = np.array([np.abs(column).sum() * 1e-6 for column in table])
    for counts in _multiplicities(size, resamples, seed):
        sums = _sums(counts, table)
        drawn = at(sums)
        for name, values_of_draws in drawn.items():
            draws[name].append(values_of_draws)
        if studentised:
            for name, slopes in _slopes(sums, drawn, steps, at).items():
                errors[name].append(_errors(counts, table, sums, slopes))
    found = {}
    for name, value in point.items():
        seen = np.concatenate(draws[name])
        defined = np.isfinite(seen)
        ratios = None
        if studentised:
            error = spread[name]
            ratios = _ratios(seen[defined], np.concatenate(errors[name])[defined], value, error)
        else:
            error = float(seen[defined].std()) if defined.any() else math.nan
        if not error > _NOTHING * abs(value):
            error = 0.0 if error >= 0.0 else math.nan
        found[name] = Estimate(value, error, size, np.sort(seen[defined]), ratios)
    return found


def unit_sums(columns: Columns, clusters: NDArray[np.intp] | None = None) -> tuple[list[str], list[Array]]:
    """Return the sorted names of the columns and `(units,)` of each: its numbers per sample, or its sums per cluster.

    Clusters come in the order of their first samples, so that renaming them changes nothing.

    Raises:
        ValueError: The arrays differ in shape or are not one-dimensional.
    """
    names = sorted(columns)
    shapes = {np.shape(columns[name]) for name in names} | ({np.shape(clusters)} if clusters is not None else set())
    if len(shapes) > 1 or any(len(shape) != 1 for shape in shapes):
        raise ValueError(f"columns and clusters must be one-dimensional and equally long, not of shapes {shapes}")
    if clusters is None:
        return names, [np.asarray(columns[name], np.float64) for name in names]
    _, first, label = np.unique(clusters, return_index=True, return_inverse=True)
    place = np.empty(len(first), np.intp)
    place[np.argsort(first)] = np.arange(len(first))
    unit = place[label.reshape(-1)]
    return names, [np.bincount(unit, columns[name], len(first)).astype(np.float64, copy=False) for name in names]


def _size(table: Sequence[Array]) -> int:
    return len(table[0]) if table else 0


class _At:
    """Quantities at rows of sums."""

    def __init__(self, values: Values, names: Sequence[str]) -> None:
        self._values = values
        self._names = names

    def __call__(self, sums: Array) -> dict[str, Array]:
        """Return `(rows,)` per quantity from `(rows, columns)`."""
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            found = self._values({name: sums[:, k] for k, name in enumerate(self._names)})
        return {name: np.broadcast_to(np.asarray(value, np.float64), len(sums)) for name, value in found.items()}


def _multiplicities(size: int, resamples: int, seed: int) -> Iterator[Array]:
    """Yield `(draws, size)`: how often each unit was drawn; the same numbers however they are cut into chunks."""
    # numpy keeps the stream of a bit generator for ever, that of `Generator.integers` it does not: the indices are
    # made here, so that an interval does not move with the numpy version. Each draw starts with a fresh 64-bit word.
    source = np.random.PCG64(seed)
    rows = max(1, _CHUNK // size)
    for start in range(0, resamples, rows):
        count = min(rows, resamples - start)
        if size <= _CHUNK:
            index = _indices(source, count, size, size)
            index += (np.arange(count) * size)[:, None]
            yield np.bincount(index.reshape(-1), minlength=count * size).reshape(count, size).astype(np.float64)
            continue
        drawn = np.zeros(size)
        for done in range(0, size, _CHUNK):
            index = _indices(source, 1, min(_CHUNK, size - done), size)
            np.add.at(drawn, index[0], 1.0)
        yield drawn[None, :]


def _indices(source: np.random.PCG64, rows: int, count: int, size: int) -> NDArray[np.intp]:
    """Return `(rows, count)` uniform indices below `size`; the bias of the multiply-and-shift is below size / 2**32."""
    words = np.asarray(source.random_raw(rows * ((count + 1) // 2))).astype("<u8", copy=False)
    index = words.view("<u4").reshape(rows, -1)[:, :count].astype(np.uint64)
    index *= np.uint64(size)
    index >>= np.uint64(32)
    return index.view(np.intp) if np.dtype(np.intp).itemsize == 8 else index.astype(np.intp)


def _sums(counts: Array, table: Sequence[Array]) -> Array:
    """Return `(draws, columns)` from `(draws, units)` and `(units,)` per column."""
    # Not a product of matrices: the threads of a linear algebra library wait for each other by spinning, which on a
    # machine with other work takes ten times as long as this, and in which order they add is theirs to choose.
    return np.stack([np.einsum("rn,n->r", counts, column) for column in table], axis=1)


def _jackknife(table: Sequence[Array], at: _At) -> dict[str, float]:
    """Return the standard error of each quantity from leaving out one unit at a time; NaN where one is undefined."""
    size = _size(table)
    without = np.stack([column.sum() - column for column in table], axis=1)
    # What is left of a column that only this unit has: rounding, which must not pass for a denominator.
    without[np.abs(without) < [1e-13 * np.abs(column).sum() for column in table]] = 0.0
    found = {}
    for name, left in at(without).items():
        apart = math.fsum((left - left.mean()) ** 2) if np.isfinite(left).all() else math.nan
        found[name] = math.sqrt((size - 1) / size * apart)
    return found


def _slopes(sums: Array, drawn: Mapping[str, Array], steps: Array, at: _At) -> dict[str, Array]:
    """Return `(draws, columns)` per quantity: by how much it rises when a sum rises by one."""
    slopes = {name: np.zeros_like(sums) for name in drawn}
    for k in np.flatnonzero(steps):
        moved = sums.copy()
        moved[:, k] += steps[k]
        for name, value in at(moved).items():
            slopes[name][:, k] = (value - drawn[name]) / steps[k]
    return slopes


def _errors(counts: Array, table: Sequence[Array], sums: Array, slopes: Array) -> Array:
    """Return `(draws,)`: the linearised standard error of each draw, seen as a set of its own.

    The factor n / (n - 1) that the jackknife has is left out on purpose: with it the intervals of ten or twenty
    clusters cover too little (see the study).
    """
    influence = np.einsum("rk,kn->rn", slopes, np.stack(table))
    mean = np.einsum("rk,rk->r", slopes, sums) / _size(table)
    spread = np.einsum("rn,rn,rn->r", counts, influence, influence) - _size(table) * mean**2
    errors: Array = np.sqrt(np.maximum(spread, 0.0))
    return errors


def _ratios(draws: Array, errors: Array, value: float, error: float) -> Array | None:
    """Return sorted `(draw - value) / error of the draw`, or None where they say too little."""
    known = np.isfinite(errors)
    if not error > 0.0 or known.sum() < 0.95 * len(draws) or not known.any():
        return None
    apart = draws[known] - value
    # A draw without spread is infinitely far from any other value; `Estimate.interval` says how far that counts.
    still = errors[known] <= 1e-9 * error
    ratios = apart / np.where(still, 1.0, errors[known])
    return np.sort(np.where(still, np.where(np.abs(apart) <= 1e-9 * error, 0.0, np.copysign(np.inf, apart)), ratios))


def _tails(ordered: Array, tail: float) -> tuple[float, float]:
    """Return the order statistics that cut off this share at either side."""
    rank = max(1, math.floor((len(ordered) + 1) * tail + 1e-9))
    return float(ordered[rank - 1]), float(ordered[-rank])


def _rounded(number: float) -> float:
    return float(f"{number:.12g}")
