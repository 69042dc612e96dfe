"""Sources' error rates in languages they do not score, and the second versions of our rules for sources without one."""

import numpy as np
import pytest

from audiobench_pytest.catalog.loader import load_catalog
from audiobench_pytest.errors import UnknownNameError
from audiobench_pytest.metrics.item import Item
from audiobench_pytest.metrics.recipes import Recipe


def counts(name, language, reference, prediction):
    numbers = Recipe(load_catalog().recipes.get(name)).score(Item(reference, prediction, language)).numbers
    return numbers["errors"], numbers["units"]


SOURCES = ["wer/openasr@2026-08", "wer/seed-tts@1", "wer/seed-tts@ultraeval", "wer/long-tts@1"]
UNSPACED = [
    ("yue", "我哋去公園", "我哋去花園", 1, 5),
    ("wuu", "侬好世界", "侬好世间", 1, 4),
    ("nan", "你好世界", "你好世间", 1, 4),
    ("ja", "東京です", "東京だ", 2, 4),
    ("Japanese", "東京です", "東京だ", 2, 4),
    ("th", "น้ำใจ", "น้ำไจ", 1, 3),
    ("lo", "ນ້ຳ", "ນຳ", 1, 1),
    ("km", "កខគ", "កខឃ", 1, 3),
    ("my", "ကခဂ", "ကခဃ", 1, 3),
]


@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.parametrize(("language", "reference", "prediction", "errors", "units"), UNSPACED)
def test_what_is_written_without_spaces_is_no_single_word(name, language, reference, prediction, errors, units):
    if (name, language) == ("wer/seed-tts@ultraeval", "th"):
        units = 5  # the source's own rule for Thai counts code points
    assert counts(name, language, reference, prediction) == (errors, units)


@pytest.mark.parametrize("name", SOURCES)
def test_the_languages_of_the_source_are_as_they_were(name):
    assert counts(name, "en", "the cat sat", "the cat sad") == (1, 3)
    assert counts(name, "eng", "the cat sat", "the cat sad") == (1, 3)
    assert counts(name, "Chinese", "你好世界", "你好世间") == (1, 4)
    with pytest.raises(UnknownNameError, match="did you mean"):
        counts(name, "englich", "a", "a")


@pytest.mark.parametrize("name", ["wer/step-audio2@2", "cer/wenetspeech-wu@2"])
@pytest.mark.parametrize(
    ("language", "reference", "prediction", "errors", "units"),
    [
        ("zh", "老板说 we should ship it before Friday 好不好", "老板说 we should ship it before Monday 好不好", 1, 12),
        ("zh", "老板说 we should ship it before Friday 好不好", "老板说好不好", 6, 12),
        ("yue", "伺服器壞咗", "服务器坏咗", 2, 5),
        ("yue", "這台記憶體很貴", "这台记忆体很贵", 0, 7),
        ("wuu", "儂好<noise>", "侬好", 0, 2),
    ],
)
def test_chinese_keeps_its_words_and_those_of_others(name, language, reference, prediction, errors, units):
    assert counts(name, language, reference, prediction) == (errors, units)


@pytest.mark.parametrize("language", ["ar", "arz", "apc", "ar-EG", "Arabic", "Egyptian Arabic"])
def test_a_variety_of_arabic_has_the_rule_of_arabic(language):
    assert counts("wer/step-audio2@2", language, "مُحَمَّد", "محمد") == (0, 1)


def test_the_second_value_of_wu_counts_every_character():
    recipe = Recipe(load_catalog().recipes.get("cer/wenetspeech-wu@2"))
    numbers = recipe.score(Item("侬讲OK", "侬讲", "wuu")).numbers
    assert (numbers["errors"], numbers["units"]) == (1, 3)
    assert (numbers["second_errors"], numbers["second_units"]) == (4, 6)  # the word is okay


def bleu(name, language, reference, prediction):
    recipe = Recipe(load_catalog().recipes.get(name))
    numbers = recipe.score(Item(reference, prediction, language)).numbers
    found = recipe.values({key: np.array(float(number)) for key, number in numbers.items()})
    return float(found[recipe.quantities([language])[0].name])


@pytest.mark.parametrize("name", ["bleu/step-audio2@2", "bleu/wenetspeech-wu@2", "s2st/cvss@2"])
def test_translations_lose_nothing_by_what_cannot_be_seen(name):
    text = "我们今天去公园散步然后回家"
    for language in ("zh", "Chinese", "cmn_Hans"):
        assert bleu(name, language, text, f"\ufeff{text[:3]}\u200b{text[3:]}") == pytest.approx(100)


def test_a_translation_into_chinese_keeps_the_words_of_a_region():
    name = "bleu/wenetspeech-wu@2"
    assert bleu(name, "zh", "這台記憶體很貴但是很好", "这台记忆体很贵但是很好") == pytest.approx(100)
    assert bleu(name, "zh", "我们的滑鼠今天不见了", "我们的鼠标今天不见了") < 90
