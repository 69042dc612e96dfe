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
from typing import Any, NamedTuple

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


class _Rule(NamedTuple):
    """What a pattern becomes; tried only where a text holds one of `needs`, as each of its matches does."""

    needs: tuple[str, ...]
    pattern: re.Pattern[str]
    replacement: str | Callable[[re.Match[str]], str]


def _rule(needs: str, pattern: str, replacement: str | Callable[[re.Match[str]], str]) -> _Rule:
    return _Rule(tuple(needs.split("|")), re.compile(pattern), replacement)


_BEFORE = (
    _rule("mm|mhm|uh|um", r"\b(?:hmm|mm|mhm|mmm|uh|um)\b", ""),
    _rule("'", r"\s+'", "'"),
    _rule("ok|o.k", r"\bo\.?k\b\.?(?!')", "okay"),
    _rule("ninth", r"\bninth(?=s?\b)", "nineth"),  # as the reader of numbers spells it
    _rule("ph.", r"\bph\. ?d\b\.?", "phd"),
    _rule("no.", r"\bno\. ?(?=\d)", "number "),
    _rule("&", r"\s*&\s*", " and "),
    _rule(":", r"(?<![\d:])(\d{1,2}):([0-5]\d)(?![\d:])", r"\1\2"),
    _rule("/|⁄", r"(?<=\d) 1[/⁄]2(?![\d/⁄])", ".5"),
    _rule("/|⁄", r"(?<![\d/⁄.,])(\d{1,2})[/⁄](\d{1,2})(?![\d/⁄])", lambda found: _fraction(found[1], found[2])),
    _rule("%", r"(?<=\d)\s+%", "%"),
    _rule("per cent", r"\bper cent\b", "percent"),
    _rule("vs", r"\bvs\b\.?", "versus"),
    _rule("#", r"#(?=\d)", "number "),
    _rule("+", r"\+", " plus "),
    _rule("#", r"\b(?<=[a-g])#", " sharp "),
    _rule("=", r"\s*=\s*", " equals "),
    _rule("@", r"\s*@\s*", " at "),
    _rule("°", r"°\s?c\b", " degrees celsius "),
    _rule("°", r"°\s?f\b", " degrees fahrenheit "),
    _rule("°", r"(?<=\d)°", " degrees "),
    _rule("cannot", r"\bcannot\b", "can not"),
    _rule("hundred|thousand|million|billion", r"\ba (?=(?:hundred|thousand|million|billion)\b)", "one "),
    _rule("-|−|–", r"(?<![\w.])[-−–](?=\d)", "minus "),
    _rule("-", r"\b(\d{3})-(?:(\d{3})-)?(\d{4})\b", r"\1\2\3"),
    _rule(".", r"\b[a-z](?:\.[a-z])+\b\.?", lambda found: found[0].replace(".", "")),
    _rule("0", r"(?<![\d.,])0\d+(?![\d.]|,\d)", lambda found: " ".join(found[0])),
)
_MARKS_OF_NUMBERS = (_rule(",", r"(?<=\d),(?=\d)", ""), _rule(".", r"\.(?!\d)", " "))
_AFTER = (
    _rule("¢", r"([$€£]\d+)(?: and)? [¢](\d{1,2})(?!\S)", lambda found: f"{found[1]}.{int(found[2]):02}"),
    _rule("nineth", "nineth", "ninth"),
)
_LAST = (
    _rule(".|$|¢|€|£", r"[.$¢€£](?!\d)", " "),
    _rule("%", r"(?<!\d)%", " "),
    _rule("-", r"(?<!\S)-(?!\d)|(?<=\S)-", " "),
)
_SINGLE_DIGITS = re.compile(r"(?<!\S)\d(?: \d)+(?!\S)")
_DIGIT = re.compile(r"\d")


def _rewritten(text: str, rules: Sequence[_Rule]) -> str:
    # Most texts hold hardly any of these: looking for a few characters costs a thirtieth of trying the pattern.
    for needs, pattern, replacement in rules:
        for need in needs:
            if need in text:
                text = pattern.sub(replacement, text)
                break
    return text


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
    text = _rewritten(text, _BEFORE)
    if "'" in text or _contracted().search(text):
        text = _rewritten(text, _contractions())
    text = _rewritten(text, _MARKS_OF_NUMBERS)
    text = unicodedata.normalize("NFC", text).translate(_KEPT)
    with contextlib.suppress(AssertionError, ValueError):
        text = _numbers(text)
    text = _rewritten(_spellings()(_rewritten(text, _AFTER)), _LAST)
    text = " ".join(text.split())
    return _SINGLE_DIGITS.sub(lambda found: found[0].replace(" ", ""), text) if _DIGIT.search(text) else text


def _numbers(text: str) -> str:
    # What the reader makes of a word depends on its neighbours only where these belong to a number as well, so that it
    # is given those runs of words alone.
    reader = _reader()
    if _DIGIT.search(text) or "half" in text:
        text = reader.preprocess(text)
    read: list[str] = []
    run: list[str] = []
    for word in text.split():
        if word in reader.words or not word.isalpha():
            run.append(word)
            continue
        if run:
            read += _read(*run)
            run = []
        read.append(word)
    return " ".join((*read, *_read(*run)))


@functools.lru_cache(maxsize=2**12)
def _read(*words: str) -> tuple[str, ...]:
    if all(word.isascii() and word.isdecimal() for word in words):
        return tuple(str(int(word)) for word in words)
    return tuple(word for word in _reader().process_words(list(words)) if word is not None)


@functools.cache
def _normaliser() -> Any:
    # Reading the spelling table takes tens of milliseconds: only for who scores English.
    from whisper_normalizer.english import EnglishTextNormalizer

    return EnglishTextNormalizer()


@functools.cache
def _contractions() -> Sequence[_Rule]:
    return tuple(
        _rule(pattern.replace(r"\b", ""), pattern, whole) for pattern, whole in _normaliser().replacers.items()
    )


@functools.cache
def _contracted() -> re.Pattern[str]:
    """Return what finds a contraction without an apostrophe."""
    plain = (rule.needs[0] for rule in _contractions() if "'" not in rule.needs[0])
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, plain))})\b")


def _reader() -> Any:
    return _normaliser().standardize_numbers


def _spellings() -> Callable[[str], str]:
    found: Callable[[str], str] = _normaliser().standardize_spellings
    return found


TEXT_STEPS = {"english_words": english_words}
PACKAGES = {"english_words": ("whisper-normalizer",)}
