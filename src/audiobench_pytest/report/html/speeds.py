"""Quality against speed, as the pages draw it: the panels and the front of `report.plots`, as plain values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from audiobench_pytest.errors import UsageError
from audiobench_pytest.report.plots.cells import Panel, caption, cells_of, panels_of
from audiobench_pytest.report.plots.speed import about_times, pareto


def speeds_of(run: Path) -> list[dict[str, Any]]:
    """Return a picture per data set and value that two models or more have with a time.

    Args:
        run: A run directory with a leaderboard.

    Returns:
        `title`, `axis`, `points` (`name` with its marks, `value`, `rtfx`, `best` for those that no other beats at both,
        the slowest of these first) and `notes` on the marks.
    """
    try:
        panels = panels_of(cells_of(run))
    except UsageError:  # nothing was scored
        return []
    return [found for panel in panels if len((found := _picture(panel))["points"]) > 1]


def _picture(panel: Panel) -> dict[str, Any]:
    timed = {model: cell for model, cell in panel.cells.items() if cell.rtfx}
    places = {model: (cell.rtfx or 0.0, panel.value(model).value or 0.0) for model, cell in timed.items()}
    front = pareto(places, higher_is_better=panel.higher_is_better)
    order = sorted(places, key=lambda model: front.index(model) if model in front else len(front))
    points = [
        {
            "name": panel.label(model) + "~" * timed[model].measured_earlier,
            "value": places[model][1],
            "rtfx": places[model][0],
            "best": model in front,
        }
        for model in order
    ]
    notes = [*about_times([panel]), *caption([panel])]
    return {"title": panel.title, "axis": panel.axis, "points": points, "notes": notes}
