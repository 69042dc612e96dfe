"""The table of what was measured: printed at the end, and written to AUDIOBENCH_GPU_TABLE or below --basetemp."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROWS = pytest.StashKey[list[dict[str, Any]]]()
WRITTEN = pytest.StashKey[str]()
COLUMNS = ("model", "way", "batch", "questions", "audio_s", "wall_s", "RTFx", "questions_per_s", "tokens_per_s",
           "idle_%", "peak_GiB")  # fmt: skip


def as_markdown(rows: list[dict[str, Any]]) -> str:
    """Return the rows as a table."""

    def cell(value: Any) -> str:
        return "-" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)

    lines = ["| " + " | ".join(COLUMNS) + " |", "|" + " --- |" * len(COLUMNS)]
    lines += ["| " + " | ".join(cell(row.get(name)) for name in COLUMNS) + " |" for row in rows]
    return "\n".join(lines)


@pytest.fixture(scope="session")
def table(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[dict[str, Any]]]:
    """Rows of the table; tests append to it."""
    from device_meter import device_name

    rows = pytestconfig.stash.setdefault(ROWS, [])
    yield rows
    given = os.environ.get("AUDIOBENCH_GPU_TABLE")
    path = Path(given) if given else tmp_path_factory.getbasetemp() / "gpu.md"
    path.write_text(f"{device_name()}\n\n{as_markdown(rows)}\n", "utf-8")
    path.with_suffix(".json").write_text(json.dumps({"on": device_name(), "rows": rows}, indent=1), "utf-8")
    pytestconfig.stash[WRITTEN] = f"{device_name()}\n{as_markdown(rows)}\nwritten to {path}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the table."""
    if WRITTEN in config.stash:
        terminalreporter.section("on the device")
        terminalreporter.write_line(config.stash[WRITTEN])
