import pytest
import regex
from hypothesis import given, settings
from hypothesis import strategies as st

from audiobench_pytest.errors import CatalogError
from audiobench_pytest.metrics.text.units import UNITS, character, codepoint, counting, mixed, mixed_basic, unit, word

ANY_TEXT = st.text(st.characters())


@pytest.mark.parametrize(
    ("split", "text", "expected"),
    [
        (word, " the  cat\nsat ", ["the", "cat", "sat"]),
        (word, "", []),
        (character, "ab c", ["a", "b", "c"]),
        (character, "น้ำเก่า", ["น้ำ", "เ", "ก่", "า"]),
        (character, "が か\u3099", ["が", "か\u3099"]),
        (character, "ນ້ຳ", ["ນ້ຳ"]),
        (character, "हिंदी", ["हिं", "दी"]),
        (character, "a \u0301b", ["a", "\u0301", "b"]),
        (mixed, "我用iphone十五拍照", ["我", "用", "iphone", "十", "五", "拍", "照"]),
        (mixed, "二〇〇八 人々 𠮷野家", ["二", "〇", "〇", "八", "人", "々", "𠮷", "野", "家"]),
        (mixed, "café9 ok好", ["café9", "ok", "好"]),
        (mixed, "", []),
        (codepoint, "น้ำ a\u0301 b", ["น", "้", "ำ", "a", "\u0301", "b"]),
        (mixed_basic, "我用iphone 〇々𠮷", ["我", "用", "iphone", "〇々𠮷"]),
    ],
)
def test_a_text_is_cut_where_a_reader_would(split, text, expected) -> None:
    assert split(text) == expected


@settings(derandomize=True, database=None, deadline=None)
@given(text=ANY_TEXT)
@pytest.mark.parametrize("name", sorted(UNITS))
def test_no_unit_loses_or_invents_a_character(name: str, text: str) -> None:
    assert "".join(unit(name)(text)) == "".join(text.split())
    assert all(unit(name)(text))


@settings(derandomize=True, database=None, deadline=None)
@given(text=st.text("กขคงจ่้๊๋ิีึืุูัำะาเแโใไ์ຂກ່້ໍຳາເがぎぱカ゛ー漢字한국어éüñçب\u064b\u0650 ab1"))
def test_characters_are_the_grapheme_clusters_of_the_unicode_annex(text: str) -> None:
    clusters = [cluster for part in text.split() for cluster in regex.findall(r"\X", part)]
    assert character(text) == clusters


def test_an_unknown_unit_is_refused_with_the_known_ones() -> None:
    with pytest.raises(CatalogError, match=r"unknown unit 'words' \(did you mean word\?\)"):
        unit("words")


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("13a", "$20 isn't 50%, ok.", ["$", "20", "isn't", "50", "%", ",", "ok", "."]),
        ("zh", "我用iPhone拍,照。", ["我", "用", "iPhone", "拍", ",", "照", "。"]),
        ("zh:lower", "我用iPhone", ["我", "用", "iphone"]),
        ("zh:drop_punctuation", "我,用。'a' ...", ["我", "用", "'a'"]),
        ("zh:lower:drop_punctuation", "A。—", ["a"]),
        ("word:lower", "Ab  CD", ["ab", "cd"]),
        ("ja-mecab", "東京に行く", ["東京", "に", "行く"]),
    ],
)
def test_a_tokenizer_is_a_unit_and_units_can_be_changed_afterwards(name: str, text: str, expected: list[str]) -> None:
    assert unit(name)(text) == expected


def test_what_a_rule_counts_is_read_from_its_unit() -> None:
    how = counting("zh:lower+character")
    assert (how.unit, how.second, how.packages) == ("zh", "character", ("sacrebleu",))
    assert how.split("我A") == ["我", "a"]
    assert how.split_second is not None
    assert how.split_second("我ab") == ["我", "a", "b"]
    assert counting("word").split_second is None
    assert counting("ja-mecab").packages == ("sacrebleu", "mecab-python3", "ipadic")


@settings(derandomize=True, database=None, deadline=None, max_examples=50)
@given(text=ANY_TEXT)
@pytest.mark.parametrize("name", ["13a:lower", "zh:lower:drop_punctuation", "ja-mecab"])
def test_no_text_makes_a_tokenizer_raise(name: str, text: str) -> None:
    assert all(unit(name)(text))
