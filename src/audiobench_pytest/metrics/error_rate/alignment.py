"""Edit counts of one pair: the sufficient numbers of word, character and mixed error rates."""

from __future__ import annotations

from collections.abc import Sequence


def align_counts(reference: Sequence[str], prediction: Sequence[str]) -> tuple[int, int, int]:
    """Count the edits of a cheapest alignment, each edit costing one.

    The counts are those of `jiwer.process_words`, which aligns with the same kernel (RapidFuzz's `editops`); called
    directly, it costs a twentieth of jiwer's time per pair. An empty reference gives insertions only.

    Args:
        reference: Units that should have been said.
        prediction: Units that were said.

    Returns:
        `(substitutions, deletions, insertions)`; their sum is the edit distance.
    """
    from rapidfuzz.distance import Levenshtein

    if reference == prediction:
        return 0, 0, 0
    substitutions = deletions = insertions = 0
    for tag, _, _ in Levenshtein.editops(reference, prediction).as_list():
        if tag == "replace":
            substitutions += 1
        elif tag == "delete":
            deletions += 1
        else:
            insertions += 1
    return substitutions, deletions, insertions
