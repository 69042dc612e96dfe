"""Modules that a person can read at one sitting, called by what they hold."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MOST_LINES = 400
SAYS_NOTHING = re.compile(r"(?:^|_)(?:utils?|helpers?|misc|common|stuff|shared|base_?utils|tools)(?:$|_)")

FILES = sorted(path for folder in ("src", "benchmarks", "tools") for path in (ROOT / folder).rglob("*.py"))


def test_there_is_something_to_check():
    assert len(FILES) > 50


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_is_short_and_named_by_what_it_holds(path):
    lines = len(path.read_text("utf-8").splitlines())
    assert lines <= MOST_LINES, f"{lines} lines: cut it where its subject changes"
    for name in (path.stem, *path.relative_to(ROOT).parts[1:-1]):
        assert not SAYS_NOTHING.search(name), f"'{name}' says nothing of what is in it"


@pytest.mark.parametrize("name", ["utils", "text_utils", "helper", "common", "misc_io"])
def test_names_that_say_nothing_are_seen(name):
    assert SAYS_NOTHING.search(name)


@pytest.mark.parametrize("name", ["commonvoice", "run_dir", "uncommon", "toolbox"])
def test_other_names_are_left_alone(name):
    assert not SAYS_NOTHING.search(name)
