"""Each language of the default error rate: what is written otherwise costs nothing, what was said otherwise costs."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiobench_pytest import cli
from audiobench_pytest.catalog.loader import load_catalog
from audiobench_pytest.errors import UnknownNameError, UsageError
from audiobench_pytest.languages import known_language
from audiobench_pytest.metrics.checking.edits import FREE
from audiobench_pytest.metrics.checking.suite import Trial, Tried, language_of_suite, suites, tried
from audiobench_pytest.metrics.item import Item
from audiobench_pytest.metrics.recipes import Recipe

WER = Recipe(load_catalog().recipes.get("wer/audiobench-pytest@2"))
STEP = Recipe(load_catalog().recipes.get("wer/step-audio2@2"))
DOCS = Path(__file__).parents[2] / "docs" / "scoring.md"


@pytest.mark.parametrize("language", suites())
@pytest.mark.parametrize("recipe", [WER, STEP], ids=lambda recipe: recipe.spec.name)
def test_every_edit_costs_what_it_should(recipe, language):
    surprises = [one for one in tried(recipe, [language]) if not one.as_expected]
    assert surprises == []


def test_every_language_with_a_rule_of_its_own_has_a_suite():
    ruled = {code for code in WER.spec.languages if len(code) == 2}
    assert ruled - {"nn"} <= suites().keys()


def test_every_language_of_the_catalogue_has_a_suite():
    assert {language_of_suite(dataset.language) for dataset in load_catalog().datasets} <= suites().keys()


@settings(deadline=None, max_examples=300, derandomize=True, database=None)
@given(st.sampled_from(sorted(suites())), st.lists(st.sampled_from(sorted(FREE)), min_size=2, max_size=5))
def test_free_edits_are_free_together(language, names):
    text = edited = suites()[language].text
    for name in names:
        edited = FREE[name](edited)
    assert WER.score(Item(text, edited, language)).numbers["errors"] == 0


@settings(deadline=None, max_examples=300, derandomize=True, database=None)
@given(st.sampled_from(sorted(suites())), st.data())
def test_one_word_wrong_is_one_error_whatever_is_free_beside_it(language, data):
    words = suites()[language].text.split()
    place = data.draw(st.integers(0, len(words) - 1))
    if len(words) < 2 or "-" in words[place] or "'" in words[place]:
        return
    wrong = [*words[:place], "qwerty", *words[place + 1 :]]
    edited = FREE[data.draw(st.sampled_from(sorted(FREE)))](" ".join(wrong))
    assert WER.score(Item(" ".join(words), edited, language)).numbers["errors"] == 1


def test_a_trial_that_costs_otherwise_is_a_surprise():
    free, costs = Trial("en", "", "a", "b", free=True, errors=0), Trial("en", "", "a", "b", free=False)
    assert [Tried(free, errors, 1).as_expected for errors in (0, 1)] == [True, False]
    assert [Tried(costs, errors, 1).as_expected for errors in (0, 1, 2)] == [False, True, True]


@pytest.mark.parametrize(
    ("name", "code"), [("Japanese", "ja"), ("zh-TW", "zh"), ("jpn", "ja"), ("apc", "ar"), ("pt_BR", "pt")]
)
def test_a_suite_is_found_by_any_name_of_its_language(name, code):
    assert language_of_suite(name) == code


@pytest.mark.parametrize(
    ("name", "tag"),
    [
        ("Mandarin Chinese", "zh"),
        ("Traditional Chinese", "zh-Hant"),
        ("Brazilian Portuguese", "pt-BR"),
        ("Norwegian Bokmål", "nb"),
        ("Myanmar", "my"),
        ("Pushto", "ps"),
        ("Valencian", "ca"),
        ("Haitian Creole", "ht"),
        ("iw", "he"),
        ("zho_Hans", "zh-Hans"),
    ],
)
def test_a_language_is_known_by_any_of_its_names(name, tag):
    assert known_language(name) == tag


@pytest.mark.parametrize("name", ["mul", "und", "zxx", "xx", "multilingual", "auto", "none", "", "zz", "en glish"])
def test_what_is_no_language_is_refused(name):
    with pytest.raises(UnknownNameError, match="unknown language"):
        WER.score(Item("a", "a", name))


def test_a_language_without_a_suite_is_refused_with_those_there_are():
    with pytest.raises(UsageError, match="no edits are known for the language 'fo'; known: en, zh"):
        language_of_suite("fo")
    with pytest.raises(UnknownNameError, match="did you mean"):
        language_of_suite("japanse")


def test_the_docs_show_what_the_suites_try(capsys):
    assert cli.main(["check", "recipe", WER.spec.name, "--markdown"]) == 0
    table = capsys.readouterr().out.strip()
    assert table in DOCS.read_text(encoding="utf-8"), "audiobench check recipe wer/audiobench-pytest@2 --markdown"


OWN = """
recipes:
  - name: wer/mine@1
    score: wer
    description: Case and points
    steps: [lower, punctuation_to_space]
"""


@pytest.fixture
def own(tmp_path):
    folder = tmp_path / "catalog" / "recipes"
    folder.mkdir(parents=True)
    (folder / "mine.yaml").write_text(OWN, encoding="utf-8")
    return str(tmp_path / "catalog")


def test_a_recipe_of_ones_own_is_checked(own, capsys):
    assert cli.main(["check", "recipe", "wer/mine@1", "--language", "German", "--catalog", own]) == 1
    out = capsys.readouterr().out
    assert "de: " in out
    assert "! costs 1 of 6, should 0  a soft hyphen: " in out
    assert "do not cost what they should" in out
    assert cli.main(["check", "recipe", "wer/mine@1", "--language", "de", "--catalog", own, "--json"]) == 1
    rows = json.loads(capsys.readouterr().out)
    assert {row["language"] for row in rows} == {"de"}
    assert next(row for row in rows if row["what"] == "an umlaut")["as_expected"]


def test_all_lists_what_is_as_it_should_be_too(capsys):
    assert cli.main(["check", "recipe", WER.spec.name, "--language", "de", "--all"]) == 0
    out = capsys.readouterr().out
    assert "costs 1 of 1, should 1  an umlaut: 'schön' / 'schon'" in out
    assert out.endswith("all as they should\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["recipe", "bleu/audiobench-pytest@2"], "is no error rate"),
        (["recipe", "wer/audiobench-pytset@2"], "did you mean wer/audiobench-pytest@2"),
        (["recipe", "wer/audiobench-pytest@2", "--language", "klingon"], "unknown language 'klingon'"),
    ],
)
def test_what_cannot_be_checked_is_said(arguments, message, capsys):
    assert cli.main(["check", *arguments]) == 4
    assert message in capsys.readouterr().err


def test_the_command_is_there():
    done = subprocess.run(
        [sys.executable, "-m", "audiobench_pytest.cli", "check", "recipe", WER.spec.name, "--language", "en"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "as they should" in done.stdout
