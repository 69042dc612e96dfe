"""Quality against speed, with the models that no other beats at both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from audiobench_pytest.errors import UsageError
from audiobench_pytest.report.plots.cells import Panel, caption
from audiobench_pytest.report.plots.layout import (
    COLOURS,
    MARKERS,
    add_caption,
    ends,
    grid_of,
    legend_beside,
    log_scale,
    mark_point,
    short,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def error_against_speed(panels: Sequence[Panel]) -> Figure:
    """Return a panel per data set and value: the value over RTFx, and the Pareto front.

    Raises:
        UsageError: No model has both.
    """
    timed = [panel for panel in panels if any(cell.rtfx for cell in panel.cells.values())]
    if not timed:
        raise UsageError(
            "no model has a value and a time: RTFx is taken while a model answers, and no answer of this run has one"
        )
    models = list(dict.fromkeys(model for panel in timed for model in panel.cells))
    figure, grid = grid_of(len(timed))
    handles: dict[str, Any] = {}
    for axes, panel in zip(grid, timed, strict=True):
        places = {model: (cell.rtfx, panel.value(model)) for model, cell in panel.cells.items() if cell.rtfx}
        known = {model: (rtfx, value.value or 0.0) for model, (rtfx, value) in places.items()}
        front = pareto(known, higher_is_better=panel.higher_is_better)
        axes.plot(
            [known[model][0] for model in front],
            [known[model][1] for model in front],
            color="#8a929e",
            linestyle="--",
            zorder=1,
            label="Pareto front",
        )
        for model, (rtfx, value) in places.items():
            number = models.index(model)
            colour, earlier = COLOURS[number % len(COLOURS)], panel.cells[model].measured_earlier
            handles[model] = axes.errorbar(
                rtfx,
                known[model][1],
                yerr=ends(known[model][1], value.low, value.high),
                fmt=MARKERS[number % len(MARKERS)],
                color=colour,
                markerfacecolor="none" if earlier else colour,
                capsize=2,
                label=model,
            )
            mark_point(axes, known[model], panel.marks[model] + "~" * earlier)
        log_scale(axes)
        axes.set_xlabel("RTFx: seconds of audio per second of inference")
        axes.set_ylabel(panel.axis)
        axes.set_title(short(panel.title))
    legend_beside(figure, {model: handles[model] for model in models if model in handles})
    add_caption(figure, ["Dashed: models that no other beats at both", *about_times(timed), *caption(timed)])
    return figure


def pareto(places: Mapping[str, tuple[float, float]], *, higher_is_better: bool) -> list[str]:
    """Return the models that no other is at least as good as in both, and better in one; the slowest first.

    Args:
        places: Speed and value by model; more speed is better.
        higher_is_better: Direction of the values.
    """
    sign = 1.0 if higher_is_better else -1.0
    oriented = {model: (speed, sign * value) for model, (speed, value) in places.items()}
    front = [
        model
        for model, own in oriented.items()
        if not any(other != own and other[0] >= own[0] and other[1] >= own[1] for other in oriented.values())
    ]
    return sorted(front, key=lambda model: places[model])


def about_times(panels: Sequence[Panel]) -> list[str]:
    """Return what has to be known of the times in panels."""
    cells = [cell for panel in panels for cell in panel.cells.values() if cell.rtfx]
    lines = []
    if any(cell.measured_earlier for cell in cells):
        lines.append("~ (hollow) measured in an earlier run: every answer came from the cache")
    hardware = {digest for cell in cells for digest in cell.hardware}
    if len(hardware) > 1:
        lines.append(f"Times were taken on {len(hardware)} kinds of hardware")
    return lines
