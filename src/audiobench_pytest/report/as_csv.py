"""The leaderboard for spreadsheets (`leaderboard.csv`): one row per cell, every number unrounded."""

from __future__ import annotations

import csv
import io
from typing import Any

from audiobench_pytest.report.board import Board
from audiobench_pytest.types import CellResult, GateResult, State, Verdict

COLUMNS = {
    "dataset": "name of the dataset",
    "model": "name of the model",
    "recipe": "name of the recipe",
    "task": "task of the dataset",
    "family": "family marker of the dataset; empty for a user's own data",
    "metric": "wer or cer",
    "value": "corpus error rate in percent over the scored samples; empty when nothing was scored",
    "low": "lower end of the 95 % bootstrap interval, percent",
    "high": "upper end, percent",
    "worst": "the value had the samples without a score been answered with nothing, percent",
    "expected": "samples selected; empty when nobody knows",
    "ok": "samples answered",
    "empty": "samples answered with nothing; scored as all deletions",
    "failed": "samples on which the model failed; not scored",
    "data_error": "samples that could not be asked; not scored",
    "missing": "samples not reached; not scored",
    "coverage": "scored / expected, 0 to 1",
    "errors": "errors over the scored samples",
    "units": "reference units over the scored samples",
    "substitutions": "of the errors",
    "deletions": "of the errors",
    "insertions": "of the errors",
    "cached": "samples answered by the cache",
    "audio_s": "seconds of sound of the answered samples",
    "infer_s": "seconds of inference of the answered samples",
    "wall_s": "seconds during which any process worked on the cell in this run",
    "rtfx": "audio_s / infer_s; empty where no time was taken",
    "signature": "what makes two values comparable",
    "published_recipe": "recipe of the published numbers where it is another one",
    "verdict": "fail, skip or pass: the worst of the cell's gates",
}
"""Columns in order, and what they hold."""


def render(board: Board) -> str:
    """Return the board as CSV with a header line; fields that do not exist are empty, lines end in a line feed."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, list(COLUMNS), lineterminator="\n")
    writer.writeheader()
    for result in board.results:
        writer.writerow(_row(result, [gate for gate in board.gates if gate.cell == result.cell]))
    return buffer.getvalue().encode("utf-8", "backslashreplace").decode("utf-8")


def _row(result: CellResult, gates: list[GateResult]) -> dict[str, Any]:
    row = {name: getattr(result, name) for name in COLUMNS if hasattr(result, name)}
    row |= {"dataset": result.cell.dataset, "model": result.cell.model, "recipe": result.cell.recipe}
    row |= {str(state): result.counts[state] for state in State}
    verdicts = {gate.verdict for gate in gates}
    row["verdict"] = next((v for v in (Verdict.FAIL, Verdict.SKIP, Verdict.PASS) if v in verdicts), None)
    return {name: "" if value is None else str(value) for name, value in row.items()}
