"""`audiobench show RUN`: the worst samples of a run in the terminal, word by word."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from audiobench_pytest.report.text import clean

_MARKS = {"replace": "\033[33m", "delete": "\033[31m", "insert": "\033[32m"}
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
    from audiobench_pytest.report.html.samples import Before, samples_of

    run = RunDirectory(given.directory)
    if run.manifest() is None:
        raise UsageError(f"{given.directory} is not a run directory: it holds no run.json")
    before = Before(given.flipped)
    found = 0
    for data in run.cells():
        rows = [one.fields for one in samples_of(data, before.of(data), {}, private=False)]
        rows = list(_picked(rows, given))
        found += len(rows)
        print(f"{clean(str(data.plan.cell))}  {clean(data.plan.cell.recipe)}")
        for row in rows:
            for line in _lines(row, colour=sys.stdout.isatty()):
                print(f"  {line}")
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


def _lines(row: Mapping[str, Any], *, colour: bool) -> Iterator[str]:
    rate = "" if row["rate"] is None else f", {row['rate']:.1f} %"
    wrong = f", {row['errors']:g} of {row['units']:g} wrong{rate}" if row["units"] else ""
    was = "" if row["before"] is None else f", {row['before']['errors']:g} before"
    yield f"{clean(row['id'])}  {row['state']}{wrong}{was}"
    if row["reason"]:
        yield f"  {clean(row['reason'])}"
    if row["steps"]:
        spaced = any(len(left or right) > 1 for _, left, right in row["steps"])
        yield "  " + (" " if spaced else "").join(_step(*step, colour=colour) for step in row["steps"])
    else:
        yield f"  reference: {clean(row['reference'])}"
        yield f"  answer: {clean(row['prediction']) if row['prediction'] is not None else '-'}"


def _step(what: str, left: str, right: str, *, colour: bool) -> str:
    left, right = clean(left), clean(right)
    text = {"equal": left, "replace": f"{{{left}|{right}}}", "delete": f"[-{left}-]", "insert": f"{{+{right}+}}"}[what]
    return f"{_MARKS[what]}{text}{_END}" if colour and what in _MARKS else text
