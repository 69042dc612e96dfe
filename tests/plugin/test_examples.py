"""The examples and CI templates run as they stand."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from audiobench_pytest.plugin.controller import DATA_STATUS, HARNESS_STATUS
from audiobench_pytest.plugin.termination import START_AGAIN

ROOT = Path(__file__).parents[2]


@pytest.fixture
def example(tmp_path):
    return shutil.copytree(ROOT / "examples" / "gate-in-ci", tmp_path / "example")


def gate(folder, arguments, **more):
    environment = {k: v for k, v in os.environ.items() if k not in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
    return subprocess.run(
        ["bash", str(ROOT / "ci" / "gate.sh")],
        cwd=folder,
        env={
            **environment,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}",
            "BENCHMARKS": "benchmarks/asr",
            "ARGUMENTS": arguments,
            **more,
        },
        capture_output=True,
        text=True,
        timeout=120,
    )


COMMAND = "-m minispeech --model ./model.py:Echo --limit 6"


def test_the_example_is_green_and_keeps_its_report(example):
    done = gate(example, COMMAND, GITHUB_OUTPUT=str(example / "out"), GITHUB_STEP_SUMMARY=str(example / "summary.md"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert (example / "out").read_text() == "status=0\n"
    assert (example / ".audiobench" / "runs" / "latest" / "report" / "index.html").is_file()
    assert (example / "audiobench.xml").is_file()
    assert "minispeech" in (example / "summary.md").read_text()


def test_a_regression_is_red_and_told_against_the_baseline(example):
    assert gate(example, f"{COMMAND} --audiobench-run=before").returncode == 0
    worse = f"{COMMAND} --model-args=says=words-that-nobody-said-and-ever-more-of-them"
    (example / "benchmarks" / "gates.toml").write_text('limited = "judge"\n[minispeech.wer]\nmax = 90\n')
    done = gate(example, worse, BASELINE="before")
    assert done.returncode == 1, done.stdout
    table = (example / "audiobench.md").read_text()
    assert table.startswith("| data set | model | before | now |")
    assert "| minispeech | model-Echo |" in table


def test_data_that_is_missing_has_a_status_of_its_own(example):
    (example / "own").mkdir()
    (example / "own" / "manifest.jsonl").write_text(
        '{"id": "1", "audio": "gone.wav", "text": "one", "language": "en"}\n'
    )
    (example / "benchmarks" / "gates.toml").unlink()
    done = gate(example, "--dataset own/manifest.jsonl --model ./model.py:Echo")
    assert done.returncode == 11, done.stdout


ACTION = yaml.safe_load((ROOT / "ci" / "action.yml").read_text())
GITLAB = yaml.safe_load((ROOT / "ci" / "gitlab.yml").read_text())[".audiobench"]
WORKFLOW = yaml.safe_load((ROOT / "examples" / "gate-in-ci" / ".github" / "workflows" / "benchmark.yml").read_text())
PAGE = (ROOT / "docs" / "ci.md").read_text()
VARIABLE = re.compile(r"\$\{?([A-Z]+)\b")


def given_to(step):
    return set(VARIABLE.findall(step["run"]))


def test_the_action_hands_on_what_its_steps_use():
    for step in ACTION["runs"]["steps"]:
        assert step.get("shell") == "bash" or "uses" in step
        used = re.findall(r"inputs\.([a-z]+)", json.dumps(step))
        assert set(used) <= set(ACTION["inputs"])
        if "run" in step and "gate.sh" not in step["run"]:
            assert given_to(step) <= set(step["env"])
    (run,) = [step for step in ACTION["runs"]["steps"] if "gate.sh" in step.get("run", "")]
    asked = set(VARIABLE.findall((ROOT / "ci" / "gate.sh").read_text()))
    assert asked - {"GITHUB"} == set(run["env"])  # GITHUB_...: the runner's own
    assert ACTION["outputs"]["status"]["value"] == "${{ steps." + run["id"] + ".outputs.status }}"


def test_the_page_has_the_inputs_of_the_action_and_the_variables_of_the_job():
    rows = dict(re.findall(r"^\| `(\w+)` \| (?:`([^`]*)`)? *\|", PAGE, re.MULTILINE))
    assert {name: rows.get(name) for name in ACTION["inputs"]} == {
        name: one["default"] for name, one in ACTION["inputs"].items()
    }
    assert set(GITLAB["variables"]) == {name.upper() for name in ACTION["inputs"]}
    assert all(GITLAB["variables"][name.upper()] == one["default"] for name, one in ACTION["inputs"].items())


def test_examples_of_use_give_what_there_is():
    shown = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)]
    workflow, job = shown
    for one in (workflow, WORKFLOW):
        (step,) = [step for step in one["jobs"]["gate"]["steps"] if "audiobench-pytest/ci" in step.get("uses", "")]
        assert set(step["with"]) <= set(ACTION["inputs"])
    assert set(job["benchmark"]["variables"]) <= set(GITLAB["variables"])
    assert job["benchmark"]["extends"] == ".audiobench"


def test_every_exit_status_is_told_where_somebody_looks():
    statuses = {int(pytest.ExitCode.TESTS_FAILED), 4, 5, HARNESS_STATUS, DATA_STATUS, START_AGAIN}
    table = PAGE.partition("## Exit statuses")[2]
    assert statuses | {0, 2, 3} == {int(n) for n in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)}
    told = (ROOT / "examples" / "gate-in-ci" / "README.md").read_text().partition("Exit statuses:")[2]
    assert statuses | {0} == {int(n) for n in re.findall(r"\b(\d+)\b", told)}
    assert {HARNESS_STATUS, START_AGAIN} == set(GITLAB["retry"]["exit_codes"])  # what may be better the next time
    described = ACTION["outputs"]["status"]["description"]
    assert statuses - {5} <= {int(n) for n in re.findall(r"\b(\d+)\b", described)}


@pytest.mark.parametrize("gates", ["", "max = 90"], ids=["green", "red"])
def test_the_script_of_the_gitlab_job_runs(example, gates):
    install, *script = GITLAB["script"]
    assert install.startswith("python -m pip install")
    if gates:
        (example / "benchmarks" / "gates.toml").write_text(f'limited = "judge"\n[minispeech.wer]\n{gates}\n')
    variables = {**GITLAB["variables"], "BENCHMARKS": "benchmarks/asr", "ARGUMENTS": f"{COMMAND} --model-args=says=hm"}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", "\n".join(script)],  # as GitLab's runner does
        cwd=example,
        env={**os.environ, **variables, "PATH": path},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == (1 if gates else 0), done.stdout + done.stderr
    assert (example / GITLAB["artifacts"]["reports"]["junit"]).is_file()
    assert (example / ".audiobench" / "runs" / "latest" / "report" / "index.html").is_file()


def test_the_benchmark_of_the_example_is_ours():
    example = ROOT / "examples" / "gate-in-ci" / "benchmarks" / "asr" / "test_asr.py"
    assert example.read_text() == (ROOT / "benchmarks" / "asr" / "test_asr.py").read_text()
