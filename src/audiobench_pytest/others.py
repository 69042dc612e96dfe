"""Whom to ask when a name is unknown: who has more to offer installs itself here, and nobody below needs to know it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

_ask: Callable[[], Sequence[str]] | None = None
_told: tuple[str, ...] = ()


def install(ask: Callable[[], Sequence[str]]) -> None:
    """Let `ask` be called once, at the first name that nothing here knows; it returns what went wrong in sentences."""
    global _ask
    _ask = ask


def asked() -> bool:
    """Ask, if nobody has yet; whether there may be more now."""
    global _ask, _told
    if _ask is None:
        return False
    ask, _ask = _ask, None
    _told = tuple(ask())
    return True


def troubles() -> tuple[str, ...]:
    """Return what went wrong when they were asked, a sentence each."""
    return _told
