"""The recipe `chords/mir_eval@1`, against values worked out by hand and against mir_eval's own evaluation."""

from __future__ import annotations

import importlib.util
import json
import math
import random
from collections.abc import Sequence
from itertools import pairwise

import mir_eval
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiobench_pytest.catalog.loader import load_catalog
from audiobench_pytest.errors import MissingExtraError
from audiobench_pytest.metrics.chords import RULES, read_chords
from audiobench_pytest.metrics.item import Item
from audiobench_pytest.metrics.recipes import Recipe
from audiobench_pytest.types import SampleScore, State

DETERMINISTIC = settings(derandomize=True, database=None, deadline=None, max_examples=80)
RECIPE = Recipe(load_catalog().recipes.get("chords/mir_eval@1"))
LABELS = ("N", "C", "C:maj", "C:maj7", "C:7", "A:min", "A:min7/b3", "G:sus4", "F#:dim", "Gb:aug", "Bb:maj(9)/3", "D:5")

REFERENCE = "0.0 2.0 C:maj\n2.0 4.0 A:min\n4.0 5.0 N\n"


def score_of(reference: str, prediction: str) -> SampleScore:
    return RECIPE.score(Item(reference, prediction))


def values_of(*scores: SampleScore) -> dict[str, float]:
    names = {name for score in scores for name in score.numbers}
    sums = {name: np.array(math.fsum(score.numbers.get(name, 0.0) for score in scores)) for name in names}
    return {name: float(value) for name, value in RECIPE.values(sums).items()}


# By hand


def test_shares_of_the_time_by_hand() -> None:
    # Right from 0 to 1, from 2 to 4 and from 4 to 5.
    values = values_of(score_of(REFERENCE, "0 1 C:maj\n1 4 A:min\n4 5 N"))
    assert values == pytest.approx(dict.fromkeys(RULES, 80.0))


RULES_BY_HAND = [
    # What the rules make of one chord for another; None where the reference cannot be compared.
    ("C:maj", "C:maj7", {"majmin": 100, "root": 100, "mirex": 100, "sevenths": 0}),
    ("C:maj7", "C:maj", {"majmin": 100, "root": 100, "mirex": 100, "sevenths": 0}),
    ("C:maj", "C:min", {"majmin": 0, "root": 100, "mirex": 0, "sevenths": 0}),
    ("C:maj", "A:min", {"majmin": 0, "root": 0, "mirex": 0, "sevenths": 0}),
    # C E G A against A C E G: the same notes, another root.
    ("A:min7", "C:maj6", {"majmin": 0, "root": 0, "mirex": 100, "sevenths": 0}),
    ("C#:min", "Db:min", {"majmin": 100, "root": 100, "mirex": 100, "sevenths": 100}),
    ("C:aug", "C:aug", {"majmin": None, "root": 100, "mirex": 100, "sevenths": None}),
    ("X", "C:maj", {"majmin": None, "root": None, "mirex": None, "sevenths": None}),
    ("N", "C:maj", {"majmin": 0, "root": 0, "mirex": 0, "sevenths": 0}),
]


@pytest.mark.parametrize(("reference", "prediction", "expected"), RULES_BY_HAND)
def test_what_each_rule_compares(reference: str, prediction: str, expected: dict[str, float | None]) -> None:
    values = values_of(score_of(f"0 4 {reference}", f"0 4 {prediction}"))
    assert {name: None if math.isnan(value) else value for name, value in values.items()} == expected


def test_a_set_is_weighed_by_time_not_by_track() -> None:
    # 1 of 9 seconds wrong in one track, all of 1 second in the other.
    scores = [score_of("0 9 C", "0 8 C\n8 9 D"), score_of("0 1 C", "0 1 D")]
    assert values_of(*scores)["root"] == pytest.approx(80)


# Against mir_eval

CUTS = st.lists(st.integers(1, 999), min_size=1, max_size=8, unique=True)


def track(cuts: Sequence[int], seed: int) -> list[tuple[float, float, str]]:
    source = random.Random(seed)
    edges = [0.0, *(cut / 100 for cut in sorted(cuts))]
    return [(start, end, source.choice(LABELS)) for start, end in pairwise(edges)]


def lab(rows: Sequence[tuple[float, float, str]]) -> str:
    return "\n".join(f"{start} {end}\t{label}" for start, end, label in rows)


def arrays(rows: Sequence[tuple[float, float, str]]) -> tuple[np.ndarray, list[str]]:
    return np.array([row[:2] for row in rows]), [row[2] for row in rows]


@pytest.mark.filterwarnings("ignore:No reference chords were comparable")
@DETERMINISTIC
@given(wanted=CUTS, said=CUTS, seed=st.integers(0, 999))
def test_values_are_those_of_mir_eval(wanted: list[int], said: list[int], seed: int) -> None:
    # mir_eval stops at a chord that begins exactly where the reference ends.
    said = [cut for cut in said if cut != max(wanted)] or wanted
    reference, prediction = track(wanted, seed), track(said, seed + 1)
    oracle = mir_eval.chord.evaluate(*arrays(reference), *arrays(prediction))
    values = values_of(score_of(lab(reference), lab(prediction)))
    for name in RULES:
        expected = 100 * float(oracle[name])
        assert values[name] == pytest.approx(expected, abs=1e-9) or (math.isnan(values[name]) and expected == 0)


@DETERMINISTIC
@given(cuts=CUTS, seed=st.integers(0, 999))
def test_a_track_is_all_right_against_itself(cuts: list[int], seed: int) -> None:
    rows = track(cuts, seed)
    values = values_of(score_of(lab(rows), lab(rows)))
    assert all(value == pytest.approx(100) or math.isnan(value) for value in values.values())


@DETERMINISTIC
@given(tracks=st.lists(st.tuples(CUTS, CUTS), min_size=1, max_size=4), cut=st.integers(0, 4))
def test_neither_order_nor_shards_show(tracks: list[tuple[list[int], list[int]]], cut: int) -> None:
    scores = [score_of(lab(track(one, 1)), lab(track(other, 2))) for one, other in tracks]
    whole = values_of(*scores)
    assert values_of(*scores[cut:], *scores[:cut]) == pytest.approx(whole, nan_ok=True)
    for name in RULES:
        right = sum(score.numbers[f"{name}_right"] for score in scores)
        seconds = sum(score.numbers[f"{name}_time"] for score in scores)
        assert 0 <= right <= seconds + 1e-9
        assert seconds == 0 or whole[name] == pytest.approx(100 * right / seconds)


# What an answer may look like


@pytest.mark.parametrize(
    "prediction",
    [
        "0 2 C:maj\n2 4 A:min\n4 5 N",
        "# a comment\n0.000\t2.000\tC:maj\r\n2.0\t4.0\tA:min\r\n4e0 5. N\n",
        "Here are the chords:\n```\n0.0 2.0 C:maj\n2.0 4.0 A:min\n4.0 5.0 N\n```\nThat is all [sic]!",
        "4 5 N\n0 2 C:maj\n2 4 A:min",
        '[[0, 2, "C:maj"], [2, 4, "A:min"], [4, 5, "N"]]',
        '```json\n{"chords": [[0.0, 2.0, "C"], ["2", "4.0", "A:min"], [4, 5, "N"]]}\n```',
        '[{"start": 0, "end": 2, "label": "C"}, {"start": 2, "end": 4, "label": "A:min", "why": 1}]',
        # What it leaves open is no chord; what lies outside the reference is not looked at.
        "0 2 C:maj\n2 4 A:min",
        "0 2 C:maj\n2 4 A:min\n4 9 N\n9 12 F:maj",
        # The later of two that overlap ends the earlier.
        "0 3 C:maj\n2 4 A:min",
    ],
)
def test_each_of_these_is_read(prediction: str) -> None:
    score = score_of(REFERENCE, prediction)
    assert score.state is State.OK
    assert values_of(score) == pytest.approx(dict.fromkeys(RULES, 100.0))


def test_lists_of_labels_are_compared_place_by_place() -> None:
    reference = json.dumps(["C", "F", "G:7", "C"])
    assert values_of(score_of(reference, 'My answer: ["C", "F", "G", "A:min"]'))["root"] == 75
    assert values_of(score_of(reference, '["C", "F"]'))["majmin"] == 50
    assert values_of(score_of(reference, '["C", "F", "G", "C", "D"]'))["root"] == 100


@pytest.mark.parametrize(
    ("reference", "prediction", "reason"),
    [
        (REFERENCE, "I hear C major and then A minor.", "no chord with its times could be read"),
        (REFERENCE, "[]", "no chord with its times could be read"),
        (REFERENCE, '["C", "A:min", "N"]', "no chord with its times could be read"),
        (REFERENCE, "2 2 C", "no chord with its times could be read"),
        (REFERENCE, "-1 2 C\nnan 3 C\n1 1e999 C", "no chord with its times could be read"),
        (REFERENCE, "[" * 100_000 + "]", "no chord with its times could be read"),
        (REFERENCE, f'[[0, 1{"0" * 400}, "C"]]', "no chord with its times could be read"),
        (REFERENCE, '[[false, true, "C"]]', "no chord with its times could be read"),
        ('["C", "F"]', "0 1 C\n1 2 F", "no list of chords could be read"),
    ],
)
def test_an_answer_that_names_no_chord_is_wrong(reference: str, prediction: str, reason: str) -> None:
    score = score_of(reference, prediction)
    assert (score.state, score.reason, score.prediction) == (State.INVALID, reason, "")
    assert set(values_of(score).values()) == {0.0}


def test_an_empty_answer_is_wrong_also_where_there_is_no_chord() -> None:
    for score in (score_of(REFERENCE, ""), score_of("0 5 N", "")):
        assert score.state is State.OK
        assert set(values_of(score).values()) == {0.0}
    nothing = RECIPE.metric.score(Item(REFERENCE, "?"), REFERENCE, None, RECIPE.spec.default)
    assert nothing.state is State.INVALID
    assert nothing.numbers == score_of(REFERENCE, "").numbers


@pytest.mark.parametrize("label", ["Am", "H:maj", "C:major", "C:maj(", "X", "?", "c", "(*3)"])
def test_a_label_that_is_no_chord_is_wrong_everywhere(label: str) -> None:
    # 2 of 5 seconds carry it, one of them where there is no chord.
    score = score_of(REFERENCE, f"0 2 C:maj\n2 3 A:min\n3 5 {label}")
    assert score.state is State.OK
    assert values_of(score) == pytest.approx(dict.fromkeys(RULES, 60.0))


def test_a_gap_in_the_reference_is_not_scored() -> None:
    values = values_of(score_of("0 1 C\n3 4 G", "0 3 C\n3 4 G"))
    assert values == pytest.approx(dict.fromkeys(RULES, 100.0))
    assert score_of("0 1 C\n3 4 G", "0 3 C\n3 4 G").numbers["root_time"] == 2


@pytest.mark.parametrize(
    ("reference", "reason"),
    [
        ("", "lists no chord"),
        ("# nothing", "lists no chord"),
        ("0 1 C\nsee above", "'see above', which is no chord with its times"),
        ("0 1 C\n1 2 Am", "the label 'Am', which is no chord in Harte's syntax"),
        ('["C", "Hm"]', "the label 'Hm'"),
        ('[[0, 1, "C"], [1, "D"]]', "'1 D', which is no chord with its times"),
        ("0 2 C\n1 3 D", "two chords at 1 s"),
    ],
)
def test_a_reference_that_cannot_be_used_is_the_datas_fault(reference: str, reason: str) -> None:
    score = score_of(reference, "0 1 C")
    assert score.state is State.DATA_ERROR
    assert score.numbers == {}
    assert reason in str(score.reason)


@pytest.mark.parametrize("label", ["C:aug7", "G:aug7/3"])
def test_a_chord_of_a_quality_that_cannot_be_compared_leaves_its_stretch_unscored(label: str) -> None:
    score = score_of(f"0 1 C\n1 2 F\n2 3 {label}", f"0 1 C\n1 2 G\n2 3 {label}")
    assert score.state is State.OK
    assert score.numbers["root_time"] == 2
    assert values_of(score) == pytest.approx(dict.fromkeys(RULES, 50.0))


@pytest.mark.parametrize(
    ("reference", "prediction"),
    [
        ("0 1 Bb\n1 2 F#", "0 1 B♭\n1 2 F♯"),
        ("0 1 B♭:min\n1 2 F♯", "0 1 Bb:min\n1 2 F#"),
        ('["Bb", "F#"]', '["B♭", "F♯"]'),
        ("0 120 C", "0:00 2:00 C"),
        ("0 3725.5 C", "0:00:00 1:02:05.5 C"),
        ("60 61.5 C", '[["1:00", "1:01.5", "C"]]'),
    ],
)
def test_signs_of_print_and_clock_times_are_read(reference: str, prediction: str) -> None:
    assert values_of(score_of(reference, prediction)) == pytest.approx(dict.fromkeys(RULES, 100.0))


def test_a_reference_may_be_rounded_and_hold_empty_segments() -> None:
    assert score_of("0 1.0004 C\n1 2 D\n2 2 N", "0 1 C\n1 2 D").state is State.OK


@settings(DETERMINISTIC, max_examples=200)
@given(text=st.one_of(st.text(), st.text('[]{},:" 0123.eE-\nCN:majin7/b#()')))
def test_no_answer_makes_scoring_fail(text: str) -> None:
    score = score_of(REFERENCE, text)
    assert score.state in (State.OK, State.INVALID)
    assert all(0 <= value <= 100 for value in values_of(score).values())
    score_of(text, REFERENCE)
    read = read_chords(text).segments
    assert all(segment.end > segment.start >= 0 for segment in read)


def test_the_recipe_says_what_it_is() -> None:
    assert [(quantity.name, quantity.unit) for quantity in RECIPE.quantities(["en"])] == [
        ("majmin", "%"),
        ("root", "%"),
        ("mirex", "%"),
        ("sevenths", "%"),
    ]
    assert all(quantity.higher_is_better for quantity in RECIPE.quantities(["en"]))
    assert RECIPE.signature(["en"]) == f"chords/mir_eval@1|lang:en|avg:duration|mir_eval:{mir_eval.__version__}"
    assert all(math.isnan(value) for value in values_of().values())


def test_the_missing_package_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "mir_eval" else find(name))
    with pytest.raises(MissingExtraError, match=r"audiobench-pytest\[music\]"):
        score_of(REFERENCE, REFERENCE)
    with pytest.raises(MissingExtraError):
        RECIPE.signature(["en"])
