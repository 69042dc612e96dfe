"""Text steps that write numbers in digits as words, as single sources do it."""

from __future__ import annotations

import re
from collections.abc import Callable

from audiobench_pytest.metrics.text.cn_tn import reading

_SMALL = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
# Powers of a thousand, as the package num2words spells their names.
_ILLIONS = ("m", "b", "tr", "quadr", "quint", "sext", "sept", "oct", "non")
_UNITS = ("", "un", "duo", "tre", "quattuor", "quin", "sex", "sept", "octo", "novem")
_ILLION_TENS = (
    *("dec", "vigint", "trigint", "quadragint", "quinquagint"),
    *("sexagint", "septuagint", "octogint", "nonagint"),
)
_GROUPS = (
    "",
    "thousand",
    *(f"{name}illion" for name in (*_ILLIONS, *(unit + ten for ten in _ILLION_TENS for unit in _UNITS), "cent")),
)
_MOST_ENGLISH_DIGITS = 3 * len(_GROUPS)
_MOST_CHINESE_DIGITS = 48
_DIGITS = re.compile(r"\d+")
_SMALL_OR_TENS = re.compile(r"\b(?:1?[0-9]|[2-9]0)\b")


def digits_to_english_words(text: str) -> str:
    """Write each run of digits as English words between spaces: `1,205` gives "one , two hundred and five".

    Words are those of the package num2words, with spaces for its hyphens and commas. A text with a number that has no
    name (from a thousand centillions on) stays as it is.
    """
    return _in_words(text, _MOST_ENGLISH_DIGITS, _english)


def digits_to_chinese_words(text: str) -> str:
    """Write each run of digits in Chinese between spaces: 205 gives 二百零五.

    A text with a number that has no name (of more than 48 digits) stays as it is.
    """
    return _in_words(text, _MOST_CHINESE_DIGITS, lambda number: reading(str(number), liang=False))


def small_numbers_to_words(text: str) -> str:
    """Write the numbers from 0 to 20 and the tens up to 90 as English words where they stand as words (AudioBench)."""
    return _SMALL_OR_TENS.sub(lambda match: _below_hundred(int(match[0])), text)


def _in_words(text: str, most_digits: int, words: Callable[[int], str]) -> str:
    numbers = _DIGITS.findall(text)
    if not numbers or max(map(len, numbers)) > 4000 or len(str(max(map(int, numbers)))) > most_digits:
        return text
    return _DIGITS.sub(lambda match: f" {words(int(match[0]))} ", text)


def _english(number: int) -> str:
    groups = []
    left = number
    while left:
        left, group = divmod(left, 1000)
        groups.append(group)
    parts = [
        f"{_below_thousand(group)} {_GROUPS[power]}".rstrip()
        for power, group in reversed(list(enumerate(groups)))
        if group
    ]
    if len(parts) > 1 and 0 < number % 1000 < 100:
        parts.insert(-1, "and")
    return " ".join(parts) or _SMALL[0]


def _below_thousand(number: int) -> str:
    hundreds, rest = divmod(number, 100)
    if not hundreds:
        return _below_hundred(rest)
    return f"{_SMALL[hundreds]} hundred" + (f" and {_below_hundred(rest)}" if rest else "")


def _below_hundred(number: int) -> str:
    if number < 20:
        return _SMALL[number]
    tens, ones = divmod(number, 10)
    return _TENS[tens - 2] + (f" {_SMALL[ones]}" if ones else "")


TEXT_STEPS = {
    "digits_to_chinese_words": digits_to_chinese_words,
    "digits_to_english_words": digits_to_english_words,
    "small_numbers_to_words": small_numbers_to_words,
}
