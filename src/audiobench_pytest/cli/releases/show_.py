"""`audiobench show RUN`: the worst samples of a run in the terminal, word by word."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from audiobench_pytest.report.text import Span, clean

_COLOURS = {"yellow": "\033[33m", "red": "\033[31m", "green": "\033[32m"}
_END = "\033[0m"


def add(commands: Any) -> None:
    """Add the command to the parser."""
    show = commands.add_parser(
        "show",
        help="print samples of a run with their errors word by word",
        description="Print samples of a run: {said|heard} taken for another, [-left out-], {+put in+}.",
    )
    show.add_argument("directory", type=Path, metavar="RUN", help="run directory")
    which = show.add_mutually_exclusive_group()
    which.add_argument("--worst", type=int, default=20, metavar="N", help="the N worst of each cell (default: 20)")
    which.add_argument("--flipped", type=Path, metavar="RUN_B", help="those with more or fewer errors than in RUN_B")
    which.add_argument("--sample", metavar="ID", help="one sample")
    show.set_defaults(run=_show)


def _show(given: argparse.Namespace) -> int:
    from audiobench_pytest.errors import UsageError
    from audiobench_pytest.records.runs.directory import RunDirectory
    from audiobench_pytest.report.diff import sample_lines
    from audiobench_pytest.report.html.samples import Before, samples_of

    run = RunDirectory(given.directory)
    if run.manifest() is None:
        raise UsageError(f"{given.directory} is not a run directory: it holds no run.json")
    before = Before(given.flipped)
    colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    found = 0
    for data in run.cells():
        rows = [one.fields for one in samples_of(data, before.of(data), {}, private=False)]
        rows = list(_picked(rows, given))
        found += len(rows)
        print(f"{clean(str(data.plan.cell))}  {clean(data.plan.cell.recipe)}")
        for row in rows:
            for line in sample_lines(row):
                print("  " + "".join(_painted(span) if colour else span[0] for span in line))
    if given.sample is not None and not found:
        raise UsageError(f"{given.directory} has no sample '{given.sample}'")
    return 0


def _picked(rows: list[Mapping[str, Any]], given: argparse.Namespace) -> Iterator[Mapping[str, Any]]:
    if given.sample is not None:
        yield from (row for row in rows if row["id"] == given.sample)
    elif given.flipped is not None:
        yield from (
            row
            for row in rows
            if row["before"] is not None
            and (row["before"]["errors"] != row["errors"] or row["before"]["state"] != row["state"])
        )
    else:
        yield from [row for row in rows if row["errors"] or row["state"] != "ok"][: given.worst]


def _painted(span: Span) -> str:
    text, markup = span
    codes = "".join(code for name, code in _COLOURS.items() if markup.get(name))
    return f"{codes}{text}{_END}" if codes else text
