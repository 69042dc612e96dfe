"""Values of the keys of a gates file: each function returns one as it is used, or raises what is wrong with it."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable
from datetime import date, datetime
from typing import Any

from audiobench_pytest.errors import did_you_mean
from audiobench_pytest.leaderboard.gates.schema import Trade, Waiver
from audiobench_pytest.leaderboard.quantities import SPEED


class Wrong(ValueError):  # noqa: N818 - reads as what it says: `max wrong: must be a number`
    """A value that cannot be used; the message follows the key's name."""


def number(value: Any, *, least: float | None = 0.0) -> float:
    """Return a finite number.

    Args:
        value: As TOML gives it.
        least: The least there can be, or None.

    Raises:
        Wrong: It is none, or below `least`.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Wrong(f"must be a number, it is {shown(value)}")
    if not math.isfinite(value) or (least is not None and value < least):
        bound = "" if least is None else f", {least:g} or more"
        raise Wrong(f"must be a finite number{bound}; it is {value}")
    return float(value)


def amount(value: Any) -> tuple[float, bool]:
    """Return an amount, and whether it is a share: `0.3` is in the metric's unit, `"5%"` is 0.05 of the other value.

    Raises:
        Wrong: It is neither, or negative.
    """
    if isinstance(value, str):
        match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*%\s*", value)
        if match is None:
            raise Wrong(f'must be a number, or a share like "5%"; it is {shown(value)}')
        return float(match[1]) / 100.0, True
    return number(value), False


def confidence(value: Any) -> float:
    """Return a confidence.

    Raises:
        Wrong: It is not between 0.5 and 1.
    """
    given = number(value)
    if not 0.5 < given < 1.0:
        hint = f"; write {given / 100:g} for {given:g} %" if 50.0 < given < 100.0 else ""
        raise Wrong(f"must lie between 0.5 and 1, it is {given:g}{hint}")
    return given


def text(value: Any) -> str:
    """Return a text.

    Raises:
        Wrong: It is none, or empty.
    """
    if not isinstance(value, str) or not value.strip():
        raise Wrong(f"must be a text, it is {shown(value)}")
    return value.strip()


def texts(value: Any) -> list[str]:
    """Return a list of texts.

    Raises:
        Wrong: It is none.
    """
    if not isinstance(value, list):
        raise Wrong(f"must be a list of texts, it is {shown(value)}")
    return [text(one) for one in value]


def truth(value: Any) -> bool:
    """Return true or false.

    Raises:
        Wrong: It is neither.
    """
    if not isinstance(value, bool):
        raise Wrong(f"must be true or false, it is {shown(value)}")
    return value


def _count(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise Wrong(f"must be a whole number, 1 or more; it is {shown(value)}")
    return value


def _digits(value: Any) -> str:
    given = text(value).lower()
    if not re.fullmatch("[0-9a-f]{6,}", given):
        raise Wrong(f"must be at least the first 6 hexadecimal digits of a digest or revision, it is {shown(value)}")
    return given


PROMISED: dict[str, Callable[[Any], Any]] = {"samples": _count, "data": _digits, "weights": _digits}
"""What a release may promise of its cells, and how it is written."""


def waiver(value: Any) -> Waiver:
    """Return a waiver: `{until = 2026-12-31, by = "...", why = "..."}`.

    Raises:
        Wrong: It does not say until when, by whom and why.
    """
    keys = table(value, {"until", "by", "why"})
    until = keys.get("until")
    if isinstance(until, datetime) or not isinstance(until, date):
        raise Wrong('must be like {until = 2026-12-31, by = "...", why = "..."}: until is a day, without quotes')
    if len(keys) < 3:
        raise Wrong("must say until when, by whom and why")
    return Waiver(until, text(keys["by"]), text(keys["why"]))


def one_of(*words: str) -> Callable[[Any], str]:
    """Return a check that lets these words through."""

    def check(value: Any) -> str:
        if value not in words:
            hint = did_you_mean(value, words, show_all_below=0) if isinstance(value, str) else ""
            raise Wrong(f"must be {' or '.join(map(repr, words))}, it is {shown(value)}{hint}")
        return str(value)

    return check


def trade(value: Any) -> Trade:
    """Return a trade of quality for speed: `{rtfx = 2.0, allow = 1.0}`.

    Raises:
        Wrong: It does not name one kind of speed with a factor above 1, and what is allowed for it.
    """
    keys = table(value, {*SPEED, "allow"})
    speeds = [key for key in keys if key in SPEED]
    if len(speeds) != 1 or "allow" not in keys:
        raise Wrong(f"must be like {{rtfx = 2.0, allow = 1.0}}: one kind of speed ({', '.join(SPEED)}), and allow")
    factor = number(keys[speeds[0]])
    if not factor > 1.0:
        raise Wrong(f"must ask for a gain: {speeds[0]} = {factor:g} is how many times as fast, above 1")
    allow, relative = amount(keys["allow"])
    return Trade(speeds[0], factor, allow, relative)


def table(value: Any, known: set[str]) -> dict[str, Any]:
    """Return an inline table.

    Raises:
        Wrong: It is none, or has an unknown key.
    """
    if not isinstance(value, dict):
        raise Wrong(f"must be a table, it is {shown(value)}")
    for key in value:
        if key not in known:
            raise Wrong(f"has an unknown key '{key}'{did_you_mean(key, known)}")
    return value


def shown(value: Any) -> str:
    """Return a value as people know it from the file."""
    if isinstance(value, dict):
        return "a table"
    return str(value).lower() if isinstance(value, bool) else repr(value)


def header(where: Iterable[str]) -> str:
    """Return the header of a table as one writes it: `["librispeech-test-clean".wer]`."""
    return f"[{'.'.join(key if re.fullmatch('[A-Za-z0-9_-]+', key) else json.dumps(key) for key in where)}]"
