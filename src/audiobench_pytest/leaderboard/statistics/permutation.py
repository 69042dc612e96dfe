"""The sign-flip test of two runs on the same samples."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from audiobench_pytest.leaderboard.statistics.bootstrap import SEED, unit_sums

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from audiobench_pytest.leaderboard.statistics.bootstrap import Array, Columns, Values

EXACT = 13
"""Most differing samples or clusters for which all 2**n ways to swap the runs are tried."""

FLIPS = 9999
"""Ways to swap the runs that are tried where there are more: a p-value is a multiple of 1 / 10,000."""

_CHUNK = 1 << 19
"""Coins held at once."""

_AS_LARGE = 1.0 - 1e-9
"""A difference that is the observed one but for rounding counts as as large."""


def least_p(units: int) -> float:
    """Return the least p-value that there can be where this many samples or clusters may differ."""
    exact = 2.0 ** (1 - units) if units > 0 else 1.0
    return min(1.0, exact if units <= EXACT else max(exact, 1.0 / (1 + FLIPS)))


def sign_flip_p(
    first: Columns,
    second: Columns,
    values: Values,
    quantity: str,
    clusters: NDArray[np.intp] | None = None,
    *,
    flips: int = FLIPS,
    seed: int = SEED,
) -> float | None:
    """Return the two-sided p-value of "it does not matter which run said what".

    If the runs are equally good, their answers may be swapped on any sample (on any cluster, where samples of a cluster
    err together). The p-value is the share of all ways to swap that make the difference at least as large as it is.
    With up to `EXACT` samples or clusters that differ all ways are tried, else `flips` by chance, the observed one
    being counted among them. Samples on which the runs do not differ play no part.

    Args:
        first: Sufficient numbers of one run, `(samples,)` each.
        second: Those of the other, with the same names, on the same samples.
        values: Sums to quantities.
        quantity: Which one.
        clusters: `(samples,)` cluster of each sample, or None.
        flips: Number of random swaps.
        seed: Seed of the swaps.

    Returns:
        The p-value, or None where nothing defines the difference.
    """
    names, numbers = unit_sums(first, clusters)
    ours, theirs = np.stack(numbers), np.stack(unit_sums(second, clusters)[1])
    both, apart = (ours + theirs).sum(axis=1), theirs - ours
    apart = apart[:, np.any(apart != 0.0, axis=0)]
    count = apart.shape[1]

    def difference(sums: Array) -> Array:
        """Return |second - first|, `(rows,)`, where second less first is `(rows, columns)`."""
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            low, high = (
                values({name: (both + side * sums)[:, k] / 2.0 for k, name in enumerate(names)})[quantity]
                for side in (-1.0, 1.0)
            )
        return np.abs(np.broadcast_to(np.asarray(high - low, np.float64), len(sums)))

    whole = apart.sum(axis=1)
    observed = float(difference(whole[None, :])[0])
    if not np.isfinite(observed):
        return None
    tried = as_large = 0
    for kept in _every_way(count) if count <= EXACT else _some_ways(count, flips, seed):
        found = difference(2.0 * np.einsum("rn,kn->rk", kept, apart) - whole)
        found = found[np.isfinite(found)]
        tried += len(found)
        as_large += int((found >= observed * _AS_LARGE).sum())
    return as_large / tried if count <= EXACT else (1 + as_large) / (1 + tried)


def _every_way(count: int) -> Iterator[Array]:
    """Yield `(2**count, count)`: 1 where a unit is kept, 0 where it is swapped."""
    yield (np.arange(2**count)[:, None] >> np.arange(count) & 1).astype(np.float64)


def _some_ways(count: int, flips: int, seed: int) -> Iterator[Array]:
    """Yield `(rows, count)` of fair coins, the same however they are cut into chunks; each row starts with a word."""
    source = np.random.PCG64(seed)
    words = (count + 63) // 64
    rows = max(1, _CHUNK // count)
    for start in range(0, flips, rows):
        taken = min(rows, flips - start)
        raw = np.asarray(source.random_raw(taken * words)).astype("<u8", copy=False)
        bits = np.unpackbits(raw.view(np.uint8).reshape(taken, -1), axis=1, count=count, bitorder="little")
        yield bits.astype(np.float64)
