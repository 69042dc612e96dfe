"""Which samples of a set are asked: the first N, a seeded subset by id, a shard; and ids that name one sample each."""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Sequence

from audiobench_pytest.types import Sample


def select(samples: Sequence[Sample], *, limit: int | None, sample: int | None, seed: int) -> list[Sample]:
    """Return the selected samples in the set's order.

    Args:
        samples: The whole set.
        limit: Keep the first `limit`; applied after `sample`.
        sample: Keep the `sample` samples whose ids hash lowest under `seed`. The choice depends on the ids alone, so it
            survives reordering, and a row added to the set displaces at most one of the chosen.
        seed: Which subset; equal seeds choose equal subsets on every machine.
    """
    return [samples[i] for i in chosen([s.id for s in samples], limit=limit, sample=sample, seed=seed)]


def chosen(ids: Sequence[str], *, limit: int | None, sample: int | None, seed: int) -> list[int]:
    """Return the positions that `select` keeps of a set with these ids, ascending."""
    positions: Sequence[int] = range(len(ids))
    if sample is not None and sample < len(ids):
        positions = sorted(heapq.nsmallest(sample, positions, key=lambda i: (_rank(ids[i], seed), ids[i])))
    return list(positions if limit is None else positions[:limit])


def ranked(ids: Sequence[str], seed: int) -> list[int]:
    """Return all positions in the order in which `chosen` takes them: the first `sample` are those that it keeps."""
    return sorted(range(len(ids)), key=lambda i: (_rank(ids[i], seed), ids[i]))


def _rank(sample_id: str, seed: int) -> bytes:
    # A lone surrogate is valid in a JSON string and must not stop the selection.
    return hashlib.sha256(f"{seed}:{sample_id}".encode("utf-8", "surrogatepass")).digest()


def shard(samples: Sequence[Sample], k: int, n: int) -> list[Sample]:
    """Return every `n`-th sample from position `k` on; the `n` shards are disjoint and together are the whole set.

    Raises:
        ValueError: `k` is not in 0..n-1.
    """
    if not 0 <= k < n:
        raise ValueError(f"shard {k} of {n} does not exist: shards count from 0 to {n - 1}")
    return list(samples[k::n])


def unique_ids(ids: Sequence[str], marks: Sequence[str]) -> list[tuple[str, int | None]]:
    """Give each row an id of its own.

    The first row of an id keeps it; a later one becomes `<id>#<mark>`. What a row is called depends on the rows before
    it only, so the first rows of a set are called the same whether the rest was read or not.

    Args:
        ids: The rows' own ids.
        marks: One mark per row (`line7`).

    Returns:
        Per row its id, and the position of the row that had the same id before it, or None.
    """
    first: dict[str, int] = {}
    named: list[tuple[str, int | None]] = []
    for position, (row_id, mark) in enumerate(zip(ids, marks, strict=True)):
        earlier = first.get(row_id)
        name = row_id
        while name in first:
            name = f"{name}#{mark}"
        first[name] = position
        named.append((name, earlier))
    return named
