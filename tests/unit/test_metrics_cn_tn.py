import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from naive_error_rates import cn_tn as naive_cn_tn

from audiobench_pytest.metrics.text.cn_tn import cn_tn, reading

PIECES = [
    *("年", "月", "日", "号", "元", "块", "角", "毛", "分", "亿", "万", "千", "百", "千万", "多", "余", "几", "个"),
    *("千克", "毫米", "岁", "-", "/", ".", ",", "%", "％", "+", "86", "139", "010", "021", "0512", "1999", "2000"),
    *("98", "08", "12", "5", "0", "00", "000", "2", "22", "20", "200", "2002", "1", "10", "11", "B", "二", "C"),
    *("^", "$", "我", "，", "12345678", "13800138000", "23880880", "3.5", "3.1415"),
]


@pytest.mark.parametrize(
    ("raw", "read"),
    [
        # its own examples
        ("0595-23865596或23880880。", "零五九五二三八六五五九六或二三八八零八八零 "),
        ("+86 19859213959或15659451527。", "八六一九八五九二一三九五九或一五六五九四五一五二七 "),
        ("32477/76391。", "七万六千三百九十一分之三万两千四百七十七 "),
        ("80.03%。", "百分之八十点零三 "),
        ("31520181154418。", "三一五二零一八一一五四四一八 "),
        ("1999年2月20日或09年3月15号。", "一九九九年二月二十日或零九年三月十五号 "),
        ("12块5，34.5元，20.1万", "十二块五 三十四点五元 二十点一万"),
        ("O2O或B2C。", "O2O或B2C "),
        ("有62％的概率", "有百分之六十二的概率"),
        # each kind of number
        ("2个", "二个"),
        ("200个", "两百个"),
        ("22222个", "两万两千两百二十二个"),
        ("10012个", "一万零一十二个"),
        ("2000人", "二零零零人"),
        ("12", "十二"),
        ("0.5", "零点五"),
        ("3多个", "三多个"),
        ("3千5百", "三千五百"),
        ("12:30", "十二 三十"),
        # punctuation to spaces; width, case and script stay
        ("你好，World！《红楼梦》", "你好 World  红楼梦 "),
        ("ＡＢ圖書館", "ＡＢ圖書館"),
        # its faults
        ("1,000", "一 "),
        ("00", ""),
        ("3.1415", "三 一四一五"),
        ("2983.07克或12345.60米。", "二九八三 零七克或一二三四五 六十米 "),  # 克 and 米 alone are no measure words
        ("2983.07千克", "两千九百八十三点零七千克"),
        ("5/15个", "十五分之五个"),
        ("15 1/5个", "十五 五分之一个"),
        ("O2O2O", "O2O二O"),
        ("1克和11克", "一克和十一克"),
        ("31克和1克", "三十一克和一克"),
        ("5号楼3个1", "五号楼三个一"),
        ("", ""),
        ("没有数字", "没有数字"),
    ],
)
def test_readings_are_those_of_speechio(raw: str, read: str) -> None:
    assert cn_tn(raw) == read
    assert naive_cn_tn(raw) == read


def test_a_reading_lands_on_the_first_equal_text_wherever_that_is() -> None:
    # The 1 of 1个 is found, the 1 of 21 is replaced by its reading; then the rest, 2 and 1, are read as numbers.
    assert cn_tn("21和1个") == naive_cn_tn("21和1个") == "二一和一个"


def test_it_agrees_with_a_naive_version_on_generated_texts() -> None:
    rng = random.Random(3)
    for _ in range(10_000):
        text = "".join(
            rng.choice(PIECES) if rng.random() < 0.7 else str(rng.randrange(10 ** rng.randrange(1, 14)))
            for _ in range(rng.randrange(1, 9))
        )
        assert cn_tn(text) == naive_cn_tn(text), text


@settings(derandomize=True, database=None, deadline=None)
@given(text=st.one_of(st.text(), st.text("0123456789.%/年月日元个 +-^$aB二"), st.text("٣२۵1年个/")))
def test_no_text_makes_it_raise(text: str) -> None:
    assert isinstance(cn_tn(text), str)


@settings(derandomize=True, database=None, deadline=None)
@given(value=st.integers(0, 10**44 - 1))
def test_a_reading_without_liang_is_positional(value: int) -> None:
    units = {"十": 1, "百": 2, "千": 3, "万": 4, "亿": 8, "兆": 12, "京": 16, "垓": 20, "秭": 24, "穰": 28}
    units |= {"沟": 32, "涧": 36, "正": 40}

    def parse(text: str) -> int:
        present = [unit for unit in units if unit in text]
        if not present:
            return int("".join(str("零一二三四五六七八九".index(char)) for char in text) or "0")
        unit = max(present, key=units.__getitem__)
        high, _, low = text.partition(unit)
        return (parse(high) if high else 1) * 10 ** units[unit] + parse(low)

    assert parse(reading(str(value), liang=False)) == value


def test_a_loop_of_digits_or_letters_does_not_take_long() -> None:
    for text in ("9" * 60_000 + "个", "a" * 30_000 + "1" + "b" * 30_000, "1个" * 3000):
        assert cn_tn(text)
