"""`audiobench calibrate RUN...`: limits proposed from repeated runs."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from pathlib import Path
from typing import Any

_DESCRIPTION = """\
Propose limits from repeated runs of one plan and print them as a part of a gates file. A limit is the worst of the
runs plus a slack: the range of the runs, or a share of the worst value if that is more, and never less than what one
more error changes. It is called calibrated where five runs or more are behind it; of so many, a value further from the
median than 3.5 times 1.4826 median absolute deviations is left out, and named. Give each run a cache
of its own (--audiobench-cache=DIR): a run that takes its answers from the cache repeats the first one.
"""


def add(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "calibrate",
        help="propose limits from repeated runs",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="run directories of one plan, two or more")
    parser.add_argument(
        "--slack", type=float, default=2.0, metavar="P", help="least slack, in %% of the worst value (default: 2)"
    )
    parser.add_argument(
        "--speed-slack", type=float, default=10.0, metavar="P", help="the same for limits on speed (default: 10)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=_calibrate)


def _calibrate(given: argparse.Namespace) -> int:
    from audiobench_pytest.errors import UsageError
    from audiobench_pytest.leaderboard.baselines.sources import cells_of_runs
    from audiobench_pytest.leaderboard.cells.reduce import reduce_cell
    from audiobench_pytest.leaderboard.gates.proposals import propose, snippet

    if min(given.slack, given.speed_slack) < 0:
        raise UsageError("--slack and --speed-slack must not be negative")
    if len(given.runs) != len({path.resolve() for path in given.runs}):
        raise UsageError("a run is named twice")
    runs = {str(path): [reduce_cell(cell) for cell in cells_of_runs([path])] for path in given.runs}
    proposals, notes = propose(runs, slack=given.slack / 100.0, speed_slack=given.speed_slack / 100.0)
    if given.json:
        print(json.dumps([dataclasses.asdict(one) for one in proposals], indent=2, ensure_ascii=False))
    elif proposals:
        print(snippet(proposals), end="")
    for note in notes:
        print(f"audiobench: {note}", file=sys.stderr)
    return 0 if proposals else 1
