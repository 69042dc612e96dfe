"""`audiobench plot RUN`: pictures of a run for papers."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

_DESCRIPTION = """\
Draw a run from the leaderboard that it wrote: error against speed with the Pareto front (error-rtf), models over tasks
(radar), rank correlation of the columns over the models (correlation), values with their 95 % intervals (bars), quality
of codecs against their bit rate (codec). Needs the extra `plots`.
"""


def add(commands: Any) -> None:
    """Add the command to the parser."""
    from audiobench_pytest.report.plots.drawing import KINDS

    plot = commands.add_parser(
        "plot",
        help="draw a run for a paper",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    plot.add_argument("directory", type=Path, metavar="RUN", help="run directory")
    plot.add_argument("--kind", required=True, choices=list(KINDS), help="what is drawn")
    plot.add_argument("--output", type=Path, metavar="FILE", help="a .png or .svg (default: RUN/KIND.png)")
    plot.add_argument("--dataset", action="append", default=[], metavar="NAME", help="draw this one only; repeatable")
    plot.add_argument(
        "--metric", action="append", default=[], metavar="NAME", help="draw this value, not the headline; repeatable"
    )
    plot.set_defaults(run=_plot)


def _plot(given: argparse.Namespace) -> int:
    from audiobench_pytest.report.plots.drawing import check_format, draw, save

    path: Path = given.output if given.output is not None else given.directory / f"{given.kind}.png"
    check_format(path)
    figure = draw(given.directory, given.kind, datasets=given.dataset, metrics=given.metric)
    for sentence in save(figure, path):
        print(f"audiobench: {sentence}", file=sys.stderr)
    print(path)
    return 0
