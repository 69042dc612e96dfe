"""`audiobench report RUN`: a folder of pages in which the errors of a run are read and heard."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from audiobench_pytest.records.runs.cells import CellData


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
    report.add_argument("--private", action="store_true", help="leave out texts, sounds and what samples say")
    report.set_defaults(run=_report)


def _report(given: argparse.Namespace) -> int:
    from audiobench_pytest.report.html.pages import folder_for, write_report

    page = write_report(
        given.directory,
        folder_for(given.output, given.directory),
        baseline=given.baseline,
        worst=given.worst,
        private=given.private,
        sounds_of=_sounds_of,
    )
    print(page)
    return 0


def _sounds_of(data: CellData) -> dict[str, Path]:
    """Return where the sound of each sample is, by id, as far as the manifest it came from is still there."""
    from audiobench_pytest.datasets.manifests.read import read_manifest
    from audiobench_pytest.errors import DatasetError

    source = next((str(r.dataset.get("source") or "") for r in data.receipts), "")
    path = Path(source)
    if path.suffix not in (".jsonl", ".json", ".list") or not path.is_file():
        return {}
    try:
        samples = read_manifest(path, "en")
        return {one.id: one.audio for one in samples if one.problem is None and one.audio is not None}
    except (DatasetError, AttributeError):
        return {}  # a set with columns of its own: its samples are shown without sound
