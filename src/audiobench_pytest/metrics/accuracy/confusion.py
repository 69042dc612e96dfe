"""Which label was taken for which: counts as sufficient numbers, the matrix and macro-F1 as functions of their sums."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from audiobench_pytest.metrics.base import ratio, total

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from audiobench_pytest.metrics.base import Sums

NOTHING = ""
"""Stands for the label of an answer that named none."""

_PREFIX, _BETWEEN = "cm:", ">"


def count_of(gold: str, predicted: str) -> str:
    """Return the name of the number that counts samples of a gold label with a predicted one: `cm:joy>sadness`."""
    return f"{_PREFIX}{_quoted(gold)}{_BETWEEN}{_quoted(predicted)}"


def confusion(sums: Mapping[str, float]) -> tuple[tuple[str, ...], list[list[float]]]:
    """Return the confusion matrix of a cell's sums.

    Args:
        sums: Sums of sufficient numbers; other numbers are passed over.

    Returns:
        The labels that occur, sorted, `""` (answers that named none) last where there is one; and the counts,
        `matrix[i][j]` of gold label i answered with label j.
    """
    counts = {pair: float(sums[name]) for name in sums if (pair := _pair(name)) is not None and sums[name]}
    labels = _labels(counts)
    return labels, [[counts.get((gold, predicted), 0.0) for predicted in labels] for gold in labels]


def macro_f1(sums: Sums) -> NDArray[np.float64]:
    """Return the mean F1 of the labels in percent, elementwise; NaN where there are none.

    F1 of a label is `2 tp / (2 tp + fp + fn)`. A label that occurs neither as gold nor as predicted is left out, in
    each draw anew. An answer that named no label is a miss of its gold label and no label of its own.
    """
    import numpy as np

    pairs = {pair: name for name in sums if (pair := _pair(name)) is not None}
    shape = np.shape(total(sums, "n"))
    summed, labels_there = np.zeros(shape), np.zeros(shape)
    for label in _labels(pairs):
        if label == NOTHING:
            continue
        hits = total(sums, pairs.get((label, label), ""))
        gold = _sum((sums[name] for (of, _), name in pairs.items() if of == label), shape)
        predicted = _sum((sums[name] for (_, by), name in pairs.items() if by == label), shape)
        there = gold + predicted > 0
        summed = summed + np.where(there, np.nan_to_num(ratio(2 * hits, gold + predicted)), 0.0)
        labels_there = labels_there + there
    return ratio(summed, labels_there, scale=1.0)


def _sum(columns: Iterable[NDArray[np.float64]], shape: tuple[int, ...]) -> NDArray[np.float64]:
    import numpy as np

    summed = np.zeros(shape)
    for column in columns:
        summed = summed + column
    return summed


def _labels(pairs: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    found = {label for pair in pairs for label in pair}
    return (*sorted(found - {NOTHING}), *(found & {NOTHING}))


def _pair(name: str) -> tuple[str, str] | None:
    if not name.startswith(_PREFIX):
        return None
    gold, _, predicted = name.removeprefix(_PREFIX).partition(_BETWEEN)
    return unquote(gold), unquote(predicted)


def _quoted(label: str) -> str:
    """Keep a label readable: only what would be read as something else is written in percent signs."""
    return "".join(quote(char) if char in "%>|" else char for char in label)
