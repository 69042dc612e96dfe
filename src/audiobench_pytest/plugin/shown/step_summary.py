"""The leaderboard on the page of a CI job: GitHub shows what is appended to the file that it names."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

from audiobench_pytest.leaderboard.conclusion import Conclusion
from audiobench_pytest.report.run import markdown


def append_summary(concluded: Conclusion, path: str | None) -> None:
    """Append the leaderboard as Markdown to a job's summary, where there is one.

    A summary that cannot be written is no verdict: it is a warning.

    Args:
        concluded: What the run concluded.
        path: What `GITHUB_STEP_SUMMARY` says, or None.
    """
    if not path:
        return
    try:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(f"{markdown.render(concluded)}\n")
    except OSError as exc:
        warnings.warn(pytest.PytestWarning(f"cannot write GITHUB_STEP_SUMMARY {path}: {exc}"), stacklevel=2)
