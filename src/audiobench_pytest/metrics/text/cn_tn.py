"""The SpeechIO Chinese normaliser (`cn_tn`) as it is, all options off: published Chinese error rates were made with it.

Numbers are read out in its order (dates, money, mobile and landline numbers, fractions, percentages, number and measure
word, digit strings, plain numbers), then each Chinese and ASCII punctuation mark becomes a space. Width, case, erhua,
fillers and script stay. Its faults are kept, since scores were made with them: numbers of zeros vanish in numbers
(1,000 is read 一 and nothing), the point of 3.1415 is lost, a reading replaces the first text that equals its number,
wherever that is, and a date or a sum of money that follows another without a character between is not seen. Our own
recipes use `chinese_numbers` instead, which has none of these.

Source: speechio/chinese_text_normalization, as copied by Kimi-Audio-Evalkit and UltraEval-Audio.
"""

from __future__ import annotations

import itertools
import re
import string
from collections.abc import Callable, Iterator

from audiobench_pytest.metrics.text.chinese import MEASURE_WORDS

_DIGITS = "零一二三四五六七八九"
_POWERS = (
    *((44, "载"), (40, "正"), (36, "涧"), (32, "沟"), (28, "穰"), (24, "秭"), (20, "垓"), (16, "京"), (12, "兆")),
    *((8, "亿"), (4, "万"), (3, "千"), (2, "百"), (1, "十")),
)
_UNITS = frozenset(name for _, name in _POWERS)
_MARKS = (
    "！？｡。＂＃＄％＆＇（）＊＋，－／：；＜＝＞＠［＼］＾＿｀｛｜｝～｟｠｢｣､、〃《》「」『』【】〔〕〖〗〘〙〚〛〜〝〞〟〰〾〿"
    "–—‘’‛“”„‟…‧﹏·〈〉" + string.punctuation
)
_TO_SPACE = str.maketrans(_MARKS, " " * len(_MARKS))


def cn_tn(text: str) -> str:
    """Read numbers out in Chinese and turn punctuation into spaces, exactly as the SpeechIO normaliser does."""
    if _ANY_DIGIT.search(text):
        text = _read_numbers(f"^{text}$")
    for before, after in _LETTERS_TWO_LETTERS.findall(text):
        text = text.replace(f"{before}二{after}", f"{before}2{after}", 1)
    return text.lstrip("^").rstrip("$").translate(_TO_SPACE)


def reading(number: str, *, liang: bool = True) -> str:
    """Read a number out: `12.5` gives 十二点五.

    Args:
        number: Digits, and a point at most.
        liang: Write a two before a unit other than ten as 两 where nothing smaller than ten thousand stands before it.
    """
    whole, _, decimals = number.partition(".")
    symbols = _positional(whole) if len(whole) > 1 else [_DIGITS[int(digit)] for digit in whole]
    if decimals:
        symbols += ["点", *_digit_string(decimals)]
    if liang:
        for i, (symbol, following) in enumerate(itertools.pairwise(list(symbols))):
            before = symbols[i - 1] if i else "万"
            if symbol == "二" and following in _UNITS and following != "十" and before in _UNITS and before != "十":
                symbols[i] = "两"
    text = "".join(symbols)
    if text.startswith("点"):
        return f"零{text}"
    return text.removeprefix("一") if text.startswith("一十") else text


def _positional(digits: str) -> list[str]:
    """Write digits with the units between them; zeros at the end, and numbers of zeros, are not written."""
    parts: list[list[str]] = []
    while len(stripped := digits.lstrip("0")) > 1:
        power, unit = next((power, unit) for power, unit in _POWERS if power < len(stripped))
        parts.append([unit, *_positional(stripped[-power:])])
        digits = digits[:-power]
    if stripped:
        parts.append([*("零" if len(digits) > 1 else ""), _DIGITS[int(stripped)]])
    return [symbol for part in reversed(parts) for symbol in part]


def _digit_string(digits: str) -> str:
    return "".join(_DIGITS[int(digit)] for digit in digits)


def _read_date(date: str) -> str:
    year, _, rest = date.rpartition("年")
    month, _, day = rest.rpartition("月")
    return (
        (f"{_digit_string(year)}年" if year else "")
        + (f"{reading(month)}月" if month else "")
        + (f"{reading(day[:-1])}{day[-1]}" if day else "")
    )


def _read_money(money: str) -> str:
    for number in _NUMBER.findall(money):
        money = money.replace(number, reading(number))
    return money


def _read_telephone(number: str) -> str:
    return "".join(_digit_string(part) for part in re.split(r"[-+\s]", number))


def _read_fraction(fraction: str) -> str:
    numerator, _, denominator = fraction.partition("/")
    return f"{reading(denominator)}分之{reading(numerator)}"


def _read_percentage(percentage: str) -> str:
    return f"百分之{reading(percentage.removesuffix('%'))}"


def _after_other(pattern: re.Pattern[str]) -> Callable[[str], Iterator[str]]:
    """Return a finder of what stands after a character that is no digit and belongs to nothing found before."""

    def found(text: str) -> Iterator[str]:
        end = 0
        while match := pattern.search(text, end + 1):
            yield match[0]
            end = match.end()

    return found


def _all(pattern: re.Pattern[str]) -> Callable[[str], list[str]]:
    return pattern.findall


# What begins with a run is tried at the run's first character only: a model caught in a loop writes long runs.
_ANY_DIGIT = re.compile(r"\d")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_LETTERS_TWO_LETTERS = re.compile("(?<![A-Za-z])([A-Za-z]+)二([A-Za-z]+)")
_MONTH = r"\d{1,2}月(?:\d{1,2}[日号])?"
_DATE = rf"(?<=\D)(?:(?:[089]\d|(?:19|20)\d\d)年(?:{_MONTH})?|{_MONTH})"
_MONEY_UNIT = "(?:千万|百万|[亿万千百元块角毛分])"
_MONEY = rf"(?<=\D)\d+(?:\.\d+)?[多余几]?{_MONEY_UNIT}(?:\d{_MONEY_UNIT}?)?"
_MEASURE = rf"(?:[{MEASURE_WORDS}]|[千毫微]克|[千分厘毫微]米)"
_READERS: tuple[tuple[Callable[[str], Iterator[str] | list[str]], Callable[[str], str]], ...] = (
    (_after_other(re.compile(_DATE)), _read_date),
    (_after_other(re.compile(_MONEY)), _read_money),
    (_all(re.compile(r"\D((?:\+?86 ?)?1(?:[38]\d|5[0-35-9]|7[678]|9[89])\d{8})\D")), _read_telephone),
    (_all(re.compile(r"\D((?:0(?:10|2[1-3]|[3-9]\d\d)-?)?[1-9]\d{6,7})\D")), _read_telephone),
    (_all(re.compile(r"(?<!\d)\d+/\d+")), _read_fraction),
    (_all(re.compile(r"(?<!\d)\d+(?:\.\d+)?%")), _read_percentage),
    (_all(re.compile(rf"(?<!\d)(\d+(?:\.\d+)?)[多余几]?(?={_MEASURE})")), reading),
    (_all(re.compile(r"\d{4,32}")), _digit_string),
    (_all(_NUMBER), reading),
)


def _read_numbers(text: str) -> str:
    for find, read in _READERS:
        if read is _read_percentage:
            text = text.replace("％", "%")
        # All are found before the first is replaced.
        for number in list(find(text)):
            text = text.replace(number, read(number), 1)
    return text


TEXT_STEPS = {"cn_tn": cn_tn}
