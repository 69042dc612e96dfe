"""Protocols a table at a time: its rows times its columns (`protocols/*.yaml`, key `patterns`).

What a column measures is said once, by the board that takes its published cells from the table.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

from audiobench_pytest.catalog.boards import load_boards
from audiobench_pytest.catalog.entries import Kind
from audiobench_pytest.catalog.published import PublishedValue, load_published
from audiobench_pytest.catalog.schema.protocols import (
    ExpectedRef,
    PatternColumn,
    PatternModel,
    PatternSpec,
    ProtocolSpec,
)
from audiobench_pytest.errors import CatalogError, UnknownNameError, did_you_mean

PATTERNS = Kind("protocol pattern", "protocols", PatternSpec, key="patterns", beside=("protocols",))


@dataclass(frozen=True, slots=True)
class _Measured:
    """What a board says of a printed column."""

    name: str
    datasets: tuple[str, ...]
    scale: float
    value: str = ""
    slice: str = ""


def protocols_of(pattern: PatternSpec) -> Iterator[ProtocolSpec]:
    """Yield a protocol for each cell of the table that the pattern is of, in the table's order.

    Raises:
        CatalogError: There is no such table or board, the board has no such column, or rows and models do not match.
    """
    where = f"protocol pattern '{pattern.name}'"
    try:
        table = load_published().table(pattern.table)
        measured = _measured(pattern)
    except UnknownNameError as exc:
        raise CatalogError(f"{where}: {exc}") from None
    rows = {row.printed: row for row in pattern.models}
    strangers = [name for name in rows if name not in table.models()]
    if strangers:
        raise CatalogError(
            f"{where}: models: table '{table.name}' has no row '{strangers[0]}'"
            f"{did_you_mean(strangers[0], table.models())}"
        )
    for cell in table:
        if not any(fnmatchcase(cell.benchmark, one) for one in pattern.benchmarks):
            continue
        if cell.model not in rows:
            raise CatalogError(f"{where}: models: the row '{cell.model}' of table '{table.name}' is missing")
        key = (cell.benchmark, cell.metric)
        if key not in measured:
            raise CatalogError(
                f"{where}: board '{pattern.board}' has no column for '{cell.benchmark}' with '{cell.metric}' of "
                f"table '{table.name}'"
            )
        yield _protocol(pattern, rows[cell.model], _known_of(pattern, cell), measured[key], cell)


def _measured(pattern: PatternSpec) -> dict[tuple[str, str], _Measured]:
    board = load_boards().get(pattern.board)
    found = {}
    for column in board.columns:
        # A column scaled for its board (a cosine times 100) is not in the recipe's unit.
        for ref in column.published:
            if ref.table == pattern.table:
                found[ref.benchmark, ref.metric] = _Measured(
                    column.name, column.datasets, ref.scale / column.scale, column.value, column.slice
                )
    for cell in board.combined:
        sets = tuple(dict.fromkeys(name for part in cell.columns for name in board.column(part).datasets))
        for ref in cell.published:
            if ref.table == pattern.table:
                found[ref.benchmark, ref.metric] = _Measured(cell.name.replace(" ", "-"), sets, ref.scale)
    return found


def _known_of(pattern: PatternSpec, cell: PublishedValue) -> PatternColumn:
    return next(
        (
            column
            for column in pattern.columns
            if fnmatchcase(cell.benchmark, column.benchmark) and fnmatchcase(cell.metric, column.metric)
        ),
        PatternColumn(),
    )


def _protocol(
    pattern: PatternSpec, row: PatternModel, column: PatternColumn, measured: _Measured, cell: PublishedValue
) -> ProtocolSpec:
    not_run = column.not_run
    if not not_run and len(measured.datasets) != 1:
        not_run = f"what is printed is a mean over {len(measured.datasets)} data sets: {', '.join(measured.datasets)}"
    prompt = row.prompt if fnmatchcase(cell.benchmark, row.prompt_for) else ""
    return ProtocolSpec(
        name=f"{pattern.name}/{row.model}/{measured.name}",
        dataset=measured.datasets[0] if len(measured.datasets) == 1 else measured.name,
        model=row.model,
        recipe=cell.recipe,
        expected=ExpectedRef(cell.table, cell.model, cell.benchmark, cell.metric, measured.scale),
        data_version=column.data_version,
        slice=measured.slice,
        prompt=column.prompt or prompt,
        prompt_note="" if prompt and not column.prompt else column.prompt_note,
        decoding=row.decoding,
        language_hint=column.language_hint,
        channel=column.channel,
        value=measured.value,
        differs=column.differs,
        notes=(*column.notes, *row.notes),
        not_run=not_run,
        no_model=row.no_model,
    )
