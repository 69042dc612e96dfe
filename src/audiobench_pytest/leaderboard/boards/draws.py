"""Averages of a board under resampling of the samples, for the intervals of ranks."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from audiobench_pytest.catalog.boards import AverageSpec, BoardSpec
from audiobench_pytest.leaderboard.boards.rows import BoardRow, is_error, weight_of
from audiobench_pytest.leaderboard.cells.clusters import clusters_of
from audiobench_pytest.leaderboard.cells.planned import recipe_of
from audiobench_pytest.leaderboard.cells.reduce import numbers_of
from audiobench_pytest.leaderboard.statistics.bootstrap import RESAMPLES, SEED, bootstrap_sums

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from audiobench_pytest.records.runs.cells import CellData

    Draws = NDArray[np.float64]


def draws_of_rows(spec: BoardSpec, rows: Sequence[BoardRow], average: AverageSpec) -> Draws | None:
    """Return `(draws, rows)`: each row's average, oriented, in each resampling of the samples.

    Models that answered the same data see the same draws of it, so that their difference is that of a paired test.

    Returns:
        None where a cell has no samples of its own: published values, parts of a data set, a value that some draw does
        not define.
    """
    found = [_average(spec, row, average) for row in rows]
    if any(draws is None or not np.isfinite(draws).all() for draws in found):
        return None
    return np.stack([draws for draws in found if draws is not None], axis=1)


def _average(spec: BoardSpec, row: BoardRow, average: AverageSpec) -> Draws | None:
    total, weights = np.zeros(RESAMPLES), 0.0
    for name in average.over:
        draws = _cell(spec, row, name, average.decimals)
        if draws is None:
            return None
        weight = weight_of(spec, average, name)
        total, weights = total + weight * draws, weights + weight
    return total / weights


def _cell(spec: BoardSpec, row: BoardRow, name: str, decimals: int | None) -> Draws | None:
    combination = spec.combination(name)
    if combination is None:
        draws = _column(spec, row, name)
        if draws is not None and decimals is not None:
            draws = np.round(draws, decimals)
        return draws if draws is None or not is_error(spec, name) else 100.0 - draws
    parts = []
    for column in combination.columns:
        if column in combination.optional and row.columns[column].value is None:
            continue
        draws = _column(spec, row, column)
        if draws is None:
            return None
        parts.append(100.0 - draws if is_error(spec, column) else draws)
    mean: Draws = np.mean(parts, axis=0)
    return combination.scale * mean


def _column(spec: BoardSpec, row: BoardRow, name: str) -> Draws | None:
    column, parts = spec.column(name), row.columns[name].parts
    if column.slice or len(parts) != len(column.datasets):
        return None
    drawn = [_draws(cell.data, quantity, cell.result.cell.dataset) for cell, quantity in parts]
    if any(draws is None for draws in drawn):
        return None
    mean: Draws = np.mean([draws for draws in drawn if draws is not None], axis=0)
    return column.scale * mean


def _draws(data: CellData | None, quantity: str, dataset: str) -> Draws | None:
    if data is None:
        return None
    recipe, table = recipe_of(data.plan), data.table
    scored = table.scored
    if not scored.any():
        return None
    columns = {name: column[scored] for name, column in numbers_of(data, recipe).items()}
    clusters = clusters_of(data.plan, table, scored).numbers
    # One stream of draws per data set: else two sets of equal size would be resampled alike.
    seed = SEED + zlib.crc32(dataset.encode())
    drawn = recipe.values(bootstrap_sums(columns, clusters=clusters, seed=seed))
    return np.asarray(drawn[quantity], np.float64)
