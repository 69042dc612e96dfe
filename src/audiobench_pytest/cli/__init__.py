"""The `audiobench` command: all that needs no pytest session.

A module per command; each adds its parser in `add` and does its work in a function that returns the exit status.
"""

from __future__ import annotations

import argparse
import importlib
import io
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

from audiobench_pytest.errors import AudiobenchError

COMMANDS = (
    "list",
    "plan",
    "score",
    "rescore",
    "board",
    "gate",
    "releases.baseline",
    "releases.calibrate",
    "releases.compare",
    "releases.report",
    "releases.plot",
    "releases.show",
    "exchange.export",
    "exchange.import",
    "listen",
    "check",
    "machine.prepare",
    "machine.doctor",
    "cache",
    "prune",
)
"""Modules of this package, in the order of the help text."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return its exit status: 0 green, 1 red, 3 an error of ours, 4 wrong usage."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal or file that is not UTF-8 gets `\u4e2d` for what it cannot hold: better than no verdict.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    given = parser().parse_args(arguments)
    try:
        _use_catalog(getattr(given, "catalog", None))
        status: int = given.run(given)
        sys.stdout.flush()
    except AudiobenchError as exc:
        print(f"audiobench: error: {exc}", file=sys.stderr)
        return 4
    except BrokenPipeError:
        # Whoever read our lines has enough (`| head`): what is left in the buffer must not raise once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception:  # a status of its own: 1 would read as a red verdict
        traceback.print_exc()
        return 3
    return status


def parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    made = argparse.ArgumentParser(
        prog="audiobench", description="Score, judge and compare runs of audio benchmarks without running any model."
    )
    commands = made.add_subparsers(required=True, metavar="COMMAND")
    for name in COMMANDS:
        importlib.import_module(f"audiobench_pytest.cli.{name}_").add(commands)
    return made


def add_catalog(parser: argparse.ArgumentParser) -> None:
    """Add the option that names the user's own catalogue folder."""
    parser.add_argument(
        "--catalog",
        type=Path,
        action="append",
        metavar="DIR",
        help="folder of your own recipes/*.yaml, labels/*.yaml, ... beside the built-in ones; repeatable",
    )


def add_cache(parser: argparse._ActionsContainer, holds: str) -> None:
    """Add the option that names the cache folder, with what the command wants of it."""
    default = Path(".audiobench/cache")
    parser.add_argument("--cache", type=Path, default=default, metavar="DIR", help=f"{holds} (default: {default})")


def _use_catalog(folders: Sequence[Path] | None) -> None:
    from audiobench_pytest.catalog.loader import use_folders
    from audiobench_pytest.doors import open_doors

    open_doors()
    use_folders(folders or [])
