"""`audiobench report RUN`: a folder of pages in which the errors of a run are read and heard."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from audiobench_pytest.cli import add_cache


def add(commands: Any) -> None:
    """Add the command to the parser."""
    report = commands.add_parser(
        "report",
        help="write pages in which the errors of a run are read and heard",
        description="Write a folder that opens from disk: verdicts, board, errors of each sample beside its sound.",
    )
    report.add_argument("directory", type=Path, metavar="RUN", help="run directory")
    report.add_argument("--baseline", type=Path, metavar="RUN_B", help="run to compare with, sample by sample")
    report.add_argument("--output", metavar="DIR", help="folder to write (default: RUN/report)")
    report.add_argument(
        "--worst", type=int, default=50, metavar="N", help="samples of each cell whose sound is copied (default: 50)"
    )
    add_cache(report, "where the sounds of spoken answers are")
    report.add_argument("--private", action="store_true", help="leave out texts, sounds and what samples say")
    report.set_defaults(run=_report)


def _report(given: argparse.Namespace) -> int:
    from audiobench_pytest.datasets import sounds_of_manifest
    from audiobench_pytest.datasets.audio.decode import samples_to_see
    from audiobench_pytest.report.html.pages import folder_for, source_of, write_report

    page = write_report(
        given.directory,
        folder_for(given.output, given.directory),
        baseline=given.baseline,
        worst=given.worst,
        private=given.private,
        sounds_of=lambda cell: sounds_of_manifest(source_of(cell)),
        seen=samples_to_see,
        caches=[given.cache],
    )
    print(page)
    return 0
