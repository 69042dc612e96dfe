"""Whether the arguments of two calls are the same, without a judge."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping
from typing import Any


def same_arguments(given: Mapping[str, Any], expected: Mapping[str, Any]) -> bool:
    """Whether a call was given what was expected, and nothing that was not, but what is empty.

    Texts are the same whatever their case, width, white space and punctuation; a number is the same as its digits.
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
    if isinstance(value, int | float):
        return f"{value:.12g}" if math.isfinite(value) else str(value)
    text = unicodedata.normalize("NFKC", str(value)).casefold()
    number = text.strip()
    try:
        found = float(number)
    except ValueError:
        found = math.nan
    # Signs and points are what makes a number; in other texts they are punctuation.
    if math.isfinite(found) and "_" not in number:
        return f"{found:.12g}"
    kept = "".join(c for c in text if not (c.isspace() or unicodedata.category(c).startswith("P")))
    return kept or text.strip()
