"""What all gates say alike: names and units, what is missing of a cell, and which kind of red that is."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from audiobench_pytest.errors import Red
from audiobench_pytest.leaderboard.cells.losses import lost
from audiobench_pytest.leaderboard.gates.schema import Limit
from audiobench_pytest.leaderboard.quantities import FIXED
from audiobench_pytest.types import CellResult, GateResult, Quantity, State, Verdict
from audiobench_pytest.types.results import STOPPED


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
    if metric in FIXED:
        return FIXED[metric].quantity
    known = result.named(metric)
    return known.quantity if known is not None else Quantity(metric, unit="")


def incomplete(result: CellResult) -> str:
    """Return what follows a message about a value that does not rest on all samples; empty where it does."""
    missing = lost(result)
    told = f"; incomplete: {result.scored} of {result.expected} {result.answers} scored"
    return f"{told}, {missing}" if missing else ""


def first_reason(result: CellResult) -> str:
    """Return the first sample without a score and why, or why the model could not be asked, in brackets; else ""."""
    stopped = result.model.get(STOPPED)
    if result.first_errors:
        sample_id, _, reason = result.first_errors[0]
        return f" ({sample_id}: {_short(reason)})"
    if stopped and result.counts[State.MISSING]:
        return f" ({_short(stopped if isinstance(stopped, str) else '; '.join(map(str, stopped)))})"
    return ""


def _short(reason: str) -> str:
    reason = " ".join(reason.split())
    return reason if len(reason) <= 200 else reason[:197] + "..."


def told_time(oldest: float, newest: float) -> str:
    """Return when answers were given: `2026-11-27 09:01`, or from when to when.

    Args:
        oldest: Seconds since the epoch; 0 where that is not known.
        newest: The same of the newest.
    """
    if not newest:
        return "an unknown day"
    last = time.strftime("%Y-%m-%d %H:%M", time.localtime(newest))
    first = time.strftime("%Y-%m-%d %H:%M", time.localtime(oldest)) if oldest else "an unknown day"
    return last if first == last else f"{first} to {last}"


def apart(value: float, limit: float) -> tuple[str, str]:
    """Return both numbers with as many decimals, two at least, as it takes to see that they differ."""
    for decimals in range(2, 13):
        one, other = f"{value:.{decimals}f}", f"{limit:.{decimals}f}"
        if one != other or value == limit:
            return one, other
    return repr(value), repr(limit)
