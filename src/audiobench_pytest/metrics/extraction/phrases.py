"""Finds phrases in a text as whole words; a Han character, a kana, a Hangul syllable is a word of its own."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

# Scripts that write no spaces between words, or (Hangul) particles without one: Thai to Khmer, kana, Han, Hangul.
UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff"
_SIGNS = "#♯♭%°$€£¥+"


@dataclass(frozen=True, slots=True)
class Token:
    """A word, a number or a sign, and where it stands.

    Attributes:
        text: Case-folded.
        start: Index of its first character.
        end: Index after its last character.
    """

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Found:
    """A phrase found in a text.

    Attributes:
        key: What the phrase stands for.
        start: Index of its first character.
        end: Index after its last character.
    """

    key: str
    start: int
    end: int


def tokens(text: str) -> list[Token]:
    """Split a text into words, numbers (`3.5`, `-2`) and the signs that tell options apart (`C#`, `5%`).

    All other punctuation, `_` included, is between the tokens. The text should be in Unicode form NFKC.
    """
    return [Token(m.group().casefold(), m.start(), m.end()) for m in _token_pattern().finditer(text)]


class Phrases:
    """Phrases of some keys, ready to be found.

    Args:
        phrases: Pairs of key and phrase; a phrase without a word is left out. One phrase under two keys stands for the
            first.
    """

    def __init__(self, phrases: Iterable[tuple[str, str]]) -> None:
        self._by_first: dict[str, list[tuple[tuple[str, ...], str]]] = {}
        self._keys: dict[tuple[str, ...], str] = {}
        for key, phrase in phrases:
            words = words_of(phrase)
            if words and words not in self._keys:
                self._keys[words] = key
                self._by_first.setdefault(words[0], []).append((words, key))
        for candidates in self._by_first.values():
            candidates.sort(key=lambda candidate: -len(candidate[0]))

    def exactly(self, text: str) -> str | None:
        """Return the key whose phrase the whole text is, or None."""
        return self._keys.get(words_of(text))

    def find(self, text: str) -> list[Found]:
        """Return what occurs, in order; where phrases overlap, the one that starts first, then the longer one."""
        if not self._by_first:
            return []
        found, stream = [], tokens(text)
        position = 0
        while position < len(stream):
            for words, key in self._by_first.get(stream[position].text, ()):
                after = position + len(words)
                if tuple(token.text for token in stream[position:after]) == words:
                    found.append(Found(key, stream[position].start, stream[after - 1].end))
                    position = after
                    break
            else:
                position += 1
        return found


def words_of(text: str) -> tuple[str, ...]:
    """Return the words of a phrase as they are compared: two phrases with the same words are one."""
    return tuple(token.text for token in tokens(unicodedata.normalize("NFKC", text)))


@functools.cache
def _token_pattern() -> re.Pattern[str]:
    # Combining marks are part of the word (matras, accents that have no composed form), which `\w` does not say.
    marks = "".join(_ranges(code for code in range(0x300, 0x10000) if unicodedata.category(chr(code))[0] == "M"))
    letter = rf"(?:[^\W_{UNSPACED}]|[{marks}])"
    number = rf"(?<![\w)])[-\u2212+]?\d+(?:[.,]\d+)*(?!{letter})|\d+(?:[.,]\d+)*(?!{letter})"
    return re.compile(rf"{number}|{letter}+|[{UNSPACED}][{marks}]*|[{_SIGNS}]")


def _ranges(codes: Iterable[int]) -> list[str]:
    """Write ascending code points as ranges of a character class: a class of 2,000 single ones compiles slowly."""
    ends: list[list[int]] = []
    for code in codes:
        if ends and ends[-1][1] == code - 1:
            ends[-1][1] = code
        else:
            ends.append([code, code])
    return [f"{chr(first)}-{chr(last)}" for first, last in ends]
