"""Alignment that forgives where a compound is parted: "white paper" and "whitepaper" are the same.

Two rules of the Open ASR Leaderboard. `merged_counts` is its edit distance (that of kaldialign with `merge_compounds`):
beside a substitution, a deletion and an insertion, which cost 1, a run of two or more neighbouring tokens of one side
may stand for one token of the other side that is spelled as they are together, at no cost. The number of reference
tokens stays what it is. `join_equal_regions` goes before it for languages other than English.
"""

from __future__ import annotations

import difflib
from bisect import bisect_left
from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass

from audiobench_pytest.metrics.error_rate.alignment import align_counts

# An alignment's cost in one integer, so that the smallest integer is the cheapest alignment and its counts come along:
# errors, then deletions, then substitutions, 20 bits each but for the first.
_BITS = 20
_MASK = (1 << _BITS) - 1
_INSERTION = 1 << 2 * _BITS
_DELETION = _INSERTION | 1 << _BITS
_SUBSTITUTION = _INSERTION | 1


@dataclass(frozen=True, slots=True)
class _Join:
    """A run of tokens, `tokens[start:end]`, that together spell one token of the other side."""

    start: int
    end: int
    spelled: str


def merged_counts(reference: Sequence[str], prediction: Sequence[str]) -> tuple[int, int, int]:
    """Count the edits of a cheapest alignment in which parting or joining a compound costs nothing.

    Where no run of tokens spells a token of the other side, the counts are those of `align_counts`. Else those of the
    cheapest alignment with the fewest deletions, then the fewest substitutions.

    Args:
        reference: Units that should have been said.
        prediction: Units that were said.

    Returns:
        `(substitutions, deletions, insertions)`.
    """
    if reference == prediction:
        return 0, 0, 0
    parted, joined = _joins(reference, prediction), _joins(prediction, reference)
    if not parted and not joined:
        return align_counts(reference, prediction)
    return _cheapest(reference, prediction, parted, joined)


def join_equal_regions(reference: Sequence[str], prediction: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    """Write each region where the two sides differ only by spaces as one token on both sides.

    Regions are those of `difflib.SequenceMatcher`, as in the source: "ab cd" against "abc d" becomes "abcd" twice, and
    a compound parted in the reference counts as one reference token.
    """
    if reference == prediction:
        return reference, prediction
    references: list[str] = []
    predictions: list[str] = []
    for tag, i1, i2, j1, j2 in difflib.SequenceMatcher(None, reference, prediction).get_opcodes():
        said, heard = list(reference[i1:i2]), list(prediction[j1:j2])
        spelled = "".join(said)
        if tag == "replace" and spelled == "".join(heard):
            said, heard = [spelled], [spelled]
        references += said
        predictions += heard
    return references, predictions


def _joins(tokens: Sequence[str], others: Sequence[str]) -> list[_Join]:
    """Return every run of two or more tokens that spells one of the others."""
    spellings = sorted(set(others))
    found = []
    for start in range(len(tokens) - 1):
        spelled = tokens[start]
        for end in range(start + 1, len(tokens)):
            spelled += tokens[end]
            # The first that is not smaller begins with it, if any does: most runs end here, at their second token.
            place = bisect_left(spellings, spelled)
            if place == len(spellings) or not spellings[place].startswith(spelled):
                break
            if spellings[place] == spelled:
                found.append(_Join(start, end + 1, spelled))
    return found


def _cheapest(
    reference: Sequence[str], prediction: Sequence[str], parted: Sequence[_Join], joined: Sequence[_Join]
) -> tuple[int, int, int]:
    """Fill the table of the edit distance row by row, a row being one vector operation over the prediction.

    Args:
        reference: Units that should have been said.
        prediction: Units that were said.
        parted: Runs of the reference that spell a unit of the prediction.
        joined: Runs of the prediction that spell a unit of the reference.
    """
    import numpy as np

    numbered: dict[str, int] = {}
    said = [numbered.setdefault(token, len(numbered)) for token in reference]
    heard = np.array([numbered.setdefault(token, len(numbered)) for token in prediction], np.int64)
    ending = defaultdict(list)
    for join in parted:
        ending[join.end].append(join)
    spans: dict[str, tuple[list[int], list[int]]] = defaultdict(lambda: ([], []))
    for join in joined:
        starts, ends = spans[join.spelled]
        starts.append(join.start)
        ends.append(join.end)

    inserted = np.arange(len(prediction) + 1, dtype=np.int64) * _INSERTION
    rows = deque([inserted], maxlen=max((join.end - join.start for join in parted), default=1))
    for i, (token, number) in enumerate(zip(reference, said, strict=True), 1):
        above = rows[-1]
        row = above + _DELETION
        row[1:] = np.minimum(row[1:], above[:-1] + np.where(heard == number, 0, _SUBSTITUTION))
        if token in spans:
            starts, ends = spans[token]
            row[ends] = np.minimum(row[ends], above[starts])
        for join in ending[i]:
            places = np.flatnonzero(heard == numbered[join.spelled])
            row[places + 1] = np.minimum(row[places + 1], rows[join.start - i][places])
        # An insertion costs the same wherever it is, so the cheapest way along a row is a running minimum.
        rows.append(np.minimum.accumulate(row - inserted) + inserted)
    cost = int(rows[-1][-1])
    substitutions, deletions = cost & _MASK, cost >> _BITS & _MASK
    return substitutions, deletions, (cost >> 2 * _BITS) - substitutions - deletions
