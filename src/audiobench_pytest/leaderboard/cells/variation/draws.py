"""Several answers to each clip: what one draw of all clips is worth beside the next."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from audiobench_pytest.leaderboard.quantities import DRAW_SD, title, unit_of
from audiobench_pytest.types import CellResult, Draws, MetricValue, Quantity

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from audiobench_pytest.leaderboard.statistics.bootstrap import Columns, Values
    from audiobench_pytest.records.runs.table import CellTable


def draws_of(table: CellTable, columns: Columns, values: Values, quantity: str, asked: int = 1) -> Draws:
    """Return how many clips were answered how often, and the value of each draw over all clips.

    Args:
        table: The cell's records.
        columns: Their sufficient numbers, `(records,)` each.
        values: Sums of sufficient numbers to values.
        quantity: Which value.
        asked: How often each clip was to be answered: a draw that nobody reached counts, without a value.
    """
    scored, number = table.scored, table.draws
    count = max(asked, int(number.max()) + 1 if len(number) else 0)
    found: list[float | None] = []
    for draw in range(count):
        rows = scored & (number == draw)
        at = values({name: np.array(math.fsum(column[rows])) for name, column in columns.items()})[quantity]
        found.append(float(at) if rows.any() and np.isfinite(at) else None)
    clips = {sample for sample, is_scored in zip(table.samples, scored, strict=True) if is_scored}
    return Draws(len(clips), count, tuple(found))


def spread_of(draws: Draws | None, headline: Quantity) -> Iterator[MetricValue]:
    """Yield the standard deviation of a value from draw to draw, in its unit; nothing of fewer than two draws."""
    known = [] if draws is None else [value for value in draws.values if value is not None]
    if len(known) > 1:
        yield MetricValue(replace(DRAW_SD, unit=headline.unit), float(np.std(known, ddof=1)))


def draw_notes(results: Iterable[CellResult]) -> Iterator[str]:
    """Yield a sentence per cell whose clips were answered several times: how much the value is one draw's."""
    for result in results:
        draws = result.draws
        if draws is None or not draws.clips:
            continue
        told = f"{result.cell}: {draws.clips} clips x {draws.draws} draws"
        known = [value for value in draws.values if value is not None]
        spread = result.named(DRAW_SD.name)
        if spread is not None and spread.value is not None:
            unit = unit_of(result.headline.quantity)
            told += (
                f"; {title(result.metric)} of one draw {min(known):.2f} to {max(known):.2f}{unit}, "
                f"standard deviation {spread.value:.2f}"
            )
        yield told


def by_clip(
    samples: Sequence[str], columns: Columns
) -> tuple[list[str], NDArray[np.intp], dict[str, NDArray[np.float64]]]:
    """Return each clip once, with the mean of the numbers of its answers: what compares runs of however many draws.

    A value is a function of sums that does not change when all of them are scaled alike, so that clips answered three
    times stand beside clips answered once.

    Args:
        samples: The sample of each record.
        columns: Sufficient numbers, `(records,)` each, in the same order.

    Returns:
        The clips in order of first appearance, the first record of each, and `(clips,)` per number.
    """
    clips, clip = _clips(samples)
    first = np.unique(clip, return_index=True)[1].astype(np.intp)
    answers = np.bincount(clip, minlength=len(clips))
    return clips, first, {name: column / answers for name, column in summed(samples, columns)[1].items()}


def summed(samples: Sequence[str], columns: Columns) -> tuple[list[str], dict[str, NDArray[np.float64]]]:
    """Return each clip once, with the sum of the numbers of its answers: their value is that of all answers.

    Args:
        samples: The sample of each record.
        columns: Sufficient numbers, `(records,)` each, in the same order.
    """
    clips, clip = _clips(samples)
    return clips, {name: np.bincount(clip, column, len(clips)).astype(np.float64) for name, column in columns.items()}


def _clips(samples: Sequence[str]) -> tuple[list[str], NDArray[np.intp]]:
    """Return the clips in order of first appearance, and the place there of each record."""
    places: Mapping[str, int] = {sample: place for place, sample in enumerate(dict.fromkeys(samples))}
    return list(places), np.fromiter((places[sample] for sample in samples), np.intp, len(samples))
