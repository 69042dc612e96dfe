"""One cell's outcomes to its numbers; the same bytes whatever the workers, the order, the shards, the interruptions."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from audiobench_pytest.errors import RecordError
from audiobench_pytest.leaderboard.statistics import bootstrap_interval
from audiobench_pytest.records.plan import CellData, PlannedCell, ShardReceipt
from audiobench_pytest.types import SCORED_STATES, CellResult, Outcome, SampleScore, State

FIRST_ERRORS = 5
"""Failed and broken samples a result names; the run's records hold all of them."""


def reduce_cell(data: CellData) -> CellResult:
    """Reduce what a run directory knows of one cell to its result.

    The headline value is `100 * sum(errors) / sum(units)` over the samples in `SCORED_STATES`; the worst-case value
    adds every other sample whose reference is known as if it had been answered with nothing. Coverage is scored /
    expected, where expected is what the shards' receipts say, else what the plan says. Samples are taken in order of
    id and floats are summed exactly, so the order in which they arrived does not show.

    Raises:
        RecordError: An answered sample carries no numbers, so that its result would silently leave it out.
    """
    plan = data.plan
    outcomes = [data.outcomes[sample_id] for sample_id in sorted(data.outcomes)]
    answered = [outcome for outcome in outcomes if outcome.state in SCORED_STATES]
    scores = [_score(outcome) for outcome in answered]
    lost = [outcome.score.units for outcome in outcomes if outcome.state not in SCORED_STATES and outcome.score]

    expected = _expected(data)
    counts = dict.fromkeys(State, 0)
    for outcome in outcomes:
        counts[outcome.state] += 1
    counts[State.MISSING] += max(0, (expected or 0) - len(outcomes))

    errors, units = sum(score.errors for score in scores), sum(score.units for score in scores)
    low, high = _interval(scores)
    audio_s = math.fsum(outcome.audio_s for outcome in answered)
    infer_s = math.fsum(outcome.infer_s for outcome in answered)
    signature = _signature(data.receipts)
    return CellResult(
        cell=plan.cell,
        task=plan.task,
        family=plan.family,
        metric=_metric(plan, signature),
        value=_rate(errors, units),
        low=low,
        high=high,
        worst=_rate(errors + sum(lost), units + sum(lost)),
        signature=signature,
        published_recipe=plan.published_recipe,
        expected=expected,
        counts=counts,
        coverage=len(answered) / expected if expected else 0.0,
        errors=errors,
        units=units,
        substitutions=sum(score.substitutions for score in scores),
        deletions=sum(score.deletions for score in scores),
        insertions=sum(score.insertions for score in scores),
        cached=sum(outcome.cached for outcome in answered),
        audio_s=audio_s,
        infer_s=infer_s,
        wall_s=_wall(data.receipts),
        rtfx=audio_s / infer_s if infer_s > 0 else None,
        model=_merged(receipt.model for receipt in data.receipts),
        data=_merged(receipt.dataset for receipt in data.receipts),
        first_errors=_first_errors(outcomes),
    )


def _score(outcome: Outcome) -> SampleScore:
    if outcome.score is None:
        raise RecordError(
            f"{outcome.cell}: sample '{outcome.sample_id}' is recorded as '{outcome.state}' but without its numbers; "
            "score the run again"
        )
    return outcome.score


def _rate(errors: int, units: int) -> float | None:
    return 100.0 * errors / units if units else None


def _interval(scores: Sequence[SampleScore]) -> tuple[float | None, float | None]:
    # One sample says nothing of the spread between samples: resampling it would print a false certainty.
    if len(scores) < 2:
        return None, None
    low, high = bootstrap_interval(
        np.array([score.errors for score in scores], np.int64), np.array([score.units for score in scores], np.int64)
    )
    return (None, None) if math.isnan(low) else (low, high)


def _expected(data: CellData) -> int | None:
    # A run directory that was used twice may hold receipts of an older selection: the newest one counts.
    newest = max(data.receipts, key=lambda receipt: (receipt.started, receipt.total), default=None)
    expected = newest.total if newest is not None else data.plan.samples
    return None if expected is None else max(expected, len(data.outcomes))


def _signature(receipts: Iterable[ShardReceipt]) -> str:
    """Join what the shards say: one signature, or several where shards were scored differently (comparable to none)."""
    return " & ".join(sorted({receipt.signature for receipt in receipts if receipt.signature}))


def _metric(plan: PlannedCell, signature: str) -> str:
    metric = plan.cell.recipe.partition("/")[0]
    units = re.findall(r"\|unit:([^|\s]+)", signature)
    return "cer" if metric == "wer" and any(unit != "word" for unit in units) else metric


def _wall(receipts: Iterable[ShardReceipt]) -> float:
    """Return the length of the union of the shards' working times in seconds; pauses between two runs do not count."""
    spans = sorted((receipt.started, max(receipt.started, receipt.ended or receipt.started)) for receipt in receipts)
    merged: list[tuple[float, float]] = []
    for start, end in spans:
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return math.fsum(end - start for start, end in merged)


def _merged(facts: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Merge what the processes say of the model; a key on which they differ (two devices) holds the sorted list."""
    seen: dict[str, dict[str, Any]] = {}
    for fact in facts:
        for key, value in fact.items():
            if value is not None:
                seen.setdefault(key, {})[json.dumps(value, sort_keys=True)] = value
    return {
        key: next(iter(values.values())) if len(values) == 1 else [values[text] for text in sorted(values)]
        for key, values in sorted(seen.items())
    }


def _first_errors(outcomes: Iterable[Outcome]) -> tuple[tuple[str, State, str], ...]:
    broken = [
        (outcome.sample_id, outcome.state, outcome.reason or "no reason recorded")
        for outcome in outcomes
        if outcome.state in (State.FAILED, State.DATA_ERROR)
    ]
    return tuple(broken[:FIRST_ERRORS])
