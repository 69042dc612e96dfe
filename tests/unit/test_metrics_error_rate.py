import importlib.util
import math
from importlib.metadata import version
from random import Random

import jiwer
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiobench_pytest.catalog.loader import load_catalog
from audiobench_pytest.catalog.schema import LanguageRule, RecipeSpec, StepSpec
from audiobench_pytest.errors import MissingExtraError
from audiobench_pytest.metrics.error_rate.alignment import align_counts
from audiobench_pytest.metrics.item import Item
from audiobench_pytest.metrics.recipes import Recipe
from audiobench_pytest.metrics.text import tokenizers
from audiobench_pytest.metrics.text.units import counting
from audiobench_pytest.types import SampleScore, State

SOME_WORDS = st.lists(st.sampled_from(["a", "b", "c", "ab", "了", "é"]), max_size=12)
DETERMINISTIC = settings(derandomize=True, database=None, deadline=None, max_examples=300)


def naive_distance(reference: list[str], prediction: list[str]) -> int:
    row = list(range(len(prediction) + 1))
    for i, said in enumerate(reference, 1):
        previous, row[0] = row[0], i
        for j, heard in enumerate(prediction, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (said != heard))
    return row[-1]


@pytest.mark.parametrize(
    ("reference", "prediction", "counts"),
    [
        ("", "", (0, 0, 0)),
        ("", "a b", (0, 0, 2)),
        ("a b", "", (0, 2, 0)),
        ("a b c", "a b c", (0, 0, 0)),
        ("a b c", "a x c", (1, 0, 0)),
        ("a b c", "a c", (0, 1, 0)),
        ("a c", "a b c", (0, 0, 1)),
        ("a b c d", "b c d e", (0, 1, 1)),
    ],
)
def test_each_kind_of_error_is_counted_apart(reference: str, prediction: str, counts: tuple[int, int, int]) -> None:
    assert align_counts(reference.split(), prediction.split()) == counts


@DETERMINISTIC
@given(reference=SOME_WORDS, prediction=SOME_WORDS)
def test_counts_agree_with_a_naive_edit_distance_and_with_each_other(
    reference: list[str], prediction: list[str]
) -> None:
    substitutions, deletions, insertions = align_counts(reference, prediction)
    assert substitutions + deletions + insertions == naive_distance(reference, prediction)
    assert substitutions + deletions <= len(reference)
    assert len(prediction) == len(reference) - deletions + insertions
    assert (substitutions + deletions + insertions == 0) == (reference == prediction)


@DETERMINISTIC
@given(pairs=st.lists(st.tuples(SOME_WORDS.filter(bool), SOME_WORDS), min_size=1, max_size=5))
def test_counts_are_those_of_jiwer(pairs: list[tuple[list[str], list[str]]]) -> None:
    oracle = jiwer.process_words([" ".join(r) for r, _ in pairs], [" ".join(p) for _, p in pairs])
    counts = [align_counts(reference, prediction) for reference, prediction in pairs]
    assert tuple(map(sum, zip(*counts, strict=True))) == (oracle.substitutions, oracle.deletions, oracle.insertions)


def error_rate(options: dict[str, str] | None = None, *, unit: str = "word", **units: str) -> Recipe:
    lower = (StepSpec("lower"),)
    rules = {language: LanguageRule(lower, one) for language, one in units.items()}
    return Recipe(RecipeSpec("wer/test@1", "wer", options or {}, LanguageRule(lower, unit), rules))


def values_of(recipe: Recipe, scores: list[SampleScore], languages: list[str]) -> dict[str, float]:
    names = {name for score in scores for name in score.numbers}
    sums = {name: np.array(math.fsum(score.numbers.get(name, 0.0) for score in scores)) for name in names}
    values = recipe.values(sums)
    return {quantity.name: float(values[quantity.name]) for quantity in recipe.quantities(languages)}


def test_the_mean_over_utterances_stands_beside_the_corpus_and_the_intelligible_ones() -> None:
    recipe = error_rate({"average": "utterance"})
    texts = [("a b c d", "a b c x"), ("a b", "a b"), ("a", "x y"), ("a b", "a")]
    scores = [recipe.score(Item(reference, prediction)) for reference, prediction in texts]
    # rates 1/4, 0, 2 (one substituted, one inserted), 1/2; the one of exactly a half is intelligible
    assert values_of(recipe, scores, ["en"]) == pytest.approx(
        {
            "wer": 100 * (0.25 + 0 + 2 + 0.5) / 4,
            "wer_micro": 100 * 4 / 9,
            "wer_below_50": 100 * (0.25 + 0 + 0.5) / 3,
            "above_50_rate": 25.0,
            "substitution_rate": 100 * (0.25 + 1) / 4,
            "deletion_rate": 100 * 0.5 / 4,
            "insertion_rate": 100 * 1 / 4,
        }
    )


def test_an_utterance_without_a_reference_is_wrong_as_a_whole_when_something_is_said() -> None:
    recipe = error_rate({"average": "utterance"})
    numbers = [recipe.score(Item("", prediction)).numbers for prediction in ("", "a b")]
    assert [one["rate"] for one in numbers] == [0.0, 1.0]
    assert numbers[1]["insertion_rate"] == 1.0


def test_rows_that_a_source_drops_count_here_and_not_in_its_own_value() -> None:
    recipe = error_rate({"compat": "empty-references-dropped"})
    texts = [("a b c d", "a b c x"), ("", "thank you"), ("", ""), ("", "thanks")]
    scores = [recipe.score(Item(reference, prediction)) for reference, prediction in texts]
    values = values_of(recipe, scores, ["en"])
    assert (values["wer"], values["wer_compat"], values["hallucination_on_empty"]) == (100.0, 25.0, 2.0)
    assert all(score.state is State.OK for score in scores)


def test_the_text_null_is_no_answer_here_and_a_dropped_row_there() -> None:
    recipe = error_rate({"compat": "null-dropped"})
    scores = [
        recipe.score(Item(reference, prediction))
        for reference, prediction in [("a b c d", "a b c x"), ("a b", "null"), ("null", "null."), ("a", "Null")]
    ]
    assert [score.state for score in scores] == [State.OK, State.EMPTY, State.OK, State.OK]
    assert scores[1].numbers["deletions"] == 2
    values = values_of(recipe, scores, ["en"])
    # of 8 words wrong: x, both of the dropped row, "null." and "null" for a; of 6 words: 3
    assert values["wer"] == pytest.approx(100 * 5 / 8)
    assert values["wer_compat"] == pytest.approx(100 * 3 / 6)


def test_only_dropped_rows_leave_the_source_without_a_value() -> None:
    recipe = error_rate({"compat": "null-dropped"})
    values = values_of(recipe, [recipe.score(Item("a b", "null"))], ["en"])
    assert values["wer"] == 100.0
    assert math.isnan(values["wer_compat"])


def test_the_nearest_reference_counts_with_its_own_length() -> None:
    recipe = error_rate({"references": "best"})
    near = recipe.score(Item("a b c", "x y", aliases=("X Z", "q")))
    assert (near.reference, near.numbers["errors"], near.numbers["units"]) == ("x z", 1, 2)
    first = recipe.score(Item("a b", "c d", aliases=("e f",)))
    assert first.reference == "a b"
    assert recipe.score(Item("", "a", aliases=("", "a b"))).reference == "a b"
    assert recipe.sees() == ("aliases",)
    assert error_rate().sees() == ()


def test_a_second_unit_gives_a_second_value_where_all_languages_have_it() -> None:
    recipe = error_rate(ko="character+word", ja="character", fi="word+character")
    score = recipe.score(Item("안녕 하세요", "안녕하세요", "ko"))
    assert (score.numbers["errors"], score.numbers["units"]) == (0, 5)
    assert (score.numbers["second_errors"], score.numbers["second_units"]) == (2, 2)
    assert values_of(recipe, [score], ["ko"])["wer_word"] == 100.0
    assert [quantity.name for quantity in recipe.quantities(["ko"])][:2] == ["cer", "wer_word"]
    assert [quantity.name for quantity in recipe.quantities(["fi"])][:2] == ["wer", "cer_character"]
    for languages in (["ko", "ja"], ["ko", "fi"], ["ja"], []):
        assert not any(
            "_" in quantity.name and "rate" not in quantity.name for quantity in recipe.quantities(languages)
        )


@pytest.mark.parametrize(
    ("unit", "language", "name"),
    [
        ("word", "zh", "wer"),
        ("13a", "en", "wer"),
        ("ja-mecab:lower", "ja", "wer"),
        ("character", "en", "cer"),
        ("codepoint", "zh", "cer"),
        ("mixed", "zh-TW", "cer"),
        ("mixed", "yue", "cer"),
        ("mixed", "wuu", "cer"),
        ("zh:lower:drop_punctuation", "zh_CN", "cer"),
        ("zh:lower:drop_punctuation", "en", "wer"),
        ("mixed_basic:lower", "zh", "cer"),
    ],
)
def test_han_by_character_is_a_character_rate_where_people_write_han(unit: str, language: str, name: str) -> None:
    assert error_rate(unit=unit).quantities([language])[0].name == name


def test_an_answer_without_the_field_is_invalid_and_deletes_every_word() -> None:
    rule = LanguageRule((StepSpec("json_field", "text"), StepSpec("lower")))
    recipe = Recipe(RecipeSpec("wer/test@1", "wer", default=rule))
    good = recipe.score(Item("a b", '{"text": "A b"}'))
    assert (good.state, good.numbers["errors"], good.prediction) == (State.OK, 0, "a b")
    bad = recipe.score(Item("a b", "A b"))
    assert (bad.state, bad.numbers["deletions"], bad.reason) == (State.INVALID, 2, "no text could be extracted")


def test_tokenizers_are_named_in_the_signature_with_their_packages() -> None:
    recipe = error_rate(unit="13a", ja="ja-mecab", fr="word")
    assert "sacrebleu" not in recipe.signature(["fr"])
    assert f"|sacrebleu:{version('sacrebleu')}|jiwer" in recipe.signature(["en"])
    mecab = f"|ipadic:{version('ipadic')}|mecab-python3:{version('mecab-python3')}|sacrebleu:"
    assert mecab in recipe.signature(["ja"])


def test_a_missing_tokenizer_is_named_before_anything_is_scored(monkeypatch: pytest.MonkeyPatch) -> None:
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "MeCab" else find_spec(name))
    tokenizers._loaded.cache_clear()
    tokenizers.tokenizer.cache_clear()
    recipe = error_rate(unit="ja-mecab")
    with pytest.raises(MissingExtraError, match=r"'ja-mecab' needs the package 'mecab-python3'.*\[ja\]"):
        recipe.signature(["ja"])


ERROR_RATES = [entry.name for entry in load_catalog().recipes if entry.score == "wer"]
RECIPES = {name: Recipe(load_catalog().recipes.get(name)) for name in ERROR_RATES}
PIECES = [
    "null",
    "Hello",
    "12",
    "25 %",
    "3.5",
    "我",
    "圖",
    "2008年",
    "が",
    "น้ำ",
    "हिं",
    "é",
    "<|x|>",
    "[a]",
    "uh",
    "،",
    "😊",
]
ANY_TEXT = st.one_of(st.text(max_size=20), st.lists(st.sampled_from(PIECES), max_size=6).map(" ".join))
SPOKEN = st.sampled_from(["en", "zh", "yue", "wuu", "ja", "ko", "hi", "th", "ar", "fr", "tr"])


@pytest.mark.parametrize("name", ERROR_RATES)
@settings(DETERMINISTIC, max_examples=80)
@given(reference=ANY_TEXT, prediction=ANY_TEXT, language=SPOKEN)
def test_an_error_rate_is_zero_exactly_when_the_normalised_units_are_equal(
    name: str, reference: str, prediction: str, language: str
) -> None:
    recipe = RECIPES[name]
    score = recipe.score(Item(reference, prediction, language))
    if score.state is State.DATA_ERROR:
        assert score.numbers == {}
        return
    numbers, split = score.numbers, counting(recipe.spec.rule(language).unit).split
    assert numbers["errors"] == numbers["substitutions"] + numbers["deletions"] + numbers["insertions"]
    equal = split(score.reference) == split(score.prediction)
    if "join_regions" not in recipe.spec.options:  # there, compounds are free
        assert (numbers["errors"] == 0) == equal
    elif equal:
        assert numbers["errors"] == 0


@pytest.mark.parametrize("name", ERROR_RATES)
@settings(DETERMINISTIC, max_examples=20)
@given(texts=st.lists(st.tuples(ANY_TEXT, ANY_TEXT), min_size=2, max_size=6), seed=st.randoms(use_true_random=False))
def test_values_do_not_depend_on_the_order_of_samples(name: str, texts: list[tuple[str, str]], seed: Random) -> None:
    recipe = RECIPES[name]
    scores = [recipe.score(Item(reference, prediction, "zh")) for reference, prediction in texts]
    if any(score.numbers for score in scores):
        shuffled = seed.sample(scores, len(scores))
        assert values_of(recipe, shuffled, ["zh"]) == pytest.approx(values_of(recipe, scores, ["zh"]), nan_ok=True)
