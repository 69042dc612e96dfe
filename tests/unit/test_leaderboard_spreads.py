"""The spread of a score over prompts: what it is of, and what is left out."""

import dataclasses
import statistics
from pathlib import Path

import msgspec
import pytest
from cell_results import cell_result
from hypothesis import given
from hypothesis import strategies as st

from audiobench_pytest.errors import UsageError
from audiobench_pytest.leaderboard.cells.variation.spreads import prompt_spreads
from audiobench_pytest.prompts.profiles import given_prompts
from audiobench_pytest.types import CellId


def asked(prompt, value, coverage=1.0):
    found = cell_result()
    head = dataclasses.replace(found.values[0], value=value)
    cell = dataclasses.replace(found.cell, prompt=prompt)
    return dataclasses.replace(found, cell=cell, values=(head, *found.values[1:]), coverage=coverage)


@given(st.lists(st.floats(0, 100), min_size=2, max_size=8))
def test_it_is_that_of_the_values(values):
    (spread,) = prompt_spreads([asked(f"p{n}", value) for n, value in enumerate(values)])
    assert (spread.values[0][1], spread.values[-1][1]) == (min(values), max(values))
    assert spread.range == max(values) - min(values)
    assert spread.deviation == pytest.approx(statistics.stdev(values), abs=1e-9)


def test_a_cell_that_is_incomplete_or_has_no_value_is_named_and_left_out():
    (spread,) = prompt_spreads([asked("a", 10.0), asked("b", 4.0, 0.5), asked("c", None), asked("d", 12.0)])
    assert (dict(spread.values), spread.lacking, spread.prompts) == ({"a": 10.0, "d": 12.0}, ("b", "c"), 4)
    (alone,) = prompt_spreads([asked("a", 10.0), asked("b", None)])
    assert (alone.range, alone.deviation) == (None, None)


def test_a_run_in_one_prompt_has_none():
    assert prompt_spreads([asked("", 10.0)]) == ()


@pytest.mark.parametrize(
    ("texts", "names"),
    [
        (["asr/en"], ["asr/en"]),
        (["asr/en, ASR/zh"], ["asr/en", "asr/zh"]),
        (["asr/en,asr/zh", "asr/en"], ["asr/en", "asr/zh"]),
        (["Write, please, what is said."], ["given-83123e00"]),
        (["{{ audio }},{{ audio }}"], ["given-f6209dda"]),
        (["听写，谢谢,快"], ["given-a761f074"]),
        (["@a.txt,@b.txt"], ["@a.txt", "@b.txt"]),
        (["@a,b.txt"], ["@a,b.txt"]),
        (
            ["@a.txt,asr/zh", "Say it.", "Say it.", "Say, say it."],
            ["@a.txt", "asr/zh", "given-98862978", "given-f915766d"],
        ),
        (["Say, say it.", "Say it. "], ["given-f915766d", "given-98862978"]),
        (["@a.txt", "@sub/a.txt"], ["@a.txt-e5365717", "@a.txt-f9e48779"]),
    ],
)
def test_which_prompts_are_meant(tmp_path: Path, texts, names):
    (tmp_path / "sub").mkdir()
    for name, words in (("a.txt", "A."), ("b.txt", "B."), ("a,b.txt", "C."), ("sub/a.txt", "D.")):
        (tmp_path / name).write_text(words)
    assert [prompt.name for prompt in given_prompts(texts, "asr", tmp_path)] == names


def test_a_wrong_name_is_told(tmp_path: Path):
    with pytest.raises(UsageError, match=r"--prompt: .*'asr/xx'"):
        given_prompts(["asr/en,asr/xx"], "asr", tmp_path)


def test_lines_and_plans_of_runs_that_knew_one_prompt_are_read():
    cell = msgspec.json.decode(b'{"dataset": "d", "model": "m", "recipe": "r"}', type=CellId)
    assert (cell, cell.prompt, cell.row, str(cell)) == (CellId("d", "m", "r"), "", "m", "d-m")
    several = dataclasses.replace(cell, prompt="asr/en")
    assert (several.row, str(several)) == ("m (asr/en)", "d-m-asr.en")
    assert msgspec.json.decode(msgspec.json.encode(several), type=CellId) == several
