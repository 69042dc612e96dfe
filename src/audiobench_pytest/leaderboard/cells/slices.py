"""The same values and intervals for parts of a set: a language, a speaker, short clips, noisy ones."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from audiobench_pytest.leaderboard.statistics.bootstrap import RESAMPLES, SEED
from audiobench_pytest.leaderboard.statistics.intervals import intervals
from audiobench_pytest.types import MetricValue, Quantity, SliceResult

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from audiobench_pytest.leaderboard.statistics.bootstrap import Columns, Values

UNKNOWN = "unknown"
"""Name of the slice of samples that say nothing of a key."""

_DURATIONS_S = (2.0, 5.0, 10.0, 20.0, 30.0)
_SNRS_DB = (0.0, 5.0, 10.0, 15.0, 20.0, 30.0)


def _names(edges: Sequence[float], unit: str) -> tuple[str, ...]:
    inner = (f"{low:g}-{high:g} {unit}" for low, high in itertools.pairwise(edges))
    return (f"< {edges[0]:g} {unit}", *inner, f">= {edges[-1]:g} {unit}")


DURATION_BINS = _names(_DURATIONS_S, "s")
"""Bins of duration, in order; the lower edge belongs to a bin."""

SNR_BINS = _names(_SNRS_DB, "dB")
"""Bins of signal-to-noise ratio, in order; the lower edge belongs to a bin."""

_PLACES = {name: place for bins in (DURATION_BINS, SNR_BINS) for place, name in enumerate(bins)}


def duration_bin(seconds: float) -> str:
    """Return the bin of a duration in seconds; "" for one that is unknown (NaN, or not above 0)."""
    return _bin(seconds, _DURATIONS_S, DURATION_BINS) if seconds > 0.0 else ""


def snr_bin(db: float) -> str:
    """Return the bin of a signal-to-noise ratio in dB (infinite without noise); "" for one that is unknown (NaN)."""
    return _bin(db, _SNRS_DB, SNR_BINS)


def _bin(number: float, edges: Sequence[float], names: Sequence[str]) -> str:
    return "" if math.isnan(number) else names[sum(number >= edge for edge in edges)]


def slices(
    columns: Columns,
    keys: Mapping[str, Sequence[str]],
    values: Values,
    quantities: Iterable[Quantity],
    *,
    clusters: NDArray[np.intp] | None = None,
    clips: NDArray[np.intp] | None = None,
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> list[SliceResult]:
    """Return the values and intervals of each slice.

    Within a slice the clusters are resampled as in the whole set: what is told of an accent by one speaker has no
    interval. Only where the slices are the clusters themselves (per speaker, speakers resampled) are its samples, each
    with all of its answers.

    Args:
        columns: Sufficient numbers, `(samples,)` each, in order of sample id.
        keys: Per key the text of each sample, in the same order, "" where a sample has none.
        values: Sums of sufficient numbers to quantities.
        quantities: Which ones to give, the headline first.
        clusters: `(samples,)` cluster of each sample, or None.
        clips: `(samples,)` clip of each, where clips were answered several times; else None.
        resamples: Number of draws.
        seed: Seed of the draws.

    Returns:
        In the order of the keys, then of the names: bins by size, others by alphabet, `unknown` last. A key in which
        all samples are alike says nothing and is left out.

    Raises:
        ValueError: A key has not as many texts as there are samples.
    """
    wanted = tuple(quantities)
    found = []
    for key, texts in keys.items():
        if any(len(column) != len(texts) for column in columns.values()):
            raise ValueError(f"the key '{key}' has {len(texts)} texts, which is not the number of samples")
        names, which = np.unique(np.array([text or UNKNOWN for text in texts], dtype=str), return_inverse=True)
        if len(names) < 2:
            continue
        inner = clips if clusters is None or _same_parts(which, clusters) else clusters
        for number in sorted(range(len(names)), key=lambda number: _place(str(names[number]))):
            rows = which == number
            part = {name: np.asarray(column, np.float64)[rows] for name, column in columns.items()}
            spread = intervals(
                part, values, None if inner is None else inner[rows], quantities=wanted, resamples=resamples, seed=seed
            )
            at = values({name: np.array([math.fsum(column)]) for name, column in part.items()})
            shown = tuple(
                MetricValue(quantity, _finite(at[quantity.name][0]), *(spread[quantity.name] or (None, None)))
                for quantity in wanted
            )
            size = int(rows.sum()) if clips is None else len(np.unique(clips[rows]))
            found.append(SliceResult(key, str(names[number]), size, shown))
    return found


def _same_parts(which: NDArray[np.intp], clusters: NDArray[np.intp]) -> bool:
    """Return whether slices and clusters cut the samples alike."""
    both = len(set(zip(which.tolist(), clusters.tolist(), strict=True)))
    return both == len(np.unique(which)) == len(np.unique(clusters))


def _place(name: str) -> tuple[bool, float, str]:
    return name == UNKNOWN, _PLACES.get(name, -1), name


def _finite(number: float) -> float | None:
    return float(number) if math.isfinite(number) else None
