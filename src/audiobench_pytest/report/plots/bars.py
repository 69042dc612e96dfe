"""Values as bars, with their 95 % intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from audiobench_pytest.report.numbers import decimals
from audiobench_pytest.report.plots.cells import Panel, caption
from audiobench_pytest.report.plots.layout import COLOURS, add_caption, ends, grid_of, short

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def bars(panels: Sequence[Panel]) -> Figure:
    """Return a panel per data set and value, a bar per model, in the order of the leaderboard."""
    models = list(dict.fromkeys(model for panel in panels for model in panel.cells))
    colours = {model: COLOURS[number % len(COLOURS)] for number, model in enumerate(models)}
    most = max(len(panel.cells) for panel in panels)
    figure, grid = grid_of(len(panels), height=1.2 + 0.32 * most)
    for axes, panel in zip(grid, panels, strict=True):
        names = list(panel.cells)
        values = [panel.value(model) for model in names]
        heights = [value.value or 0.0 for value in values]
        axes.barh(range(len(names)), heights, color=[colours[model] for model in names], alpha=0.85)
        far = max([0.0, *heights, *(value.high or 0.0 for value in values)])
        for place, value in enumerate(values):
            known = value.value or 0.0
            if value.low is not None and value.high is not None:
                axes.errorbar(
                    known, place, xerr=ends(known, value.low, value.high), fmt="none", ecolor="#1f2430", capsize=3
                )
            text = f"{known:.{decimals(1.0 if far <= 1 else None)}f}"
            axes.text(max(known, value.high or known) + 0.02 * far, place, text, va="center", fontsize=8)
        axes.set_yticks(range(len(names)), [short(panel.label(model)) for model in names])
        axes.invert_yaxis()
        axes.set_xlim(right=far * 1.2 or 1.0)
        axes.set_xlabel(panel.axis)
        axes.set_title(short(panel.title))
    whiskers = any(panel.value(model).low is not None for panel in panels for model in panel.cells)
    add_caption(figure, [*(["Whiskers: 95 % intervals"] if whiskers else []), *caption(panels)])
    return figure
