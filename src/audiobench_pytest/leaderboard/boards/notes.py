"""What has to be said below a board: doubts, other recipes, degenerate cells, what is missing."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence

from audiobench_pytest.catalog.boards import AverageSpec, BoardSpec
from audiobench_pytest.leaderboard.boards.cells import CellState, RunCell
from audiobench_pytest.leaderboard.boards.rows import BoardRow, is_error, oriented, weight_of

NAMED = 6
"""Most names of a list that a sentence spells out."""


def notes_of(
    spec: BoardSpec, rows: Sequence[BoardRow], average: AverageSpec | None, unshown: Sequence[RunCell]
) -> list[str]:
    """Return the sentences, the most telling ones first.

    Args:
        spec: The board.
        rows: Its rows.
        average: The average that ranks.
        unshown: Cells of the runs that belong to no column.
    """
    found = [*_imported(rows), *_other_recipes(rows), *_signatures(rows), *_data(rows), *_outliers(spec, rows)]
    if average is not None:
        found += _without_average(rows, average)
    found += _incomplete(rows)
    found += _doubts(rows)
    shown = [column for column in spec.columns if any(row.columns[column.name].value is not None for row in rows)]
    texts = dict.fromkeys(column.note for column in shown if column.note)
    found += [f"{_some([one.name for one in shown if one.note == text])}: {text}" for text in texts]
    found += [f"{one.name}: {one.note}" for one in spec.averages if one.note]
    found += list(spec.notes)
    if unshown:
        names = dict.fromkeys(f"{cell.result.cell.dataset} by {cell.result.cell.recipe}" for cell in unshown)
        found.append(f"not on this board: {_some(list(names))}")
    return list(dict.fromkeys(found))


def signature_marks(rows: Sequence[BoardRow]) -> dict[str, str]:
    """Return a mark (`#1`) per signature where runs of some column differ in it, else an empty mapping.

    Another recipe has a mark of its own.
    """
    marked: dict[str, None] = {}
    for name in _columns(rows):
        cells = [row.columns[name] for row in rows]
        signatures = [cell.signature for cell in cells if cell.signature and cell.state is not CellState.OTHER_RECIPE]
        if len(set(signatures)) > 1:
            marked |= dict.fromkeys(signatures)
    return {signature: f"#{number}" for number, signature in enumerate(marked, 1)}


def _imported(rows: Sequence[BoardRow]) -> Iterator[str]:
    """Name the cells whose answers were asked for elsewhere."""
    for row in rows:
        for name, cell in row.columns.items():
            told = dict.fromkeys(one.result.evidence.imported for one, _ in cell.parts)
            yield from (f"{name} of {row.model}: {text}" for text in told if text)


def _columns(rows: Sequence[BoardRow]) -> list[str]:
    return list(rows[0].columns) if rows else []


def _other_recipes(rows: Sequence[BoardRow]) -> Iterator[str]:
    """Say which models have a column by another recipe, once per reason."""
    found: dict[str, list[str]] = {}
    for name in _columns(rows):
        for row in rows:
            cell = row.columns[name]
            if cell.state is CellState.OTHER_RECIPE:
                found.setdefault(f"{name} {cell.reason}", []).append(row.model)
    for reason, models in found.items():
        yield f"! {reason}: {_some(models)}"


def _signatures(rows: Sequence[BoardRow]) -> Iterator[str]:
    for signature, mark in signature_marks(rows).items():
        yield f"{mark} {signature}"


def _data(rows: Sequence[BoardRow]) -> Iterator[str]:
    for name in _columns(rows):
        digests: dict[str, list[str]] = {}
        for row in rows:
            if row.columns[name].data.strip():
                digests.setdefault(row.columns[name].data, []).append(row.model)
        if len(digests) > 1:
            sides = " and ".join(f"{_some(models)} ({digest[:12]})" for digest, models in digests.items())
            yield f"{name}: the runs read different data: {sides}"


def _outliers(spec: BoardSpec, rows: Sequence[BoardRow]) -> Iterator[str]:
    """Name cells with more errors than there is to get right: one of them moves an average by several points."""
    for average in spec.averages:
        whole = sum(weight_of(spec, average, name) for name in average.over)
        for name in average.over:
            if not is_error(spec, name):
                continue
            for row in rows:
                own = oriented(spec, row, name)
                others = [v for other in rows if other is not row and (v := oriented(spec, other, name)) is not None]
                if own is not None and own < 0.0 and others:
                    moved = (statistics.median(others) - own) * weight_of(spec, average, name) / whole
                    yield (
                        f"outlier: {name} of {row.model} is {100.0 - own:.2f} %; at the median of the others "
                        f"its {average.name} would be {moved:.2f} points better"
                    )


def _without_average(rows: Sequence[BoardRow], average: AverageSpec) -> Iterator[str]:
    for row in rows:
        own = row.averages[average.name]
        if own.value is None and own.partial is not None:
            yield (
                f"{row.model} ({row.source}) is not ranked: {own.of - len(own.missing)} of {own.of} cells of "
                f"{average.name}, their mean is {own.partial:.2f}; missing: {_some(own.missing)}"
            )


def _incomplete(rows: Sequence[BoardRow]) -> Iterator[str]:
    for row in rows:
        for name, cell in row.columns.items():
            if cell.state is CellState.INCOMPLETE:
                yield f"* {name} of {row.model} is incomplete: {cell.reason}"
            elif cell.state is CellState.MISSING and cell.signature:  # a run holds the data, and yet there is no number
                yield f"{name} of {row.model}: {cell.reason}"


def _doubts(rows: Sequence[BoardRow]) -> Iterator[str]:
    """Give each doubt about published cells once, with the cells it is about."""
    found: dict[str, dict[str, list[str]]] = {}
    having: dict[str, int] = {}
    for row in rows:
        for name, cell in (*row.columns.items(), *row.combined.items()):
            if cell.printed:
                having[name] = having.get(name, 0) + 1
                for text in cell.notes:
                    found.setdefault(text, {}).setdefault(name, []).append(row.model)
    for text, columns in found.items():
        everywhere = all(len(models) == having[name] for name, models in columns.items())
        models = "" if everywhere else f" of {_some(list(dict.fromkeys(m for own in columns.values() for m in own)))}"
        yield f"published {_some(list(columns))}{models}: {text}"


def _some(names: Sequence[str]) -> str:
    """Return the first few names, and how many more there are."""
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")
