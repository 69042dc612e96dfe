"""The text steps of the Open ASR Leaderboard for languages other than English, as of August 2026.

Two steps, because only the second knows the language: `openasr_multilingual` keeps letters with their diacritics, and
digits; `openasr_numbers` reads the digits out in German, Spanish, French, Italian or Portuguese.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable

from audiobench_pytest.errors import MissingExtraError
from audiobench_pytest.metrics.text.whisper import without_unclosed

LANGUAGES = ("de", "es", "fr", "it", "pt")
"""Languages of the leaderboard's multilingual sets, each with a reader of numbers."""

_NOT_WORD = re.compile(r"[^\w\s]")
_DIGITS = re.compile(r"\d+")
_PARTED_THOUSANDS = re.compile(r"(\d)\s+(\d{3})\b")


def openasr_multilingual(text: str) -> str:
    """Lower the case, delete bracketed spans, keep letters with their diacritics and digits, squeeze spaces.

    That is Whisper's normaliser for all languages (package `whisper-normalizer`: lower case, bracketed spans out, NFKC,
    each mark, symbol and punctuation character to a space), and then what is neither a word character nor a space is
    deleted, so that a soft hyphen or a joiner does not part a word. NFKC composes letter and accent: the diacritics
    stay; a mark that composes with no letter becomes a space. Source: open_asr_leaderboard, revision d1e99b2.
    """
    return " ".join(_NOT_WORD.sub("", _basic()(without_unclosed(text))).split())


def openasr_numbers(language: str | tuple[str, ...]) -> Callable[[str], str]:
    """Return the step that reads digits out in a language, as the Open ASR Leaderboard does.

    A group of three digits is first joined to a digit before it (10 000; one group only: 1 000 000 becomes 1000 000,
    as there). Then each run of digits is read as a whole number by the package `num2words`, leading zeros lost (007 is
    7); a number that it cannot read stays. What it writes is not normalised again: "vingt-cinq" is one word, "eine
    Million" keeps its capital.

    Args:
        language: One of `LANGUAGES`.

    Raises:
        ValueError: There is no reader for this language.
    """
    if not isinstance(language, str) or language not in LANGUAGES:
        raise ValueError(f"must be one of {', '.join(LANGUAGES)}")
    code = language

    def read(text: str) -> str:
        _num2words(code)  # the package is missed with the first text, not with the first number
        if _DIGITS.search(text) is None:
            return text
        return _DIGITS.sub(lambda digits: _in_words(digits.group(), code), _PARTED_THOUSANDS.sub(r"\1\2", text))

    return read


@functools.lru_cache(2**12)
def _in_words(digits: str, language: str) -> str:
    try:
        return _num2words(language)(int(digits))
    except Exception:  # num2words has many ways to say that a number is too long, and int() has one
        return digits


@functools.cache
def _num2words(language: str) -> Callable[[int], str]:
    try:
        from num2words import num2words
    except ImportError:
        raise MissingExtraError(
            f"reading numbers out ('openasr_numbers: {language}')", "num2words", "numbers"
        ) from None
    reader: Callable[[int], str] = functools.partial(num2words, lang=language)
    return reader


@functools.cache
def _basic() -> Callable[[str], str]:
    from whisper_normalizer.basic import BasicTextNormalizer

    normaliser: Callable[[str], str] = BasicTextNormalizer()
    return normaliser


TEXT_STEPS = {"openasr_multilingual": openasr_multilingual}
MADE_TEXT_STEPS = {"openasr_numbers": openasr_numbers}
PACKAGES = {"openasr_multilingual": ("whisper-normalizer",), "openasr_numbers": ("num2words",)}
