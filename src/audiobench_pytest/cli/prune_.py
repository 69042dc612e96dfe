"""`audiobench prune`: what spoken answers take on the disk, and those removed that no run names."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from audiobench_pytest.cli import add_cache
from audiobench_pytest.errors import RecordError


def add(commands: Any) -> None:
    """Add the command to the parser."""
    prune = commands.add_parser(
        "prune",
        help="remove spoken answers that no run names",
        description="Say what the sounds of spoken answers take in the cache and, with --yes, remove those that no run "
        "names. An answer whose sound is gone is asked for again. Recordings of data sets are not touched.",
    )
    add_cache(prune, "the cache to look through")
    prune.add_argument(
        "--runs",
        type=Path,
        default=Path(".audiobench/runs"),
        metavar="DIR",
        help="folder of the run directories whose sounds stay (default: .audiobench/runs)",
    )
    prune.add_argument("--yes", action="store_true", help="remove them; else nothing is changed")
    prune.set_defaults(run=_prune)


def _prune(given: argparse.Namespace) -> int:
    from audiobench_pytest.records.answers.spoken import remove, spoken

    if not given.cache.is_dir():
        raise RecordError(f"{given.cache} is no cache: name one with --cache DIR")
    if not given.runs.is_dir():
        raise RecordError(f"{given.runs} is no folder of runs: name it with --runs DIR, or every sound would go")
    runs = [path for path in sorted(given.runs.iterdir()) if (path / "run.json").is_file() and not path.is_symlink()]
    found = spoken(given.cache, runs)
    free = sum(found.files[name] for name in found.unnamed)
    print(f"{len(found.files)} spoken answers, {_megabytes(sum(found.files.values()))} in {given.cache}")
    print(f"{len(found.unnamed)} of them, {_megabytes(free)}, are named by none of {len(runs)} runs in {given.runs}")
    if given.yes:
        remove(given.cache, found.unnamed)
        print(f"{len(found.unnamed)} removed")
    elif found.unnamed:
        print("nothing was changed: --yes removes them")
    return 0


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"
