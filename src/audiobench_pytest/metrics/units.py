"""What an error rate counts: a normalised text cut into words, characters, or both."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping

from audiobench_pytest.errors import CatalogError, did_you_mean

UnitSplitter = Callable[[str], list[str]]

# Blocks of the script Han: iteration mark, closing mark and ideographic zero; ideographs and extension A;
# compatibility ideographs; the supplementary planes 2 and 3.
_HAN = "\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_HAN_OR_RUN = re.compile(f"[{_HAN}]|[^{_HAN}\\s]+")
_SPACING_EXTENDERS = (
    "\u0e33\u0eb3"  # Thai SARA AM and Lao AM are letters by category, but part of the syllable's cluster
)


def word(text: str) -> list[str]:
    """Split at white space."""
    return text.split()


def character(text: str) -> list[str]:
    """Split into what a reader takes for one character: a letter with its marks. White space is no unit.

    For composed text in Latin, Arabic, Thai, Lao, kana, Han and Hangul these are the grapheme clusters of Unicode
    Standard Annex 29. Consonants of a conjunct (Khmer, Devanagari) stay apart: releases of the annex differ on
    them, and a score must not change with the version of a library.
    """
    if text.isascii():
        return list("".join(text.split()))
    units: list[str] = []
    for run in text.split():
        start = len(units)
        for char in run:
            if len(units) > start and (unicodedata.category(char)[0] == "M" or char in _SPACING_EXTENDERS):
                units[-1] += char
            else:
                units.append(char)
    return units


def mixed(text: str) -> list[str]:
    """Split into single Han characters and runs of anything else (Latin words, digits); white space is no unit."""
    return _HAN_OR_RUN.findall(text)


UNITS: Mapping[str, UnitSplitter] = {"word": word, "character": character, "mixed": mixed}
"""Splitter by the name it has in a recipe."""


def unit(name: str) -> UnitSplitter:
    """Return the splitter of a unit.

    Raises:
        CatalogError: No unit has this name; the message lists those there are.
    """
    if name not in UNITS:
        raise CatalogError(f"unknown unit '{name}'{did_you_mean(name, UNITS)}")
    return UNITS[name]
