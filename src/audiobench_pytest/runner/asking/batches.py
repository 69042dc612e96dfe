"""Cuts a list of clips into batches under two budgets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence


def make_batches(durations: Sequence[float], *, rows: int, seconds: float) -> list[list[int]]:
    """Return batches of positions, longest clips first.

    Sorting by duration keeps padding small; starting with the longest shows a lack of memory in the first minute, not
    in the last. A clip longer than the budget gets a batch of its own.

    Args:
        durations: Seconds of each clip.
        rows: Most clips of a batch.
        seconds: Most seconds of a batch, padding included: number of clips times the longest of them.
    """
    order = sorted(range(len(durations)), key=lambda i: (-durations[i], i))
    batches: list[list[int]] = []
    for i in order:
        # Sorted, so the first clip of a batch is its longest and decides what one more row costs.
        if batches and len(batches[-1]) < rows and (len(batches[-1]) + 1) * durations[batches[-1][0]] <= seconds:
            batches[-1].append(i)
        else:
            batches.append([i])
    return batches


def equal_length_groups(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Yield groups of positions of exactly equal length, for models without an attention mask.

    Args:
        lengths: Number of audio samples of each clip of one batch.
    """
    groups: dict[int, list[int]] = {}
    for i, length in enumerate(lengths):
        groups.setdefault(length, []).append(i)
    yield from groups.values()
