"""A model that answers in a thread of its own: runs that end early, and what a run says of its time."""

import json
import os
import signal
import subprocess
import sys
import threading

import pytest
from waiting import HANGS_S

MODEL = '''
import time
from audiobench_pytest.models.base import ModelAdapter
from audiobench_pytest.models.options import Option
from audiobench_pytest.types import Answer


class Slow(ModelAdapter):
    """Works in small steps, as a model that generates tokens does."""

    options = {
        "steps": Option(int, 0, "of 10 ms, per batch", (), False),
        "quick": Option(int, 0, "batches without steps before them, the warm-up among them", (), False),
    }
    asked = 0
    overlaps = True
    warm_up = True
    batch_rows = 2

    def identity(self):
        return self.base_identity()

    def load(self):
        time.sleep(0.05)

    def generate(self, batch):
        self.asked += 1
        for _ in range(self.args["steps"] if self.asked > self.args["quick"] else 0):
            time.sleep(0.01)
        return [Answer("text") for _ in batch]
'''
CATALOG = "models: [{name: slow, adapter: slow, licence: none}]\n"


@pytest.fixture
def slow(project):
    """A project whose catalogue knows the model."""
    (project.path / "slow_model.py").write_text(MODEL)
    conftest = project.path / "conftest.py"
    lines = 'import audiobench_pytest.models.registry as r\nr.ADAPTERS["slow"] = "slow_model:Slow"\n'
    conftest.write_text(conftest.read_text() + lines)
    (project.path / "own" / "models").mkdir(parents=True)
    (project.path / "own" / "models" / "slow.yaml").write_text(CATALOG)
    project.pytester.syspathinsert(project.path)
    return project


OPTIONS = ("--model=slow", "--audiobench-set=catalog=own", "--audiobench-run=out")


def command(manifest, *args):
    return [
        *(sys.executable, "-m", "pytest", "benchmarks/asr", "-p", "no:cacheprovider", f"--dataset={manifest}"),
        *OPTIONS,
        *args,
    ]


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 2), (signal.SIGTERM, 75)])
def test_a_run_that_is_told_to_stop_does_not_wait_for_the_batch(slow, number, status):
    manifest = slow.clips(12)
    environment = {**os.environ, "PYTEST_ADDOPTS": ""}
    process = subprocess.Popen(
        command(manifest, "--model-args=steps=60000,quick=3"),  # the third batch would take ten minutes
        cwd=slow.path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    slow.until_answered(4, process)
    process.send_signal(number)
    output, _ = process.communicate(timeout=HANGS_S)
    assert process.returncode == status, output
    assert "same command" in output
    before = len(slow.cached_answers())
    assert before == 4
    done = subprocess.run(
        command(manifest), cwd=slow.path, env=environment, capture_output=True, text=True, timeout=HANGS_S
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert slow.cell(slow.path / "out")["cached"] == before
    assert len(slow.cached_answers()) == 12


FAILING = """
import pytest

@pytest.mark.audiobench(task="asr")
def test_asr(audiobench, audiobench_collector):
    for outcome in audiobench.outcomes():
        audiobench_collector.check(outcome)
        raise AssertionError("enough")
"""


def test_a_benchmark_that_fails_leaves_no_model_at_work(slow):
    (slow.path / "benchmarks" / "asr" / "test_asr.py").write_text(FAILING)
    first, second = slow.clips(8, name="first"), slow.clips(8, name="second")
    (slow.path / "conftest.py").open("a").write(
        "def pytest_runtest_teardown():\n"
        "    import threading, pathlib\n"
        "    names = [t.name for t in threading.enumerate() if t.name.startswith('audiobench-model')]\n"
        "    with pathlib.Path('threads.txt').open('a') as file:\n"
        "        file.write(f'{len(names)}\\n')\n"
    )
    result = slow.run(f"--dataset={first}", f"--dataset={second}", *OPTIONS, "--model-args=steps=20")
    result.assert_outcomes(failed=4)  # two benchmarks, and the coverage of their cells
    assert (slow.path / "threads.txt").read_text().split() == ["0", "0"]
    assert [thread.name for thread in threading.enumerate() if thread.name == "audiobench-model"] == []


def test_the_time_of_a_run_is_told_by_its_parts(slow):
    manifest = slow.clips(6)
    result = slow.run(f"--dataset={manifest}", *OPTIONS, "--model-args=steps=5")
    assert result.ret == 0
    cell = slow.cell(slow.path / "out")
    speed, infer_s = cell["speed"], cell["infer_s"]
    assert speed["load_s"] >= 0.05
    assert speed["warmup_s"] >= 0.05
    assert 0.05 <= speed["latency_p50_s"] <= speed["latency_p95_s"] <= infer_s - 2 * 0.05, "of one batch of three"
    assert speed["samples_per_s"] == pytest.approx(6 / infer_s)
    parts = (speed["load_s"], speed["warmup_s"], infer_s, speed["decode_wait_s"], speed["harness_s"])
    assert min(parts) >= 0
    assert sum(parts) == pytest.approx(cell["wall_s"], abs=0.01)
    result.stdout.re_match_lines(
        [
            r"speed",
            r"  slow: .* samples/s; latency p50 .* s, p95 .* s; load .* s, warm-up .* s.*; hardware [0-9a-f]{12}",
        ]
    )
    assert "- slow: " in (slow.path / "out" / "leaderboard.md").read_text()
    again = slow.run(f"--dataset={manifest}", *OPTIONS)
    assert "warm-up" not in again.stdout.str(), "nothing was measured in this run"


def test_the_manifest_names_the_machine(slow):
    assert slow.run(f"--dataset={slow.clips(1)}", *OPTIONS).ret == 0
    machine = json.loads((slow.path / "out" / "run.json").read_text())["machine"]
    assert {"processor", "cores", "memory_gb", "system", "python"} <= machine.keys()
    assert slow.cell(slow.path / "out")["model_info"]["machine"].startswith(machine["processor"])
