"""From ratings to `mos`, `mushra` and `preference` of a cell, and who was left out of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from audiobench_pytest.leaderboard.listening.crossed import Crossed, crossed_mean
from audiobench_pytest.leaderboard.quantities import LISTENED, unit_of
from audiobench_pytest.records.runs.cells import CellData
from audiobench_pytest.records.runs.listening import AB, MOS, MUSHRA, REFERENCE, Rating
from audiobench_pytest.types import MetricValue, Quantity

_NAMES = {MOS: "mos", MUSHRA: "mushra", AB: "preference"}
"""What the ratings of a kind of test are called as a value."""

_KNOWS_THE_REFERENCE, _MOST_MISSED = 90.0, 0.15
"""ITU-R BS.1534-3: a rater who puts the hidden reference below 90 in more than 15 % of the trials is left out."""


def listening_values(data: CellData) -> Iterator[MetricValue]:
    """Yield what raters said of a cell's answers; nothing where nobody listened."""
    for quantity, found, _ in _found(data):
        yield MetricValue(quantity, found.mean, found.low, found.high)


def listening_notes(cells: Iterable[CellData]) -> Iterator[str]:
    """Yield a sentence per cell and kind of test: the value, and on how many raters and clips it rests."""
    for data in cells:
        for quantity, found, left_out in _found(data):
            interval = "" if found.low is None else f" [{found.low:.2f}, {found.high:.2f}]"
            told = f"{data.plan.cell}: {quantity.name} {found.mean:.2f}{unit_of(quantity)}{interval} by "
            told += f"{_count(found.raters, 'rater')} on {_count(found.clips, 'clip')}"
            if found.raters == 1 and found.low is not None:
                told += ", an interval over clips alone"
            if left_out:
                told += f"; left out for not knowing the hidden reference: {', '.join(left_out)}"
            yield told


def _found(data: CellData) -> Iterator[tuple[Quantity, Crossed, Sequence[str]]]:
    for kind, name in _NAMES.items():
        ratings: Sequence[Rating] = data.ratings.get(kind, ())
        left_out = sorted(_deaf(ratings)) if kind == MUSHRA else []
        kept = [one for one in ratings if one.role == "answer" and one.rater not in left_out]
        if not kept:
            continue
        quantity = LISTENED[name]
        scale = 100.0 if kind == AB else 1.0
        assert quantity.minimum is not None
        assert quantity.maximum is not None
        found = crossed_mean(
            [scale * one.value for one in kept],
            [one.rater for one in kept],
            [one.sample for one in kept],
            (quantity.minimum, quantity.maximum),
        )
        yield quantity, found, left_out


def _deaf(ratings: Sequence[Rating]) -> set[str]:
    """Return the raters who missed the hidden reference too often."""
    heard: dict[str, list[bool]] = {}
    for one in ratings:
        if one.role == REFERENCE:
            heard.setdefault(one.rater, []).append(one.value < _KNOWS_THE_REFERENCE)
    return {rater for rater, missed in heard.items() if sum(missed) > _MOST_MISSED * len(missed)}


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"
