"""What a file consists of: recordings, and what is wrong with the rest."""

from __future__ import annotations

from typing import NamedTuple


class Piece(NamedTuple):
    """A recording in a file that may hold several.

    Attributes:
        start: Its first byte.
        end: The byte behind its last.
        uncounted: MPEG frames whose number nothing in it states, so that its length is guessed; else 0.
        varies: Whether these frames have several bit rates, so that the guess is wrong.
    """

    start: int
    end: int
    uncounted: int = 0
    varies: bool = False


class BrokenFileError(ValueError):
    """Bytes of a file are lost, or no part of its format; the text says where they are and what to do."""
