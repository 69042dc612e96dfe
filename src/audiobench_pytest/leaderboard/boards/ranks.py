"""Ranks of models, how much they depend on what is averaged, and how benchmarks agree; pure functions of a matrix.

Matrices are `(models, cells)` of oriented values: higher is better in every column. A rank is one more than the number
of models with a higher mean (competition ranking). How firm it is: leave one benchmark out, leave one task group out,
take another normalisation, and see the best and the worst rank that a model gets.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from audiobench_pytest.leaderboard.statistics.quantiles import student_quantile

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Matrix = NDArray[np.float64]
    Ranks = NDArray[np.intp]

TIED = 1e-9
"""Means closer than this are equal: sums of decimal fractions differ in the last bits by the order of their columns."""

LEAST_MODELS = 4
"""Fewest models that a correlation is computed from."""

# Two-sided 5 % critical values of Spearman's coefficient from its exact distribution without ties; with four models not
# even a perfect order is that unlikely.
_CRITICAL = {5: 1.0, 6: 0.886, 7: 0.786, 8: 0.738, 9: 0.700, 10: 0.648, 11: 0.618, 12: 0.587}


@dataclass(frozen=True, slots=True, eq=False)
class RankRange:
    """The best and the worst rank per model over some ways to average.

    Attributes:
        best: `(models,)`, the smallest rank.
        worst: `(models,)`, the greatest rank.
        ways: How many averages were looked at.
    """

    best: Ranks
    worst: Ranks
    ways: int


@dataclass(frozen=True, slots=True, eq=False)
class Robustness:
    """Ranks of the models and what they are under other averages.

    Attributes:
        original: `(models,)`, by the mean over all cells.
        lobo: With each cell left out in turn (`rank/lobo`), or None with fewer than two cells.
        lotgo: With each task group left out in turn (`rank/lotgo`), or None with fewer than two groups.
        altnorm: Under the two other normalisations (`rank/altnorm`): z-score and min-max.
        zscore: `(models,)`, by the mean of the cells' z-scores over the models.
        minmax: `(models,)`, by the mean of the cells' min-max values over the models.
    """

    original: Ranks
    lobo: RankRange | None
    lotgo: RankRange | None
    altnorm: RankRange
    zscore: Ranks
    minmax: Ranks


@dataclass(frozen=True, slots=True, eq=False)
class Correlation:
    """Spearman's rank correlation of columns over models.

    Attributes:
        names: Of the columns.
        rho: `(columns, columns)`, symmetric; NaN where there is none.
        n: `(columns, columns)`, number of models with both values.
    """

    names: tuple[str, ...]
    rho: Matrix
    n: NDArray[np.intp]


def competition_ranks(scores: ArrayLike) -> Ranks:
    """Return ranks from 1 for the highest score; scores within `TIED` of their neighbour share the smallest rank.

    Args:
        scores: `(models,)`, all finite.

    Raises:
        ValueError: A score is not finite.
    """
    values = np.asarray(scores, np.float64)
    if not np.isfinite(values).all():
        raise ValueError("a model without a score has no rank")
    order = np.argsort(-values, kind="stable")
    ranks = np.empty(len(values), np.intp)
    for place, model in enumerate(order):
        tied = place > 0 and values[order[place - 1]] - values[model] <= TIED
        ranks[model] = ranks[order[place - 1]] if tied else place + 1
    return ranks


def robustness(matrix: ArrayLike, groups: Sequence[str], weights: Sequence[float] | None = None) -> Robustness:
    """Return the ranks and their ranges.

    Args:
        matrix: `(models, cells)`, oriented, complete.
        groups: Task group of each cell.
        weights: Of each cell in the mean; None for equal ones.

    Raises:
        ValueError: The matrix is empty or incomplete, or the sequences are not as long as it has cells.
    """
    values = np.asarray(matrix, np.float64)
    if values.ndim != 2 or not values.size:
        raise ValueError(f"expected models x cells, found an array of shape {values.shape}")
    if not np.isfinite(values).all():
        raise ValueError("ranks need a complete matrix: leave out the models that lack a cell")
    cells = values.shape[1]
    weight = np.ones(cells) if weights is None else np.asarray(weights, np.float64)
    if len(groups) != cells or weight.shape != (cells,) or not (weight > 0).all():
        raise ValueError(f"{cells} cells need as many groups and positive weights")
    each = [np.arange(cells) != left_out for left_out in range(cells)]
    per_group = [np.array([own != group for own in groups]) for group in dict.fromkeys(groups)]
    zscore = competition_ranks(_means(_zscore(values), weight))
    minmax = competition_ranks(_means(_minmax(values), weight))
    return Robustness(
        original=competition_ranks(_means(values, weight)),
        lobo=_range(values, weight, each) if cells > 1 else None,
        lotgo=_range(values, weight, per_group) if len(per_group) > 1 else None,
        altnorm=RankRange(np.minimum(zscore, minmax), np.maximum(zscore, minmax), 2),
        zscore=zscore,
        minmax=minmax,
    )


def spearman(matrix: ArrayLike, names: Sequence[str], *, least: int = LEAST_MODELS) -> Correlation:
    """Return Spearman's rank correlation of each pair of columns: Pearson's of the ranks, ties averaged.

    A model without one of the two values is left out of the pair; with fewer than `least` models or a column that does
    not vary over them there is none.

    Args:
        matrix: `(models, columns)`, oriented; NaN where a model has no value.
        names: Of the columns.
        least: Fewest models.
    """
    values = np.asarray(matrix, np.float64)
    columns = len(names)
    if values.ndim != 2 or values.shape[1] != columns:
        raise ValueError(f"expected models x {columns} columns, found an array of shape {values.shape}")
    rho, n = np.full((columns, columns), np.nan), np.zeros((columns, columns), np.intp)
    known = np.isfinite(values)
    for i in range(columns):
        for j in range(i, columns):
            both = known[:, i] & known[:, j]
            n[i, j] = n[j, i] = int(both.sum())
            if n[i, j] >= least:
                rho[i, j] = rho[j, i] = _pearson(average_ranks(values[both, i]), average_ranks(values[both, j]))
    return Correlation(tuple(names), rho, n)


def average_ranks(scores: ArrayLike) -> Matrix:
    """Return ranks from 1 for the lowest score; scores within `TIED` of a neighbour share the mean of their ranks."""
    values = np.asarray(scores, np.float64)
    order = np.argsort(values, kind="stable")
    starts = np.flatnonzero(np.diff(values[order], prepend=-np.inf) > TIED)
    ranks = np.empty(len(values))
    for start, end in zip(starts, [*starts[1:], len(values)], strict=True):
        ranks[order[start:end]] = (start + 1 + end) / 2.0
    return ranks


def critical(n: int) -> float | None:
    """Return the least |rho| that is significant at two-sided 5 % with n models, or None where none is.

    Exact up to 12 models (no ties), above by Student's t.
    """
    if n <= max(_CRITICAL):
        return _CRITICAL.get(n)
    t = student_quantile(0.975, n - 2)
    return t / math.sqrt(n - 2 + t * t)


def rank_intervals(draws: ArrayLike, confidence: float = 0.95) -> tuple[Ranks, Ranks]:
    """Return the lowest and highest rank per model that resampling leaves plausible.

    Args:
        draws: `(draws, models)`, the average of each model in each resampling of the samples.
        confidence: Share of the draws between the two ends.
    """
    values = np.asarray(draws, np.float64)
    ranks = np.sort(np.stack([competition_ranks(row) for row in values]), axis=0)
    cut = math.floor(len(ranks) * (1.0 - confidence) / 2.0)
    return ranks[cut], ranks[len(ranks) - 1 - cut]


def _range(values: Matrix, weights: Matrix, kept: Sequence[NDArray[np.bool_]]) -> RankRange:
    ranks = np.stack([competition_ranks(_means(values[:, keep], weights[keep])) for keep in kept])
    return RankRange(ranks.min(axis=0), ranks.max(axis=0), len(kept))


def _means(values: Matrix, weights: Matrix) -> Matrix:
    """Return the weighted mean of each row; summed exactly, so that the order of the columns does not matter."""
    whole = math.fsum(weights)
    return np.array([math.fsum(row) / whole for row in values * weights])


def _zscore(values: Matrix) -> Matrix:
    # The population's deviation: that of a sample differs by one factor for all columns, which changes no rank.
    spread = np.where(_constant(values), 1.0, values.std(axis=0))
    return np.where(_constant(values), 0.0, (values - values.mean(axis=0)) / spread)


def _minmax(values: Matrix) -> Matrix:
    low, reach = values.min(axis=0), np.ptp(values, axis=0)
    return np.where(_constant(values), 0.0, (values - low) / np.where(_constant(values), 1.0, reach))


def _constant(values: Matrix) -> NDArray[np.bool_]:
    still: NDArray[np.bool_] = np.ptp(values, axis=0) <= TIED
    return still


def _pearson(a: Matrix, b: Matrix) -> float:
    a, b = a - a.mean(), b - b.mean()
    spread = math.sqrt(math.fsum(a * a) * math.fsum(b * b))
    if spread == 0.0:
        return math.nan
    return max(-1.0, min(1.0, math.fsum(a * b) / spread))
