"""The leaderboard as files in the run directory."""

from __future__ import annotations

from pathlib import Path

from audiobench_pytest.leaderboard.conclusion import Conclusion
from audiobench_pytest.records.append import write_atomically
from audiobench_pytest.report.run import csv_file as as_csv
from audiobench_pytest.report.run import json_file as as_json
from audiobench_pytest.report.run import markdown as as_markdown


def write_board(board: Conclusion, folder: Path) -> None:
    """Write `leaderboard.json`, `leaderboard.md` and `leaderboard.csv`.

    Raises:
        RecordError: A file cannot be written.
    """
    for suffix, module in (("json", as_json), ("md", as_markdown), ("csv", as_csv)):
        write_atomically(folder / f"leaderboard.{suffix}", module.render(board).encode())
