"""What all gates say alike: names and units, what is missing of a cell, and which kind of red that is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from audiobench_pytest.errors import Red
from audiobench_pytest.leaderboard.gates.schema import COVERAGE, FLIPS, SPEED, Limit
from audiobench_pytest.types import SCORED_STATES, CellResult, GateResult, Quantity, State, Verdict

_TITLES = {"rtfx": "RTFx"}
_ACRONYMS = ("wer", "cer", "bleu", "chrf", "cider")

LOSSES = (State.FAILED, State.DATA_ERROR, State.JUDGE_INVALID, State.MISSING)
"""States of samples without a score."""


def gate(
    result: CellResult,
    limit: Limit,
    value: float | None,
    verdict: Verdict,
    message: str,
    *,
    kind: Red = Red.REGRESSION,
    part: str = "",
    bound: float | None = None,
    counts_as: Verdict | None = None,
    details: Mapping[str, Any] | None = None,
) -> GateResult:
    """Return what came of a limit.

    Args:
        result: The cell.
        limit: The limit.
        value: What was measured.
        verdict: What is concluded.
        message: In a sentence.
        kind: Which kind of red it is, if it is red.
        part: The slice, as `key=name`.
        bound: The limit in the metric's unit where it is not the limit's own number.
        counts_as: What an inconclusive verdict counts as.
        details: More numbers.
    """
    red = (counts_as or verdict) is Verdict.FAIL
    return GateResult(
        cell=result.cell,
        metric=limit.metric,
        bound=limit.bound,
        limit=limit.value if bound is None else bound,
        value=value,
        verdict=verdict,
        message=message,
        source=limit.source,
        kind=kind if red else None,
        slice=part,
        counts_as=counts_as,
        details=details or {},
    )


def quantity_of(result: CellResult, metric: str) -> Quantity:
    """Return what a limit is about: direction and unit."""
    fixed = {COVERAGE.name: COVERAGE, **SPEED, **FLIPS}
    if metric in fixed:
        return fixed[metric]
    known = result.named(metric)
    return known.quantity if known is not None else Quantity(metric, unit="")


def title(metric: str) -> str:
    """Return a metric's name as it is spoken: `WER`, `RTFx`, `acc`."""
    first, _, rest = metric.partition("_")
    if first in _ACRONYMS:
        return f"{first.upper()} {rest.replace('_', ' ')}".rstrip()
    return _TITLES.get(metric, metric)


def unit_of(quantity: Quantity) -> str:
    """Return a unit as it follows a number: ` %`, or nothing."""
    return f" {quantity.unit}" if quantity.unit else ""


def scored(result: CellResult) -> int:
    """Return the number of samples that enter the headline value."""
    return sum(result.counts[state] for state in SCORED_STATES)


def lost(result: CellResult) -> str:
    """Return how many samples of which state have no score: `2 failed, 1 missing`; empty when all have one."""
    return ", ".join(f"{result.counts[state]} {state}" for state in LOSSES if result.counts[state])


def kind_of_loss(result: CellResult) -> Red:
    """Return what kept most of the lost samples from a score: the data, or else the harness (as many count as it)."""
    broken = result.counts[State.DATA_ERROR]
    others = sum(result.counts[state] for state in LOSSES) - broken
    return Red.DATA if broken > others or result.expected == 0 else Red.HARNESS


def incomplete(result: CellResult) -> str:
    """Return what follows a message about a value that does not rest on all samples; empty where it does."""
    missing = lost(result)
    return f"; incomplete: {scored(result)} of {result.expected} samples scored, {missing}" if missing else ""


def first_reason(result: CellResult) -> str:
    """Return the first sample without a score and why, in brackets; empty when there is none."""
    if not result.first_errors:
        return ""
    sample_id, _, reason = result.first_errors[0]
    reason = " ".join(reason.split())
    return f" ({sample_id}: {reason if len(reason) <= 200 else reason[:197] + '...'})"


def apart(value: float, limit: float) -> tuple[str, str]:
    """Return both numbers with as many decimals, two at least, as it takes to see that they differ."""
    for decimals in range(2, 13):
        one, other = f"{value:.{decimals}f}", f"{limit:.{decimals}f}"
        if one != other or value == limit:
            return one, other
    return repr(value), repr(limit)
