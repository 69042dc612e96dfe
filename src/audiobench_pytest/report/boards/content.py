"""What a filled board shows, as plain text in grids; the terminal and the Markdown file share it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from audiobench_pytest.catalog.boards import AverageSpec, ColumnSpec
from audiobench_pytest.leaderboard.boards.cells import BoardCell, CellState
from audiobench_pytest.leaderboard.boards.fill import FilledBoard
from audiobench_pytest.leaderboard.boards.notes import signature_marks
from audiobench_pytest.leaderboard.boards.ranks import RankRange, critical
from audiobench_pytest.leaderboard.boards.rows import BoardRow
from audiobench_pytest.report import numbers

PUBLISHED = "(p)"
"""Marks a row that somebody else published."""

_RANGES = {
    "LOBO": "LOBO with each benchmark left out",
    "LOTGO": "LOTGO with each task group left out",
    "norm.": "norm. with z-scores and with min-max",
}

_STATES = {CellState.OTHER_RECIPE: "!", CellState.INCOMPLETE: "*"}


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a grid.

    Attributes:
        text: The number, or the words.
        mark: What follows it.
        best: Whether it leads its column.
    """

    text: str
    mark: str = ""
    best: bool = False


@dataclass(frozen=True, slots=True)
class Grid:
    """A table: a head, and a row of fields per model.

    Attributes:
        title: What it shows, or "".
        head: Titles of the columns; the first is that of the row names.
        rows: As long as the head.
    """

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[Field, ...], ...]


def summary(board: FilledBoard) -> Grid | None:
    """Return ranks, averages and rank ranges, or None for a board without averages."""
    averages = [one for one in board.spec.averages if any(row.averages[one.name].of for row in board.rows)]
    shown = [one for one in averages if any(row.averages[one.name].partial is not None for row in board.rows)]
    if board.average is None or not shown:
        return None
    if board.average in shown:
        shown = [board.average, *(one for one in shown if one is not board.average)]
    ranges = _ranges(board)
    with_speed = any(row.rtfx is not None for row in board.rows)
    head = ("model", "rank", *(_average_title(one) for one in shown), *ranges, *(["RTFx"] if with_speed else []))
    best = {one.name: _best_average(board, one) for one in shown}
    rows = []
    for place, row in enumerate(board.rows):
        fields = [Field(name_of(row)), Field(_rank(board, place))]
        fields += [_average(row, one, best[one.name]) for one in shown]
        fields += [Field(texts[place]) for texts in ranges.values()]
        fields += [Field(numbers.significant(row.rtfx))] if with_speed else []
        rows.append(tuple(fields))
    return Grid("", head, tuple(rows))


def groups(board: FilledBoard) -> list[Grid]:
    """Return a grid per task group: its columns that have a value, then its combinations, of the rows that have one."""
    marks = signature_marks(board.rows)
    found = []
    for group in board.spec.groups():
        columns = [one for one in board.spec.columns if one.group == group]
        columns = [one for one in columns if any(row.columns[one.name].value is not None for row in board.rows)]
        combined = [
            one.name
            for one in board.spec.combined
            if one.group == group and any(row.combined[one.name].value is not None for row in board.rows)
        ]
        rows = [
            row for row in board.rows if any(row.cell(name).value is not None for name in _names(columns, combined))
        ]
        if not rows:
            continue
        best = {one.name: _best(rows, one.name, one.error) for one in columns}
        best |= {name: _best(rows, name, False) for name in combined}
        found.append(
            Grid(
                *_titles(group, columns, combined),
                tuple(
                    (
                        Field(name_of(row)),
                        *(_field(row.cell(name), marks, best[name]) for name in _names(columns, combined)),
                    )
                    for row in rows
                ),
            )
        )
    return found


def correlation(board: FilledBoard) -> Grid | None:
    """Return the lower triangle of the correlation matrix, columns by number; None where it was not asked for."""
    found = board.correlation
    if found is None or not found.names:
        return None
    rows = [
        (
            Field(f"{i + 1:>2} {name}"),
            *(Field(_rho(found.rho[i, j]) if j <= i else "") for j in range(len(found.names))),
        )
        for i, name in enumerate(found.names)
    ]
    return Grid(
        "Spearman correlation of the columns over the models",
        ("", *(str(i + 1) for i in range(len(found.names)))),
        tuple(rows),
    )


def correlation_caption(board: FilledBoard) -> str:
    """Return how many models the correlations are over, and from what size on they are more than chance."""
    found = board.correlation
    if found is None or not found.names:
        return ""
    size = len(found.names)
    counts = sorted({int(found.n[i, j]) for i in range(size) for j in range(i)} or {int(found.n[0, 0])})
    if len(counts) > 1:
        text = f"n = {counts[0]} to {counts[-1]} models per pair (the files have n of each)"
    else:
        text = f"n = {counts[0]} models"
    limits = [(n, limit) for n in dict.fromkeys((counts[0], counts[-1])) if (limit := critical(n)) is not None]
    if limits:
        text += "; two-sided 5 % needs |rho| >= " + ", ".join(f"{limit:.2f} (n = {n})" for n, limit in limits)
    return f"{text}; higher is better in every column, so both better is positive"


def legend(board: FilledBoard) -> list[str]:
    """Return what marks and abbreviations mean, where they stand."""
    cells = [cell for row in board.rows for cell in row.columns.values()]
    found = []
    if board.average is not None and board.ranks is not None and len(board.spec.averages) > 1:
        found.append(f"ranked by {board.average.name}")
    publications = list(dict.fromkeys(row.source for row in board.rows if row.published))
    if publications:
        found.append(f"{PUBLISHED} published: {', '.join(publications)}")
    if any(cell.state is CellState.OTHER_RECIPE for cell in cells):
        found.append(
            "! made by another recipe than the board's: "
            + ("averaged as asked" if board.any_recipe else "not averaged")
        )
    if any(cell.state is CellState.INCOMPLETE for cell in cells):
        found.append("* not the whole data set: not averaged")
    if board.ranks is not None and board.ranks.robustness is not None:
        found.append("best to worst rank: " + ", ".join(_RANGES[title] for title in _ranges(board)))
        if board.ranks.low is not None:
            found.append("rank [ ]: 95 % bootstrap over the samples")
    return found


def sources(board: FilledBoard) -> list[str]:
    """Return where the rows of runs come from."""
    return [f"{row.model}: {row.source}" for row in board.rows if not row.published]


def name_of(row: BoardRow) -> str:
    """Return a row's name with its mark."""
    return f"{row.model} {PUBLISHED}" if row.published else row.model


def shown_value(cell: BoardCell) -> str:
    """Return a value as text: a published one with its own digits, a measured one with two decimals."""
    if cell.value is None:
        return numbers.NOTHING
    if cell.printed and float(cell.printed) == cell.value:
        return cell.printed
    return f"{cell.value:.2f}"


def _names(columns: Sequence[ColumnSpec], combined: Sequence[str]) -> list[str]:
    return [*(one.name for one in columns), *combined]


def _titles(group: str, columns: Sequence[ColumnSpec], combined: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """Return the title of a group and the head of its table; what all columns share is said once."""
    ways = {one.name: "lower is better" if one.error else "higher is better" for one in columns}
    units = {one.name: one.unit for one in columns}
    if combined:
        ways |= dict.fromkeys(combined, "higher is better")
        units |= dict.fromkeys(combined, "")
    shared: list[str] = []
    own: dict[str, list[str]] = {name: [] for name in ways}
    for facts in (units, ways):
        if len(set(facts.values())) == 1:
            shared += [text for text in {*facts.values()} if text]
        else:
            for name, text in facts.items():
                own[name] += [text] if text else []
    title = f"{group}: {', '.join(shared)}" if shared else group
    return title, ("model", *(f"{name} ({', '.join(texts)})" if texts else name for name, texts in own.items()))


def _average_title(average: AverageSpec) -> str:
    return f"{average.title or average.name}{' (lower)' if average.as_printed else ''}"


def _rank(board: FilledBoard, place: int) -> str:
    rank = board.rank_of(place)
    if rank is None:
        return numbers.NOTHING
    ranks = board.ranks
    if ranks is None or ranks.low is None or ranks.high is None:
        return str(rank)
    return f"{rank} [{ranks.low[place]}, {ranks.high[place]}]"


def _average(row: BoardRow, average: AverageSpec, best: float | None) -> Field:
    own = row.averages[average.name]
    if own.value is None:
        return Field(numbers.NOTHING if own.partial is None else f"({own.of - len(own.missing)} of {own.of})")
    return Field(f"{own.value:.2f}", "!" if own.other_recipe else "", own.value == best)


def _best_average(board: FilledBoard, average: AverageSpec) -> float | None:
    values = [value for row in board.rows if (value := row.averages[average.name].value) is not None]
    if len(values) < 2:
        return None
    return min(values) if average.as_printed else max(values)


def _best(rows: Sequence[BoardRow], name: str, is_error: bool) -> float | None:
    values = [v for row in rows if row.cell(name).usable(False) and (v := row.cell(name).value) is not None]
    if len(values) < 2:
        return None
    return min(values) if is_error else max(values)


def _field(cell: BoardCell, marks: dict[str, str], best: float | None) -> Field:
    mark = _STATES.get(cell.state, "") + marks.get(cell.signature, "")
    return Field(shown_value(cell), mark, cell.value is not None and cell.usable(False) and cell.value == best)


def _ranges(board: FilledBoard) -> dict[str, list[str]]:
    """Return the rank ranges of all rows by title; empty where they were not asked for."""
    if board.ranks is None or board.ranks.robustness is None:
        return {}
    found = board.ranks.robustness
    return {
        title: [_range(one, place) if board.rank_of(place) else numbers.NOTHING for place in range(len(board.rows))]
        for title, one in zip(_RANGES, (found.lobo, found.lotgo, found.altnorm), strict=True)
        if one is not None
    }


def _range(one: RankRange, place: int) -> str:
    return f"{one.best[place]}-{one.worst[place]}"


def _rho(value: float) -> str:
    return numbers.NOTHING if math.isnan(value) else f"{value:.2f}"
