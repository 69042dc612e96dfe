"""`--probe K`: K samples are asked twice, and how many answers differ is reported and can be gated."""

import pytest

FICKLE = """
import itertools
from audiobench_pytest.models import harness
from audiobench_pytest.types import Answer
asked = {}
def answer(self, request):
    times = asked[request.reference] = asked.get(request.reference, 0) + 1
    return Answer(text=request.reference + (" again" if times > 1 else ""))
harness.OracleAdapter._answer = answer
"""


def rate(project, name="flip_rate"):
    return next((value["value"] for value in project.cell()["values"] if value["name"] == name), None)


def test_a_model_that_repeats_itself_has_a_flip_rate_of_zero(project):
    result = project.run(f"--dataset={project.clips(8)}", "--model=noisy", "--probe=3")
    assert result.ret == 0
    assert (rate(project), rate(project, "score_flip_rate")) == (0.0, 0.0)
    assert len(project.cached_answers()) == 11
    assert project.cell()["expected"] == 8
    bound = "(at most 63.2 % of all, by the rule of three)"
    result.stdout.fnmatch_lines(
        [f"small-noisy: 3 samples asked twice, 0 with another answer {bound}, 0 with another score {bound}"]
    )


def test_without_the_option_nothing_is_asked_twice(project):
    project.run(f"--dataset={project.clips(8)}", "--model=noisy")
    assert rate(project) is None
    assert len(project.cached_answers()) == 8


@pytest.mark.parametrize("workers", [[], ["-n2", "--audiobench-set=shard_size=2"]])
def test_a_fickle_model_is_found_out_and_its_score_is_that_of_the_first_answers(project, workers):
    with (project.path / "conftest.py").open("a") as file:
        file.write(FICKLE)
    project.gates('["small".flip_rate]\nmax = 10\n')
    result = project.run(
        f"--dataset={project.clips(8)}", "--model=oracle", "--probe=4", "--seed=2", *workers, inprocess=False
    )
    assert result.ret == 1
    assert project.cell()["value"] == 0.0
    assert (rate(project), rate(project, "score_flip_rate")) == (100.0, 100.0)
    result.stdout.fnmatch_lines(
        ["*gate[[]small-oracle-flip_rate-max]*", "small-oracle: 4 samples asked twice, 4 with*"]
    )
    (gate,) = [g for g in project.board()["gates"] if g["metric"] == "flip_rate"]
    assert (gate["verdict"], gate["kind"], gate["value"]) == ("fail", "regression", 100.0)
    assert (project.latest / "leaderboard.csv").read_text().splitlines()[0].count("flip_rate") == 2


def test_a_gate_on_flips_of_a_run_that_was_not_probed_is_skipped(project):
    project.gates('["small".flip_rate]\nmax = 10\n')
    result = project.run(f"--dataset={project.clips(3)}", "--model=oracle", "-ra")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["SKIPPED*the run asked nothing twice (--probe K)"])


def test_the_same_probe_again_asks_nothing(project):
    manifest = project.clips(8)
    project.run(f"--dataset={manifest}", "--model=noisy", "--probe=3")
    project.run(f"--dataset={manifest}", "--model=noisy", "--probe=3")
    assert rate(project) == 0.0
    assert len(project.cached_answers()) == 11
    project.run(f"--dataset={manifest}", "--model=noisy", "--audiobench-probe=8")
    assert len(project.cached_answers()) == 16


def test_a_probe_of_nothing_is_wrong_usage(project):
    result = project.run(f"--dataset={project.clips(3)}", "--model=oracle", "--probe=0")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--probe must be a whole number, 1 or more*"])
