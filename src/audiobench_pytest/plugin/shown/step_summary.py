"""The leaderboard on the page of a CI job: GitHub shows what is appended to the file that it names."""

from __future__ import annotations

from pathlib import Path

from audiobench_pytest.leaderboard.conclusion import Conclusion
from audiobench_pytest.report.run import markdown


def append_summary(concluded: Conclusion, path: str | None) -> tuple[str, ...]:
    """Append the leaderboard as Markdown to a job's summary, where there is one.

    Args:
        concluded: What the run concluded.
        path: What `GITHUB_STEP_SUMMARY` says, or None.

    Returns:
        A note where it cannot be written: that is no verdict, and turns nothing red.
    """
    if not path:
        return ()
    try:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(f"{markdown.render(concluded)}\n")
    except OSError as exc:
        return (f"cannot write GITHUB_STEP_SUMMARY {path}: {exc.strerror or exc}",)
    return ()
