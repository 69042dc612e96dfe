"""`--model NAME@WAY`: a model that is served by a program that the run starts itself, and where it cannot be."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

pytest.importorskip("httpx", reason="needs the extra 'api'")

from stand_in_server import noted, nothing_is_left, put_on_path
from waiting import until


@pytest.fixture
def served(project, tmp_path, monkeypatch):
    """Return what runs the benchmark against a stand-in; nothing of it may be left behind."""
    folder = project.path / "tiny"
    folder.mkdir()
    (folder / "config.json").write_text('{"model_type": "whisper"}')
    (folder / "model.safetensors").write_bytes(b"weights")
    notes = tmp_path / "bin" / "notes"

    def run(*args: str, fault: str = "", n: int = 12, way: str = "vllm"):
        put_on_path(tmp_path / "bin", monkeypatch, fault)
        manifest = project.clips(n)
        return project.run(f"--dataset={manifest}", f"--model=hf:{folder}@{way}", *args, inprocess=False)

    run.notes = notes
    yield run
    assert until(lambda: nothing_is_left(notes))


def test_a_server_is_started_for_the_run_and_ended_with_it(project, served):
    result = served()
    assert result.ret == 0, result.stdout.str()
    result.stdout.fnmatch_lines(["audiobench: logs of servers of tiny@vllm: *servers/1/?.log"])
    result.stdout.fnmatch_lines(["model *way *", "tiny@vllm *vllm *"])
    cell = project.cell()
    assert (cell["model"], cell["counts"]["ok"]) == ("tiny@vllm", 12)
    assert cell["model_info"]["way"] == "vllm"
    assert cell["model_info"]["server_version"] == "0.33.0"
    assert cell["evidence"]["weights"], "the checkpoint was looked at, not what answers"
    assert {o["prediction"] for o in project.outcomes()} >= {"heard 3200", "heard 3360"}
    assert served().ret == 0
    assert len(noted(served.notes)) == 1, "all is in the cache: nothing is started"
    assert served(way="sglang").ret == 0
    assert project.cell()["cached"] == 0, "another way is another model"


@pytest.mark.slow
def test_workers_share_it(project, served):
    assert served("-n2", "--audiobench-set=shard_size=4").ret == 0
    assert len(noted(served.notes)) == 1
    assert project.cell()["counts"]["ok"] == 12


@pytest.mark.slow
def test_one_that_dies_in_the_middle_costs_no_answer(project, served):
    assert served(fault="dies children").ret == 0
    assert project.cell()["model_info"]["restarts"] == 1
    assert project.cell()["counts"]["ok"] == 12


def test_one_that_does_not_start_is_a_harness_error_with_its_last_lines(project, served):
    result = served(fault="dies-at-start")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*harness error: *did not start: its process ended with status 3*log: *"])
    result.stdout.fnmatch_lines(["*CUDA out of memory*"])


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGINT], ids=lambda number: number.name)
def test_it_ends_with_a_run_that_is_ended(project, served, monkeypatch, number):
    put_on_path(served.notes.parent, monkeypatch, "hangs always children")
    manifest = project.clips(12)
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "pytest", "benchmarks/asr", f"--dataset={manifest}"),
            *(f"--model=hf:{project.path / 'tiny'}@vllm", "--model-args=slots=1"),
        ],
        cwd=project.path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": os.environ.get("PYTHONPATH", "")},
    )
    project.until_scored(3, process)
    process.send_signal(number)
    process.wait(60)
    assert until(lambda: nothing_is_left(served.notes))
    if number != signal.SIGKILL:
        assert project.cell()["counts"]["missing"] == 9


def test_a_way_that_a_model_has_not_says_which_it_has(project):
    result = project.run(f"--dataset={project.clips(2)}", "--model=whisper-tiny@sglang")
    assert result.ret == 4
    result.stderr.fnmatch_lines(
        ["*--model whisper-tiny@sglang: model 'whisper-tiny' cannot be run by 'sglang'; it can by *vllm (*"]
    )


def test_a_gpu_that_is_not_there_is_told_before_anything_is_fetched(project, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    result = project.run(f"--dataset={project.clips(2)}", "--model=whisper-large-v3@vllm", inprocess=False)
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*model 'whisper-large-v3@vllm' needs 1 GPU (*"])


def test_a_program_that_is_not_there_is_told_before_anything_loads(project, monkeypatch, tmp_path):
    folder = project.path / "tiny"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(tmp_path))
    result = project.run(f"--dataset={project.clips(2)}", f"--model=hf:{folder}@vllm")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*model 'tiny@vllm' needs the program 'vllm' (pip install 'vllm?audio?'*"])


def test_the_listing_says_how_each_model_can_be_run(project):
    done = subprocess.run(
        [sys.executable, "-m", "audiobench_pytest.cli", "list", "models", "--json"],
        capture_output=True,
        text=True,
        check=True,
    )
    (entry,) = [one for one in json.loads(done.stdout) if one["name"] == "whisper-tiny"]
    ways = {way["name"]: way for way in entry["ways"]}
    assert {"transformers", "vllm"} <= set(ways)
    assert ways["vllm"]["gpus"] == 1
    assert entry["way"] in ways
