"""Chinese as it is compared: one script, character by character, and one reading of a number.

A number has several readings (1500 is 一千五百 and 一五零零, 2个 is 两个): both sides are brought to one, so that
neither who writes digits nor who writes words is punished. 两 and 二 are one number.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable

from audiobench_pytest.metrics.character_table import CharacterTable
from audiobench_pytest.metrics.text.chinese import MEASURE_WORDS, chinese_numbers
from audiobench_pytest.metrics.text.cn_tn import reading

_NUMERALS = "零一二三四五六七八九"
_GROUPED = re.compile(r"(?<![\d.,])\d{1,3}(?:,\d{3})+(?![\d,])")
_AMOUNT = re.compile(r"(?<![\d.])(?!1[3-9]\d{9})[1-9]\d{3,8}000(?![\d.])")
_MINUS = re.compile(r"(?<![0-9A-Za-z.])[-−–](?=\d)|零下(?=[\d零一二三四五六七八九十])")
_RANGE = re.compile(
    rf"(?<![\d\-–—~.:])(\d{{1,4}}(?:\.\d+)?[万亿]?)(?:[~～]|[-–—](?=\d+(?:\.\d+)?[%{MEASURE_WORDS}岁人米度倍万亿]))(?=\d)"
)
_DATE = re.compile(r"(?<!\d)((?:19|20)\d\d)([-/.])(0?[1-9]|1[0-2])\2(0?[1-9]|[12]\d|3[01])(?!\d)")
_YEARS = re.compile(r"(?<!\d)((?:19|20)\d\d)年?[-–—~～](?=(?:19|20)\d\d年)")
_PHONE = re.compile(r"(?<![\d\-])(\d{3,4})-(\d{3,4})-(\d{4})(?![\d\-])")
_SECONDS = re.compile(r"(?<![\d:])([01]?\d|2[0-4]):([0-5]\d):([0-5]\d)(?![\d:])")
_TO = re.compile(r"(?<![\d:])(\d{1,3}):(\d)(?![\d:])")
_PERCENT = re.compile(r"(?<![\d.])(\d+(?:\.\d+)?)\s?%")
_SHORT = re.compile("([一二三四五六七八九])(百|千|万)([一二三四五六七八九])(?![零一二三四五六七八九十百千万亿点])")
_BELOW = {"百": "十", "千": "百", "万": "千"}
_CLOCK = re.compile(r"(?<![\d:])([01]?\d|2[0-4]):([0-5]\d)(?![\d:])")
_CELSIUS = re.compile("°\\s?c(?![a-z])")
_MONEY = (("$", "美元"), ("€", "欧元"), ("£", "英镑"), ("￥", "元"), ("¥", "元"))
_PRICE = {name: re.compile(rf"{re.escape(sign)}\s?(\d+(?:\.\d+)?[万亿]?)") for sign, name in _MONEY}
_PLAIN = re.compile(r"(?<![\d.])[1-9]\d{2,5}(?![\d.年]|\s?[A-Za-z])")
_SPELT_OUT = re.compile(
    r"(?<![零一二三四五六七八九十百千万亿点])[一二三四五六七八九][零一二三四五六七八九]{2,5}(?![零一二三四五六七八九十百千万亿点年])"
)
_EARLY_YEAR = re.compile(
    r"(?<![零一二三四五六七八九十百千万亿点])[一二三四五六七八九][零一二三四五六七八九]{1,2}(?=年)"
)
_COUNTED_YEAR = re.compile(
    "(?<![零一二三四五六七八九十百千万亿点])(一千九百|二千)(?:零([一二三四五六七八九])|零?([一二三四五六七八九])?(十)([一二三四五六七八九])?)?(?=年)"
)
_HALF_PAST = re.compile("(?<=[零一二三四五六七八九十]点)(?:半(?!点)|一刻|三刻)")
_PAST = {"半": "三十", "一刻": "十五", "三刻": "四十五"}
_GENERATION = re.compile("(?<![一二三四五六七八九百千万])([五六七八九])十后")
_MINUTES = re.compile(r"(点[零一二三四五六七八九十]{1,3})分(?!之)")


_VARIANTS = str.maketrans("祇衹著碁邨濬翺賸吿", "只只着棋村浚翱剩告")


def _simplified(code: int) -> str:
    """Turn a traditional character into the simplified one, by itself: no word is replaced by another word."""
    import zhconv

    char = chr(code)
    found = str(zhconv.convert(char, "zh-hans"))
    return found if len(found) == 1 else char


_SIMPLIFIED = CharacterTable(_simplified)


def simplified_characters(text: str) -> str:
    """Write traditional characters as simplified ones, one by one: 軟體 is 软体, and not the 软件 of another region."""
    if text.isascii():
        return text
    return text.translate(_SIMPLIFIED).translate(_SIMPLIFIED).translate(_VARIANTS).replace("甚么", "什么")


def chinese_values(text: str) -> str:
    """Read numbers, signs, clock times and prices out in one way; apply to simplified characters."""
    if _ANY_DIGIT.search(text):
        text = _DATE.sub(lambda found: f"{found[1]}年{int(found[3])}月{int(found[4])}日", text)
        text = _RANGE.sub(r"\1到", _YEARS.sub(r"\1到", text))
        text = _GROUPED.sub(lambda found: _amount(found[0].replace(",", "")), text)
        text = _AMOUNT.sub(lambda found: _cardinal(found[0]), text)
        text = _PHONE.sub(r"\1\2\3", text)
        text = _SECONDS.sub(lambda found: f"{_read_clock(found)}分{_cardinal(str(int(found[3])))}秒", text)
        text = _TO.sub(r"\1比\2", _CLOCK.sub(_read_clock, text))
        for name, pattern in _PRICE.items():
            text = pattern.sub(rf"\1{name}", text)
    text = _CELSIUS.sub("摄氏度", _MINUS.sub("负", text))
    text = _PERCENT.sub(r"百分之\1", text).replace("百分之百", "百分之一百")
    text = _PLAIN.sub(lambda found: _cardinal(found[0]), text)
    text = chinese_numbers(text).replace("〇", "零").replace("两", "二")
    text = _SPELT_OUT.sub(_counted, _EARLY_YEAR.sub(_counted, text))
    text = _SHORT.sub(lambda found: f"{found[0]}{_BELOW[found[2]]}", text)
    text = _COUNTED_YEAR.sub(_as_year, text)
    text = _HALF_PAST.sub(lambda found: _PAST[found[0]], _MINUTES.sub(r"\1", text))
    return _GENERATION.sub(r"\1零后", text)


def _counted(found: re.Match[str]) -> str:
    return _cardinal("".join(str(_NUMERALS.index(char)) for char in found[0]))


def _as_year(found: re.Match[str]) -> str:
    """Return a count of years that may be a year (二千零五) as the year, 二零零五: 2005年 is read either way."""
    century = "一九" if found[1].startswith("一") else "二零"
    tens = (found[3] or "一") if found[4] else "零"
    return f"{century}{tens}{found[2] or found[5] or '零'}"


def _amount(digits: str) -> str:
    return _cardinal(digits) if digits[0] != "0" else digits


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
