"""Chinese as it is compared: one script, character by character, and one reading of a number.

A number has several readings (1500 is 一千五百 and 一五零零, 2个 is 两个): both sides are brought to one, so that
neither who writes digits nor who writes words is punished. 两 and 二 are one number.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable

from audiobench_pytest.metrics.text.chinese import chinese_numbers
from audiobench_pytest.metrics.text.cn_tn import reading

_NUMERALS = "零一二三四五六七八九"
_GROUPED = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_MINUS = re.compile(r"(?<![0-9A-Za-z.])[-−–](?=\d)|零下(?=[\d零一二三四五六七八九十])")
_CLOCK = re.compile(r"(?<![\d:])([01]?\d|2[0-4]):([0-5]\d)(?![\d:])")
_MONEY = (("$", "美元"), ("€", "欧元"), ("£", "英镑"), ("￥", "元"), ("¥", "元"))
_PRICE = {name: re.compile(rf"{re.escape(sign)}\s?(\d+(?:\.\d+)?[万亿]?)") for sign, name in _MONEY}
_PLAIN = re.compile(r"(?<![\d.])[1-9]\d{2,5}(?![\d.年]|\s?[A-Za-z])")
_SPELT_OUT = re.compile(
    r"(?<![零一二三四五六七八九十百千万亿点])[一二三四五六七八九][零一二三四五六七八九]{2,5}(?![零一二三四五六七八九十百千万亿点年])"
)
_MINUTES = re.compile(r"(点[零一二三四五六七八九十]{1,3})分(?!之)")


class _ScriptTable(dict[int, str]):
    """Turns a traditional character into the simplified one, by itself: no word is replaced by another word."""

    def __missing__(self, code: int) -> str:
        import zhconv

        char = chr(code)
        found = zhconv.convert(char, "zh-hans")
        self[code] = found if len(found) == 1 else char
        return self[code]


_SIMPLIFIED = _ScriptTable()


def simplified_characters(text: str) -> str:
    """Write traditional characters as simplified ones, one by one: 軟體 is 软体, and not the 软件 of another region."""
    return text if text.isascii() else text.translate(_SIMPLIFIED).translate(_SIMPLIFIED)


def chinese_values(text: str) -> str:
    """Read numbers, signs, clock times and prices out in one way; apply to simplified characters."""
    if _ANY_DIGIT.search(text):
        text = _GROUPED.sub("", text)
        text = _CLOCK.sub(_read_clock, text)
        for name, pattern in _PRICE.items():
            text = pattern.sub(rf"\1{name}", text)
    text = _MINUS.sub("负", text)
    text = _PLAIN.sub(lambda found: _cardinal(found[0]), text)
    text = chinese_numbers(text).replace("〇", "零").replace("两", "二")
    text = _SPELT_OUT.sub(lambda found: _cardinal("".join(str(_NUMERALS.index(c)) for c in found[0])), text)
    return _MINUTES.sub(r"\1", text)


def _read_clock(found: re.Match[str]) -> str:
    hour, minute = int(found[1]), int(found[2])
    said = "" if minute == 0 else f"零{_NUMERALS[minute]}" if minute < 10 else _cardinal(str(minute))
    return f"{_cardinal(str(hour))}点{said}"


@functools.lru_cache(4096)
def _cardinal(digits: str) -> str:
    return (reading(digits, liang=False) or "零").replace("〇", "零")


_ANY_DIGIT = re.compile(r"\d")
TEXT_STEPS: dict[str, Callable[[str], str]] = {
    "chinese_values": chinese_values,
    "simplified_characters": simplified_characters,
}
PACKAGES = {"simplified_characters": ("zhconv",)}
