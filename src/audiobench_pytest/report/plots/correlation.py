"""Whether models that are good at one thing are good at another, as a heat map."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from audiobench_pytest.errors import UsageError
from audiobench_pytest.leaderboard.quantities import heading
from audiobench_pytest.report.plots.cells import Panel, caption
from audiobench_pytest.report.plots.layout import add_caption, short

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_COLUMNS = 40
"""More numbers than the square of this cannot be read."""


def correlation(panels: Sequence[Panel]) -> Figure:
    """Return Spearman's rank correlation of each pair of columns over the models; higher is better in every column.

    Raises:
        UsageError: No pair of columns has a correlation, or they are too many.
    """
    import matplotlib
    import numpy as np
    from matplotlib.figure import Figure

    from audiobench_pytest.leaderboard.boards.ranks import LEAST_MODELS, critical, spearman

    if len(panels) > MOST_COLUMNS:
        raise UsageError(
            f"{len(panels)} columns are too many for one picture (at most {MOST_COLUMNS}): name some by --dataset and "
            "--metric"
        )
    models = list(dict.fromkeys(model for panel in panels for model in panel.cells))
    matrix = [
        [panel.value(model).oriented if model in panel.cells else math.nan for panel in panels] for model in models
    ]
    names = [short(f"{panel.title} {heading(panel.name)}") for panel in panels]
    found = spearman(np.array(matrix, dtype=np.float64), names)
    pairs = [(i, j) for i in range(len(names)) for j in range(i) if not math.isnan(found.rho[i, j])]
    if not pairs:
        raise UsageError(
            f"no two columns can be correlated: that takes two, at least {LEAST_MODELS} models that have both, and "
            f"values that differ; this run has {len(models)} models and {len(panels)} columns"
        )
    side = 1.6 + 0.55 * len(names)
    figure = Figure(figsize=(side + 1.6, side + 0.6))
    axes = figure.add_subplot()
    colours = matplotlib.colormaps["RdBu_r"].with_extremes(bad="#e6e8ec")
    drawn = axes.imshow(found.rho, cmap=colours, vmin=-1.0, vmax=1.0)
    for i in range(len(names)):
        for j in range(len(names)):
            rho = float(found.rho[i, j])
            text, ink = ("-", "black") if math.isnan(rho) else (f"{rho:.2f}", "white" if abs(rho) > 0.6 else "black")
            axes.text(j, i, text, ha="center", va="center", fontsize=8, color=ink)
    axes.set_xticks(range(len(names)), names, rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(names)), names)
    axes.spines[:].set_visible(False)
    figure.colorbar(drawn, ax=axes, label="Spearman's rho", shrink=0.7)
    counts = sorted({int(found.n[i, j]) for i, j in pairs})
    over = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    told = f"Over {over} models, higher is better in every column"
    limits = [f"{limit:.2f} (n = {n})" for n in (counts[0], counts[-1])[: len(counts)] if (limit := critical(n))]
    if limits:
        told += f"; two-sided 5 % needs |rho| >= {', '.join(limits)}"
    add_caption(figure, [told, *caption(panels)])
    return figure
