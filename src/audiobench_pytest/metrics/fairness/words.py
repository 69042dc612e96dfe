"""Words of any language that are written in several ways: initials, okay, Latin words between other scripts."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

_PART = r"[^\W\d_][^\d\s.,;:!?()\"'«»„“”]{0,3}\."
_POINTED = re.compile(
    rf"(?<![^\s(\[\"'«„“¿¡—–-])(?:(?:{_PART} ?)+{_PART}|(?:{_PART})+[^\W\d_](?=[\s,;:!?)\]\"'»”—–-]|$))"
)
_OKAY = re.compile(r"(?<![a-z'])o(?:\. ?)?k(?:\.(?![a-z0-9])|(?![a-z']))")
_APOSTROPHE_IN_LATIN = re.compile("(?<=[A-Za-z])'(?=[A-Za-z])")


def short_forms(text: str) -> str:
    """Write initials without their points (`U.S.A.`, `z. B.`, `т.е.`) and `ok`, `o.k.` as `okay`; after `one_form`.

    A letter may carry marks (ए.पी.जे.). A single letter before a point is no initials, and a digit is none. An `OK` in
    capitals is left to a step that lowers the case.
    """
    if "ok" in text or "o." in text:
        text = _OKAY.sub("okay", text)
    return _POINTED.sub(_joined, text) if "." in text else text


def _joined(found: re.Match[str]) -> str:
    parts = [part.strip() for part in found[0].split(".")]
    parts = [part for part in parts if part]
    if len(parts) < 2 or not all(_is_letter(part) for part in parts):
        return found[0]
    return "".join(parts) + " " * found[0].endswith(" ")


def _is_letter(part: str) -> bool:
    # A plural doubles its letter in Spanish: EE. UU.
    return all(unicodedata.category(char)[0] == "M" for char in part[1:]) or (len(part) == 2 and part[0] == part[1])


def latin_words(text: str) -> str:
    """Drop the apostrophe inside Latin words, which are one word between Han characters; after `one_apostrophe`."""
    return _APOSTROPHE_IN_LATIN.sub("", text)


TEXT_STEPS: dict[str, Callable[[str], str]] = {"latin_words": latin_words, "short_forms": short_forms}
