"""Comparable or refused: two results are set against each other only if they were made of the same data by one rule."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from audiobench_pytest.leaderboard.baselines.measured import Measured

_SHOWN = 12
"""Digits of a digest that are shown."""


def difference(first: Measured, second: Measured) -> str | None:
    """Return in a sentence why two results cannot be compared, or None where they can.

    Recipe and signature must be the same, and so must the selected samples, their references and audio. Which of them
    have an answer may differ: what only one side scored is left out of a comparison and counted.
    """
    sides = f"{first.where} and {second.where}"
    for side in (first, second):
        if not side.signature:
            return f"{side.where} does not say how it was scored: none of the cell's shards started"
        if " & " in side.signature:
            return f"the shards of {side.where} were scored in different ways ({side.signature})"
        if not side.digest:
            return f"{side.where} does not say which data it read, or its processes read different data"
    if first.signature != second.signature:
        return f"the signatures of {sides} differ: {_fields(first.signature, second.signature)}"
    if first.total != second.total:
        return f"the samples of {sides} differ: {first.total} and {second.total} were selected"
    if first.digest != second.digest:
        return (
            f"the data of {sides} differs, in ids, references or audio: digests {first.digest[:_SHOWN]} and "
            f"{second.digest[:_SHOWN]}"
        )
    return None


def other_words(before: Measured, now: Measured) -> str:
    """Return in words that two results were asked in different prompts, which may be all that differs; "" where not."""
    if (before.words or "") == (now.words or ""):
        return ""
    return f"asked {_in_words(now)}, {before.where} {_in_words(before)}"


def _in_words(side: Measured) -> str:
    if side.words is None:
        return "in words that nobody noted"
    return f"in the prompt '{side.words}'" if side.words else "in the usual prompt"


def _fields(first: str, second: str) -> str:
    """Return the fields in which two signatures differ: `jiwer:4.0.0 and jiwer:4.1.0`."""
    ours, theirs = ([field for field in one.split("|") if field] for one in (first, second))
    left = [field for field in ours if field not in theirs]
    right = [field for field in theirs if field not in ours]
    if not left and not right:
        return f"{first} and {second}"
    pairs = itertools.zip_longest(left, right, fillvalue="nothing")
    return "; ".join(f"{one} and {other}" for one, other in pairs)
