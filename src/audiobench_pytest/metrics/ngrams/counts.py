"""N-grams and their matches: what BLEU, chrF and the caption metrics count."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import TypeVar

NGram = TypeVar("NGram", bound=Hashable)

ORDERS = (1, 2, 3, 4)
"""The orders of word n-grams that BLEU and CIDEr look at."""


def word_ngrams(tokens: Sequence[str], order: int) -> Counter[tuple[str, ...]]:
    """Count the runs of `order` tokens."""
    return Counter(zip(*(tokens[start:] for start in range(order)), strict=False))


def character_ngrams(text: str, order: int) -> Counter[str]:
    """Count the runs of `order` characters."""
    return Counter([text[start : start + order] for start in range(len(text) - order + 1)])


def matches(prediction: Mapping[NGram, int], reference: Mapping[NGram, int]) -> int:
    """Count the n-grams of a prediction that a reference has, each at most as often as it stands there."""
    found = 0
    for ngram, count in prediction.items():
        if ngram in reference:
            found += min(count, reference[ngram])
    return found


def most(counts: Iterable[Counter[tuple[str, ...]]]) -> Counter[tuple[str, ...]]:
    """Return for each n-gram the greatest of its counts."""
    greatest: Counter[tuple[str, ...]] = Counter()
    for one in counts:
        greatest |= one
    return greatest


def bleu_numbers(prediction: Sequence[str], references: Sequence[Sequence[str]]) -> dict[str, float]:
    """Return the sufficient numbers of BLEU (Papineni et al., 2002) for one sample.

    Args:
        prediction: Tokens of the prediction.
        references: Tokens of each reference, at least one.

    Returns:
        `sys_len`; `ref_len`, the length of the reference that is closest in length, of two equally close the shorter;
        and for each order `correct_N` (matches, clipped by the reference that has the n-gram most often) and `total_N`.
    """
    length = len(prediction)
    ref_len = min((abs(len(reference) - length), len(reference)) for reference in references)[1]
    numbers: dict[str, float] = {"sys_len": length, "ref_len": ref_len}
    for order in ORDERS:
        counts = word_ngrams(prediction, order)
        wanted = [word_ngrams(reference, order) for reference in references] if counts else []
        numbers[f"correct_{order}"] = matches(counts, wanted[0] if len(wanted) == 1 else most(wanted))
        numbers[f"total_{order}"] = max(0, length - order + 1)
    return numbers
