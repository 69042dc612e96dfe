"""What an error rate counts: a normalised text cut into words, characters, both, or the tokens of a tokenizer."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from audiobench_pytest.catalog.schema import language_code
from audiobench_pytest.errors import CatalogError, did_you_mean
from audiobench_pytest.languages import macro_language
from audiobench_pytest.metrics.text.tokenizers import TOKENIZERS, packages, tokenizer, tokens

UnitSplitter = Callable[[str], list[str]]

# Blocks of the script Han: iteration mark, closing mark and ideographic zero; ideographs and extension A;
# compatibility ideographs; the supplementary planes 2 and 3.
_HAN = "\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_HAN_OR_RUN = re.compile(f"[{_HAN}]|[^{_HAN}\\s]+")
_BASIC_HAN_OR_RUN = re.compile("[\u4e00-\u9fff]|[^\u4e00-\u9fff\\s]+")
# Han, kana, Thai, Lao, Burmese and Khmer: scripts that write no spaces between words.
_UNSPACED = (
    f"{_HAN}\u3040-\u30ff\u31f0-\u31ff\u0e00-\u0e7f\u0e80-\u0eff\u1000-\u109f\ua9e0-\ua9ff\uaa60-\uaa7f\u1780-\u17ff"
)
_UNSPACED_RUN = re.compile(f"([{_UNSPACED}]+)")
_SPACING_EXTENDERS = (
    "\u0e33\u0eb3"  # Thai SARA AM and Lao AM are letters by category, but part of the syllable's cluster
)


def word(text: str) -> list[str]:
    """Split at white space."""
    return text.split()


def codepoint(text: str) -> list[str]:
    """Split into code points: a mark is a unit of its own. White space is no unit."""
    return list("".join(text.split()))


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


def spaced(text: str) -> list[str]:
    """Split at white space, and a run in a script that writes no spaces into its characters.

    A clause in Chinese or Thai inside another language is as long as it is said, not one word.
    """
    if text.isascii() or _UNSPACED_RUN.search(text) is None:
        return text.split()
    units: list[str] = []
    for one in text.split():
        for position, run in enumerate(_UNSPACED_RUN.split(one)):
            units += character(run) if position % 2 else [run] if run else []
    return units


def mixed(text: str) -> list[str]:
    """Split into single Han characters and runs of anything else (Latin words, digits); white space is no unit."""
    return _HAN_OR_RUN.findall(text)


def mixed_basic(text: str) -> list[str]:
    """Split as `mixed` does, but only the block U+4E00 to U+9FFF counts as Han: the narrow reading of some sources."""
    return _BASIC_HAN_OR_RUN.findall(text)


UNITS: Mapping[str, UnitSplitter] = {
    "word": word,
    "spaced": spaced,
    "character": character,
    "codepoint": codepoint,
    "mixed": mixed,
    "mixed_basic": mixed_basic,
}
"""Splitter by the name it has in a recipe; the tokenizers of sacrebleu are units as well."""

_WORDS = frozenset({"word", "13a", "intl", "ja-mecab", "ko-mecab"})
_CHARACTERS_AND_WORDS = frozenset({"mixed", "mixed_basic", "spaced", "zh"})
_HAN_LANGUAGES = frozenset({"zh", "cmn", "wu", "ja"})


def _lower(units: list[str]) -> list[str]:
    return [one.lower() for one in units]


def _without_punctuation(units: list[str]) -> list[str]:
    return [one for one in units if one.isalnum() or not all(unicodedata.category(char)[0] == "P" for char in one)]


_AFTERWARDS: Mapping[str, Callable[[list[str]], list[str]]] = {
    "lower": _lower,
    "drop_punctuation": _without_punctuation,
}


@dataclass(frozen=True, slots=True)
class Counting:
    """What a rule's `unit` says.

    Attributes:
        unit: Name of what the headline counts, without what is done to the units afterwards.
        split: Its splitter.
        second: Name of what a second value counts (`word` of `character+word`), or "".
        split_second: Its splitter, or None.
        packages: Distributions whose version decides the units.
    """

    unit: str
    split: UnitSplitter
    second: str
    split_second: UnitSplitter | None
    packages: tuple[str, ...]

    def require(self) -> None:
        """Load the tokenizers that need more than sacrebleu.

        Raises:
            MissingExtraError: A package is not installed; the message names the extra.
            UsageError: A model file is not on this machine.
        """
        for name in (self.unit, self.second):
            if name in TOKENIZERS and TOKENIZERS[name].packages:
                tokenizer(name)

    def is_words(self, language: str) -> bool:
        """Tell whether a rate over these units is a word error rate in a language.

        Han by character and the rest by word is a character error rate where the language is written in Han.
        """
        if self.unit in _CHARACTERS_AND_WORDS:
            return macro_language(language_code(language)) not in _HAN_LANGUAGES
        return self.unit in _WORDS


@functools.lru_cache(256)
def counting(written: str) -> Counting:
    """Read a rule's `unit`: a unit, and after `+` what a second value counts.

    A unit is the name of a splitter above or of a tokenizer of sacrebleu (`13a`, `zh`, `ja-mecab`). After `:` stands
    what is done to the units then: `lower` (their case), `drop_punctuation` (units of nothing but punctuation go).
    A tokenizer's package is loaded with the first text.

    Raises:
        CatalogError: No unit has this name, or nothing can be done of this name; the message lists those there are.
    """
    first, _, second = written.partition("+")
    names = [one.partition(":")[0] for one in (first, second) if one]
    needed = dict.fromkeys(p for one in names if one in TOKENIZERS for p in ("sacrebleu", *packages(one)))
    return Counting(
        unit=first.partition(":")[0],
        split=unit(first),
        second=second.partition(":")[0],
        split_second=unit(second) if second else None,
        packages=tuple(needed),
    )


def unit(name: str) -> UnitSplitter:
    """Return the splitter of a unit; see `counting` for how it is written.

    Raises:
        CatalogError: See `counting`.
    """
    base, *options = name.split(":")
    for option in options:
        if option not in _AFTERWARDS:
            raise CatalogError(f"unit '{name}': unknown option '{option}'{did_you_mean(option, _AFTERWARDS)}")
    if base in UNITS:
        split = UNITS[base]
    elif base in TOKENIZERS:
        split = tokens(base)
    else:
        raise CatalogError(f"unknown unit '{base}'{did_you_mean(base, (*UNITS, *TOKENIZERS))}")
    if not options:
        return split
    afterwards = [_AFTERWARDS[option] for option in options]

    def split_and(text: str) -> list[str]:
        units = split(text)
        for change in afterwards:
            units = change(units)
        return units

    return split_and
