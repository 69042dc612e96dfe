"""The `audiobench` command: all that needs no pytest session."""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from audiobench_pytest.errors import AudiobenchError, RecordError
from audiobench_pytest.types import Verdict


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return its exit status: 0 green, 1 a gate is missed, 4 wrong usage."""
    parser = argparse.ArgumentParser(prog="audiobench", description="Judge runs of audio benchmarks, share answers.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    gate = commands.add_parser(
        "gate",
        help="merge the parts of a run and judge their gates",
        description="Merge run directories of one plan (the parts of --part K/N) and judge it. A missing part is red.",
    )
    gate.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="run directory")
    gate.add_argument("--gates", type=Path, metavar="FILE", help="file of limits (default: benchmarks/gates.toml)")
    gate.add_argument("--output", type=Path, metavar="DIR", help="write leaderboard.json, .md and .csv there")
    gate.set_defaults(run=_gate)

    cache = commands.add_parser("cache", help="share answers between machines")
    actions = cache.add_subparsers(required=True, metavar="ACTION")
    for name, text in (("push", "copy the cache's answers to a shared place"), ("pull", "copy them from there")):
        action = actions.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}, through fsspec.")
        action.add_argument("url", metavar="URL", help="for example s3://bucket/path or file:///mnt/share")
        action.add_argument("--cache", type=Path, default=Path(".audiobench/cache"), metavar="DIR")
        action.set_defaults(run=_share, push=name == "push")

    given = parser.parse_args(arguments)
    try:
        status: int = given.run(given)
    except AudiobenchError as exc:
        print(f"audiobench: error: {exc}", file=sys.stderr)
        return 4
    return status


def _gate(given: argparse.Namespace) -> int:
    from audiobench_pytest.catalog.loader import load_catalog
    from audiobench_pytest.leaderboard.gates import judge
    from audiobench_pytest.leaderboard.limits import GatesFile, load_gates
    from audiobench_pytest.leaderboard.reduce import reduce_cell
    from audiobench_pytest.records.merge import merge_runs
    from audiobench_pytest.records.run_dir import RunDirectory
    from audiobench_pytest.report.board import Board
    from audiobench_pytest.report.files import write_board
    from audiobench_pytest.report.terminal import lines

    cells = merge_runs([RunDirectory(path) for path in given.runs])
    catalog = load_catalog()
    path = given.gates or Path("benchmarks/gates.toml")
    gates = GatesFile()
    if given.gates or path.is_file():
        gates = load_gates(
            path,
            datasets={d.name for d in catalog.datasets} | {c.plan.cell.dataset for c in cells},
            families=catalog.families(),
            tasks={d.task for d in catalog.datasets},
            models={m.name for m in catalog.models} | {c.plan.cell.model for c in cells},
        )
    results = [reduce_cell(cell) for cell in cells]
    verdicts = judge(results, [cell.plan for cell in cells], gates, interrupted=False)
    runs = ", ".join(map(str, given.runs))
    board = Board(
        results=tuple(results),
        gates=tuple(verdicts),
        run_dir=runs,
        interrupted=False,
        wall_s=sum(r.wall_s for r in results),
        notes=(),
    )
    for line in lines(board, shutil.get_terminal_size().columns):
        print("".join(text for text, _ in line))
    if given.output:
        given.output.mkdir(parents=True, exist_ok=True)
        write_board(board, given.output)
    return 0 if cells and all(v.verdict is Verdict.PASS for v in verdicts) else 1


def _share(given: argparse.Namespace) -> int:
    from audiobench_pytest.records.sharing import pull, push

    if given.push and not given.cache.is_dir():
        raise RecordError(f"{given.cache} is no cache: name one with --cache DIR")
    copied = (push if given.push else pull)(given.cache, given.url)
    print(f"{copied} file{'s' if copied != 1 else ''} of answers copied")
    return 0


if __name__ == "__main__":
    sys.exit(main())
