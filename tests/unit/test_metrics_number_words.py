import random

import pytest
from num2words import num2words

from audiobench_pytest.metrics.text.numbers import (
    digits_to_chinese_words,
    digits_to_english_words,
    small_numbers_to_words,
)


def words_of_the_package(number: int) -> str:
    return " ".join(num2words(number).replace("-", " ").replace(",", " ").split())


def test_english_words_are_those_of_num2words() -> None:
    rng = random.Random(5)
    numbers = [*range(1200), *(10**power + rng.randrange(200) for power in range(306))]
    numbers += [rng.randrange(10 ** rng.randrange(1, 307)) for _ in range(300)]
    for number in numbers:
        assert " ".join(digits_to_english_words(str(number)).split()) == words_of_the_package(number)


def test_a_text_with_a_number_that_has_no_name_stays_as_it_is() -> None:
    with pytest.raises(OverflowError):
        num2words(10**306)
    assert digits_to_english_words(f"3 and {10**306}") == f"3 and {10**306}"
    assert digits_to_chinese_words(f"3和{10**48}") == f"3和{10**48}"
    assert digits_to_chinese_words(f"{10**48 - 1}").strip().startswith("九千九百九十九载")


@pytest.mark.parametrize(
    ("number", "read"),
    [
        ("0", "零"),
        ("10", "十"),
        ("12", "十二"),
        ("20", "二十"),
        ("110", "一百一十"),
        ("101", "一百零一"),
        ("200", "二百"),
        ("2022", "二千零二十二"),
        ("10010", "一万零一十"),
        ("100000000", "一亿"),
        ("007", "七"),
        ("٣", "三"),
    ],
)
def test_chinese_words_are_positional_without_liang(number: str, read: str) -> None:
    assert digits_to_chinese_words(f"有{number}个") == f"有 {read} 个"


def test_small_numbers_are_words_only_where_they_stand_as_words() -> None:
    named = {n: num2words(n) for n in [*range(21), *range(30, 100, 10)]}
    for number in range(130):
        expected = named.get(number, str(number))
        assert small_numbers_to_words(f"a {number}, b") == f"a {expected}, b"
        assert small_numbers_to_words(f"a{number} {number}b") == f"a{number} {number}b"
