"""The leaderboard for spreadsheets (`leaderboard.csv`): one row per cell, every number unrounded."""

from __future__ import annotations

import csv
import io
from typing import Any

from audiobench_pytest.errors import Red
from audiobench_pytest.leaderboard.conclusion import Conclusion
from audiobench_pytest.leaderboard.quantities import FIXED, FLIPS
from audiobench_pytest.types import CellResult, GateResult, State, Verdict

COLUMNS = {
    "dataset": "name of the dataset",
    "model": "name of the model",
    "recipe": "name of the recipe",
    "prompt": "name of the prompt where a run asks in several; else empty",
    "task": "task of the dataset",
    "family": "family marker of the dataset; empty for a user's own data",
    "metric": "name of the headline value (wer, cer, acc, bleu, ...)",
    "unit": "% or points; empty for a plain number",
    "higher_is_better": "True or False",
    "value": "over the scored samples; empty when nothing was scored",
    "low": "lower end of the 95 % interval",
    "high": "upper end",
    "worst": "the value had the samples without a score been answered with nothing",
    "expected": "samples selected; empty when nobody knows",
    "ok": "samples answered",
    "empty": "samples answered with nothing; scored as the worst there is",
    "invalid": "samples whose answer names nothing that can be scored; wrong",
    "judge_invalid": "samples whose judge said nothing usable; not scored",
    "failed": "samples on which the model failed; not scored",
    "data_error": "samples that could not be asked; not scored",
    "missing": "samples not reached; not scored",
    "coverage": FIXED["coverage"].help,
    "errors": "errors over the scored samples, of an error rate",
    "units": "reference units over the scored samples, of an error rate",
    "substitutions": "of the errors",
    "deletions": "of the errors",
    "insertions": "of the errors",
    "n": "samples that an accuracy or a mean is taken over",
    "correct": "correct ones, of an accuracy",
    "above_50_rate": "% of the samples of which more than half is wrong, of an error rate",
    "capped_rate": "the error rate with no sample more than all wrong, in %",
    "worst_1_share": "% of the errors that the worst 1 % of the samples make",
    "cached": "samples answered by the cache",
    "audio_s": "seconds of sound of the answered samples",
    "infer_s": "seconds of inference of the answered samples",
    "wall_s": "seconds during which any process worked on the cell in this run",
    **{name: fixed.help for name, fixed in FIXED.items() if fixed.about == "time"},
    "cost_usd": "US dollars that the answers cost; empty for a model without a price",
    "hardware": "fingerprint of what the model ran on; empty where nothing was asked in this run, or of a server",
    **{name: fixed.help for name, fixed in FIXED.items() if fixed.about == "repeats"},
    "signature": "what makes two values comparable",
    "published_recipe": "recipe of the published numbers where it is another one",
    "verdict": "fail, inconclusive, skip or pass: the worst of the cell's gates",
    "red": "regression, harness or data: the kinds of its red gates",
}
"""Columns in order, and what they hold."""


def render(board: Conclusion) -> str:
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
    row["prompt"] = result.cell.prompt
    head = result.headline
    row |= {"unit": head.quantity.unit, "higher_is_better": head.quantity.higher_is_better}
    row |= {"value": head.value, "low": head.low, "high": head.high, "worst": head.worst}
    row |= {name: int(number) for name, number in result.sums.items() if name in COLUMNS and float(number).is_integer()}
    row |= {name: number for name, number in result.speed.items() if name in COLUMNS}
    hardware = result.model.get("hardware")
    row["hardware"] = " ".join(hardware) if isinstance(hardware, list) else hardware
    row |= {
        "capped_rate" if one.quantity.name.endswith("_capped") else one.quantity.name: one.value for one in result.tails
    }
    row |= {name: known.value for name in FLIPS if (known := result.named(name)) is not None}
    row |= {str(state): result.counts.get(state, 0) for state in State}
    # An open verdict that the owner counts as failed is red like any other.
    verdicts = {Verdict.FAIL if gate.effect is Verdict.FAIL else gate.verdict for gate in gates}
    order = (Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.SKIP, Verdict.PASS)
    row["cost_usd"] = result.cost.get("usd")
    row["verdict"] = next((verdict for verdict in order if verdict in verdicts), None)
    row["red"] = " ".join(kind for kind in Red if any(gate.kind == kind for gate in gates))
    return {name: "" if value is None else str(value) for name, value in row.items()}
