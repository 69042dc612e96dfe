"""What codecs keep of a sound, against the bits they take for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from audiobench_pytest.errors import UsageError
from audiobench_pytest.report.plots.cells import DrawnCell, Panel, Value, caption
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

BIT_RATE = "bit_rate"


def quality_against_bits(cells: Sequence[DrawnCell], panels: Sequence[Panel]) -> Figure:
    """Return a panel per value but the bit rate: the value over the bit rate of each codec.

    Args:
        cells: All of the run: the bit rate of a codec is in a cell of its own.
        panels: The values to draw.

    Raises:
        UsageError: No cell has a bit rate, or none of those that have one has another value.
    """
    rates = {
        (cell.dataset, cell.model): value
        for cell in cells
        if (value := cell.named(BIT_RATE)) is not None and value.value is not None
    }
    if not rates:
        raise UsageError(
            "no cell has a bit rate: it is measured of codecs (`pytest benchmarks/codec --model opus-16k`), "
            "by the recipe bit-rate/audiobench-pytest@1"
        )
    drawn = [(panel, found) for panel in panels if panel.name != BIT_RATE and (found := _places(panel, rates))]
    if not drawn:
        raise UsageError("the codecs of this run have a bit rate and no other value: score them by another recipe, too")
    models = list(dict.fromkeys(model for _, found in drawn for model in found))
    figure, grid = grid_of(len(drawn))
    handles: dict[str, Any] = {}
    for axes, (panel, found) in zip(grid, drawn, strict=True):
        for model, rate in found.items():
            number, value = models.index(model), panel.value(model)
            place = (rate.value or 0.0, value.value or 0.0)
            handles[model] = axes.errorbar(
                *place,
                xerr=ends(place[0], rate.low, rate.high),
                yerr=ends(place[1], value.low, value.high),
                fmt=MARKERS[number % len(MARKERS)],
                color=COLOURS[number % len(COLOURS)],
                capsize=2,
                label=model,
            )
            mark_point(axes, place, panel.marks[model])
        log_scale(axes)
        axes.set_xlabel("bit rate in kbit/s")
        axes.set_ylabel(panel.axis)
        axes.set_title(short(panel.title))
    legend_beside(figure, handles)
    add_caption(figure, ["Whiskers: 95 % intervals", *caption([panel for panel, _ in drawn])])
    return figure


def _places(panel: Panel, rates: dict[tuple[str, str], Value]) -> dict[str, Value]:
    """Return the bit rate of each model of a panel that has one, those with fewer bits first."""
    found = {model: rates[cell.dataset, model] for model, cell in panel.cells.items() if (cell.dataset, model) in rates}
    return dict(sorted(found.items(), key=lambda one: (one[1].value or 0.0, one[0])))
