"""The models over the tasks of a run, as a radar chart."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from audiobench_pytest.errors import UsageError
from audiobench_pytest.leaderboard.quantities import heading
from audiobench_pytest.report.plots.cells import Panel, caption
from audiobench_pytest.report.plots.layout import COLOURS, MARKERS, add_caption, legend_beside, short
from audiobench_pytest.report.text import clean

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LEAST_AXES = 3
MOST_MODELS = 8
"""More lines than this cannot be told apart."""

INNER = 0.15
"""Radius of the worst model of an axis, where the best is at 1."""


@dataclass(frozen=True, slots=True)
class Axis:
    """One direction of the chart.

    Attributes:
        title: What it is.
        higher_is_better: Its direction.
        values: A number per model that has all of its cells.
    """

    title: str
    higher_is_better: bool
    values: Mapping[str, float]


def radar(panels: Sequence[Panel]) -> Figure:
    """Return the models over the tasks; where there are fewer than three of these, over the data sets.

    A task is the mean of its cells of one recipe, which a model without one of them lacks. Each axis runs from the
    worst of the models drawn (inner ring) to the best (outer ring), whose values stand at its end.

    Raises:
        UsageError: There are fewer than three axes, or fewer than two models that have all of them.
    """
    from matplotlib.figure import Figure

    axes = by_task(panels)
    of = "task: the mean of its cells"
    if len(axes) < LEAST_AXES:
        axes, of = [_of_panel(panel) for panel in panels], "data set"
    if len(axes) < LEAST_AXES:
        raise UsageError(
            f"a radar chart needs at least {LEAST_AXES} tasks or data sets, and this run has {len(axes)}: "
            "`--kind bars` draws it"
        )
    models = list(dict.fromkeys(model for panel in panels for model in panel.cells))
    whole = [model for model in models if all(model in axis.values for axis in axes)]
    if len(whole) < 2:
        raise UsageError(
            f"a radar chart needs at least two models with all {len(axes)} of its values, and this run has "
            f"{len(whole)}: `--dataset` names fewer"
        )
    shown = whole[:MOST_MODELS]
    figure = Figure(figsize=(8.5, 6.0))
    chart: Any = figure.add_subplot(projection="polar")
    angles = [2.0 * math.pi * number / len(axes) for number in range(len(axes))]
    handles: dict[str, Any] = {}
    for number, model in enumerate(shown):
        reach = [share(axis, model, shown) for axis in axes]
        handles[model] = chart.plot(
            [*angles, angles[0]],
            [*reach, reach[0]],
            color=COLOURS[number],
            marker=MARKERS[number],
            markersize=4,
            label=model,
        )[0]
        chart.fill(angles, reach, color=COLOURS[number], alpha=0.06)
    chart.set_theta_zero_location("N")
    chart.set_theta_direction(-1)
    chart.set_ylim(0.0, 1.0)
    chart.set_yticks([INNER, 1.0], ["", ""])
    chart.set_xticks(angles, [_end(axis, shown) for axis in axes])
    for label, angle in zip(chart.get_xticklabels(), angles, strict=True):
        across = math.sin(angle)
        label.set_horizontalalignment("center" if abs(across) < 0.1 else "left" if across > 0 else "right")
    legend_beside(figure, handles)
    left_out = [f"Left out for want of a value: {len(models) - len(whole)}"] * (len(whole) < len(models))
    left_out += [f"The first {MOST_MODELS} models of {len(whole)}"] * (len(whole) > MOST_MODELS)
    told = f"An axis per {of}, from the worst of these models (inner ring) to the best (outer ring)"
    add_caption(figure, [told, *left_out, *caption(panels)])
    return figure


def by_task(panels: Sequence[Panel]) -> list[Axis]:
    """Return the means of the panels of each task, recipe and value."""
    groups: dict[tuple[str, str, str], list[Panel]] = {}
    for panel in panels:
        cell = next(iter(panel.cells.values()))
        groups.setdefault((cell.task, cell.recipe, panel.name), []).append(panel)
    found = []
    for (task, recipe, name), of in groups.items():
        alike = [one for one in groups if (one[0], one[2]) == (task, name)]
        models = [model for model in of[0].cells if all(model in panel.cells for panel in of)]
        means = {model: math.fsum(panel.value(model).value or 0.0 for panel in of) / len(of) for model in models}
        title = f"{task} {heading(name)}" + (f" {recipe}" if len(alike) > 1 else "")
        found.append(Axis(clean(title), of[0].higher_is_better, means))
    return found


def _of_panel(panel: Panel) -> Axis:
    values = {model: panel.value(model).value or 0.0 for model in panel.cells}
    return Axis(f"{panel.title} {heading(panel.name)}", panel.higher_is_better, values)


def share(axis: Axis, model: str, models: Sequence[str]) -> float:
    """Return how far out a model is on an axis: `INNER` for the worst of these models, 1 for the best."""
    sign = 1.0 if axis.higher_is_better else -1.0
    values = [sign * axis.values[one] for one in models]
    worst, best = min(values), max(values)
    place = 1.0 if best <= worst else (sign * axis.values[model] - worst) / (best - worst)
    return INNER + (1.0 - INNER) * place


def _end(axis: Axis, models: Sequence[str]) -> str:
    values = sorted((axis.values[model] for model in models), reverse=not axis.higher_is_better)
    return f"{short(axis.title)}\n{values[0]:.2f} to {values[-1]:.2f}"
