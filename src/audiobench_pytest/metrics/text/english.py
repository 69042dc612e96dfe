"""Text steps for English."""

from __future__ import annotations

import functools
from collections.abc import Callable


def whisper_english(text: str) -> str:
    """Apply Whisper's English normaliser (package `whisper-normalizer`) and squeeze spaces.

    In order: lower case; bracketed spans and the fillers hmm, mm, mhm, mmm, uh, um out; contractions and titles
    expanded; commas between digits out; marks, symbols and punctuation out, except those of numbers; number words to
    digits; British to American spelling. Source: Radford et al., "Robust Speech Recognition via
    Large-Scale Weak Supervision", appendix C.

    A text with a number of more digits than Python converts (4300; a model caught in a loop writes such) keeps its
    numbers as they are written.
    """
    try:
        normalised = _normaliser()(text)
    except (AssertionError, ValueError):
        normalised = _normaliser_without_numbers()(text)
    return " ".join(normalised.split())


@functools.cache
def _normaliser() -> Callable[[str], str]:
    # Reading the spelling table takes tens of milliseconds: only for who scores English.
    from whisper_normalizer.english import EnglishTextNormalizer

    normaliser: Callable[[str], str] = EnglishTextNormalizer()
    return normaliser


@functools.cache
def _normaliser_without_numbers() -> Callable[[str], str]:
    from whisper_normalizer.english import EnglishTextNormalizer

    normaliser = EnglishTextNormalizer()
    normaliser.standardize_numbers = lambda text: text
    whole: Callable[[str], str] = normaliser
    return whole


TEXT_STEPS = {"whisper_english": whisper_english}
PACKAGES = {"whisper_english": ("whisper-normalizer",)}
