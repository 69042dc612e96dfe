"""Texts in the one form in which they are kept, whatever entrance they came by."""

from __future__ import annotations

import contextlib
from typing import Any


def storable(value: Any) -> Any:
    """Return plain values in the one form in which they are kept, compared and shown: without half of a surrogate pair.

    An argument that is not in the encoding of its machine arrives as such halves: it is read as the UTF-8 that it
    most likely is. Half a pair that an escape in JSON spells becomes the text of that escape.
    """
    if isinstance(value, str):
        for errors in ("strict", "surrogateescape"):
            with contextlib.suppress(UnicodeEncodeError, UnicodeDecodeError):
                return value.encode("utf-8", errors).decode()
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {storable(k): storable(v) for k, v in value.items()}
    return [storable(v) for v in value] if isinstance(value, list) else value
