"""English and Chinese numbers: digits are the words they are read as, and no two numbers are one."""

import pytest
from num2words import num2words

from audiobench_pytest.catalog.loader import load_catalog
from audiobench_pytest.metrics.item import Item
from audiobench_pytest.metrics.recipes import Recipe

WER = Recipe(load_catalog().recipes.get("wer/audiobench-pytest@2"))
DIGITS = "零一二三四五六七八九"
SOME = [*range(0, 130), *range(190, 2110, 7), 12_345, 100_000, 120_034, 3_500_000, 70_000_000, 305_000_000]


def in_chinese(number):
    """Read a number below a billion out as people say it, by a way of its own."""
    if number == 0:
        return "零"
    said = ""
    for size, name in ((10**8, "亿"), (10**4, "万"), (1, "")):
        group = number // size % 10**4
        if group:
            words = four_digits(group, inside=bool(said))
            said += ("两" if words == "二" and name else words) + name
    return said


def four_digits(group, *, inside):
    said, gap, begun = "", False, False
    for size, name in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit = group // size % 10
        if not digit:
            gap = True
            continue
        said += "零" if gap and (begun or inside) else ""
        if size == 10 and digit == 1 and not begun and not inside:
            said += "十"
        else:
            said += ("两" if digit == 2 and size >= 100 else DIGITS[digit]) + name
        gap, begun = False, True
    return said


@pytest.mark.parametrize("unit", ["", "个", "人", "米", "块", "年", "元", "岁", "号", "次", "度"])
def test_chinese_digits_are_their_words(unit):
    wrong = []
    for number in SOME:
        words, digits = f"有{in_chinese(number)}{unit}", f"有{number}{unit}"
        if WER.score(Item(words, digits, "zh")).numbers["errors"]:
            wrong.append((words, digits))
    assert wrong == []


@pytest.mark.parametrize(
    ("words", "digits"),
    [
        (lambda n: f"{num2words(n)} dogs", lambda n: f"{n} dogs"),
        (lambda n: f"{num2words(n)} dogs", lambda n: f"{n:,} dogs"),
        (lambda n: f"costs {num2words(n)} dollars now", lambda n: f"costs ${n} now"),
        (lambda n: f"by {num2words(n)} percent now", lambda n: f"by {n}% now"),
        (lambda n: f"minus {num2words(n)} degrees", lambda n: f"-{n} degrees"),
        (lambda n: f"the {num2words(n, to='ordinal')} day", lambda n: f"the {num2words(n, to='ordinal_num')} day"),
        (lambda n: f"is {num2words(n)} point five", lambda n: f"is {n}.5"),
        (lambda n: f"{num2words(n + 1)} dollars and seventy cents", lambda n: f"${n + 1}.70"),
    ],
)
def test_english_digits_are_their_words(words, digits):
    wrong = [n for n in SOME if WER.score(Item(words(n), digits(n), "en")).numbers["errors"]]
    assert wrong == []


@pytest.mark.parametrize("hour", range(1, 13))
def test_english_clock_times_are_their_words(hour):
    for minute in (10, 15, 30, 45, 59):
        said = f"at {num2words(hour)} {num2words(minute)} pm"
        assert WER.score(Item(said, f"at {hour}:{minute} pm", "en")).numbers["errors"] == 0


@pytest.mark.parametrize(
    ("language", "text"), [("zh", "有{}个人"), ("en", "i have {} dogs"), ("de", "ich habe {} Hunde")]
)
def test_no_two_numbers_are_one(language, text):
    texts = [WER.normalise(text.format(number), language) for number in range(12_000)]
    assert len(set(texts)) == len(texts)
