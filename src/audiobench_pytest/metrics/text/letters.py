"""Text steps for the letter forms of single languages: one letter, written in the one way its writers agree on.

Keyboards and old encodings offer several code points for one letter; none of these steps makes two letters one, except
`drop_nonspacing_marks`, which says so.
"""

from __future__ import annotations

import re
import unicodedata

from audiobench_pytest.metrics.character_table import CharacterTable

_PERSIAN = str.maketrans("يىك", "ییک")
_ROMANIAN = str.maketrans("şţŞŢ", "șțȘȚ")
_APOSTROPHES = "'`‘’ʻʼʽ′"
_APOSTROPHE_IN_WORD = re.compile(f"(?<=[^\\W\\d_])[{_APOSTROPHES}](?=[^\\W\\d_])")
_APOSTROPHE_AT_EDGE = re.compile("(?<![^\\W\\d_])[ʻʼʽ]|[ʻʼʽ](?![^\\W\\d_])")


_NO_MARKS = CharacterTable(lambda code: None if unicodedata.category(chr(code)) == "Mn" else code)
"""Deletes the Unicode category Mn."""


def persian_letters(text: str) -> str:
    """Write the yeh and kaf of Arabic keyboards as Persian ones, which are the same letters of Persian and Urdu."""
    return text.translate(_PERSIAN)


def romanian_letters(text: str) -> str:
    """Write s and t with cedilla, of encodings that had no others, with the comma below that Romanian has."""
    return text.translate(_ROMANIAN)


def apostrophe_as_letter(text: str) -> str:
    """Write an apostrophe between two letters as the letter U+02BC, whichever was typed; for Ukrainian, Belarusian.

    There it is part of a word's spelling (м'ята). One that stands at the edge of a word is a quotation mark: a space.
    """
    return _APOSTROPHE_IN_WORD.sub("ʼ", _APOSTROPHE_AT_EDGE.sub(" ", text))


def drop_nonspacing_marks(text: str) -> str:
    """Delete combining marks without a width of their own (category Mn): harakat and the like; apply after `nfkc`.

    This erases what some languages need (matras, Thai tones, virama): only for recipes that say so, and Arabic.
    """
    return text.translate(_NO_MARKS)


TEXT_STEPS = {
    "apostrophe_as_letter": apostrophe_as_letter,
    "drop_nonspacing_marks": drop_nonspacing_marks,
    "persian_letters": persian_letters,
    "romanian_letters": romanian_letters,
}
