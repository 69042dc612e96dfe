"""Whether the arguments of two calls are the same, without a judge."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping
from typing import Any

_INTEGER = re.compile(r"[+-]?(0|[1-9]\d*)", re.ASCII)
_DECIMAL = re.compile(r"[+-]?(?:(?:0|[1-9]\d*)(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?", re.ASCII)


def same_arguments(given: Mapping[str, Any], expected: Mapping[str, Any]) -> bool:
    """Whether a call was given what was expected, and nothing that was not, but what is empty.

    Texts are the same whatever their case, width, white space and punctuation; a number is the same as its digits. What
    begins with a zero (a telephone number, a key) is a text, and digits count to the last.
    """
    said = {name: value for name, value in given.items() if value not in (None, "", [], {})}
    wanted = {name: value for name, value in expected.items() if value not in (None, "", [], {})}
    return said.keys() == wanted.keys() and all(_same(said[name], wanted[name]) for name in wanted)


def _same(given: Any, expected: Any) -> bool:
    if isinstance(expected, Mapping):
        return isinstance(given, Mapping) and same_arguments(given, expected)
    if isinstance(expected, list):
        both = isinstance(given, list) and len(given) == len(expected)
        return both and all(_same(one, other) for one, other in zip(given, expected, strict=True))
    if isinstance(given, Mapping | list):
        return False
    return _folded(given) == _folded(expected)


def _folded(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).casefold()
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return _number(value)
    text = unicodedata.normalize("NFKC", str(value)).casefold()
    number = text.strip()
    # Signs and points are what makes a number; in other texts they are punctuation.
    if _INTEGER.fullmatch(number):
        return str(int(number))
    if _DECIMAL.fullmatch(number):
        return _number(float(number))
    kept = "".join(c for c in text if not (c.isspace() or unicodedata.category(c).startswith("P")))
    return kept or text.strip()


def _number(value: float) -> str:
    """Return a number's digits: a whole one as the integer it is, else to twelve of them."""
    if not math.isfinite(value):
        return str(value)
    return str(int(value)) if value.is_integer() else f"{value:.12g}"
