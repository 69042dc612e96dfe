"""Tables for `str.translate` that are filled as characters are met."""

from __future__ import annotations

from collections.abc import Callable, Mapping


class CharacterTable(dict[int, int | str | None]):
    """What becomes of each character: another code point, a text, or None where it goes."""

    def __init__(
        self, decide: Callable[[int], int | str | None], known: Mapping[int, int | str | None] | None = None
    ) -> None:
        """Make a table.

        Args:
            decide: What becomes of a code point; asked once for each.
            known: What becomes of some, whatever `decide` would say.
        """
        super().__init__(known or {})
        self._decide = decide

    def __missing__(self, code: int) -> int | str | None:
        self[code] = self._decide(code)
        return self[code]
