"""How numbers are written for people; the files for machines keep full precision."""

from __future__ import annotations

NOTHING = "-"
"""Stands for a number that does not exist."""


def percent(value: float | None, digits: int = 2) -> str:
    """Return an error rate, given in percent, with two decimals and no sign: `6.12`."""
    return NOTHING if value is None else f"{value:.{digits}f}"


def decimals(maximum: float | None) -> int:
    """Return with how many decimals values are written of which 1 or less is the most: a correlation has three."""
    return 3 if maximum is not None and maximum <= 1 else 2


def interval(low: float | None, high: float | None, digits: int = 2) -> str:
    """Return an interval in percent as `[5.01, 7.30]`, or an empty string where there is none."""
    return "" if low is None or high is None else f"[{low:.{digits}f}, {high:.{digits}f}]"


def count(value: int | None) -> str:
    """Return a number of samples, or `?` when nobody knows it."""
    return "?" if value is None else str(value)


def significant(value: float | None, digits: int = 3) -> str:
    """Return a number with that many significant digits, never as a power of ten: `0.104`, `12.3`, `1234`."""
    if value is None:
        return NOTHING
    rounded = float(f"{value:.{digits}g}")
    exponent = int(f"{rounded:e}".partition("e")[2]) if rounded else 0
    if exponent >= digits:
        return f"{value:.0f}"
    return f"{rounded:.{digits - 1 - exponent}f}"


def seconds(value: float) -> str:
    """Return seconds with three significant digits: `0.312 s`, `41.0 s`; below a thousandth `<0.001 s`."""
    return "<0.001 s" if 0.0 < value < 0.001 else f"{significant(value)} s" if value else "0 s"


def dollars(value: float) -> str:
    """Return US dollars: `$12.30`, `$0.0042`; below a ten-thousandth `<$0.0001`."""
    if 0.0 < value < 0.0001:
        return "<$0.0001"
    return f"${value:.2f}" if value >= 1.0 or not value else f"${value:.4f}"


def hours(seconds: float) -> str:
    """Return a length of audio in hours: `0.104 h`, `12.3 h`; below a thousandth `<0.001 h`."""
    value = seconds / 3600.0
    if 0.0 < value < 0.001:
        return "<0.001 h"
    return f"{significant(value)} h" if value else "0 h"


def duration(seconds: float) -> str:
    """Return a time span: `0.05 s`, `12.3 s`, `2m05s`, `1h02m`."""
    if seconds < 0.995:
        return f"{seconds:.2f} s"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02d}s"
    minutes = round(seconds / 60.0)
    return f"{minutes // 60}h{minutes % 60:02d}m"
