"""Edits of a sentence in any language: those that change nothing heard, and those that do."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from types import MappingProxyType

Edit = Callable[[str], str]

_MIDDLE_EASTERN = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")
_FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")
_DEVANAGARI = str.maketrans("0123456789", "०१२३४५६७८९")


def _after_first(mark: str) -> Edit:
    """Make the edit that puts something invisible behind the first letter (and its marks)."""

    def put(text: str) -> str:
        place = 1
        while place < len(text) and unicodedata.category(text[place])[0] == "M":
            place += 1
        return f"{text[:place]}{mark}{text[place:]}"

    return put


FREE: Mapping[str, Edit] = MappingProxyType(
    {
        "a full stop": lambda text: f"{text}.",
        "a question mark": lambda text: f"{text}?",
        "an exclamation mark of full width": lambda text: f"{text}！",
        "an ideographic full stop": lambda text: f"{text}。",
        "an ellipsis": lambda text: f"{text}...",
        "one sign of an ellipsis": lambda text: f"{text}…",
        "a dash": lambda text: f"— {text} –",
        "quotation marks": lambda text: f"“{text}”",
        "quotation marks of another place": lambda text: f"«{text}»",
        "corner brackets": lambda text: f"「{text}」",
        "a byte order mark": lambda text: f"\ufeff{text}",
        "a zero width space": _after_first("\u200b"),
        "a word joiner": _after_first("\u2060"),
        "a soft hyphen": _after_first("\u00ad"),
        "marks of direction": lambda text: f"\u200f\u202b{text}\u202c",
        "a variation selector": _after_first("\ufe0f"),
        "decomposed letters": lambda text: unicodedata.normalize("NFD", text),
        "composed letters": lambda text: unicodedata.normalize("NFC", text),
        "spaces around": lambda text: f"  {text}\n",
        "no-break spaces": lambda text: text.replace(" ", "\u00a0"),
        "ideographic spaces": lambda text: text.replace(" ", "\u3000"),
        "a line separator": lambda text: f"{text}\u2028",
        "a noise": lambda text: f"<noise> {text}",
        "a token of a model": lambda text: f"<|xx|>{text}<|endoftext|>",
        "laughter": lambda text: f"{text} [laughter]",
        "laughter in round brackets": lambda text: f"{text} (laughter)",
        "a musical note": lambda text: f"♪ {text} ♪",
        "thoughts": lambda text: f"<think>hm, what was that?</think>\n{text}",
        "an emoji": lambda text: f"{text} \U0001f600",
        "an emoji of a later Unicode": lambda text: f"{text} \U0001fa77",
    }
)
"""Edits that never cost anything."""

ADDED_FREE: Mapping[str, tuple[str, Edit]] = MappingProxyType(
    {
        "digits of full width": (" 35", lambda text: text.translate(_FULL_WIDTH)),
        "Arabic digits": (" 35", lambda text: text.translate(_MIDDLE_EASTERN)),
        "Devanagari digits": (" 35", lambda text: text.translate(_DEVANAGARI)),
        "OK for okay": (" okay", lambda text: text.replace(" okay", " OK")),
        "points of initials": (" USA", lambda text: text.replace(" USA", " U.S.A.")),
        "letters of full width": (" abc", lambda text: text.replace(" abc", " ＡＢＣ")),
        "a ligature": (" file", lambda text: text.replace(" file", " ﬁle")),
        "an acute for an apostrophe": (" it's", lambda text: text.replace("it's", "it´s")),
        "a minus of typography": (" -5", lambda text: text.replace("-5", "−5")),
    }
)
"""What is put behind a sentence, and the edit of both that costs nothing."""

ADDED_COSTS: Mapping[str, tuple[str, Edit]] = MappingProxyType(
    {
        "a sign": (" -5", lambda text: text.replace(" -5", " 5")),
        "percent": (" 5%", lambda text: text.replace("5%", "5")),
        "percent of a hundred": (" 100%", lambda text: text.replace("100%", "100")),
        "a decimal point": (" 3.5", lambda text: text.replace("3.5", "35")),
        "a fraction": (" 1/2", lambda text: text.replace("1/2", "12")),
        "a clock time": (" 12:30", lambda text: text.replace("12:30", "12:13")),
        "a currency": (" $5", lambda text: text.replace("$5", "5")),
        "another currency": (" $5", lambda text: text.replace("$5", "€5")),
        "another digit": (" 5", lambda text: text.replace(" 5", " 6")),
        "an English word": (" hello", lambda text: text.replace(" hello", "")),
        "another English word": (" hello", lambda text: text.replace(" hello", " yellow")),
    }
)
"""What is put behind a sentence, and the edit of both that costs at least one unit."""

TURKIC = frozenset({"tr", "az"})
"""Languages whose i has a dot in capitals."""


def capitals(text: str, language: str) -> str:
    """Return a text in the capitals of its language."""
    return (text.replace("i", "İ") if language in TURKIC else text).upper()
