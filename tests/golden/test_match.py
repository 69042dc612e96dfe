"""Recipes of labels and short answers, against values worked out by hand and against restatements of the rules."""

import random
import re
import unicodedata
from dataclasses import replace

import numpy as np
import pytest
import regex

from audiobench_pytest.catalog.loader import load_catalog
from audiobench_pytest.metrics.accuracy.matching import qa_tokens
from audiobench_pytest.metrics.extraction.labels import named_set
from audiobench_pytest.metrics.extraction.published_options import starts_with_label
from audiobench_pytest.metrics.item import Item
from audiobench_pytest.metrics.recipes import Recipe
from audiobench_pytest.types import SampleScore, State

MELD = ("neutral", "joy", "sadness", "anger", "fear", "disgust", "surprise")
PARTS = {
    "en": "joy|Joy|sadness|neutral|the emotion is|not|sad|happy|.|,|New York|new|york|newyork|20|twenty|café|cafe\u0301"
    "|'s|-|\n|!|ß|İ|½|to",
    "zh": "高兴|难过|中立|生气|情感是|不|，|。|非常|北京|在北京|２０|20|，不是| |\u3000|\n|joy|😀|\u200b",
}


def recipe(name: str) -> Recipe:
    return Recipe(load_catalog().recipes.get(name))


LABEL, PREFIX, QA = recipe("match/label@1"), recipe("match/prefix@ultraeval"), recipe("match/qa-exist")
EXIST, EM = recipe("match/exist"), recipe("match/em")


def is_right(recipe: Recipe, item: Item) -> bool:
    score = recipe.score(item)
    assert score.state is not State.DATA_ERROR, score.reason
    return score.numbers.get("correct", 0) == 1


def values(recipe: Recipe, scores: list[SampleScore]) -> dict[str, float]:
    names = {name for score in scores for name in score.numbers}
    sums = {name: np.float64(sum(score.numbers.get(name, 0.0) for score in scores)).reshape(()) for name in names}
    return {name: float(value) for name, value in recipe.values(sums).items()}


def generated(language: str, count: int = 10_000) -> list[str]:
    source = random.Random(language)
    parts = PARTS[language].split("|")
    glue = ["", " ", " "] if language == "en" else [""]
    return [
        "".join(source.choice(parts) + source.choice(glue) for _ in range(source.randrange(0, 6))) for _ in range(count)
    ]


# Labels --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("joy", "joy"),
        ("Joy.", "joy"),
        ("The emotion is joy", "joy"),
        ("**Emotion:** joy", "joy"),
        ("The speaker sounds happy.", "joy"),  # a synonym of MELD's own set
        ("She is angry, really angry!", "anger"),  # one label, twice
        ("joyful anger", None),
        ("joy or sadness", None),
        ("not joy but sadness", None),  # two occur
        ("It is not joy.", None),  # the only one is denied
        ("unhappy", "sadness"),
        ("enjoyed", None),  # not a whole word
        ("fearless", None),
        ("I cannot tell", None),
        ("matter of fact", "neutral"),  # a synonym of three words
        ("", None),
    ],
)
def test_exactly_one_label(text, label):
    score = LABEL.score(Item("fear", text, choices=MELD))
    assert score.prediction == (label or "")
    assert (score.state is State.INVALID) == (label is None and text != "")


def test_the_longest_of_overlapping_labels_counts():
    choices = ("Subway", "Subway station", "Bus")
    assert LABEL.score(Item("Subway", "a subway station", choices=choices)).prediction == "Subway station"
    assert LABEL.score(Item("Subway", "the subway", choices=choices)).prediction == "Subway"


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("中年", "中年"),
        ("说话人的年龄是中年。", "中年"),
        ("这位老年人", "老年"),
        ("青年或中年", None),
        ("不是青年", None),
        ("听不出来", None),
        ("年", None),
    ],
)
def test_wu_labels_by_their_own_names(text, label):
    choices = ("儿童", "少年", "青年", "中年", "老年")
    for used in (LABEL, recipe("match/label-wu-age@1")):
        score = used.score(Item("中年", text, "wuu", choices=choices))
        assert score.prediction == (label or "")
        assert score.numbers.get("correct", 0) == (label == "中年")


def test_not_happy_is_not_happy_in_chinese_either():
    wu = recipe("match/label-wu-emotion@1")
    assert wu.score(Item("高兴", "很高兴", "wuu")).prediction == "高兴"
    assert wu.score(Item("高兴", "不高兴", "wuu")).state is State.INVALID


@pytest.mark.parametrize(
    ("name", "text", "label"),
    [
        ("gender", "It is a woman speaking.", "female"),
        ("gender", "A man and a woman", None),
        ("gender", "说话人是女性", "female"),
        ("age", "a middle-aged speaker", "middle-aged"),
        ("age", "a 25 year old man", None),
        ("vocal-sound", "Someone is clearing their throat", "throat clearing"),
        ("cochlscene", "This was recorded in a residential area", "ResidentialArea"),
        ("cochlscene", "subway_station", "SubwayStation"),
        ("tut2017-scene", "a cafe or restaurant", "cafe/restaurant"),
        ("digit", "The digit is seven.", "7"),
        ("gtzan-genre", "hip-hop", "hiphop"),
        ("ravdess-emotion", "calm", "calm"),
        ("meld-sentiment", "neither positive nor negative", "neutral"),
    ],
)
def test_label_sets_know_their_synonyms(name, text, label):
    assert named_set(name).named_in(text) == label


@pytest.mark.parametrize("spec", load_catalog().labels, ids=lambda spec: spec.name)
def test_no_label_set_is_ambiguous(spec):
    labels = named_set(spec.name)
    assert spec.description
    for label, synonyms in spec.labels.items():
        for word in (label, *synonyms):
            assert labels.gold(word) == label
            assert labels.named_in(f"{word}.") == label
    assert len(labels.labels) >= 2


def test_a_reference_outside_the_closed_set_is_an_error_of_the_data():
    score = LABEL.score(Item("boredom", "joy", choices=MELD))
    assert (score.state, dict(score.numbers)) == (State.DATA_ERROR, {})
    assert "boredom" in str(score.reason)
    assert "surprise" in str(score.reason)
    assert LABEL.score(Item("joy", "joy")).state is State.DATA_ERROR  # there is no closed set at all
    assert LABEL.score(Item("happy", "joy", choices=MELD)).numbers["correct"] == 1  # a synonym is a label


def test_further_references_count_as_labels_do():
    emotion = recipe("match/label-emotion@1")
    assert emotion.score(Item("happy", "She is astonished", aliases=("surprise",))).numbers["correct"] == 1
    assert "correct" not in emotion.score(Item("happy", "She is sad", aliases=("surprise",))).numbers
    closed = {"choices": MELD, "aliases": ("sadness", " ")}
    assert is_right(PREFIX, Item("joy", "sadness", **closed))
    assert not is_right(PREFIX, Item("joy", "anger", **closed))
    assert is_right(PREFIX, Item("yes", "Nope, it is not", aliases=("nope", "")))
    assert PREFIX.score(Item("yes", "nope", aliases=("no",))).numbers["correct_compat"] == 1  # begins with it


def test_the_signature_tells_the_words_of_a_label_set(monkeypatch):
    emotion = recipe("match/label-emotion@1")
    before = emotion.signature(["en"])
    assert re.search(r"\|labels:emotion#[0-9a-f]{8}$", before)
    spec = load_catalog().labels.get("emotion")
    more = {**spec.labels, "happy": (*spec.labels["happy"], "chuffed")}
    monkeypatch.setitem(load_catalog().labels._folded, "emotion", replace(spec, labels=more))
    assert emotion.signature(["en"]) != before
    assert "#" not in LABEL.signature(["en"])  # the choices of the rows


def test_macro_f1_by_hand():
    # joy: 2 hits, 1 miss, 0 false; sadness: 1 hit, 1 false, 1 miss (invalid); anger: never
    rows = [("joy", "joy"), ("joy", "happy"), ("joy", "sadness"), ("sadness", "sad"), ("sadness", "no idea")]
    found = values(LABEL, [LABEL.score(Item(gold, text, choices=MELD)) for gold, text in rows])
    f1_of_joy, f1_of_sadness = 2 * 2 / (2 * 2 + 0 + 1), 2 * 1 / (2 * 1 + 1 + 1)
    assert found == {
        "acc": pytest.approx(60.0),
        "macro_f1": pytest.approx(100 * (f1_of_joy + f1_of_sadness) / 2),
        "invalid_rate": pytest.approx(20.0),
    }


# Prefix --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "reference", "compat"),
    [
        ("joy", "joy", True),
        (" JOY and more", "Joy ", True),
        ("joyless", "joy", True),  # no word boundary there
        ("The emotion is joy", "joy", False),
        ("throatclearing", "throat clearing", True),  # spaces go from the label where the answer has none
        ("throatclearing it is", "throat clearing", False),
        ("throatclearings", "throat clearing", False),
        ("", "joy", False),
        ("anything", "", True),  # an empty label is always right there
        ("apple", "a", True),
    ],
)
def test_prefix_as_the_source_has_it(text, reference, compat):
    assert starts_with_label(text, reference) == compat


@pytest.mark.parametrize("language", ["en", "zh"])
def test_prefix_as_its_rule_says(language):
    labels = ("joy", "New York", "高兴", "to")
    hits = 0
    for text in generated(language):
        for label in labels:
            said, wanted = text.lower().strip(), label.lower().strip()
            naive = said[: len(wanted)] == wanted
            if " " not in said and not naive:
                naive = said[: len(wanted)] == wanted.replace(" ", "")  # as many letters as the label has with spaces
            assert starts_with_label(text, label) == naive, text
            hits += naive
    assert hits > 100


def test_prefix_has_labels_as_its_headline():
    rows = [("joy", "The emotion is joy"), ("joy", "joyless"), ("joy", "joy"), ("joy", "sadness"), ("joy", "")]
    found = values(PREFIX, [PREFIX.score(Item(gold, text, choices=MELD)) for gold, text in rows])
    assert found["acc"] == pytest.approx(40.0)
    assert found["acc_compat"] == pytest.approx(40.0)
    assert found["invalid_rate"] == pytest.approx(20.0)  # "joyless"


@pytest.mark.parametrize(
    ("text", "right", "compat"),
    [("Yes, it is", True, True), ("yesterday", False, True), ("I say yes", False, False), ("no", False, False)],
)
def test_prefix_without_a_closed_set_takes_whole_words(text, right, compat):
    numbers = PREFIX.score(Item("yes", text)).numbers
    assert (numbers.get("correct", 0) == 1, numbers.get("correct_compat", 0) == 1) == (right, compat)


def test_prefix_of_an_empty_label_is_an_error_of_the_data():
    assert PREFIX.score(Item(" ", "anything")).state is State.DATA_ERROR


# Open questions ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "references", "right"),
    [
        ("It is Paris.", ["Paris"], True),
        ("it is PARIS", ["Paris"], True),
        ("not Paris, it is Lyon", ["Paris"], True),  # a known fault of the rule
        ("Parisian", ["Paris"], False),  # whole tokens
        ("New  York-City", ["new york"], True),
        ("New, York", ["New York"], False),  # the comma is a token
        ("York New", ["New York"], False),
        ("in the cafe\u0301", ["café"], True),  # NFD on both sides
        ("in the cafe", ["café"], False),
        ("20", ["twenty"], False),
        ("the 20th", ["20"], False),
        ("U.S.A", ["U.S.A"], True),
        ("It's Lyon", ["Paris", "", "Lyon"], True),  # any alias; an empty one matches nothing
        ("I do not know", ["Paris", ""], False),
        ("答案是北京", ["北京"], False),  # a run of letters is one token in Chinese as well
        ("答案是 北京。", ["北京"], True),
        ("", ["Paris"], False),
        ("a b c", ["b c"], True),
        ("ab c", ["b c"], False),
    ],
)
def test_qa_exist(text, references, right):
    first, *others = references
    assert is_right(QA, Item(first, text, aliases=tuple(others))) == right


def test_qa_exist_needs_one_alias_with_a_token():
    score = QA.score(Item("", "Paris", aliases=(" ", "\u200b")))
    assert (score.state, dict(score.numbers)) == (State.DATA_ERROR, {})
    assert is_right(QA, Item("", "Paris", aliases=("Paris",)))


def naive_tokens(text: str) -> list[str]:
    found = regex.findall(r"[\p{L}\p{N}\p{M}]+|[^\p{Z}\p{C}]", unicodedata.normalize("NFD", text))
    return [token.lower() for token in found]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_qa_exist_as_its_rule_says(language):
    wanted = ["New York", "café", "20", "joy", "北京", "不，高兴", "ß", "½"]
    tokens = {text: naive_tokens(text) for text in wanted}
    hits = 0
    for text in generated(language):
        said = naive_tokens(text)
        assert qa_tokens(text).split("\x1f")[1:-1] == said
        for reference, short in tokens.items():
            naive = any(said[i : i + len(short)] == short for i in range(len(said) - len(short) + 1))
            assert is_right(QA, Item(reference, text)) == naive, (reference, text)
            hits += naive
    assert hits > 100


@pytest.mark.parametrize(
    ("text", "references", "right"),
    [
        ("the answer is Paris, France", ["paris"], True),
        ("Parisian", ["Paris"], True),  # part of a word
        ("Lyon", ["Paris"], False),
        ("Lyon", ["Paris", " lyon "], True),
        ("答案是北京", ["北京"], True),
        ("Lyon", ["Paris", ""], False),
        ("", ["Paris"], False),
    ],
)
def test_exist(text, references, right):
    first, *others = references
    assert is_right(EXIST, Item(first, text, aliases=tuple(others))) == right


@pytest.mark.parametrize(
    ("text", "reference", "right", "state"),
    [
        ("20", "20.0", True, State.OK),
        (" 2e1 ", "20", True, State.OK),
        ("-3", "3", False, State.OK),
        ("twenty", "20", False, State.INVALID),  # no number where one is wanted
        ("nan", "nan", True, State.OK),  # a word, not a number
        ("Paris ", " Paris", True, State.OK),
        ("paris", "Paris", False, State.OK),
        ("", "20", False, State.OK),
    ],
)
def test_em(text, reference, right, state):
    score = EM.score(Item(reference, text))
    assert (score.numbers.get("correct", 0) == 1, score.state) == (right, state)


def test_em_and_exist_need_a_reference():
    for used in (EM, EXIST):
        assert used.score(Item("  ", "x")).state is State.DATA_ERROR
        assert is_right(used, Item("", "x", aliases=("x",)))


def test_every_quantity_has_a_value_and_a_direction():
    for used in (LABEL, PREFIX, QA, EXIST, EM):
        names = [quantity.name for quantity in used.quantities(["en"])]
        assert names[0] == "acc"
        assert set(names) <= values(used, [used.score(Item("joy", "joy", choices=MELD))]).keys()
        for quantity in used.quantities(["en"]):
            assert quantity.higher_is_better == (quantity.name != "invalid_rate")
    assert [quantity.name for quantity in QA.quantities(["en"])] == ["acc"]
    assert not re.search("compat", LABEL.signature(["en"]))
    assert PREFIX.signature(["en"]) == "match/prefix@ultraeval|lang:en|compat:prefix-match|confusion:true|rule:prefix"
