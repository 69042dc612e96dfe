"""Figures of panels: how large they are, how they look, what stands below them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from audiobench_pytest.errors import UsageError
from audiobench_pytest.report.text import clean, shorten

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#6a4fb3", "#4d4d4d")
"""Can be told apart by those who see fewer colours, and in grey by their order."""

MARKERS = "osD^vP*X"
"""As many as colours."""

STYLE = {
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.constrained_layout.use": True,
    "savefig.dpi": 200,
    # A model may be called `$x$`: that is its name and no formula.
    "text.parse_math": False,
    # Words in a drawing stay words, and the same run gives the same bytes.
    "svg.fonttype": "none",
    "svg.hashsalt": "audiobench",
}
"""Settings of matplotlib for all pictures."""

MOST_PANELS = 24
"""More than these nobody can read on a page."""

LONGEST_NAME = 48


def grid_of(count: int, *, width: float = 4.2, height: float = 3.4) -> tuple[Figure, list[Axes]]:
    """Return a figure of so many panels, three beside each other at most.

    Args:
        count: Number of panels.
        width: Of each, in inches.
        height: Of each, in inches.

    Raises:
        UsageError: They are too many for a picture.
    """
    from matplotlib.figure import Figure

    if count > MOST_PANELS:
        raise UsageError(
            f"{count} panels are too many for one picture (at most {MOST_PANELS}): name some by --dataset and --metric"
        )
    across = min(3, count)
    down = -(-count // across)
    figure = Figure(figsize=(width * across, height * down))
    grid = figure.subplots(down, across, squeeze=False).ravel()
    for axes in grid[count:]:
        axes.set_axis_off()
    return figure, list(grid[:count])


def add_caption(figure: Figure, lines: Iterable[str]) -> None:
    """Put sentences below a figure."""
    if text := ". ".join(dict.fromkeys(lines)):
        figure.supxlabel(text, fontsize=8, color="#4d4d4d", wrap=True)


def short(name: str) -> str:
    """Return a name that fits beside a panel."""
    return shorten(name, LONGEST_NAME)


def legend_beside(figure: Figure, handles: Mapping[str, Any]) -> None:
    """Put names beside all panels; one that begins with `_`, which matplotlib hides, is shown as any other."""
    labels = [short(clean(name)) for name in handles]
    shown = [f" {label}" if label.startswith("_") else label for label in labels]
    figure.legend(list(handles.values()), shown, loc="outside right upper", frameon=False)


def log_scale(axes: Axes) -> None:
    """Make the horizontal axis logarithmic, its numbers written out; call it when all points are there."""
    from matplotlib.ticker import LogLocator, NullFormatter

    axes.set_xscale("log")
    axes.margins(x=0.12, y=0.12)
    low, high = axes.get_xlim()
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if high < 100.0 * low else (1.0,), numticks=8))
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.xaxis.set_minor_formatter(NullFormatter())


def mark_point(axes: Axes, place: tuple[float, float], mark: str) -> None:
    """Put the marks of a model beside its point."""
    if mark:
        axes.annotate(mark.strip(), place, xytext=(5, 4), textcoords="offset points", fontsize=8)


def ends(value: float, low: float | None, high: float | None) -> list[list[float]]:
    """Return how far an interval reaches below and above its value, as matplotlib's error bars want it."""
    below = 0.0 if low is None else max(0.0, value - low)
    above = 0.0 if high is None else max(0.0, high - value)
    return [[below], [above]]
