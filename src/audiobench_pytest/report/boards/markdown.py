"""A filled board as GitHub Markdown."""

from __future__ import annotations

import re

from audiobench_pytest.leaderboard.boards.fill import FilledBoard
from audiobench_pytest.report.boards import content
from audiobench_pytest.report.boards.content import Field, Grid
from audiobench_pytest.report.text import clean


def render(board: FilledBoard) -> str:
    """Return the board as Markdown, ending in a newline."""
    sections = [[f"# {_text(board.spec.title)}"], [_text(board.spec.description)] if board.spec.description else []]
    if not board.rows:
        sections.append(["No run holds a data set of this board, and nothing is published for it."])
    summary, matrix = content.summary(board), content.correlation(board)
    sections += [_table(summary)] if summary else []
    for grid in content.groups(board):
        sections += [[f"## {_text(grid.title)}"], _table(grid)]
    if matrix:
        sections += [[f"## {_text(matrix.title)}"], [_text(content.correlation_caption(board))], _table(matrix)]
    sections.append([f"- {_text(line)}" for line in (*content.legend(board), *content.sources(board), *board.notes)])
    text = "\n\n".join("\n".join(section) for section in sections if section) + "\n"
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _table(grid: Grid) -> list[str]:
    head = [_text(title) for title in grid.head]
    rule = ["---", *["---:"] * (len(head) - 1)]
    rows = [[_field(field) for field in row] for row in grid.rows]
    return [f"| {' | '.join(row)} |" for row in (head, rule, *rows)]


def _field(field: Field) -> str:
    text = _text(field.text)
    return (f"**{text}**" if field.best else text) + (f" {_text(field.mark)}" if field.mark else "")


def _text(text: str) -> str:
    return re.sub(r"([\\`*<>|~])", r"\\\1", clean(text))
