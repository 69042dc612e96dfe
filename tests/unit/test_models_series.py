"""Patterns of checkpoint folders."""

from __future__ import annotations

from pathlib import Path

import pytest

from audiobench_pytest.errors import UsageError
from audiobench_pytest.models.series import each


@pytest.fixture
def steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for step in (900, 1000, 50):
        (tmp_path / "ckpts" / f"step-{step}").mkdir(parents=True)
        (tmp_path / "ckpts" / f"step-{step}" / "config.json").write_text("{}")
    (tmp_path / "ckpts" / "step-log.txt").write_text("no folder")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "ckpts"


def test_folders_come_in_the_order_of_their_numbers(steps: Path) -> None:
    numbers = (50, 900, 1000)
    assert each("hf:ckpts/step-*") == [f"hf:ckpts/step-{n}" for n in numbers]
    assert each(f"hf:{steps}/step-[0-9]*@vllm") == [f"hf:{steps}/step-{n}@vllm" for n in numbers]
    assert each("run7=hf:ckpts/step-*") == [f"run7-step-{n}=hf:ckpts/step-{n}" for n in numbers]


@pytest.mark.parametrize(
    "text", ["whisper-tiny", "hf:openai/whisper-tiny@main", "hf:ckpts/step-50", "./m.py:C", "openai:a/b*"]
)
def test_what_is_no_pattern_stays_as_it_is(steps: Path, text: str) -> None:
    assert each(text) == [text]


def test_a_folder_whose_name_looks_like_a_pattern_is_itself(steps: Path) -> None:
    (steps / "step-[50]").mkdir()
    assert each("hf:ckpts/step-[50]") == ["hf:ckpts/step-[50]"]


def test_nothing_and_something_else_are_errors(steps: Path) -> None:
    with pytest.raises(UsageError, match=r"hf:ckpts/stepp-\*: no folder matches"):
        each("hf:ckpts/stepp-*")
    (steps / "step-1100").mkdir()
    with pytest.raises(UsageError, match=r"step-1100 matches and has no config\.json.*still being written"):
        each("hf:ckpts/step-*")
