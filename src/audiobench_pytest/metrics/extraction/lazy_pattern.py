"""Regular expressions that cost nothing until one is used."""

from __future__ import annotations

import functools
import re
import sys
from collections.abc import Iterator


class LazyPattern:
    """A regular expression, compiled when it is first used.

    For modules with many large ones: every run imports all steps, few use them, and compiling takes milliseconds each.
    """

    def __init__(self, source: str, flags: re.RegexFlag | int = 0) -> None:
        self._source, self._flags = source, flags

    @functools.cached_property
    def _compiled(self) -> re.Pattern[str]:
        return re.compile(self._source, self._flags)

    def search(self, text: str) -> re.Match[str] | None:
        """Find the first place where the expression matches."""
        return self._compiled.search(text)

    def match(self, text: str, start: int = 0) -> re.Match[str] | None:
        """Match at an index."""
        return self._compiled.match(text, start)

    def fullmatch(self, text: str, start: int = 0) -> re.Match[str] | None:
        """Match the whole text from an index on."""
        return self._compiled.fullmatch(text, start)

    def finditer(self, text: str, start: int = 0, end: int = sys.maxsize) -> Iterator[re.Match[str]]:
        """Find all places between two indices, in order."""
        return self._compiled.finditer(text, start, end)

    def findall(self, text: str) -> list[str]:
        """Return all that matches, in order; of an expression with at most one group."""
        return self._compiled.findall(text)

    def sub(self, replacement: str, text: str) -> str:
        """Replace all places."""
        return self._compiled.sub(replacement, text)

    def split(self, text: str) -> list[str]:
        """Split at all places."""
        return self._compiled.split(text)
