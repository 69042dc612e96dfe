"""`audiobench board NAME`: runs and published results on one leaderboard."""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audiobench_pytest.cli import add_catalog

if TYPE_CHECKING:
    from audiobench_pytest.leaderboard.boards.cells import RunCell
    from audiobench_pytest.leaderboard.boards.fill import FilledBoard

FORMATS = ("table", "csv", "json", "md")

_DESCRIPTION = """\
Fill a leaderboard from run directories and, with --published, from what papers and pages print. A number counts in a
column when data set, recipe and value are the column's and the whole data set was scored; an average needs all its
cells. What was made by another recipe is marked and left out of averages. Parts of one run (--part K/N) are merged; of
several runs that hold the same cell of the same model the last one counts.
"""


def add(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "board",
        help="a leaderboard of runs and published results",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", metavar="NAME", help="board of `audiobench list boards`")
    parser.add_argument("runs", nargs="*", type=Path, metavar="RUN", help="run directory")
    parser.add_argument("--published", action="store_true", help="show published results too, marked")
    parser.add_argument(
        "--robustness", action="store_true", help="best and worst rank without one benchmark, group, normalisation"
    )
    parser.add_argument("--correlation", action="store_true", help="rank correlation of the columns over the models")
    parser.add_argument(
        "--average", metavar="NAME", help="average to rank by (default: the board's first that a row has)"
    )
    parser.add_argument("--any-recipe", action="store_true", help="average scores of other recipes too, marked")
    parser.add_argument("--format", choices=FORMATS, default="table", help="what is printed (default: table)")
    parser.add_argument("--output", type=Path, metavar="DIR", help="write JSON, CSV, Markdown and pictures there")
    parser.add_argument(
        "--picture", type=Path, metavar="FILE", help="write a picture (SVG): radar, or heat map with --correlation"
    )
    add_catalog(parser)
    parser.set_defaults(run=_board)


def _board(given: argparse.Namespace) -> int:
    from audiobench_pytest.catalog.boards import load_boards
    from audiobench_pytest.errors import UsageError

    spec = load_boards().get(given.name)
    if not given.runs and not given.published:
        raise UsageError("nothing to show: name run directories, or give --published")
    if given.format == "csv" and given.correlation and not given.output:
        raise UsageError(
            "--format csv prints one table, the board: give --output DIR, where the correlation is a file of its own"
        )
    if given.robustness and not spec.averages:
        raise UsageError(f"board '{spec.name}' has no average, so that there are no ranks for --robustness")
    from audiobench_pytest.catalog.published import load_published
    from audiobench_pytest.leaderboard.boards.fill import fill

    board = fill(
        spec,
        _cells(given.runs, keep_samples=given.robustness),
        load_published() if given.published else None,
        average=given.average,
        any_recipe=given.any_recipe,
        with_robustness=given.robustness,
        with_correlation=given.correlation,
    )
    _print(board, given.format)
    if given.output:
        from audiobench_pytest.report.boards.files import write_board_files

        for reason in write_board_files(board, given.output):
            print(f"audiobench: {reason}", file=sys.stderr)
    if given.picture:
        _draw(board, given.picture)
    return 0 if board.rows else 1


def _cells(paths: Sequence[Path], *, keep_samples: bool) -> list[RunCell]:
    """Return the cells of all runs; directories of one plan are its parts."""
    from audiobench_pytest.errors import UsageError
    from audiobench_pytest.leaderboard.boards.cells import RunCell
    from audiobench_pytest.leaderboard.cells.reduce import reduce_cell
    from audiobench_pytest.records.runs.directory import RunDirectory
    from audiobench_pytest.records.runs.merge import merge_runs

    plans: dict[str, list[RunDirectory]] = {}
    asked: dict[str, int | None] = {}
    for run in map(RunDirectory, paths):
        manifest = run.manifest()
        if manifest is None:
            raise UsageError(f"{run.path} is not a run directory: it holds no run.json")
        plan = str(manifest["asked"])
        plans.setdefault(plan, []).append(run)
        selection = manifest.get("selection") or {}
        limits = [int(n) for n in (selection.get("limit"), selection.get("sample")) if n is not None]
        asked[plan] = min(limits, default=None)
    found = []
    for plan, runs in plans.items():
        shown = ", ".join(str(run.path) for run in runs)
        for data in merge_runs(runs):
            result = reduce_cell(data)
            found.append(RunCell(result, shown, asked[plan], data if keep_samples else None))
    return found


def _print(board: FilledBoard, form: str) -> None:
    from audiobench_pytest.report.boards import files as board_files
    from audiobench_pytest.report.boards import markdown as board_markdown
    from audiobench_pytest.report.boards import terminal as board_table

    if form == "json":
        print(board_files.as_json(board), end="")
    elif form == "csv":
        print(board_files.as_csv(board), end="")
    elif form == "md":
        print(board_markdown.render(board), end="")
    else:
        for line in board_table.lines(board, shutil.get_terminal_size().columns):
            print("".join(text for text, _ in line))


def _draw(board: FilledBoard, path: Path) -> None:
    from audiobench_pytest.records.append import write_atomically
    from audiobench_pytest.report.boards.heat_map import heat_map
    from audiobench_pytest.report.boards.radar import radar

    write_atomically(path, (heat_map if board.correlation is not None else radar)(board).encode())
