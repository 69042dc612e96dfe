"""Modules that a person can read at one sitting, called by what they hold."""

import ast
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


MOST_MODULES = 12
FOLDERS = sorted({path.parent for path in FILES if "src" in path.relative_to(ROOT).parts})


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_folder_holds_a_dozen_modules_at_most(folder):
    modules = sorted(path.name for path in folder.glob("*.py") if path.name != "__init__.py")
    assert len(modules) <= MOST_MODULES, f"{len(modules)}: which rooms are inside?"


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_folder_says_in_a_sentence_or_two_what_lives_there(folder):
    told = ast.get_docstring(ast.parse((folder / "__init__.py").read_text("utf-8")))
    assert told
    assert len(told.split()) >= 4


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_does_not_repeat_the_name_of_its_folder(path):
    folder = path.parent.name.rstrip("s")
    assert not re.search(rf"(?:^|_){folder}s?(?:$|_)", path.stem) or path.name.startswith("test_")


PRIVATE = re.compile(r"\b(?:config|session|item|reporter|terminalreporter|parser|metafunc)\._[a-z]\w*|\bfrom _pytest\b")


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_private_name_of_pytest_is_used(path):
    if "plugin" in path.parts:
        assert PRIVATE.findall(path.read_text("utf-8")) == []


@pytest.mark.parametrize("text", ["config._do_configure()", "reporter._tw.write", "from _pytest.config import x"])
def test_private_names_are_seen(text):
    assert PRIVATE.search(text)


@pytest.mark.parametrize("name", ["utils", "text_utils", "helper", "common", "misc_io"])
def test_names_that_say_nothing_are_seen(name):
    assert SAYS_NOTHING.search(name)


@pytest.mark.parametrize("name", ["commonvoice", "run_dir", "uncommon", "toolbox"])
def test_other_names_are_left_alone(name):
    assert not SAYS_NOTHING.search(name)


def test_no_two_test_files_share_a_name():
    # pytest imports a test file by its bare name: of two in one process, the second cannot be collected.
    names = [path.name for path in sorted((ROOT / "tests").rglob("test_*.py"))]
    assert [name for name in sorted(set(names)) if names.count(name) > 1] == []


def test_no_two_test_files_have_one_name():
    """pytest imports them by their names alone; a benchmark that is collected beside the tests is one of them."""
    seen = {}
    for path in sorted([*(ROOT / "tests").rglob("test_*.py"), *(ROOT / "benchmarks").rglob("test_*.py")]):
        assert path.name not in seen, f"{path.relative_to(ROOT)} and {seen[path.name].relative_to(ROOT)}"
        seen[path.name] = path
