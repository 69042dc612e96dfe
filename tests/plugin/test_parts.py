"""`--part K/N` runs a part anywhere; `audiobench gate` merges and judges, and a missing part is red."""

import json
import re
import time

import pytest

from audiobench_pytest.cli import main
from audiobench_pytest.errors import UsageError
from audiobench_pytest.plugin.asked.parts import Part, parse_part

SAME = ("value", "low", "high", "worst", "values", "sums", "counts", "coverage", "expected", "signature", "audio_s")


def run_part(project, manifest, part, *args):
    return project.run(
        f"--dataset={manifest}",
        "--model=noisy",
        "--model-args=wer=0.4",
        f"--audiobench-run={part.replace('/', 'of')}",
        *([f"--part={part}"] if "/" in part else []),
        *args,
    )


@pytest.fixture
def thirds(project, monkeypatch):
    manifest = project.clips(20)
    assert run_part(project, manifest, "whole").ret == 0
    for k in (3, 1, 2):
        result = run_part(project, manifest, f"{k}/3")
        assert result.ret == 0
        result.stdout.fnmatch_lines([f"*part {k}/3 of the plan*"])
    monkeypatch.chdir(project.path)
    return project


def test_three_parts_merge_to_what_one_run_gives(thirds, capsys):
    assert main(["gate", "1of3", "2of3", "3of3", "--output", "merged"]) == 0
    assert "20 of 20 answered" in capsys.readouterr().out
    (merged,) = json.loads((thirds.path / "merged/leaderboard.json").read_text())["cells"]
    whole = thirds.cell(thirds.path / "whole")
    assert {k: merged[k] for k in SAME} == {k: whole[k] for k in SAME}
    sizes = [len(thirds.outcomes(thirds.path / f"{k}of3")) for k in (1, 2, 3)]
    assert sorted(sizes) == [6, 7, 7]


def test_a_part_alone_is_not_judged(thirds):
    assert {g["verdict"] for g in thirds.board(thirds.path / "1of3")["gates"]} == {"skip"}


def test_a_missing_part_is_red(thirds, capsys):
    assert main(["gate", "1of3", "3of3"]) == 1
    assert "missing" in capsys.readouterr().out


def test_gates_are_judged_on_the_whole(thirds, capsys):
    thirds.gates('["small".wer]\nmax = 1.0\n')
    assert main(["gate", "1of3", "2of3", "3of3"]) == 1
    assert "FAIL" in capsys.readouterr().out
    (thirds.path / "mild.toml").write_text('["small".wer]\nmax = 99.0\n')
    assert main(["gate", "1of3", "2of3", "3of3", "--gates", "mild.toml"]) == 0


def test_runs_of_other_plans_are_refused(thirds, capsys):
    thirds.run(f"--dataset={thirds.path / 'small/manifest.jsonl'}", "--model=oracle", "--audiobench-run=other")
    assert main(["gate", "1of3", "other"]) == 4
    assert "different plans" in capsys.readouterr().err
    assert main(["gate", "nowhere"]) == 4


@pytest.mark.xdist
def test_parts_may_use_different_numbers_of_workers(project, monkeypatch, capsys):
    manifest = project.clips(20)
    monkeypatch.chdir(project.path)
    assert run_part(project, manifest, "1/2").ret == 0
    args = ("-n2", "--audiobench-set=shard_size=3", "--part=2/2", "--audiobench-run=2of2")
    base = (f"--dataset={manifest}", "--model=noisy", "--model-args=wer=0.4")
    assert project.run(*base, *args, inprocess=False).ret == 0
    assert main(["gate", "1of2", "2of2"]) == 0
    assert "20 of 20 answered" in capsys.readouterr().out


def test_the_plan_of_a_part_tells_what_this_part_asks(project):
    """Once each part's plan told the samples, the hours and the price of the whole."""
    manifest = project.clips(20)
    asked = []
    for k in (1, 2, 3):
        result = project.run(f"--dataset={manifest}", "--model=oracle", f"--part={k}/3", "--plan")
        result.stdout.fnmatch_lines([f"*audiobench plan, part {k}/3: nothing is run*"])
        asked.append(re.search(r"1 cell, (\d+) samples, ([\d.]+) h of sound", str(result.stdout)).groups())
    assert [int(samples) for samples, _ in asked] == [7, 7, 6]
    whole = str(project.run(f"--dataset={manifest}", "--model=oracle", "--plan").stdout)
    hours = float(re.search(r"20 samples, ([\d.]+) h of sound", whole)[1])
    assert sum(float(h) for _, h in asked) == pytest.approx(hours, abs=0.02)


@pytest.mark.parametrize(
    ("text", "environment", "part"),
    [
        (None, {}, Part(0, 1)),
        ("2/3", {}, Part(1, 3)),
        (None, {"SLURM_ARRAY_TASK_ID": "4", "SLURM_ARRAY_TASK_COUNT": "4", "SLURM_ARRAY_TASK_MIN": "1"}, Part(3, 4)),
        (None, {"JOB_COMPLETION_INDEX": "0", "AUDIOBENCH_PARTS": "8"}, Part(0, 8)),
        (None, {"JOB_COMPLETION_INDEX": "0"}, Part(0, 1)),
        ("1/1", {"SLURM_ARRAY_TASK_ID": "4", "SLURM_ARRAY_TASK_COUNT": "5"}, Part(0, 1)),
    ],
)
def test_part_from_option_or_array(text, environment, part):
    assert parse_part(text, environment) == part


@pytest.mark.parametrize(
    ("text", "environment"),
    [
        ("0/3", {}),
        ("4/3", {}),
        ("third", {}),
        (None, {"SLURM_ARRAY_TASK_ID": "8", "SLURM_ARRAY_TASK_COUNT": "4"}),
        (None, {"SLURM_ARRAY_TASK_ID": "x", "SLURM_ARRAY_TASK_COUNT": "4"}),
    ],
)
def test_parts_that_make_no_sense(text, environment):
    with pytest.raises(UsageError):
        parse_part(text, environment)


def test_judging_says_of_what_and_whether_there_are_limits_at_all(project, capsys, monkeypatch):
    """Once a run judged from another folder was green, and nothing said that no limits were found."""
    assert project.run(f"--dataset={project.clips(3)}", "--model=oracle").ret == 0
    elsewhere = project.path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert main(["gate", str(project.latest)]) == 0
    told = capsys.readouterr().out
    assert "no file of limits: nothing but coverage was judged" in told
    assert f"a run of {time.strftime('%Y-')}" in told
    assert "models oracle" in told
    assert main(["gate", str(project.latest), "--require-gates"]) == 4
    assert "name one with --gates" in capsys.readouterr().err
