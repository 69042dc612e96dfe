"""Aligned plain text that knows how many columns a character takes on a terminal."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

Span = tuple[str, dict[str, bool]]
"""Text and the pytest markup it is printed with (`{"bold": True, "red": True}`)."""

GAP = "  "
"""Between two columns of a table."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One field of a table.

    Attributes:
        text: One line.
        markup: pytest markup of the text; the padding around it stays plain.
    """

    text: str
    markup: Mapping[str, bool] = field(default_factory=dict)


def width(text: str) -> int:
    """Return the number of terminal columns: two for a wide (CJK) character, none for a combining one."""
    if text.isascii():
        return len(text)
    return sum(_columns(character) for character in text)


def _columns(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def clean(text: str) -> str:
    """Return text on one line, with every character that a terminal would obey or choke on written as an escape."""
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
        for character in " ".join(text.split())
    )


def shorten(text: str, columns: int) -> str:
    """Return the text with its middle replaced by `...` when it is wider than `columns`."""
    if width(text) <= columns:
        return text
    kept = max(0, columns - 3)
    head = _take(text, kept - kept // 2)
    tail = _take(text[::-1], kept // 2)[::-1]
    return f"{head}...{tail}"


def _take(text: str, columns: int) -> str:
    used = 0
    for position, character in enumerate(text):
        used += _columns(character)
        if used > columns:
            return text[:position]
    return text


def widths(rows: Sequence[Sequence[Cell]]) -> list[int]:
    """Return the width of each column."""
    return [max(width(cell.text) for cell in column) for column in zip(*rows, strict=True)]


def render(rows: Sequence[Sequence[Cell]], align: str) -> list[list[Span]]:
    """Return the rows as lines of aligned columns, without spaces at their ends.

    Args:
        rows: All of the same length, headers included.
        align: `l` or `r` per column.
    """
    if not rows:
        return []
    wanted = widths(rows)
    return [_line(row, wanted, align) for row in rows]


def _line(row: Sequence[Cell], wanted: Sequence[int], align: str) -> list[Span]:
    spans: list[Span] = []
    for position, (cell, columns, side) in enumerate(zip(row, wanted, align, strict=True)):
        fill = " " * (columns - width(cell.text))
        before = (GAP if position else "") + (fill if side == "r" else "")
        spans += [(before, {}), (cell.text, dict(cell.markup)), (fill if side == "l" else "", {})]
    while spans and not spans[-1][0].strip():
        spans.pop()
    return _joined(spans)


def _joined(spans: Sequence[Span]) -> list[Span]:
    """Merge neighbours of the same markup, so that a plain line is one write."""
    joined: list[Span] = []
    for text, markup in spans:
        if joined and joined[-1][1] == markup:
            joined[-1] = (joined[-1][0] + text, markup)
        elif text:
            joined.append((text, markup))
    return joined
