"""The correlation of a board's columns as a picture."""

from __future__ import annotations

import math

from audiobench_pytest.errors import UsageError
from audiobench_pytest.leaderboard.boards.fill import FilledBoard
from audiobench_pytest.report.boards.content import correlation_caption
from audiobench_pytest.report.boards.svg import INK, PAPER, Picture, breadth, wrapped

_CELL = 46.0
_MARGIN = 24.0
_SMALL = 11.0
_NONE = "#e6e8ec"
_NEGATIVE, _MIDDLE, _POSITIVE = (33, 102, 172), (247, 247, 247), (178, 24, 43)


def heat_map(board: FilledBoard) -> str:
    """Return the correlation matrix as SVG: red where models good at one are good at the other, blue where worse.

    Raises:
        UsageError: No correlation was computed, or no column has a value.
    """
    found = board.correlation
    if found is None or not found.names:
        raise UsageError("there is no correlation to draw: no column has a value, or it was not asked for")
    names = found.names
    left = _MARGIN + max(breadth(name) for name in names) + 8
    # Names above the columns are turned by 45 degrees; the last one needs room to the right.
    slanted = max(breadth(name) for name in names) * math.sqrt(0.5) + 12
    side = _CELL * len(names)
    total = max(left + side + slanted + _MARGIN, 460.0)
    caption = wrapped(correlation_caption(board), total - 2 * _MARGIN, _SMALL)
    top = _MARGIN + 28 + slanted
    picture = Picture(total, top + side + 62 + 15 * len(caption), f"{board.spec.title}: Spearman correlation")
    picture.text((_MARGIN, _MARGIN + 10), f"{board.spec.title}: Spearman correlation", size=15, bold=True)
    for i, name in enumerate(names):
        middle = top + (i + 0.5) * _CELL
        picture.text((left - 8, middle + 4), name, anchor="end")
        picture.text((left + (i + 0.5) * _CELL, top - 8), name, turn=-45)
        for j in range(len(names)):
            rho = float(found.rho[i, j])
            x, y = left + j * _CELL, top + i * _CELL
            picture.box(x, y, _CELL, _CELL, _colour(rho), PAPER)
            text = "-" if math.isnan(rho) else f"{rho:.2f}"
            ink = PAPER if abs(rho) > 0.6 else INK
            picture.text((x + _CELL / 2, middle + 4), text, anchor="middle", size=_SMALL, colour=ink)
    _between_groups(picture, board, left, top)
    _scale(picture, left, top + side + 14)
    for number, line in enumerate(caption):
        picture.text((_MARGIN, top + side + 62 + 15 * number), line, size=_SMALL)
    return picture.render()


def _between_groups(picture: Picture, board: FilledBoard, left: float, top: float) -> None:
    """Draw a line where one task group ends and the next begins."""
    assert board.correlation is not None
    names = board.correlation.names
    groups = [board.spec.group_of(name) for name in names]
    side = _CELL * len(names)
    for k in range(1, len(names)):
        if groups[k] != groups[k - 1]:
            place = k * _CELL
            picture.line((left + place, top), (left + place, top + side), INK)
            picture.line((left, top + place), (left + side, top + place), INK)


def _scale(picture: Picture, left: float, top: float) -> None:
    steps = 40
    wide = 200.0 / steps
    for step in range(steps):
        picture.box(left + step * wide, top, wide + 0.5, 12, _colour(-1.0 + 2.0 * (step + 0.5) / steps))
    for share, text in ((0.0, "-1"), (0.5, "0"), (1.0, "1")):
        picture.text((left + 200.0 * share, top + 26), text, size=_SMALL, anchor="middle")


def _colour(rho: float) -> str:
    if math.isnan(rho):
        return _NONE
    end = _POSITIVE if rho > 0 else _NEGATIVE
    share = min(1.0, abs(rho))
    mixed = (round(m + (e - m) * share) for m, e in zip(_MIDDLE, end, strict=True))
    return "#" + "".join(f"{part:02x}" for part in mixed)
