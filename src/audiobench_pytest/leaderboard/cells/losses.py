"""Samples of a cell that have no score."""

from __future__ import annotations

from audiobench_pytest.errors import Red
from audiobench_pytest.types import CellResult, State

LOSSES = (State.FAILED, State.DATA_ERROR, State.JUDGE_INVALID, State.MISSING)
"""States of samples without a score."""


def lost(result: CellResult) -> str:
    """Return how many samples of which state have no score: `2 failed, 1 missing`; empty when all have one."""
    return ", ".join(f"{result.counts[state]} {state}" for state in LOSSES if result.counts[state])


def kind_of_loss(result: CellResult) -> Red:
    """Return what kept most of the lost samples from a score: the data, or else the harness (as many count as it)."""
    broken = result.counts[State.DATA_ERROR]
    others = sum(result.counts[state] for state in LOSSES) - broken
    return Red.DATA if broken > others or result.expected == 0 else Red.HARNESS
