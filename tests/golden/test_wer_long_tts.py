"""The recipe `wer/long-tts@1`, against values worked out by hand and a naive re-statement of its rule."""

import itertools
import re
import string

import pytest
from naive_error_rates import disagreements, edits, pairs, recipe, spell, values
from num2words import num2words
from zhon.hanzi import punctuation

from audiobench_pytest.metrics.item import Item
from audiobench_pytest.metrics.text.units import counting

NAME = "wer/long-tts@1"


@pytest.mark.parametrize(
    ("language", "raw", "expected"),
    [
        ("en", "In 1,205 DAYS!", "in one two hundred and five days"),
        ("en", "1205a-level, $20", "one thousand two hundred and five a level twenty"),
        ("en", "Don't “stop”; café", "don t stop café"),
        ("en", "3.5%", "three five"),
        ("en", "", ""),
        ("zh", "共有205个，ABC和123。", "共 有 二 百 零 五 个 abc 和 一 百 二 十 三"),
        ("zh", "2022年", "二 千 零 二 十 二 年"),
        ("zh", "圖書ab c館", "圖 書 ab c 館"),
    ],
)
def test_texts_are_cut_as_the_rule_says(language: str, raw: str, expected: str) -> None:
    scored = recipe(NAME)
    split = counting(scored.spec.rule(language).unit).split
    assert split(scored.normalise(raw, language)) == expected.split()


def test_the_nearer_of_two_references_counts_and_weighs() -> None:
    texts = [
        # against the text: "dr smith has three" 3 of 4; against the written-out one: "doctor smith has three" 0 of 4
        ("Dr. Smith has 3", ("doctor smith has three",), "Doctor Smith has three."),
        # 1 of 2 and 2 of 3: the first
        ("five apples", ("five red apples",), "six apples"),
        # 1 of 2 and 1 of 4: the second
        ("to 10", ("up to ten days",), "to ten days"),
    ]
    scores = [recipe(NAME).score(Item(text, answer, "en", aliases=aliases)) for text, aliases, answer in texts]
    counted = [(score.numbers["errors"], score.numbers["units"]) for score in scores]
    assert counted == [(0, 4), (1, 2), (1, 4)]
    assert values(NAME, "en", scores)["wer"] == pytest.approx(100 * 2 / 10)


def test_the_first_reference_counts_where_both_are_as_near() -> None:
    score = recipe(NAME).score(Item("one two", "one", "en", aliases=("one three",)))
    assert score.reference == "one two"


def naive_tokens(language: str, text: str) -> list[str]:
    def words(match: re.Match[str]) -> str:
        # The package reads no Chinese; a positional reading without 两 is the naive reading of SpeechIO with 二 for it.
        number = int(match[0])
        return f" {spell(str(number)).replace('两', '二') if language == 'zh' else num2words(number)} "

    text = re.sub(r"\d+", words, text).lower()
    text = re.sub(f"[{re.escape(punctuation + string.punctuation)}]", " ", text)
    return (re.sub("([\u4e00-\u9fff])", r" \1 ", text) if language == "zh" else text).split()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_it_agrees_with_a_plain_restatement_of_its_rule(language: str) -> None:
    assert disagreements(NAME, language, lambda text: naive_tokens(language, text)) == []


@pytest.mark.parametrize("language", ["en", "zh"])
def test_with_two_references_it_takes_the_one_with_the_lower_rate(language: str) -> None:
    scored = recipe(NAME)
    texts = list(pairs(language, 600))
    for (first, answer), (second, _) in itertools.pairwise(texts):
        numbers = scored.score(Item(first, answer, language, aliases=(second,))).numbers
        said = naive_tokens(language, answer)
        both = [naive_tokens(language, text) for text in (first, second)]
        rates = [edits(units, said) / len(units) for units in both if units]
        if rates:
            assert numbers["errors"] / numbers["units"] == min(rates)
