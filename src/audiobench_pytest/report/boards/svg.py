"""A few SVG elements, enough for a heat map and a radar chart; one file that needs nothing else."""

from __future__ import annotations

import math
from collections.abc import Sequence
from xml.sax.saxutils import escape

from audiobench_pytest.report.text import clean, width

INK = "#1f2430"
FAINT = "#c9ced6"
PAPER = "#ffffff"

Point = tuple[float, float]


class Picture:
    """An SVG drawing; y grows downwards, units are pixels."""

    def __init__(self, columns: float, rows: float, title: str) -> None:
        self._size = (columns, rows)
        self._title = _xml(title)
        self._parts: list[str] = []
        self.box(0, 0, columns, rows, PAPER)

    def box(self, x: float, y: float, columns: float, rows: float, fill: str, stroke: str = "none") -> None:
        """Draw a rectangle from its upper left corner."""
        self._parts.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{columns:.1f}" height="{rows:.1f}" fill="{fill}" stroke="{stroke}"/>'
        )

    def line(self, start: Point, end: Point, stroke: str = FAINT, thick: float = 1.0) -> None:
        """Draw a line."""
        (x1, y1), (x2, y2) = start, end
        self._parts.append(
            f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{stroke}" stroke-width="{thick}"/>'
        )

    def polygon(
        self, points: Sequence[Point], stroke: str, *, fill: str = "none", thick: float = 1.0, dashes: str = ""
    ) -> None:
        """Draw a closed line; a fill is drawn faintly, so that what lies below stays visible."""
        places = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
        self._parts.append(
            f'<polygon points="{places}" fill="{fill}" fill-opacity="0.08" stroke="{stroke}" '
            f'stroke-width="{thick}" stroke-linejoin="round"{dashed}/>'
        )

    def dot(self, place: Point, colour: str, radius: float = 3.0) -> None:
        """Draw a filled circle."""
        x, y = place
        self._parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" fill="{colour}"/>')

    def text(
        self,
        place: Point,
        text: str,
        *,
        size: float = 12.0,
        anchor: str = "start",
        colour: str = INK,
        bold: bool = False,
        turn: float = 0.0,
    ) -> None:
        """Write one line; `anchor` is `start`, `middle` or `end`, `turn` in degrees, clockwise."""
        x, y = place
        turned = f' transform="rotate({turn:g} {x:.1f} {y:.1f})"' if turn else ""
        weight = ' font-weight="bold"' if bold else ""
        self._parts.append(
            f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size:g}" text-anchor="{anchor}" '
            f'fill="{colour}"{weight}{turned}>{_xml(text)}</text>'
        )

    def render(self) -> str:
        """Return the file, ending in a newline."""
        columns, rows = (math.ceil(side) for side in self._size)
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{columns}" height="{rows}" '
            f'viewBox="0 0 {columns} {rows}" role="img" font-family="sans-serif">'
        )
        text = "\n".join([head, f"<title>{self._title}</title>", *self._parts, "</svg>"]) + "\n"
        return text.encode("utf-8", "backslashreplace").decode("utf-8")


def breadth(text: str, size: float = 12.0) -> float:
    """Return about how many pixels a text takes: fonts differ, so a little more than most."""
    return width(clean(text)) * size * 0.58


def wrapped(text: str, columns: float, size: float = 12.0) -> list[str]:
    """Return a text as lines of at most about so many pixels; a single longer word stays whole."""
    lines: list[str] = []
    for word in clean(text).split(" "):
        if lines and breadth(f"{lines[-1]} {word}", size) <= columns:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def _xml(text: str) -> str:
    return escape(clean(text), {'"': "&quot;"})
