"""A filled board as lines for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from audiobench_pytest.leaderboard.boards.fill import FilledBoard
from audiobench_pytest.report.boards import content
from audiobench_pytest.report.boards.content import Field, Grid
from audiobench_pytest.report.text import GAP, Cell, Span, clean, render, shorten, width

_LEAST_WIDTH = 60
_LONGEST_NAME = 40

Lines = list[list[Span]]


def lines(board: FilledBoard, available: int) -> Lines:
    """Return the lines of the board, each a list of (text, pytest markup).

    Args:
        board: The board.
        available: Columns of the terminal; less than 60 counts as 60.
    """
    available = max(available, _LEAST_WIDTH)
    head: Lines = [[(clean(board.spec.title), {"bold": True})]]
    if board.spec.description:
        head.append([(clean(board.spec.description), {})])
    sections = [head]
    if not board.rows:
        sections.append([[("no row: no run holds a data set of this board, and nothing is published for it", {})]])
    summary, matrix = content.summary(board), content.correlation(board)
    sections += [_table(summary, available)] if summary else []
    sections += [_table(grid, available) for grid in content.groups(board)]
    if matrix:
        sections.append([*_table(matrix, available), [(content.correlation_caption(board), {})]])
    sections.append([[(clean(text), {})] for text in (*content.legend(board), *content.sources(board))])
    sections.append([[(f"- {clean(note)}", {})] for note in board.notes])
    joined: Lines = []
    for section in sections:
        if section:
            joined += [[], *section] if joined else section
    return [_trimmed(line) for line in joined]


def _trimmed(line: list[Span]) -> list[Span]:
    """Return the line without the room that marks would take at its end."""
    return [*line[:-1], (line[-1][0].rstrip(), line[-1][1])] if line else line


def _table(grid: Grid, available: int) -> Lines:
    """Return a table, cut into blocks that fit; each block repeats the names of the rows."""
    # Only single numbers before the names of a matrix may keep the space that puts them in line.
    names = [" " * (len(row[0].text) - len(row[0].text.lstrip())) + clean(row[0].text) for row in grid.rows]
    names = [shorten(name, _LONGEST_NAME) for name in names]
    first = [Cell(grid.head[0]), *map(Cell, names)]
    columns = [
        _column(clean(grid.head[k]), [row[k] for row in grid.rows], available // 2) for k in range(1, len(grid.head))
    ]
    drawn: Lines = [[(grid.title, {"bold": True})]] if grid.title else []
    for number, block in enumerate(_blocks(first, columns, available)):
        rows = [list(row) for row in zip(first, *block, strict=True) if any(cell.text for cell in row[1:])]
        drawn += ([[]] if number else []) + render(rows, "l" + "r" * len(block))
    return drawn


def _column(title: str, fields: Sequence[Field], room: int) -> list[Cell]:
    """Return head and fields; marks stand left-aligned behind the numbers, so that these stay in line."""
    marks = max((width(field.mark) for field in fields), default=0)
    texts = [clean(field.text) + (" " + field.mark.ljust(marks) if marks else "") for field in fields]
    cells = [Cell(text, {"bold": True} if field.best else {}) for text, field in zip(texts, fields, strict=True)]
    return [Cell(shorten(title, room)), *cells]


def _blocks(first: Sequence[Cell], columns: Sequence[list[Cell]], available: int) -> list[list[list[Cell]]]:
    blocks: list[list[list[Cell]]] = [[]]
    start = max(width(cell.text) for cell in first)
    used = start
    for column in columns:
        needed = len(GAP) + max(width(cell.text) for cell in column)
        if blocks[-1] and used + needed > available:
            blocks.append([])
            used = start
        blocks[-1].append(column)
        used += needed
    return blocks
