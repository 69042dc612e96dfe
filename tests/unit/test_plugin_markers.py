"""Names in `-m` are checked against what is registered, before pytest deselects everything in silence."""

import pytest

from audiobench_pytest.errors import UsageError
from audiobench_pytest.plugin.asked.markers import check_marker_expression, may_select, register_families

FAMILIES = {"librispeech": ["librispeech-test-clean", "librispeech-dev-clean"], "minispeech": ["minispeech"]}


class Config:
    """As much of pytest's configuration as markers need."""

    def __init__(self, expression=None):
        self.lines = ["slow: takes long", "device(serial): has a device", "skipif(condition, reason=...): skip"]
        self._expression = expression
        register_families(self, FAMILIES)

    def addinivalue_line(self, name, line):
        assert name == "markers"
        self.lines.append(line)

    def getini(self, name):
        assert name == "markers"
        return self.lines

    def getoption(self, name, default):
        assert name == "markexpr"
        return default if self._expression is None else self._expression


def check(expression):
    check_marker_expression(Config(expression), FAMILIES)


def test_families_read_well_in_markers():
    assert "librispeech: datasets librispeech-dev-clean, librispeech-test-clean" in Config().lines


@pytest.mark.parametrize(
    "expression",
    [
        None,
        "",
        "librispeech",
        "librispeech and not slow",
        "(minispeech or librispeech)and(not slow)",
        "not(slow)",
        "True or False",
        'device(serial="abc")',
        "device(serial='librispech', n=3) and slow",
        "skipif",
    ],
)
def test_what_is_registered_passes(expression):
    check(expression)


@pytest.mark.parametrize("expression", ["librispech", "not librispech", "slow or (minispeech and librispech)"])
def test_what_is_not_is_told_with_close_names_and_the_families(expression):
    words = r"unknown marker 'librispech' \(did you mean librispeech.*\); families of datasets: librispeech, minispeech"
    with pytest.raises(UsageError, match=words):
        check(expression)


@pytest.mark.parametrize("name", ["librispeech-test-clean", "minispeech-2", "LIBRISPEECH", "serial", "and_more"])
def test_near_names_are_not_taken_for_markers(name):
    with pytest.raises(UsageError, match=f"'{name}'"):
        check(name)


def test_a_dataset_is_answered_with_its_option():
    with pytest.raises(UsageError, match=r"is a dataset, not a marker: use --dataset librispeech-test-clean"):
        check("slow or librispeech-test-clean")


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("", True),
        ("librispeech", True),
        ("minispeech", False),
        ("not librispeech", False),
        ("not minispeech", True),
        ("librispeech and slow", True),
        ("minispeech and slow", False),
        ("minispeech or slow", True),
        ("not (librispeech or slow)", False),
        ("librispeech and not (", True),
        ('device(serial="1") and minispeech', False),
    ],
)
def test_what_an_expression_may_select_is_known_before_anything_is_collected(expression, expected):
    assert may_select(expression, "librispeech", {"librispeech", "minispeech"}) is expected
