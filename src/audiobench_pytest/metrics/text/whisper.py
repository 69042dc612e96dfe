"""Whisper's text normalisers, as the package `whisper-normalizer` has them and as they were first published.

The package's list of contractions has grown since: it also expands "kinda", "sorta", "dunno" and turns "cause" into
"because". Source: Radford et al., "Robust Speech Recognition via Large-Scale Weak Supervision", appendix C.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Callable

from audiobench_pytest.metrics.character_table import CharacterTable

_NOT_IN_THE_ORIGINAL = ("kinda", "sorta", "dunno", "cause")
_BRACKETS = re.compile(r"[<\[][^>\]]*[>\]]")
_PARENTHESES = re.compile(r"\([^)]+\)")
_MANY = 100
"""Opening brackets from which on unclosed ones are taken out before the package sees them."""

_SPACE = ord(" ")


_TO_SPACE = CharacterTable(lambda code: _SPACE if unicodedata.category(chr(code))[0] in "MSP" else code)
"""Turns marks, symbols and punctuation into spaces."""


def whisper_english(text: str) -> str:
    """Apply Whisper's English normaliser (package `whisper-normalizer`) and squeeze spaces.

    In order: lower case; bracketed spans and the fillers hmm, mm, mhm, mmm, uh, um out; contractions and titles
    expanded; commas between digits out; marks, symbols and punctuation out, except those of numbers; number words to
    digits; British to American spelling.

    A text with a number of more digits than Python converts (4300; a model caught in a loop writes such) keeps its
    numbers as they are written.
    """
    return _normalised(text, ())


def whisper_english_openai(text: str) -> str:
    """Apply Whisper's English normaliser with the contractions of its first publication, and squeeze spaces.

    It is made for English: NFKD and the removal of combining marks take dakuten, matras, tones and accents away, and
    Hangul syllables apart. See `whisper_english` for its order, and for numbers that are too long.
    """
    return _normalised(text, _NOT_IN_THE_ORIGINAL)


def _normalised(text: str, without: tuple[str, ...]) -> str:
    text = without_unclosed(text)
    try:
        normalised = _normaliser(without, True)(text)
    except (AssertionError, ValueError):
        normalised = _normaliser(without, False)(text)
    return " ".join(normalised.split())


def without_unclosed(text: str) -> str:
    """Return a text without the opening brackets behind the last closing one: each would be tried to the text's end."""
    for opening, closing in (("<", ">]"), ("[", ">]"), ("(", ")")):  # one of the first two may close the other
        if text.count(opening) > _MANY:
            end = max(map(text.rfind, closing)) + 1
            # Spaces are squeezed as in the end: a pattern of the package tries each of a long run.
            text = " ".join((text[:end] + text[end:].replace(opening, " ")).split())
    return text


def whisper_basic(text: str) -> str:
    """Apply Whisper's normaliser for languages other than English, and squeeze spaces.

    In order: lower case; bracketed spans out; NFKC; marks, symbols and punctuation to spaces; lower case. A mark that
    does not compose with its letter (a matra, a Thai tone) becomes a space, too: our own recipes do without it.
    """
    text = text.lower()
    if ">" in text or "]" in text:
        text = _BRACKETS.sub("", text)
    if ")" in text:
        text = _PARENTHESES.sub("", text)
    return " ".join(unicodedata.normalize("NFKC", text).translate(_TO_SPACE).lower().split())


@functools.cache
def _normaliser(without: tuple[str, ...], numbers: bool) -> Callable[[str], str]:
    # Reading the spelling table takes tens of milliseconds: only for who scores by it.
    from whisper_normalizer.english import EnglishTextNormalizer

    normaliser = EnglishTextNormalizer()
    for word in without:
        normaliser.replacers.pop(rf"\b{word}\b", None)
    if not numbers:
        normaliser.standardize_numbers = lambda text: text
    whole: Callable[[str], str] = normaliser
    return whole


TEXT_STEPS = {
    "whisper_basic": whisper_basic,
    "whisper_english": whisper_english,
    "whisper_english_openai": whisper_english_openai,
}
PACKAGES = dict.fromkeys(("whisper_english", "whisper_english_openai"), ("whisper-normalizer",))
