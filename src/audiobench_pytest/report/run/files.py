"""The leaderboard as files in the run directory."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from audiobench_pytest.leaderboard.conclusion import Conclusion
from audiobench_pytest.records.append import write_atomically
from audiobench_pytest.report.run import csv_file, json_file, markdown

FORMATS: dict[str, Callable[[Conclusion], str]] = {
    "json": json_file.render,
    "md": markdown.render,
    "csv": csv_file.render,
}
"""What renders `leaderboard.<name>`, by name."""


def write_board(concluded: Conclusion, folder: Path) -> None:
    """Write `leaderboard.json`, `leaderboard.md`, `leaderboard.csv`, and what others added.

    Raises:
        RecordError: A file cannot be written.
    """
    for name, render in FORMATS.items():
        write_atomically(folder / f"leaderboard.{name}", render(concluded).encode())
