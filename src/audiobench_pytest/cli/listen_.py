"""`audiobench listen RUN [RUN_B]`: a folder for blinded listening, and the ratings that come back from it."""

from __future__ import annotations

import argparse
import itertools
import sys
from pathlib import Path
from typing import Any

from audiobench_pytest.cli import add_cache
from audiobench_pytest.errors import UsageError


def add(commands: Any) -> None:
    """Add the command to the parser."""
    listen = commands.add_parser(
        "listen",
        help="have people listen to spoken answers, blinded, and bring their ratings in",
        description="Write a folder in which the spoken answers of a run, or of two, are listened to: loudness "
        "matched, in an order of the rater's own, under names that tell nothing. With --import, bring ratings back as "
        "a value of the run (mos, mushra, preference) that gates judge.",
    )
    listen.add_argument("runs", nargs="*", type=Path, metavar="RUN", help="run directory, or two")
    listen.add_argument(
        "--kind",
        choices=("ab", "mos", "mushra"),
        default="mos",
        help="ab: which of two is better; mos: how good, 1 to 5 (default); mushra: how close to the recording",
    )
    listen.add_argument("--dataset", metavar="NAME", help="answers to this data set, where the run has several")
    listen.add_argument(
        "--model", action="append", default=[], metavar="NAME", help="answers of this model; repeatable"
    )
    listen.add_argument("--clips", type=int, default=20, metavar="N", help="most samples (default: 20)")
    listen.add_argument("--seed", type=int, default=0, metavar="S", help="of samples and orders (default: 0)")
    listen.add_argument("--output", type=Path, metavar="DIR", help="folder to write (default: listen-KIND in the run)")
    listen.add_argument(
        "--import",
        dest="ratings",
        type=Path,
        nargs="+",
        action="extend",
        metavar="FILE",
        help="files of ratings that were saved in such a folder; the run comes first, or last",
    )
    add_cache(listen, "where the sounds of spoken answers are")
    listen.set_defaults(run=_listen)


def _listen(given: argparse.Namespace) -> int:
    if given.ratings is not None:
        return _bring_in(given)
    from audiobench_pytest.listening.chosen import choose
    from audiobench_pytest.listening.folder import write_folder

    if not given.runs:
        raise UsageError("name the run that is listened to: audiobench listen RUN")
    if len(given.runs) > 2:
        raise UsageError(f"one run or two are listened to, not {len(given.runs)}")
    if len({run.resolve() for run in given.runs}) < len(given.runs):
        raise UsageError(f"{given.runs[0]} is named twice: name another run, or none")
    if given.clips < 1:
        raise UsageError(f"--clips must be 1 or more; it is {given.clips}")
    choice = choose(
        given.runs,
        given.kind,
        [given.cache],
        dataset=given.dataset,
        models=given.model,
        clips=given.clips,
        seed=given.seed,
    )
    made = write_folder(choice, given.kind, given.seed, given.output or given.runs[0] / f"listen-{given.kind}")
    for sample, reason in itertools.islice(made.left_out.items(), 5):
        print(f"audiobench: left out {sample}: {reason}", file=sys.stderr)
    names = ", ".join(one.name for one in choice.systems)
    print(f"{len(made.session.trials)} trials of {names} at {made.lufs:.1f} LUFS, session {made.session.session}")
    print(made.page)
    print(f"bring ratings back with: audiobench listen {given.runs[0]} --import ratings-*.json")
    return 0


def _bring_in(given: argparse.Namespace) -> int:
    from audiobench_pytest.leaderboard.listening.values import listening_notes
    from audiobench_pytest.listening.returned import bring_in
    from audiobench_pytest.records.runs.directory import RunDirectory

    runs = [*given.runs]
    files = [*given.ratings]
    if len(files) > 1 and files[-1].is_dir():  # `listen --import ratings*.json RUN`
        runs.append(files.pop())
    if len(runs) != 1 or RunDirectory(runs[0]).manifest() is None:
        raise UsageError("--import brings ratings into one run: name its directory, before --import or last")
    said = bring_in(files, runs[0])
    print(
        f"{sum(len(one.ratings) for one in said)} ratings of {len({one.rater for one in said})} raters are in {runs[0]}"
    )
    for note in listening_notes(RunDirectory(runs[0]).cells()):
        print(note)
    print(f"judge them with: audiobench gate {runs[0]} --output {runs[0]}")
    return 0
