"""The recipe `wer/kimi-evalkit@2025-08`, against values worked out by hand and a naive re-statement of its rule."""

import re

import pytest
from naive_error_rates import (
    cn_tn,
    disagreements,
    recipe,
    sacrebleu_tokens,
    values,
    whisper_english,
    without_punctuation,
)

from audiobench_pytest.metrics.item import Item
from audiobench_pytest.metrics.text.units import counting
from audiobench_pytest.types import State

NAME = "wer/kimi-evalkit@2025-08"

# fmt: off
TOKENS = [
    ("en", "<|en|> Hello ,   WORLD !", "hello world"),
    ("en", "It's $3.50, not 20 %", "it is 3 50 not 20"),
    ("en", "twenty-five dollars in colour", "25 in color"),
    ("en", "Mr. Jones won't pay 1,000 (um) for [the] café", "mister jones will not pay 1000 for cafe"),
    ("en", "ok 😊", "ok"),
    ("zh", "<|zh|>我 用 iPhone，拍 照。", "我 用 iphone 拍 照"),
    ("zh", "他花了128元", "他 花 了 一 百 二 十 八 元"),
    ("zh", "1,000个B2B", "一 个 b2b"),
    ("zh", "图书馆（AI）", "图 书 馆 ai"),
    ("zh", "圖書館", "圖 書 館"),
    ("zh", "ＡＢ１", "ａ ｂ 一"),
    ("zh", "好😊的", "好 😊 的"),
    ("zh", "", ""),
    ("yue", "佢喺圖書館睇5本書。", "佢 喺 图 书 馆 睇 5 本 书"),
    ("fr", "L'Été, où ça ?", "l été où ça"),
    # a mark that does not compose becomes a space
    ("hi", "हिंदी", "ह द"),
    ("ja", "がんばって、 ＡＢ", "がんばって ab"),
]
# fmt: on


@pytest.mark.parametrize(("language", "raw", "expected"), TOKENS)
def test_texts_are_cut_as_the_rule_says(language: str, raw: str, expected: str) -> None:
    scored = recipe(NAME)
    split = counting(scored.spec.rule(language).unit).split
    assert split(scored.normalise(raw, language)) == expected.split()


@pytest.mark.parametrize(
    ("language", "reference", "answer", "errors", "units"),
    [
        ("en", "the cat sat on the mat", "<|en|>The cat sat on a mat.", 1, 6),
        ("en", "twenty dollars", "$20", 0, 1),
        ("en", "the cat", "", 2, 2),
        ("zh", "我用苹果拍照", "我用 apple 拍照", 2, 6),
        ("zh", "今天", "今天谢谢观看", 4, 2),
        ("ko", "안녕 하세요", "안녕하세요", 2, 2),
    ],
)
def test_counts_are_those_worked_out_by_hand(
    language: str, reference: str, answer: str, errors: int, units: int
) -> None:
    numbers = recipe(NAME).score(Item(reference, answer, language)).numbers
    assert (numbers["errors"], numbers["units"]) == (errors, units)


def test_the_answer_null_is_empty_here_and_dropped_by_the_source() -> None:
    texts = [("the cat sat down", "the cat sat"), ("a dog", "null"), ("so what", "nullify what")]
    scores = [recipe(NAME).score(Item(reference, answer, "en")) for reference, answer in texts]
    assert [score.state for score in scores] == [State.OK, State.EMPTY, State.OK]
    found = values(NAME, "en", scores)
    assert found["wer"] == pytest.approx(100 * (1 + 2 + 1) / 8)
    assert found["wer_compat"] == pytest.approx(100 * (1 + 1) / 6)


def test_chinese_is_called_a_character_error_rate_and_the_rest_a_word_error_rate() -> None:
    names = {language: recipe(NAME).quantities([language])[0].name for language in ("en", "zh", "yue", "fr", "ko")}
    assert names == {"en": "wer", "zh": "cer", "yue": "cer", "fr": "wer", "ko": "wer"}


@pytest.mark.parametrize("language", ["en", "zh", "yue", "ja", "ko", "fr", "hi"])
def test_it_agrees_with_a_plain_restatement_of_its_rule(language: str) -> None:
    from whisper_normalizer.basic import BasicTextNormalizer

    tokenize, basic = sacrebleu_tokens("zh"), BasicTextNormalizer()

    def tokens(text: str) -> list[str]:
        import zhconv

        text = re.sub(r"\s+", " ", re.sub(r"<\|.*?\|>", " ", text))
        text = re.sub(r" ?([!,.?;:])", r"\1", text).lstrip(" ")
        if language == "zh":
            text = cn_tn(re.sub(r"\s+", "", text))
        else:
            text = zhconv.convert(text, "zh-cn") if language == "yue" else text
            text = basic(whisper_english(text) if language == "en" else text)
        return " ".join(without_punctuation(tokenize(text))).lower().split()

    assert disagreements(NAME, language, tokens) == []
