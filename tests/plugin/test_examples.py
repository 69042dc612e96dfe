"""The examples and CI templates run as they stand."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

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


@pytest.mark.parametrize(
    "name", ["ci/action.yml", "ci/gitlab.yml", "examples/gate-in-ci/.github/workflows/benchmark.yml"]
)
def test_the_templates_can_be_read(name):
    assert yaml.safe_load((ROOT / name).read_text())


def test_the_benchmark_of_the_example_is_ours():
    example = ROOT / "examples" / "gate-in-ci" / "benchmarks" / "asr" / "test_asr.py"
    assert example.read_text() == (ROOT / "benchmarks" / "asr" / "test_asr.py").read_text()
