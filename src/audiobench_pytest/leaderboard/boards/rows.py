"""The rows of a board: what each model has in its columns, what they combine to, and the averages."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from audiobench_pytest.catalog.boards import AverageSpec, BoardSpec, CombinedSpec
from audiobench_pytest.catalog.loader import Catalog
from audiobench_pytest.catalog.published import Published
from audiobench_pytest.leaderboard.boards.cells import (
    BoardCell,
    CellState,
    RunCell,
    belongs,
    published_cell,
    run_cell,
)
from audiobench_pytest.records.keys import canonical


@dataclass(frozen=True, slots=True)
class Average:
    """One average of one model.

    Attributes:
        value: None unless all its cells are there.
        partial: The mean of those that are, or None where there is none.
        missing: Names of the cells that are not.
        of: Number of cells it is made of.
        other_recipe: Whether a cell was made by another recipe than the board's.
    """

    value: float | None
    partial: float | None
    missing: tuple[str, ...]
    of: int
    other_recipe: bool


@dataclass(frozen=True, slots=True)
class BoardRow:
    """One model of one source.

    Attributes:
        model: Its name.
        source: Run directories, or the publication.
        published: Whether somebody else printed it.
        columns: What stands in each column.
        combined: What each combination gives; published ones where the source prints them itself.
        averages: By name.
        rtfx: Seconds of sound over seconds of inference of the columns' runs together, or None.
    """

    model: str
    source: str
    published: bool
    columns: Mapping[str, BoardCell]
    combined: Mapping[str, BoardCell]
    averages: Mapping[str, Average]
    rtfx: float | None = None

    def cell(self, name: str) -> BoardCell:
        """Return the column or combination of a name."""
        return self.columns[name] if name in self.columns else self.combined[name]


def oriented(spec: BoardSpec, row: BoardRow, name: str) -> float | None:
    """Return a cell as it enters averages: 100 - x for an error rate; None where there is no number."""
    value = row.cell(name).value
    return None if value is None else 100.0 - value if is_error(spec, name) else value


def is_error(spec: BoardSpec, name: str) -> bool:
    """Tell whether a cell is a column of error rates; combinations never are."""
    return spec.combination(name) is None and spec.column(name).error


def is_shown(spec: BoardSpec, cell: RunCell, catalog: Catalog) -> bool:
    """Tell whether a cell of a run is of data that the board shows."""
    return any(belongs(column, cell.result, catalog) for column in spec.columns)


def run_rows(spec: BoardSpec, runs: Sequence[RunCell], catalog: Catalog, any_recipe: bool) -> Iterator[BoardRow]:
    """Yield a row per model; two models that only share a name are told apart by their runs."""
    models: dict[str, dict[str, list[RunCell]]] = {}
    for cell in runs:
        if is_shown(spec, cell, catalog):
            identity = canonical(cell.result.model.get("identity"))
            models.setdefault(cell.result.cell.row, {}).setdefault(identity, []).append(cell)
    for model, by_identity in models.items():
        for cells in by_identity.values():
            source = ", ".join(dict.fromkeys(cell.run for cell in cells))
            name = model if len(by_identity) == 1 else f"{model} [{source}]"
            columns = {column.name: run_cell(column, cells, catalog) for column in spec.columns}
            yield _row(spec, BoardRow(name, source, False, columns, {}, {}, _rtfx(columns)), {}, any_recipe)


def _rtfx(columns: Mapping[str, BoardCell]) -> float | None:
    used = {id(cell): cell.result for column in columns.values() for cell, _ in column.parts}.values()
    infer_s = math.fsum(result.infer_s for result in used)
    return math.fsum(result.audio_s for result in used) / infer_s if infer_s > 0 else None


def published_rows(spec: BoardSpec, published: Published, catalog: Catalog, any_recipe: bool) -> Iterator[BoardRow]:
    """Yield a row per publication and model, in the order of the tables."""
    tables = [published.table(name) for name in spec.tables()]
    for publication in dict.fromkeys(table.spec.publication for table in tables):
        own = [table for table in tables if table.spec.publication == publication]
        for model in dict.fromkeys(model for table in own for model in table.models()):
            columns = {
                column.name: published_cell(
                    column.published, published, publication, model, (column.recipe, *column.same_recipes), catalog
                )
                for column in spec.columns
            }
            printed = {
                one.name: published_cell(
                    one.published, published, publication, model, [spec.column(c).recipe for c in one.columns], catalog
                )
                for one in spec.combined
                if one.published
            }
            if any(cell.value is not None for cell in (*columns.values(), *printed.values())):
                yield _row(spec, BoardRow(model, publication, True, columns, {}, {}), printed, any_recipe)


def _row(spec: BoardSpec, row: BoardRow, printed: Mapping[str, BoardCell], any_recipe: bool) -> BoardRow:
    """Return the row with its combinations and averages."""
    row = replace(row, combined={one.name: _combined(spec, row, one, printed, any_recipe) for one in spec.combined})
    return replace(row, averages={one.name: _averaged(spec, row, one, any_recipe) for one in spec.averages})


def _combined(
    spec: BoardSpec, row: BoardRow, one: CombinedSpec, printed: Mapping[str, BoardCell], any_recipe: bool
) -> BoardCell:
    usable = [name for name in one.columns if row.columns[name].usable(any_recipe)]
    missing = [name for name in one.columns if name not in usable and name not in one.optional]
    if missing:
        if one.name in printed and not usable:
            return printed[one.name]
        return BoardCell(reason=f"without {', '.join(missing)}")
    values = [value for name in usable if (value := oriented(spec, row, name)) is not None]
    state = max((row.columns[name].state for name in usable), key=list(CellState).index)
    return BoardCell(
        one.scale * math.fsum(values) / len(values),
        state,
        "; ".join(dict.fromkeys(row.columns[name].reason for name in usable if row.columns[name].reason)),
        quantity=f"{one.scale:g} x mean of {', '.join(usable)}",
        source=row.source,
    )


def _averaged(spec: BoardSpec, row: BoardRow, average: AverageSpec, any_recipe: bool) -> Average:
    there = [name for name in average.over if row.cell(name).usable(any_recipe)]
    values = [term(spec, average, name, row.cell(name).value, raw=average.as_printed) for name in there]
    weights = [weight_of(spec, average, name) for name in there]
    mean = math.fsum(v * w for v, w in zip(values, weights, strict=True)) / math.fsum(weights) if there else None
    missing = tuple(name for name in average.over if name not in there)
    other = any(row.cell(name).state is CellState.OTHER_RECIPE for name in there)
    return Average(None if missing else mean, mean, missing, len(average.over), other)


def weight_of(spec: BoardSpec, average: AverageSpec, name: str) -> float:
    """Return how often a cell counts in an average."""
    combination = spec.combination(name)
    return float(len(combination.columns)) if average.weighted and combination else 1.0


def term(spec: BoardSpec, average: AverageSpec, name: str, value: float | None, *, raw: bool = False) -> float:
    """Return what the value of a usable cell adds to a mean: 100 - x for an error rate, unless it is wanted raw."""
    assert value is not None, "a usable cell has a value"
    if average.decimals is not None:
        value = round(value, average.decimals)
    return 100.0 - value if not raw and is_error(spec, name) else value
