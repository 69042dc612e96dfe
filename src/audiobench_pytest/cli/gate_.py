"""`audiobench gate RUN...`: merge the parts of a run and judge it."""

from __future__ import annotations

import argparse
import dataclasses
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from audiobench_pytest.leaderboard.gates.names import Known
    from audiobench_pytest.leaderboard.gates.schema import GatesFile
    from audiobench_pytest.records.runs.directory import RunDirectory
    from audiobench_pytest.records.runs.plan import PlannedCell

DEFAULT_GATES = Path("benchmarks/gates.toml")


def add(commands: Any) -> None:
    """Add the command to the parser."""
    gate = commands.add_parser(
        "gate",
        help="merge the parts of a run and judge their gates",
        description="Merge run directories of one plan (the parts of --part K/N) and judge it. A missing part is red.",
    )
    gate.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="run directory")
    gate.add_argument(
        "--gates",
        type=Path,
        metavar="FILE",
        help=f"file of limits (default: {DEFAULT_GATES}, else the copy that the run kept of those it began with)",
    )
    gate.add_argument(
        "--require-gates", action="store_true", help="be red where no file of limits is found: coverage is no verdict"
    )
    gate.add_argument("--output", type=Path, metavar="DIR", help="write leaderboard.json, .md and .csv there")
    gate.set_defaults(run=_gate)


def _gate(given: argparse.Namespace) -> int:
    from audiobench_pytest.leaderboard.conclusion import conclude
    from audiobench_pytest.records.runs.directory import RunDirectory
    from audiobench_pytest.records.runs.merge import merge_runs
    from audiobench_pytest.report.run.files import write_board
    from audiobench_pytest.report.run.terminal import lines

    runs = [RunDirectory(path) for path in given.runs]
    from audiobench_pytest.errors import UsageError

    for run in runs:
        run.refuse_stale()
    gates = _gates(given, runs, [plan for run in runs for plan in run.plan()])
    cells = merge_runs(runs, gates.slice_keys)
    if gates.path is None and given.require_gates:
        raise UsageError(f"no file of limits: there is no {DEFAULT_GATES} here; name one with --gates")
    notes = [_made(run) for run in runs]
    doubts = {recipe: reason for run in runs for recipe, reason in run.doubts().items()}
    concluded = conclude(cells, gates, run_dir=", ".join(map(str, given.runs)), notes=notes, doubts=doubts)
    for line in lines(concluded, shutil.get_terminal_size().columns):
        print("".join(text for text, _ in line))
    if given.output:
        given.output.mkdir(parents=True, exist_ok=True)
        write_board(concluded, given.output)
    return 0 if cells and not concluded.is_red else 1


def _made(run: RunDirectory) -> str:
    """Say when a run began and of what it is: `latest` may be another one than its reader thinks."""
    facts = run.manifest() or {}
    began = time.strftime("%Y-%m-%d %H:%M", time.localtime(float(facts.get("started") or 0)))
    return f"{run.path}: a run of {began}, models {', '.join(facts.get('models') or ['unknown'])}"


def _gates(given: argparse.Namespace, runs: Sequence[RunDirectory], planned: Sequence[PlannedCell]) -> GatesFile:
    from audiobench_pytest.catalog.loader import load_catalog
    from audiobench_pytest.leaderboard.cells.planned import quantities, recipe_of
    from audiobench_pytest.leaderboard.gates.file import load_gates
    from audiobench_pytest.leaderboard.gates.names import Known
    from audiobench_pytest.leaderboard.gates.schema import GatesFile
    from audiobench_pytest.models.ways import row
    from audiobench_pytest.records.runs.directory import GATES

    path = given.gates or DEFAULT_GATES
    kept = [run for run in runs if (run.path / GATES).is_file()]
    if not planned or not (given.gates or path.is_file() or kept):
        return GatesFile()  # without a plan the runs are none, and reading them says so
    known = Known(quantities=quantities(map(recipe_of, planned)), recipes={plan.cell.recipe for plan in planned})
    if not given.gates and not path.is_file():
        return _kept(kept, dataclasses.replace(known, row_name=row, checked=True))
    catalog = load_catalog()
    known = dataclasses.replace(
        known,
        datasets={d.name for d in catalog.datasets} | {plan.cell.dataset for plan in planned},
        families=catalog.families(),
        tasks=set(catalog.tasks.names()),
        models={m.name for m in catalog.models} | {plan.cell.model for plan in planned},
        row_name=row,
        is_elsewhere=lambda name: True,  # which data other jobs have, this place cannot know
    )
    return load_gates(path, known)


def _kept(runs: Sequence[RunDirectory], known: Known) -> GatesFile:
    """Return the limits that the runs began with.

    Raises:
        UsageError: They began with different ones.
    """
    from audiobench_pytest.errors import UsageError
    from audiobench_pytest.leaderboard.gates.file import kept_gates
    from audiobench_pytest.records.runs.directory import GATES

    if len({(run.path / GATES).read_bytes() for run in runs}) > 1:
        raise UsageError("the runs began with different limits: name the file to judge them by with --gates")
    return kept_gates(runs[0], known)
