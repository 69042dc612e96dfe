import functools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiobench_pytest.metrics.error_rate.alignment import align_counts
from audiobench_pytest.metrics.error_rate.compounds import join_equal_regions, merged_counts

DETERMINISTIC = settings(derandomize=True, database=None, deadline=None, max_examples=300)
# Few letters, so that runs of tokens often spell a token of the other side, and in more than one way.
PIECES = st.sampled_from(["a", "b", "c", "ab", "ba", "aa", "aba", "abc", "aab", "é"])
TOKENS = st.lists(PIECES, max_size=7)
LONG = st.lists(PIECES, max_size=40)


def every_cheapest(reference: list[str], prediction: list[str]) -> tuple[int, set[tuple[int, int, int]]]:
    """Return the cost of the cheapest alignment and the counts of all that cost so little, by trying everything."""

    @functools.cache
    def best(i: int, j: int) -> tuple[int, frozenset[tuple[int, int, int]]]:
        if i == 0 and j == 0:
            return 0, frozenset({(0, 0, 0)})
        ways = []
        if i:
            ways.append((1, best(i - 1, j), (0, 1, 0)))
        if j:
            ways.append((1, best(i, j - 1), (0, 0, 1)))
        if i and j:
            same = reference[i - 1] == prediction[j - 1]
            ways.append((0 if same else 1, best(i - 1, j - 1), (0, 0, 0) if same else (1, 0, 0)))
        parted = [k for k in range(2, i + 1) if j and "".join(reference[i - k : i]) == prediction[j - 1]]
        joined = [k for k in range(2, j + 1) if i and "".join(prediction[j - k : j]) == reference[i - 1]]
        ways += [(0, best(i - k, j - 1), (0, 0, 0)) for k in parted]
        ways += [(0, best(i - 1, j - k), (0, 0, 0)) for k in joined]
        cost = min(extra + before for extra, (before, _), _ in ways)
        counts = {
            (s + ds, d + dd, n + dn)
            for extra, (before, all_counts), (ds, dd, dn) in ways
            if extra + before == cost
            for s, d, n in all_counts
        }
        return cost, frozenset(counts)

    cost, counts = best(len(reference), len(prediction))
    return cost, set(counts)


@pytest.mark.parametrize(
    ("reference", "prediction", "counts"),
    [
        ("", "", (0, 0, 0)),
        ("", "a b", (0, 0, 2)),
        ("a b", "", (0, 2, 0)),
        # parted and joined, in both directions, two words and more
        ("white paper", "whitepaper", (0, 0, 0)),
        ("whitepaper", "white paper", (0, 0, 0)),
        ("state of the art", "stateoftheart", (0, 0, 0)),
        ("stateoftheart", "state of the art", (0, 0, 0)),
        # beside ordinary errors
        ("the white paper is here", "the whitepaper was here", (1, 0, 0)),
        ("a white paper", "whitepaper", (0, 1, 0)),
        ("whitepaper", "a white paper", (0, 0, 1)),
        ("white paper", "white papers", (1, 0, 0)),
        ("white paper", "whitepapers", (1, 1, 0)),
        # a joined pair needs its token: one of two is left over
        ("white paper", "whitepaper whitepaper", (0, 0, 1)),
        ("whitepaper whitepaper", "white paper", (0, 1, 0)),
        ("whitepaper whitepaper", "white paper white paper", (0, 0, 0)),
        # many to many is not one compound
        ("ab cd", "abc d", (2, 0, 0)),
        # the first x is best left out, though it stands first on both sides
        ("x y z", "x xyz", (0, 0, 1)),
        ("x xyz", "x y z", (0, 1, 0)),
    ],
)
def test_a_parted_or_joined_compound_costs_nothing(
    reference: str, prediction: str, counts: tuple[int, int, int]
) -> None:
    assert merged_counts(reference.split(), prediction.split()) == counts


@DETERMINISTIC
@given(reference=TOKENS, prediction=TOKENS)
def test_counts_are_those_of_a_cheapest_alignment_found_by_trying_all(
    reference: list[str], prediction: list[str]
) -> None:
    cost, cheapest = every_cheapest(reference, prediction)
    counts = merged_counts(reference, prediction)
    assert sum(counts) == cost
    assert counts in cheapest


@DETERMINISTIC
@given(reference=LONG, prediction=LONG)
def test_the_cost_is_that_of_kaldialign(reference: list[str], prediction: list[str]) -> None:
    kaldialign = pytest.importorskip("kaldialign")
    oracle = kaldialign.edit_distance(reference, prediction, merge_compounds=True)
    assert sum(merged_counts(reference, prediction)) == oracle["total"]


@DETERMINISTIC
@given(reference=LONG, prediction=LONG)
def test_the_cost_is_the_same_seen_from_the_other_side(reference: list[str], prediction: list[str]) -> None:
    assert sum(merged_counts(reference, prediction)) == sum(merged_counts(prediction, reference))
    assert sum(merged_counts(reference, prediction)) <= sum(align_counts(reference, prediction))


@DETERMINISTIC
@given(words=st.lists(st.lists(PIECES, min_size=1, max_size=4), max_size=12), joined=st.lists(st.booleans()))
def test_parting_words_anywhere_costs_nothing(words: list[list[str]], joined: list[bool]) -> None:
    sides: tuple[list[str], list[str]] = ([], [])
    for number, pieces in enumerate(words):
        turned = number < len(joined) and joined[number]
        sides[turned].extend(pieces)
        sides[not turned].append("".join(pieces))
    assert merged_counts(*sides) == (0, 0, 0)


@DETERMINISTIC
@given(reference=st.lists(st.sampled_from(["xq", "yq", "zq"]), max_size=15), prediction=st.lists(PIECES, max_size=15))
def test_without_a_compound_the_counts_are_the_plain_ones(reference: list[str], prediction: list[str]) -> None:
    assert merged_counts(reference, prediction) == align_counts(reference, prediction)


def test_a_long_form_pair_with_compounds_is_counted_exactly() -> None:
    # 3,000 words; every tenth is parted by the model, every twenty-fifth wrong: 120 errors, none of them a compound.
    reference = [f"left{i}right{i}" for i in range(3000)]
    prediction: list[str] = []
    for i, word in enumerate(reference):
        if i % 25 == 3:
            prediction.append("wrong")
        elif i % 10 == 0:
            prediction += [f"left{i}", f"right{i}"]
        else:
            prediction.append(word)
    assert merged_counts(reference, prediction) == (120, 0, 0)


@pytest.mark.parametrize(
    ("reference", "prediction", "references", "predictions"),
    [
        ("", "", "", ""),
        ("a b", "", "a b", ""),
        ("die haus tür ist zu", "die haustür ist zu", "die haustür ist zu", "die haustür ist zu"),
        ("die haustür ist zu", "die haus tür ist zu", "die haustür ist zu", "die haustür ist zu"),
        ("ab cd", "abc d", "abcd", "abcd"),
        ("x ab cd y", "x abc d y", "x abcd y", "x abcd y"),
        # a region that differs by more than spaces stays as it is
        ("haus tür ist", "haustür war", "haus tür ist", "haustür war"),
        ("a b", "a c", "a b", "a c"),
    ],
)
def test_regions_that_differ_only_by_spaces_become_one_token(
    reference: str, prediction: str, references: str, predictions: str
) -> None:
    assert join_equal_regions(reference.split(), prediction.split()) == (references.split(), predictions.split())


@DETERMINISTIC
@given(reference=LONG, prediction=LONG)
def test_joining_regions_moves_spaces_only(reference: list[str], prediction: list[str]) -> None:
    references, predictions = join_equal_regions(reference, prediction)
    assert ("".join(references), "".join(predictions)) == ("".join(reference), "".join(prediction))
    assert len(references) <= len(reference)
