"""The kinds of pictures, and how one becomes a file."""

from __future__ import annotations

import importlib.util
import io
import warnings
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from audiobench_pytest.errors import MissingExtraError, RecordError, UsageError
from audiobench_pytest.records.append import write_atomically
from audiobench_pytest.report.plots.bars import bars
from audiobench_pytest.report.plots.cells import DrawnCell, Panel, cells_of, panels_of
from audiobench_pytest.report.plots.codecs import quality_against_bits
from audiobench_pytest.report.plots.correlation import correlation
from audiobench_pytest.report.plots.layout import STYLE
from audiobench_pytest.report.plots.radar import radar
from audiobench_pytest.report.plots.speed import error_against_speed

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = (".png", ".svg")

KINDS: dict[str, Callable[[Sequence[DrawnCell], Sequence[Panel]], Figure]] = {
    "error-rtf": lambda _, panels: error_against_speed(panels),
    "radar": lambda _, panels: radar(panels),
    "correlation": lambda _, panels: correlation(panels),
    "bars": lambda _, panels: bars(panels),
    "codec": quality_against_bits,
}
"""What draws each kind: from all cells, and the panels of the values that are asked for."""


def draw(run: Path, kind: str, *, datasets: Collection[str] = (), metrics: Collection[str] = ()) -> Figure:
    """Return the picture of a run.

    Args:
        run: A run directory with a leaderboard.
        kind: One of `KINDS`.
        datasets: Data sets to draw; none for all.
        metrics: Values to draw; none for the headline of each cell.

    Raises:
        MissingExtraError: matplotlib is not installed.
        UsageError: The run lacks what the picture needs.
        RecordError: The leaderboard cannot be read.
    """
    if importlib.util.find_spec("matplotlib") is None:
        raise MissingExtraError("a picture for papers", "matplotlib", "plots")
    import matplotlib

    cells = cells_of(run, datasets)
    panels = panels_of(cells, metrics)
    with matplotlib.rc_context(STYLE):
        return KINDS[kind](cells, panels)


def save(figure: Figure, path: Path) -> list[str]:
    """Write a picture, the same bytes for the same run; return what its letters could not show, a sentence each.

    Raises:
        UsageError: The file's name says no format that there is.
        RecordError: It cannot be written.
    """
    import matplotlib

    check_format(path)
    form = path.suffix.lower()[1:]
    buffer = io.BytesIO()
    with matplotlib.rc_context(STYLE), warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        figure.savefig(buffer, format=form, metadata={"Date": None} if form == "svg" else {"Software": None})
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise RecordError(f"cannot make the folder of {path}: {exc.strerror or exc}") from exc
    write_atomically(path, buffer.getvalue())
    missing = [str(one.message) for one in said if "Glyph" in str(one.message)]
    return [f"{len(missing)} letters are not in matplotlib's font: in an SVG they are kept"] if missing else []


def check_format(path: Path) -> None:
    """Refuse a file whose name ends in no format that there is.

    Raises:
        UsageError: It does.
    """
    if path.suffix.lower() not in FORMATS:
        raise UsageError(f"{path}: a picture is a file whose name ends in {' or '.join(FORMATS)}")
