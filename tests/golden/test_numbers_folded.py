"""Values beside the default error rate: numbers in words and digits as one, and pooled languages apart."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiobench_pytest.catalog.loader import load_catalog
from audiobench_pytest.metrics.error_rate import number_words
from audiobench_pytest.metrics.item import Item
from audiobench_pytest.metrics.recipes import Recipe

WER = Recipe(load_catalog().recipes.get("wer/audiobench-pytest@2"))


def values(*items):
    scores = [WER.score(item) for item in items]
    names = {name for score in scores for name in score.numbers}
    sums = {name: np.array(float(sum(score.numbers.get(name, 0) for score in scores))) for name in names}
    found = WER.values(sums)
    return {
        quantity.name: float(found[quantity.name]) for quantity in WER.quantities([item.language for item in items])
    }


SAME = [
    ("de", "ich habe fünfundzwanzig Hunde", "ich habe 25 Hunde"),
    ("de", "im Jahr neunzehnhundertfünfundneunzig", "im Jahr 1995"),
    ("de", "1 Hund", "ein Hund"),
    ("de", "tausend Euro", "1.000 Euro"),
    ("fr", "vingt-cinq chiens", "25 chiens"),
    ("fr", "septante chiens", "70 chiens"),
    ("es", "veinticinco perros", "25 perros"),
    ("it", "venticinque cani", "25 cani"),
    ("pt", "dezesseis cães", "16 cães"),
    ("pt-BR", "dezasseis cães", "16 cães"),
    ("nl", "vijfentwintig honden", "25 honden"),
    ("pl", "dwadzieścia pięć psów", "25 psów"),
    ("ru", "двадцать пять кошек", "25 кошек"),
    ("ru", "тысяча девятьсот", "1900"),
    ("ja", "二十五円", "25円"),
    ("ko", "이십오 원", "25 원"),
    ("hi", "पच्चीस लोग", "25 लोग"),
    ("hi", "एक लाख", "1,00,000"),
    ("ar", "خمسة وعشرون ولدا", "25 ولدا"),
    ("arz", "خمسة وعشرون", "٢٥"),
    ("tr", "yirmi beş", "25"),
    ("th", "ยี่สิบห้า", "25"),
    ("vi", "hai mươi lăm", "25"),
]


@pytest.mark.parametrize(("language", "words", "digits"), SAME)
def test_a_number_in_words_is_the_number_in_digits(language, words, digits):
    for reference, prediction in ((words, digits), (digits, words)):
        found = values(Item(reference, prediction, language))
        head, folded = next(iter(found)), next(name for name in found if name.endswith("_numbers_folded"))
        assert found[head] > 0
        assert found[folded] == 0


@pytest.mark.parametrize(
    ("language", "reference", "prediction", "errors", "units"),
    [
        ("de", "sechsundzwanzig Hunde", "25 Hunde", 1, 2),
        ("de", "25 Hunde", "26 Hunde", 1, 2),
        ("fr", "il y a vingt-cinq chiens noirs", "il y a 25 chats noirs", 1, 7),
        ("ja", "二十五円", "26円", 3, 4),
    ],
)
def test_another_number_or_word_still_counts(language, reference, prediction, errors, units):
    name = "cer_numbers_folded" if language == "ja" else "wer_numbers_folded"
    assert values(Item(reference, prediction, language))[name] == pytest.approx(100 * errors / units)


def test_the_headline_does_not_move_and_only_these_languages_have_the_value():
    assert values(Item("zwei Hunde", "2 Hunde", "de"))["wer"] == 50
    for language in ("en", "zh", "sw"):
        assert not [name for name in values(Item("a b", "a", language)) if "folded" in name]
    assert "|num2words:" in WER.signature(["de"])
    assert "num2words" not in WER.signature(["en", "zh"])
    assert "fold_numbers" not in WER.signature(["de"])


def test_every_language_of_the_list_reads_its_numbers():
    for language in number_words.LANGUAGES:
        assert number_words.readings(25, language), language
    assert number_words.readings(10**11, "hi")[0].startswith("दस हज़ार करोड़")
    assert number_words.readings(110, "hi")[0] == "एक सौ दस"


NUMBERS = st.lists(st.sampled_from(["25", "fünfundzwanzig", "Hunde", "ein", "1", "und", "1995", "000"]), max_size=7)


@settings(deadline=None, max_examples=200, derandomize=True, database=None)
@given(NUMBERS, NUMBERS)
def test_folding_never_adds_errors(reference, prediction):
    numbers = WER.score(Item(" ".join(reference), " ".join(prediction), "de")).numbers
    assert 0 <= numbers.get("number_errors", 0) <= numbers["errors"]
    assert numbers.get("number_units", 0) <= numbers["units"]


def test_words_and_characters_pooled_are_a_mixed_rate_with_a_value_of_each():
    found = values(
        Item("the cat sat down", "the cat sat", "en"), Item("你好世界", "你好世间", "zh"), Item("が", "か", "ja")
    )
    assert next(iter(found)) == "mer"
    assert found["mer"] == pytest.approx(100 * 3 / 9)
    assert (found["wer_words"], found["cer_characters"]) == pytest.approx((25, 100 * 2 / 5))
    assert "mer" not in values(Item("a", "b", "en"), Item("a", "b", "de"))
    assert "mer" not in values(Item("你", "好", "zh"), Item("が", "か", "Japanese"))


@pytest.mark.parametrize("name", ["Chinese", "cn", "lzh", "mnp", "zh-TW", "yue"])
def test_a_rate_of_han_characters_is_no_word_error_rate_by_any_name(name):
    assert next(iter(values(Item("你好", "你", name)))) == "cer"
