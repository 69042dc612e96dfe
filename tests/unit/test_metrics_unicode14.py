"""Which characters a score knows does not depend on the Python that computes it."""

import hashlib
import unicodedata

import pytest

from audiobench_pytest.metrics.fairness.letters import decimal_digits, lower_case, marks_to_space, one_form
from audiobench_pytest.metrics.fairness.unicode14 import is_known, without_later_characters


def test_the_table_is_that_of_unicode_14():
    assigned = {code for code in range(0x20000) if unicodedata.category(chr(code)) != "Cn"}
    known = {code for code in range(0x20000) if is_known(code)}
    assert known <= assigned
    if unicodedata.unidata_version == "14.0.0":
        assert known == assigned


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("a\U0001fa77b", "a b"),  # an emoji of Unicode 15
        ("ನ\u0cf3", "ನ"),  # a mark of Unicode 15
        ("\U0001e030x", " x"),  # a letter of Unicode 15 that NFKC would rewrite
        ("字\U00031350\U0002ebf0", "字\U00031350\U0002ebf0"),  # ideographs of Unicode 15 and 15.1
        ("plain ascii", "plain ascii"),
        ("\ue000 ﻻ ǆ", "\ue000 ﻻ ǆ"),
    ],
)
def test_what_came_later_is_set_aside(text, left):
    assert without_later_characters(text) == left


def test_every_python_gives_the_same_texts():
    """A digest of each character's way through the steps; it was the same under Python 3.11, 3.12 and 3.13.

    It changes with the steps. Then it has to be the same under each supported Python again.
    """
    made = "".join(
        marks_to_space(lower_case(decimal_digits(one_form(f"a{chr(code)}b"))))
        for code in range(0x34000)
        if not 0xD800 <= code < 0xE000
    )
    assert hashlib.blake2b(made.encode(), digest_size=8).hexdigest() == "7346fed01ca24b1b"
