"""The models of a board as a radar chart."""

from __future__ import annotations

import math
from collections.abc import Sequence

from audiobench_pytest.errors import UsageError
from audiobench_pytest.leaderboard.boards.fill import FilledBoard
from audiobench_pytest.leaderboard.boards.rows import BoardRow, is_error, oriented
from audiobench_pytest.report.boards.content import name_of
from audiobench_pytest.report.boards.svg import FAINT, INK, Picture, Point, breadth, wrapped

MOST_MODELS = 8
"""More lines than this cannot be told apart."""

_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#6a4fb3", "#4d4d4d")
_RADIUS = 190.0
_INNER = 0.15
_MARGIN = 24.0
_SMALL = 11.0


def radar(board: FilledBoard) -> str:
    """Return the models over the cells of the ranking average as SVG.

    Each axis runs from the worst of the models shown (inner ring) to the best (outer ring), whose values stand at its
    end: error rates of a few percent would be one line otherwise. Runs come first, then published rows by rank, eight
    in all; models that lack a cell are left out, which the caption says.

    Raises:
        UsageError: There is no average of three cells or more, or fewer than two models have all of its cells.
    """
    average = board.average
    if average is None or len(average.over) < 3:
        raise UsageError("a radar chart needs an average of at least three cells; name one with --average")
    whole = [row for row in board.rows if row.averages[average.name].value is not None]
    shown = sorted(whole, key=lambda row: row.published)[:MOST_MODELS]
    if len(shown) < 2:
        raise UsageError(
            f"a radar chart needs at least two models with all cells of {average.name}, found {len(shown)}"
        )
    mixed = len({row.published for row in shown}) > 1
    caption = "Each axis runs from the worst of these models (inner ring) to the best (outer ring)."
    caption += " Dashed: published." if mixed else ""
    caption += _left_out(len(whole) - len(shown), "ranked and not drawn")
    caption += _left_out(len(board.rows) - len(whole), "without all cells")
    names = list(average.over)
    ends = [_ends(board, shown, name) for name in names]
    side = max(
        breadth(text, _SMALL) for name, end in zip(names, ends, strict=True) for text in _labels(board, name, end)
    )
    middle: Point = (_MARGIN + side + 20 + _RADIUS, _MARGIN + 70 + _RADIUS)
    right = middle[0] + _RADIUS + 20 + side
    legend = right + 10
    total = legend + 30 + max(breadth(name_of(row)) for row in shown) + _MARGIN
    lines = wrapped(caption, total - 2 * _MARGIN, _SMALL)
    title = f"{board.spec.title}: {average.title or average.name}"
    picture = Picture(total, middle[1] + _RADIUS + 70 + 15 * len(lines), title)
    picture.text((_MARGIN, _MARGIN + 10), title, size=15, bold=True)
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        picture.polygon([_place(middle, k, len(names), share) for k in range(len(names))], FAINT)
    for k, (name, end) in enumerate(zip(names, ends, strict=True)):
        picture.line(middle, _place(middle, k, len(names), 1.0))
        _label(picture, middle, k, len(names), _labels(board, name, end))
    for row, colour in zip(shown, _COLOURS, strict=False):
        shares = [_share(oriented(board.spec, row, name), end) for name, end in zip(names, ends, strict=True)]
        points = [_place(middle, k, len(names), share) for k, share in enumerate(shares)]
        faint = mixed and row.published
        picture.polygon(points, colour, fill="none" if row.published else colour, thick=2.0, dashes="6 3" * faint)
        for point in points:
            picture.dot(point, colour, 2.5)
    for number, (row, colour) in enumerate(zip(shown, _COLOURS, strict=False)):
        y = _MARGIN + 60 + 22 * number
        picture.line((legend, y - 4), (legend + 20, y - 4), colour, 3.0)
        picture.text((legend + 28, y), name_of(row), bold=not row.published)
    for number, line in enumerate(lines):
        picture.text((_MARGIN, middle[1] + _RADIUS + 62 + 15 * number), line, size=_SMALL)
    return picture.render()


def _left_out(count: int, why: str) -> str:
    return f" {count} more, {why}." if count else ""


def _ends(board: FilledBoard, rows: Sequence[BoardRow], name: str) -> tuple[float, float]:
    """Return the worst and the best oriented value of a cell."""
    values = [value for row in rows if (value := oriented(board.spec, row, name)) is not None]
    return min(values), max(values)


def _share(value: float | None, ends: tuple[float, float]) -> float:
    worst, best = ends
    if value is None or best <= worst:
        return 1.0
    return (value - worst) / (best - worst)


def _place(middle: Point, k: int, of: int, share: float) -> Point:
    angle = 2.0 * math.pi * k / of
    reach = _RADIUS * (_INNER + (1.0 - _INNER) * share)
    return middle[0] + reach * math.sin(angle), middle[1] - reach * math.cos(angle)


def _labels(board: FilledBoard, name: str, ends: tuple[float, float]) -> tuple[str, str]:
    """Return a cell's name, and its values at the inner and the outer ring as they are printed elsewhere."""
    worst, best = (100.0 - end if is_error(board.spec, name) else end for end in ends)
    return name, f"{worst:.2f} to {best:.2f}"


def _label(picture: Picture, middle: Point, k: int, of: int, texts: tuple[str, str]) -> None:
    x, y = _place(middle, k, of, 1.07)
    across = math.sin(2.0 * math.pi * k / of)
    anchor = "middle" if abs(across) < 0.15 else "start" if across > 0 else "end"
    upper = y - 12 if y < middle[1] - _RADIUS * 0.9 else y + 8 if y > middle[1] + _RADIUS * 0.9 else y
    picture.text((x, upper), texts[0], size=_SMALL, anchor=anchor, colour=INK)
    picture.text((x, upper + 13), texts[1], size=_SMALL - 1, anchor=anchor, colour="#6b7280")
