"""A board filled with numbers: ranks of the rows, how much they depend on what is averaged, how the columns agree."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from audiobench_pytest.catalog.boards import AverageSpec, BoardSpec
from audiobench_pytest.catalog.loader import Catalog, load_catalog
from audiobench_pytest.catalog.published import Published
from audiobench_pytest.errors import UnknownNameError
from audiobench_pytest.leaderboard.boards.cells import RunCell
from audiobench_pytest.leaderboard.boards.draws import draws_of_rows
from audiobench_pytest.leaderboard.boards.notes import notes_of
from audiobench_pytest.leaderboard.boards.ranks import Correlation, Robustness, rank_intervals, robustness, spearman
from audiobench_pytest.leaderboard.boards.rows import (
    BoardRow,
    is_shown,
    oriented,
    published_rows,
    run_rows,
    term,
    weight_of,
)


@dataclass(frozen=True, slots=True)
class Ranks:
    """Ranks of the rows whose average is complete.

    Attributes:
        rows: Their places in `FilledBoard.rows`.
        ranks: Rank of each, in the order of `rows`.
        robustness: Ranks under other averages, where they were asked for.
        low: Lowest rank of each that resampling its samples leaves plausible, or None without samples.
        high: Highest rank of each, or None.
    """

    rows: tuple[int, ...]
    ranks: tuple[int, ...]
    robustness: Robustness | None = None
    low: tuple[int, ...] | None = None
    high: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class FilledBoard:
    """A board with its numbers; every report renders this one object.

    Attributes:
        spec: What the board is.
        rows: By rank, then those without one.
        average: The average that ranks, or None where the board has none.
        ranks: See `Ranks`; None where no row has that average.
        correlation: Of the columns over the rows, where it was asked for.
        any_recipe: Whether numbers of other recipes were averaged.
        notes: Sentences to print below.
    """

    spec: BoardSpec
    rows: tuple[BoardRow, ...]
    average: AverageSpec | None
    ranks: Ranks | None
    correlation: Correlation | None
    any_recipe: bool
    notes: tuple[str, ...]

    def rank_of(self, row: int) -> int | None:
        """Return the rank of a row, or None where its average is not complete."""
        if self.ranks is None or row not in self.ranks.rows:
            return None
        return self.ranks.ranks[self.ranks.rows.index(row)]


def fill(
    spec: BoardSpec,
    runs: Sequence[RunCell] = (),
    published: Published | None = None,
    *,
    average: str | None = None,
    any_recipe: bool = False,
    with_robustness: bool = False,
    with_correlation: bool = False,
    catalog: Catalog | None = None,
) -> FilledBoard:
    """Fill a board.

    Args:
        spec: The board.
        runs: Cells of runs, of any models; a later one wins over an earlier one of the same model and cell.
        published: Tables whose rows are to be shown, or None for none.
        average: Name of the average that ranks; None for the board's first that some row has all cells of.
        any_recipe: Average numbers of other recipes too; the rows say so.
        with_robustness: Compute ranks under other averages, and their intervals where all ranked rows have samples.
        with_correlation: Compute the correlation of the columns.
        catalog: For other names of data sets and recipes; None for the catalogue as it is loaded.

    Raises:
        UnknownNameError: The board has no average of that name.
    """
    known = catalog or load_catalog()
    rows = [*run_rows(spec, runs, known, any_recipe)]
    if published is not None:
        rows += published_rows(spec, published, known, any_recipe)
    ranking = _average(spec, rows, average)
    rows, ranks = _ranked(spec, rows, ranking, any_recipe, with_robustness)
    return FilledBoard(
        spec,
        tuple(rows),
        ranking,
        ranks,
        _correlation(spec, rows, any_recipe) if with_correlation else None,
        any_recipe,
        tuple(notes_of(spec, rows, ranking, [cell for cell in runs if not is_shown(spec, cell, known)])),
    )


def _average(spec: BoardSpec, rows: Sequence[BoardRow], name: str | None) -> AverageSpec | None:
    if name is None:
        whole = (one for one in spec.averages if any(row.averages[one.name].value is not None for row in rows))
        return next(whole, spec.averages[0] if spec.averages else None)
    found = next((average for average in spec.averages if average.name == name), None)
    if found is None:
        raise UnknownNameError(f"average of board {spec.name}", name, [average.name for average in spec.averages])
    return found


def _ranked(
    spec: BoardSpec, rows: Sequence[BoardRow], average: AverageSpec | None, any_recipe: bool, with_robustness: bool
) -> tuple[list[BoardRow], Ranks | None]:
    """Return the rows in order of rank, and the ranks."""
    if average is None:
        return list(rows), None
    whole = [row for row in rows if row.averages[average.name].value is not None]
    rest = [row for row in rows if row.averages[average.name].value is None]
    if not whole:
        return rest, None
    matrix = np.array([[term(spec, average, name, row.cell(name).value) for name in average.over] for row in whole])
    weights = [weight_of(spec, average, name) for name in average.over]
    found = robustness(matrix, [spec.group_of(name) for name in average.over], weights)
    order = sorted(range(len(whole)), key=lambda k: int(found.original[k]))
    ordered = [whole[k] for k in order]
    places = tuple(range(len(whole)))
    ranks = tuple(int(found.original[k]) for k in order)
    if not with_robustness:
        return [*ordered, *rest], Ranks(places, ranks)
    again = robustness(matrix[order], [spec.group_of(name) for name in average.over], weights)
    low, high = _intervals(spec, ordered, average)
    return [*ordered, *rest], Ranks(places, ranks, again, low, high)


def _intervals(
    spec: BoardSpec, rows: Sequence[BoardRow], average: AverageSpec
) -> tuple[tuple[int, ...] | None, tuple[int, ...] | None]:
    if len(rows) < 2:
        return None, None
    draws = draws_of_rows(spec, rows, average)
    if draws is None:
        return None, None
    low, high = rank_intervals(draws)
    return tuple(map(int, low)), tuple(map(int, high))


def _correlation(spec: BoardSpec, rows: Sequence[BoardRow], any_recipe: bool) -> Correlation:
    named = spec.correlation or tuple(column.name for column in spec.columns)
    matrix = np.array([[_known(spec, row, name, any_recipe) for name in named] for row in rows], np.float64)
    matrix = matrix.reshape(len(rows), len(named))
    filled = [k for k in range(len(named)) if np.isfinite(matrix[:, k]).any()]
    return spearman(matrix[:, filled], [named[k] for k in filled])


def _known(spec: BoardSpec, row: BoardRow, name: str, any_recipe: bool) -> float:
    value = oriented(spec, row, name) if row.columns[name].usable(any_recipe) else None
    return math.nan if value is None else value
