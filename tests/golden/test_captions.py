"""The recipe `caption/coco-nojava@1`, against values worked out by hand and a second, naive implementation."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiobench_pytest.catalog.loader import load_catalog
from audiobench_pytest.catalog.schema import LanguageRule, RecipeSpec, StepSpec
from audiobench_pytest.errors import CatalogError
from audiobench_pytest.metrics.item import Item
from audiobench_pytest.metrics.ngrams.captions import caption
from audiobench_pytest.metrics.recipes import Recipe
from audiobench_pytest.types import SampleScore, State

DETERMINISTIC = settings(derandomize=True, database=None, deadline=None, max_examples=60)
RECIPE = Recipe(load_catalog().recipes.get("caption/coco-nojava@1"))
NAMES = ("cider", "rouge_l", "bleu_1", "bleu_2", "bleu_3", "bleu_4")

WORDS = st.lists(
    st.sampled_from(["a", "dog", "the", "cat", "barks", "loudly", "rain", "falls", "on", "and"]), max_size=7
)
SOME_WORDS = WORDS.filter(bool)
SAMPLES = st.lists(st.tuples(WORDS, st.lists(SOME_WORDS, min_size=1, max_size=3)), min_size=1, max_size=5)


def item_of(prediction: Sequence[str], references: Sequence[Sequence[str]]) -> Item:
    first, *others = (" ".join(words) for words in references)
    return Item(first, " ".join(prediction), aliases=tuple(others))


def sums_of(scores: Sequence[SampleScore]) -> dict[str, np.ndarray]:
    names = {name for score in scores for name in score.numbers}
    return {name: np.array(math.fsum(score.numbers.get(name, 0.0) for score in scores)) for name in names}


def values_of(items: Sequence[Item]) -> dict[str, float]:
    scores = RECIPE.corpus([RECIPE.score(item) for item in items])
    return {name: float(value) for name, value in RECIPE.values(sums_of(scores)).items()}


# By hand


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a dog barks, and a man's voice answers.", ["a", "dog", "barks", "and", "a", "man", "'s", "voice", "answers"]),
        ("it's raining; they don't stop", ["it", "'s", "raining", "they", "do", "n't", "stop"]),
        ("it’s the dogs’ food", ["it", "'s", "the", "dogs", "food"]),
        ("a high-pitched 'beep' -- twice...", ["a", "high-pitched", "beep", "twice"]),
        ("1,000 birds at 12:30, 3.5 m. away", ["1,000", "birds", "at", "12:30", "3.5", "m", "away"]),
        ("$5 and 50% (both)", ["$", "5", "and", "50", "%", "both"]),
        ("ticking—“tock” ¿qué?", ["ticking", "tock", "qué"]),
        ("हिंदी गाना", ["हिंदी", "गाना"]),
        ("rock 'n' roll - 's", ["rock", "n", "roll", "'s"]),
        ("...", []),
        ("", []),
    ],
)
def test_what_a_word_of_a_caption_is(text: str, words: list[str]) -> None:
    assert caption(text) == words


def test_case_does_not_count() -> None:
    assert RECIPE.score(Item("A Dog BARKS.", "a dog barks")).numbers["rouge_l"] == 1


def test_rouge_l_by_hand() -> None:
    # Common subsequences: dog barks (2 of 3 and 4), a dog loudly (3 of 5 and 4): the best precision is 3/4, the best
    # recall 2/3, though of different references.
    item = Item("the dog barks", "a dog barks loudly", aliases=("a dog is barking loudly",))
    precision, recall = 3 / 4, 2 / 3
    expected = (1 + 1.44) * precision * recall / (recall + 1.44 * precision)
    assert RECIPE.score(item).numbers["rouge_l"] == pytest.approx(expected)


def test_cider_by_hand() -> None:
    log2 = math.log(2)
    scores = RECIPE.corpus(
        [RECIPE.score(Item("rain falls", "rain falls")), RECIPE.score(Item("dogs bark", "dogs sing"))]
    )
    # Each n-gram is in the references of one sample of two and weighs log 2. The first: words 1, pairs 1, longer none.
    assert scores[0].numbers["cider"] == pytest.approx(10 * (1 + 1 + 0 + 0) / 4)
    # The second: one word of two; a word that no reference has weighs log 2 as well.
    assert scores[1].numbers["cider"] == pytest.approx(10 * (log2**2 / (2 * log2**2)) / 4)


def test_cider_weighs_down_what_every_sample_has_and_a_wrong_length() -> None:
    items = [Item("the rain", "the rain falls"), Item("the wind", "the wind")]
    first, second = RECIPE.corpus([RECIPE.score(item) for item in items])
    # `the` is everywhere and weighs nothing. Words: rain against rain and falls; pairs: one of two. One pair too many.
    expected = 10 * (1 / math.sqrt(2) + 1 / math.sqrt(2)) / 4 * math.exp(-1 / (2 * 6**2))
    assert first.numbers["cider"] == pytest.approx(expected)
    assert second.numbers["cider"] == pytest.approx(10 * 2 / 4)


def test_cider_is_the_mean_over_the_references() -> None:
    items = [Item("rain falls", "rain falls", aliases=("it pours",)), Item("dogs bark", "dogs bark")]
    first, _ = RECIPE.corpus([RECIPE.score(item) for item in items])
    assert first.numbers["cider"] == pytest.approx(10 * (2 / 4 + 0) / 2)


def test_bleu_by_hand() -> None:
    # 4 of 5 words, 3 of 4 pairs, 2 of 3, 1 of 2; the closest of two references is as long as the caption.
    item = Item("a dog barks at", "a dog barks at cats", aliases=("some dogs are very loud",))
    values = values_of([item])
    product = 1.0
    for order, precision in enumerate((4 / 5, 3 / 4, 2 / 3, 1 / 2), start=1):
        product *= precision
        assert values[f"bleu_{order}"] == pytest.approx(product ** (1 / order), rel=1e-6)
    # Two words short of the shorter of two equally close references.
    short = values_of([Item("a b c d", "a b")])
    assert short["bleu_1"] == pytest.approx(math.exp(1 - 4 / 2), rel=1e-6)
    # No pair in common: next to nothing, and never nothing.
    assert 0 < values_of([Item("a b", "b a")])["bleu_2"] < 1e-6


# Against a second implementation


def runs(words: Sequence[str], order: int) -> list[tuple[str, ...]]:
    return [tuple(words[start : start + order]) for start in range(len(words) - order + 1)]


def naive_bleu(samples: Sequence[tuple[list[str], list[list[str]]]], highest: int) -> float:
    product, said, wanted = 1.0, 0, 0
    for prediction, references in samples:
        said += len(prediction)
        lengths = sorted(len(reference) for reference in references)
        wanted += min(lengths, key=lambda length: abs(length - len(prediction)))
    for order in range(1, highest + 1):
        right = everything = 0
        for prediction, references in samples:
            mine = runs(prediction, order)
            everything += len(mine)
            for run in set(mine):
                right += min(mine.count(run), max(runs(reference, order).count(run) for reference in references))
        product *= (right + 1e-15) / (everything + 1e-9)
    value = product ** (1 / highest)
    length = (said + 1e-15) / (wanted + 1e-9)
    return value * math.exp(1 - 1 / length) if length < 1 else value


def naive_common(left: Sequence[str], right: Sequence[str]) -> int:
    table = [[0] * (len(right) + 1) for _ in range(len(left) + 1)]
    for i, one in enumerate(left):
        for j, other in enumerate(right):
            table[i + 1][j + 1] = table[i][j] + 1 if one == other else max(table[i][j + 1], table[i + 1][j])
    return table[-1][-1]


def naive_rouge(prediction: list[str], references: list[list[str]]) -> float:
    precisions = [naive_common(prediction, reference) / max(1, len(prediction)) for reference in references]
    recalls = [naive_common(prediction, reference) / len(reference) for reference in references]
    if not max(precisions):
        return 0.0
    precision, recall = max(precisions), max(recalls)
    return 2.44 * precision * recall / (recall + 1.44 * precision)


def naive_cider(samples: Sequence[tuple[list[str], list[list[str]]]]) -> list[float]:
    def weights(words: list[str], order: int) -> dict[tuple[str, ...], float]:
        found = {}
        for run in runs(words, order):
            having = sum(any(run in runs(reference, order) for reference in references) for _, references in samples)
            found[run] = runs(words, order).count(run) * math.log(len(samples) / max(1, having))
        return found

    scores = []
    for prediction, references in samples:
        total = 0.0
        for reference in references:
            penalty = math.exp(-((len(runs(prediction, 2)) - len(runs(reference, 2))) ** 2) / 72)
            for order in range(1, 5):
                mine, theirs = weights(prediction, order), weights(reference, order)
                norm = math.sqrt(sum(w * w for w in mine.values())) * math.sqrt(sum(w * w for w in theirs.values()))
                dot = sum(min(mine[run], theirs[run]) * theirs[run] for run in mine if run in theirs)
                total += penalty * dot / norm / 4 if norm else 0.0
        scores.append(10 * total / len(references))
    return scores


@DETERMINISTIC
@given(samples=SAMPLES)
def test_a_naive_implementation_says_the_same(samples: list[tuple[list[str], list[list[str]]]]) -> None:
    scores = RECIPE.corpus([RECIPE.score(item_of(*sample)) for sample in samples])
    assert [score.numbers["cider"] for score in scores] == pytest.approx(naive_cider(samples), abs=1e-9)
    assert [score.numbers["rouge_l"] for score in scores] == pytest.approx([naive_rouge(*one) for one in samples])
    values = RECIPE.values(sums_of(scores))
    for highest in range(1, 5):
        assert float(values[f"bleu_{highest}"]) == pytest.approx(naive_bleu(samples, highest), rel=1e-9, abs=1e-12)
    assert float(values["cider"]) == pytest.approx(sum(naive_cider(samples)) / len(samples), abs=1e-9)


# Properties


@DETERMINISTIC
@given(samples=SAMPLES, seed=st.integers(0, 99))
def test_neither_order_nor_shards_show_and_looking_twice_changes_nothing(
    samples: list[tuple[list[str], list[list[str]]]], seed: int
) -> None:
    items = [item_of(*sample) for sample in samples]
    order = random.Random(seed).sample(range(len(items)), len(items))
    whole = RECIPE.corpus([RECIPE.score(item) for item in items])
    shuffled = RECIPE.corpus([RECIPE.score(items[row]) for row in order])
    for score, row in zip(shuffled, order, strict=True):
        assert score.numbers == pytest.approx(dict(whole[row].numbers))
    assert RECIPE.corpus(whole) == whole
    # Shards are merged before the set is looked at; values are then those of the whole.
    assert values_of(items[::2] + items[1::2]) == pytest.approx(values_of(items))


@DETERMINISTIC
@given(samples=SAMPLES)
def test_values_stay_in_their_range(samples: list[tuple[list[str], list[list[str]]]]) -> None:
    values = values_of([item_of(*sample) for sample in samples])
    for quantity in RECIPE.quantities(["en"]):
        assert 0 <= values[quantity.name] <= quantity.maximum
        assert quantity.higher_is_better


def test_perfect_captions_have_the_greatest_values() -> None:
    captions = ["a dog barks at night", "rain falls on metal roofs", "two men talk while birds sing"]
    values = values_of([Item(text, text) for text in captions])
    assert values["cider"] == pytest.approx(10)
    assert values["rouge_l"] == 1
    assert values["bleu_4"] == pytest.approx(1)


def test_an_empty_caption_is_the_worst() -> None:
    items = [Item("a dog barks loudly", "a dog barks loudly"), Item("rain falls on roofs", "")]
    scores = RECIPE.corpus([RECIPE.score(item) for item in items])
    assert (scores[1].numbers["cider"], scores[1].numbers["rouge_l"], scores[1].numbers["correct_1"]) == (0, 0, 0)
    assert values_of(items)["bleu_1"] == pytest.approx(math.exp(1 - 8 / 4), rel=1e-6)


def test_values_of_draws_are_elementwise() -> None:
    source = random.Random(3)
    words = ["a", "dog", "the", "cat", "barks", "loudly", "rain", "falls"]
    items = [item_of(source.choices(words, k=5), [source.choices(words, k=6) for _ in range(2)]) for _ in range(30)]
    scores = RECIPE.corpus([RECIPE.score(item) for item in items])
    draws = [source.choices(scores, k=30) for _ in range(4)]
    each = [sums_of(draw) for draw in draws]
    stacked = {name: np.array([float(sums[name]) for sums in each]) for name in each[0]}
    found = RECIPE.values(stacked)
    for row, sums in enumerate(each):
        alone = RECIPE.values(sums)
        assert {name: float(found[name][row]) for name in NAMES} == pytest.approx(
            {name: float(alone[name]) for name in NAMES}
        )


@settings(DETERMINISTIC, max_examples=100)
@given(reference=st.text(), prediction=st.text(st.characters(exclude_categories=())), other=st.text())
def test_no_text_makes_scoring_fail(reference: str, prediction: str, other: str) -> None:
    score = RECIPE.score(Item(reference, prediction, aliases=(other,)))
    usable = bool(caption(reference.lower()) or caption(other.lower()))
    assert score.state is (State.OK if usable else State.DATA_ERROR)
    assert bool(score.numbers) == usable
    RECIPE.values(sums_of(RECIPE.corpus([score])))


# What a set looks like


def test_cider_is_not_known_before_the_whole_set_is() -> None:
    values = RECIPE.values(sums_of([RECIPE.score(Item("a dog", "a dog"))]))
    assert np.isnan(values["cider"])
    assert not np.isnan(values["rouge_l"])
    assert all(np.isnan(value) for value in RECIPE.values({}).values())


@pytest.mark.parametrize("reference", ["", " ", "...", "?!"])
def test_a_reference_without_a_word_is_the_datas_fault(reference: str) -> None:
    score = RECIPE.score(Item(reference, "a dog"))
    assert (score.state, score.numbers, score.reason) == (State.DATA_ERROR, {}, "no reference has a word")
    assert RECIPE.score(Item(reference, "a dog", aliases=("a dog",))).numbers["rouge_l"] == 1
    assert RECIPE.corpus([score]) == [score]


def test_steps_reach_every_reference() -> None:
    score = RECIPE.score(Item("RAIN", "a dog", aliases=("A DOG.", "")))
    assert score.reference == "rain\na dog"
    assert score.prediction == "a dog"
    assert score.numbers["rouge_l"] == 1


def test_an_answer_from_which_nothing_could_be_extracted_is_wrong() -> None:
    score = RECIPE.metric.score(Item("a dog", "?"), "a dog", None, RECIPE.spec.default)
    assert (score.state, score.prediction, score.numbers["rouge_l"], score.numbers["n"]) == (State.INVALID, "", 0, 1)


def test_chinese_captions_are_counted_in_characters() -> None:
    score = RECIPE.score(Item("狗在叫。", "狗在跑，", "zh"))
    assert (score.reference, score.prediction) == ("狗 在 叫", "狗 在 跑")
    assert RECIPE.score(Item("犬が吠える", "犬が鳴く", "ja")).numbers["sys_len"] == 4


def test_the_signature_says_what_is_and_what_is_not_computed() -> None:
    assert RECIPE.signature(["en"]) == (
        "caption/coco-nojava@1|lang:en|steps:lower|unit:caption|bleu:coco|rouge_l:beta=1.2|"
        "cider:d,sigma=6,idf=this-set|without:meteor,spice,spider"
    )


def test_quantities_are_on_the_sources_scale() -> None:
    assert [(quantity.name, quantity.unit, quantity.maximum) for quantity in RECIPE.quantities(["en"])] == [
        ("cider", "", 10.0),
        *((name, "", 1.0) for name in NAMES[1:]),
    ]


def test_an_unknown_unit_is_refused_at_load() -> None:
    rule = LanguageRule((StepSpec("lower"),), "captoin")
    with pytest.raises(CatalogError, match=r"unknown unit 'captoin' \(did you mean caption"):
        Recipe(RecipeSpec("caption/test@1", "captions", {}, rule))
