"""`audiobench baseline update|history|show`: the lock file that releases are compared with."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from audiobench_pytest.leaderboard.baselines.lock_file import LockedCell

NAME = "audiobench.lock.json"

_UPDATE = """\
Write what runs measured into a lock file: per cell recipe, data, model, hardware, values with their intervals, and the
numbers of each sample under a hash of its id; no texts. It belongs in git. Cells of other data sets, models or recipes
stay as they are. The same runs always give the same bytes. A run that is red, incomplete or worse than what it
replaces is refused unless --accept says why; what stood there before is kept in short (audiobench baseline history).
"""


def add(commands: Any) -> None:
    """Add the command to the parser."""
    baseline = commands.add_parser("baseline", help="write or show the lock file that releases are compared with")
    actions = baseline.add_subparsers(required=True, metavar="ACTION")
    update = actions.add_parser(
        "update",
        help="write the cells of runs into the lock file",
        description=_UPDATE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    update.add_argument(
        "runs", nargs="+", type=Path, metavar="RUN", help="run directory; parts of one plan count as one"
    )
    update.set_defaults(run=_update)
    update.add_argument(
        "--accept", metavar="REASON", help="write a worse, a red or an incomplete run all the same, and note why"
    )
    history = actions.add_parser(
        "history",
        help="list what each cell was before",
        description="List what each cell of the lock file was, the oldest first: day, value, samples, commit, reason.",
    )
    history.set_defaults(run=_history)
    show = actions.add_parser(
        "show", help="list what the lock file holds", description="List what the lock file holds."
    )
    show.add_argument("--json", action="store_true", help="print JSON, without the samples")
    show.set_defaults(run=_show)
    for action in (update, history, show):
        action.add_argument(
            "--file",
            type=Path,
            metavar="FILE",
            help=f"lock file (default: {NAME} beside benchmarks/gates.toml, else in this folder)",
        )


def _file(given: argparse.Namespace) -> Path:
    if given.file is not None:
        path: Path = given.file
        return path
    from audiobench_pytest.cli.gate_ import DEFAULT_GATES

    # A gates file names its baseline from its own folder.
    return DEFAULT_GATES.parent / NAME if DEFAULT_GATES.is_file() else Path(NAME)


def _update(given: argparse.Namespace) -> int:
    from audiobench_pytest.errors import UsageError
    from audiobench_pytest.leaderboard.baselines.lock_file import encoded, locked, read_lock
    from audiobench_pytest.leaderboard.baselines.measured import measured
    from audiobench_pytest.leaderboard.baselines.sources import cells_of_runs
    from audiobench_pytest.leaderboard.baselines.updates import (
        change_of,
        made_of,
        objections,
        red_gates,
        with_history,
    )
    from audiobench_pytest.leaderboard.cells.reduce import reduce_cell
    from audiobench_pytest.records.append import write_atomically

    path = _file(given)
    kept = {one.cell: one for one in read_lock(path)} if path.exists() else {}
    made = made_of(given.runs, given.accept or "")
    refused = [f"the run is red: {gate}" for gate in red_gates(given.runs)]
    written, changes = [], []
    for data in cells_of_runs(given.runs):
        result, side = reduce_cell(data), measured(data, str(path))
        if result.value is None or not side.digest or not side.signature:
            raise UsageError(f"{result.cell} ({result.cell.recipe}) has no value: it cannot be a baseline")
        before, new = kept.get(result.cell), locked(result, side)
        refused += [f"{result.cell}: {one}" for one in objections(result, new, before)]
        changes += [f"  {result.cell}  {change}" for change in [change_of(new, before)] if change is not None]
        written.append(with_history(new, before, made))
    if not written:
        raise UsageError("the runs hold no cell")
    if refused and not given.accept:
        listed = "; ".join(refused)
        raise UsageError(f'{path} stays as it is: {listed}. If that is meant: --accept "REASON"')
    for one in refused:
        print(f"audiobench: accepted ({given.accept}): {one}", file=sys.stderr)
    data_of_file = encoded((kept | {one.cell: one for one in written}).values())
    if not path.exists() or path.read_bytes() != data_of_file:
        write_atomically(path, data_of_file)
    others = len(kept.keys() - {one.cell for one in written})
    print(f"{path}: {len(written)} cell{'s' * (len(written) != 1)} written, {others} kept, {len(data_of_file)} bytes")
    for line in (*changes, *_lines(written)):
        print(line)
    return 0


def _history(given: argparse.Namespace) -> int:
    from audiobench_pytest.leaderboard.baselines.lock_file import read_lock
    from audiobench_pytest.leaderboard.baselines.updates import summary

    for cell in read_lock(_file(given)):
        print(f"{cell.cell}  {cell.cell.recipe}")
        for entry in (*cell.history, summary(cell)):
            value = "-" if entry["value"] is None else f"{entry['value']:.4f}"
            told = [entry.get("date") or "no date", f"{entry['metric']} {value}", f"n {entry['n']}"]
            told += [entry["commit"][:12]] if entry.get("commit") else []
            told += [entry["reason"]] if entry.get("reason") else []
            print(f"  {'  '.join(told)}")
    return 0


def _show(given: argparse.Namespace) -> int:
    from audiobench_pytest.leaderboard.baselines.lock_file import read_lock

    cells = read_lock(_file(given))
    if given.json:
        shown = [{key: value for key, value in one.document.items() if key != "samples"} for one in cells]
        print(json.dumps(shown, indent=2, ensure_ascii=False))
    else:
        for line in _lines(cells):
            print(line)
    return 0


def _lines(cells: list[LockedCell]) -> list[str]:
    from audiobench_pytest.report import numbers

    lines = []
    for one in cells:
        document = one.document
        value = document["values"][document["metric"]]
        interval = numbers.interval(value["low"], value["high"])
        unit = f" {value['unit']}" if value["unit"] else ""
        shown = "-" if value["value"] is None else f"{value['value']:.4f}{unit}"
        model = document["identity"].get("revision") or document["data"]["digest"][:12]
        what = "revision" if document["identity"].get("revision") else "data"
        lines.append(
            f"  {one.cell}  {document['metric']} {shown} {interval}".rstrip()
            + f"  n {document['n']} of {document['data']['samples']}"
            + (f" x {document['draws']} draws" if document.get("draws") else "")
            + f"  {what} {model}"
            + (f"  hardware {one.hardware}" if one.hardware else "")
        )
        lines.append(f"    {document['signature']}")
    return lines
