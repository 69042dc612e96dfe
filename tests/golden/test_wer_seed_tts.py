"""The recipes `wer/seed-tts@1` and `@ultraeval` on transcripts, against hand-worked values and a naive re-statement."""

import string

import pytest
import zhconv
from naive_error_rates import disagreements, recipe, values
from zhon.hanzi import punctuation

from audiobench_pytest.metrics.item import Item
from audiobench_pytest.metrics.text.units import counting

NAME, ULTRAEVAL = "wer/seed-tts@1", "wer/seed-tts@ultraeval"


@pytest.mark.parametrize(
    ("language", "raw", "expected"),
    [
        ("en", "Hello, World! I don't  know.", "hello world i don't know"),
        ("en", "a state-of-the-art “don’t”", "a stateoftheart dont"),
        ("en", "20% of $3.50", "20 of 350"),  # numbers are not read
        ("en", "Mr. O'Neil's colour", "mr o'neil's colour"),
        ("en", "café 😊", "café 😊"),
        ("en", "！。", ""),
        ("zh", "你好，World 1。", "你 好 W o r l d 1"),  # spaces vanish, case stays
        ("zh", "圖《书》馆", "圖 书 馆"),
        ("zh", "３％", "３"),
        ("zh", "", ""),
    ],
)
def test_texts_are_cut_as_the_rule_says(language: str, raw: str, expected: str) -> None:
    for name in (NAME, ULTRAEVAL):
        scored = recipe(name)
        split = counting(scored.spec.rule(language).unit).split
        assert split(scored.normalise(raw, language)) == expected.split()


def test_the_transcript_is_simplified_and_the_target_is_not() -> None:
    score = recipe(NAME).score(Item("圖书馆", "圖書館", "zh"))
    assert (score.reference, score.prediction, score.numbers["errors"]) == ("圖书馆", "图书馆", 1)


def test_utterances_count_alike_whatever_their_length() -> None:
    texts = [
        ("Hello there, you all!", "hello there you all"),  # 0 of 4
        ("one two three four", "one two tree four"),  # 1 of 4
        ("Yes.", "thank you for watching"),  # 4 of 1
        ("a b", "a"),  # 1 of 2, still up to a half
    ]
    scores = [recipe(NAME).score(Item(target, transcript, "en")) for target, transcript in texts]
    assert values(NAME, "en", scores) == pytest.approx(
        {
            "wer": 100 * (0 + 0.25 + 4 + 0.5) / 4,
            "wer_micro": 100 * 6 / 11,
            "wer_below_50": 100 * (0 + 0.25 + 0.5) / 3,
            "above_50_rate": 25.0,
            "substitution_rate": 100 * (0.25 + 1) / 4,
            "deletion_rate": 100 * 0.5 / 4,
            "insertion_rate": 100 * 3 / 4,
        }
    )


def test_an_empty_transcript_is_wrong_as_a_whole() -> None:
    found = values(NAME, "zh", [recipe(NAME).score(Item("你好", "", "zh"))])
    assert (found["cer"], found["deletion_rate"], found["above_50_rate"]) == (100.0, 100.0, 100.0)


@pytest.mark.parametrize(
    ("language", "name", "reference", "answer", "errors", "units"),
    [
        ("ja", "cer", "がんばって", "かんばって。", 1, 5),
        ("ko", "cer", "안녕 하세요", "안녕하세요", 0, 5),
        ("th", "cer", "น้ำ", "นำ", 1, 3),
        ("yue", "cer", "圖書", "图书", 2, 2),
        ("fr", "wer", "L'été est là", "l'ete est là", 1, 3),
        ("tr", "wer", "bir iki", "bir üç", 1, 2),
    ],
)
def test_ultraeval_counts_characters_in_five_languages_and_words_in_others(
    language: str, name: str, reference: str, answer: str, errors: int, units: int
) -> None:
    scored = recipe(ULTRAEVAL)
    numbers = scored.score(Item(reference, answer, language)).numbers
    assert (numbers["errors"], numbers["units"]) == (errors, units)
    assert scored.quantities([language])[0].name == name


@pytest.mark.parametrize(
    ("name", "language"),
    [
        *((NAME, "en"), (NAME, "zh")),
        *((ULTRAEVAL, language) for language in ("en", "zh", "yue", "ja", "th", "ko", "fr", "hi", "ar")),
    ],
)
def test_they_agree_with_a_plain_restatement_of_their_rule(name: str, language: str) -> None:
    by_character = language in ("zh", "ja", "yue", "th", "ko")

    def tokens(text: str) -> list[str]:
        for mark in punctuation + string.punctuation:
            if mark != "'":
                text = text.replace(mark, "")
        text = text.replace("  ", " ")
        return (" ".join(text) if by_character else text.lower()).split()

    def simplified(text: str) -> str:
        return zhconv.convert(text, "zh-cn") if language == "zh" else text

    assert disagreements(name, language, tokens, simplified) == []
