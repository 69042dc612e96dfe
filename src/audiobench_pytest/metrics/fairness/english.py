"""English words as they are compared: contractions, numbers and spellings of Whisper's normaliser, without its faults.

Taken from the package are its tables of contractions, its reading of numbers and its spellings. Not taken is what it
loses: the unit of one ("one percent" became "one"), a sign before digits, zeros before a number, an accent, a word in
brackets.
"""

from __future__ import annotations

import contextlib
import functools
import re
import unicodedata
from collections.abc import Callable, Sequence
from typing import Any

from audiobench_pytest.metrics.character_table import CharacterTable
from audiobench_pytest.metrics.fairness.unicode14 import IDEOGRAPHS

_NUMERIC = frozenset(".%$¢€£")
_PARTS = ("half", "third", "quarter", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")


def _fraction(over: str, under: str) -> str:
    """Return a proper fraction as it is said; what is none (24/7, 9/11) as its two numbers."""
    if over == "0" or not int(over) < int(under) <= len(_PARTS) + 1:
        return over + under
    part = _PARTS[int(under) - 2]
    return f"{over} {part}{'s' * (over != '1')}"


_BEFORE: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = (
    (re.compile(r"\b(?:hmm|mm|mhm|mmm|uh|um)\b"), ""),
    (re.compile(r"\s+'"), "'"),
    (re.compile(r"\bo\.?k\b\.?(?!')"), "okay"),
    (re.compile(r"\bninth(?=s?\b)"), "nineth"),  # as the reader of numbers spells it
    (re.compile(r"\bph\. ?d\b\.?"), "phd"),
    (re.compile(r"\bno\. ?(?=\d)"), "number "),
    (re.compile(r"\s*&\s*"), " and "),
    (re.compile(r"(?<![\d:])(\d{1,2}):([0-5]\d)(?![\d:])"), r"\1\2"),
    (re.compile(r"(?<=\d) 1[/⁄]2(?![\d/⁄])"), ".5"),
    (re.compile(r"(?<![\d/⁄.,])(\d{1,2})[/⁄](\d{1,2})(?![\d/⁄])"), lambda found: _fraction(found[1], found[2])),
    (re.compile(r"(?<=\d)\s+%"), "%"),
    (re.compile(r"\bper cent\b"), "percent"),
    (re.compile(r"\bvs\b\.?"), "versus"),
    (re.compile(r"#(?=\d)"), "number "),
    (re.compile(r"\+"), " plus "),
    (re.compile(r"\b(?<=[a-g])#"), " sharp "),
    (re.compile(r"\s*=\s*"), " equals "),
    (re.compile(r"\s*@\s*"), " at "),
    (re.compile(r"°\s?c\b"), " degrees celsius "),
    (re.compile(r"°\s?f\b"), " degrees fahrenheit "),
    (re.compile(r"(?<=\d)°"), " degrees "),
    (re.compile(r"\bcannot\b"), "can not"),
    (re.compile(r"\ba (?=(?:hundred|thousand|million|billion)\b)"), "one "),
    (re.compile(r"(?<![\w.])[-−–](?=\d)"), "minus "),
    (re.compile(r"\b(\d{3})-(?:(\d{3})-)?(\d{4})\b"), r"\1\2\3"),
)
_INITIALS = re.compile(r"\b[a-z](?:\.[a-z])+\b\.?")
_LEADING_ZERO = re.compile(r"(?<![\d.,])0\d+(?![\d.]|,\d)")
_AFTER: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"[.$¢€£](?!\d)"), " "),
    (re.compile(r"(?<!\d)%"), " "),
    (re.compile(r"(?<!\S)-(?!\d)|(?<=\S)-"), " "),
)
_CENTS = re.compile(r"([$€£]\d+)(?: and)? [¢](\d{1,2})(?!\S)")
_SINGLE_DIGITS = re.compile(r"(?<!\S)\d(?: \d)+(?!\S)")
_GROUPED = re.compile(r"(?<=\d),(?=\d)")
_FULL_STOP = re.compile(r"\.(?!\d)")


def _kept(code: int) -> int:
    """Keep letters, marks on them and what numbers are written with; any other mark becomes a space."""
    char = chr(code)
    is_kept = char in _NUMERIC or char.isalnum() or unicodedata.category(char)[0] == "M" or code in IDEOGRAPHS
    return code if is_kept else ord(" ")


_KEPT = CharacterTable(_kept)


def english_words(text: str) -> str:
    """Return lower-case words with contractions expanded, numbers in digits and American spellings.

    Apply after `one_form`, `drop_format_characters` and `one_apostrophe`. A text with a number of more digits than
    Python converts keeps its numbers as they are written.
    """
    text = " ".join(text.lower().split())  # a pattern that looks for what follows spaces tries each of a long run
    for pattern, replacement in _BEFORE:
        text = pattern.sub(replacement, text)
    text = _INITIALS.sub(lambda found: found[0].replace(".", ""), text)
    text = _LEADING_ZERO.sub(lambda found: " ".join(found[0]), text)
    for contraction, whole in _contractions():
        text = contraction.sub(whole, text)
    text = _FULL_STOP.sub(" ", _GROUPED.sub("", text))
    text = unicodedata.normalize("NFC", text).translate(_KEPT)
    with contextlib.suppress(AssertionError, ValueError):
        text = _numbers(text)
    text = _spellings()(_CENTS.sub(lambda found: f"{found[1]}.{int(found[2]):02}", text).replace("nineth", "ninth"))
    for pattern, replacement in _AFTER:
        text = pattern.sub(replacement, text)
    text = " ".join(text.split())
    return _SINGLE_DIGITS.sub(lambda found: found[0].replace(" ", ""), text)


def _numbers(text: str) -> str:
    reader = _reader()
    words = reader.process_words(reader.preprocess(text).split())
    return " ".join(word for word in words if word is not None)


@functools.cache
def _normaliser() -> Any:
    # Reading the spelling table takes tens of milliseconds: only for who scores English.
    from whisper_normalizer.english import EnglishTextNormalizer

    return EnglishTextNormalizer()


@functools.cache
def _contractions() -> Sequence[tuple[re.Pattern[str], str]]:
    return tuple((re.compile(pattern), whole) for pattern, whole in _normaliser().replacers.items())


def _reader() -> Any:
    return _normaliser().standardize_numbers


def _spellings() -> Callable[[str], str]:
    found: Callable[[str], str] = _normaliser().standardize_spellings
    return found


TEXT_STEPS = {"english_words": english_words}
PACKAGES = {"english_words": ("whisper-normalizer",)}
