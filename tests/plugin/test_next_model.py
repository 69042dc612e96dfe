"""The next model of a sweep is loaded while the last batches of the one before are answered, where memory allows."""

import json
import os
import signal
import subprocess
import sys
import threading

import pytest
from stand_in_server import noted, nothing_is_left, put_on_path
from waiting import HANGS_S, until

from audiobench_pytest.runner.asking.next_model import THREAD

MODEL = '''
import random, time
from pathlib import Path

from audiobench_pytest.models.base import ModelAdapter
from audiobench_pytest.models.options import Option
from audiobench_pytest.types import Answer

EVENTS = Path("events.txt")


def told():
    return EVENTS.read_text().splitlines() if EVENTS.exists() else []


def tell(event):
    with EVENTS.open("a") as file:
        file.write(event + "\\n")


def wait_for(event):
    deadline = time.monotonic() + 60
    while event and event not in told() and not Path(event).exists():
        assert time.monotonic() < deadline, f"'{event}' was waited for"
        time.sleep(0.01)


class Told(ModelAdapter):
    """Tells what is done with it; answers with numbers drawn at random from one seed."""

    options = {
        "waits": Option(str, "", "what has to have happened before a batch is answered", (), False),
        "at": Option(int, 6, "how many samples it has been asked by then", (), False),
        "fails": Option(str, "", "beside, or always", (), False),
        "seconds": Option(float, 0.0, "of loading", (), False),
    }
    overlaps = True
    batch_rows = 2
    asked = 0

    def identity(self):
        return self.base_identity()

    def load(self):
        tell(f"{self.spec.name} begins to load")
        beside = "first is closed" not in told()
        if self.args["fails"] == "always" or (self.args["fails"] == "beside" and beside):
            tell(f"{self.spec.name} fails")
            raise MemoryError("no room")
        time.sleep(self.args["seconds"])
        tell(f"{self.spec.name} is loaded")

    def generate(self, batch):
        random.seed(7)
        answers = []
        self.asked += len(batch)
        if self.asked == self.args["at"]:
            wait_for(self.args["waits"])
        for _ in batch:
            time.sleep(0.01)
            answers.append(Answer(f"word{random.random()}"))
        tell(f"{self.spec.name} answers")
        return answers

    def close(self):
        tell(f"{self.spec.name} is closed")
'''
FAR = '''
import os, random, time


class Far:
    """A model in a process of its own: it seeds and draws as it likes."""

    def load(self, args):
        random.seed(1)
        with open("pid.txt", "w") as file:
            file.write(f"{os.getpid()}\\n")
        with open("events.txt", "a") as file:
            file.write("far begins to load\\n")
        for _ in range(int(args["steps"])):
            random.random()
            time.sleep(0.01)

    def generate(self, batch):
        return ["far" for _ in batch]
'''
CATALOG = """
models:
  - {name: first, adapter: told, licence: none}
  - {name: second, adapter: told, licence: none, memory_gb: 0.001, loads_beside: true}
  - {name: huge, adapter: told, licence: none, memory_gb: 1000000, loads_beside: true}
  - {name: unknown, adapter: told, licence: none, loads_beside: true}
  - {name: alone, adapter: told, licence: none, memory_gb: 0.001}
  - {name: served, adapter: vllm, source: weights, licence: none, memory_gb: 0.001}
  - name: far
    adapter: isolated
    licence: none
    memory_gb: 0.001
    args: {steps: "5"}
    runtime: {kind: isolated, entry: "far.py:Far", python: running}
"""


@pytest.fixture
def sweep(project):
    """A project whose catalogue knows these models."""
    (project.path / "told_model.py").write_text(MODEL)
    (project.path / "far.py").write_text(FAR)
    lines = 'import audiobench_pytest.models.registry as r\nr.ADAPTERS["told"] = "told_model:Told"\n'
    conftest = project.path / "conftest.py"
    conftest.write_text(conftest.read_text() + lines)
    (project.path / "own" / "models").mkdir(parents=True)
    (project.path / "own" / "models" / "told.yaml").write_text(CATALOG)
    project.pytester.syspathinsert(project.path)
    return project


OPTIONS = ("--audiobench-set=catalog=own", "--audiobench-run=out")


def events(sweep):
    return (sweep.path / "events.txt").read_text().splitlines()


def cells(sweep):
    return {(cell["dataset"], cell["model"]): cell for cell in sweep.board(sweep.path / "out")["cells"]}


def receipts(sweep):
    lines = [line for f in sorted((sweep.path / "out").glob("results/*.jsonl")) for line in f.read_text().splitlines()]
    return [found for line in lines if (found := json.loads(line).get("shard"))]


def in_background():
    return [thread for thread in threading.enumerate() if thread.name == THREAD]


def test_the_next_model_is_loaded_while_the_last_cell_of_the_one_before_is_asked(sweep):
    sets = [f"--dataset={sweep.clips(6, name=name, seconds=s)}" for name, s in (("one", 0.2), ("two", 0.3))]
    args = ("--model-args=first:waits=second is loaded,at=12", "--model-args=second:seconds=0.2")
    result = sweep.run(*sets, "--model=first,second", *args, *OPTIONS)
    assert result.ret == 0, result.outlines
    seen = events(sweep)
    begins, loaded = seen.index("second begins to load"), seen.index("second is loaded")
    assert seen[:begins].count("first answers") >= 4, "three batches of the first cell, and one of the last"
    assert seen[:loaded].count("first answers") <= 5, "the last batch was answered after it"
    assert seen.index("first is closed") < seen.index("second answers")
    assert [seen.count(f"second {what}") for what in ("begins to load", "is closed")] == [1, 1]
    assert not in_background()
    # Loading took what it took; the cell had to wait for none of it.
    first, *rest = [line for line in receipts(sweep) if line["cell"]["model"] == "second" and line["ended"]]
    assert first["spent"]["load_s"] >= 0.2
    assert 0.15 < first["spent"]["load_ahead_s"] <= first["spent"]["load_s"]
    assert first["ended"] - first["started"] < 0.2
    assert first["loads"] == 1
    assert [one["spent"]["load_s"] for one in rest] == [0.0]
    speed = cells(sweep)["two", "second"]["speed"]
    assert speed["harness_s"] >= 0


@pytest.mark.xdist
def test_a_worker_of_xdist_does_so_too(sweep):
    waits = "--model-args=first:waits=second is loaded"
    manifest = sweep.clips(6)
    result = sweep.run(f"--dataset={manifest}", "--model=first,second", waits, "-n1", *OPTIONS, inprocess=False)
    assert result.ret == 0, result.outlines
    seen = events(sweep)
    assert seen[: seen.index("second is loaded")].count("first answers") in (1, 2), "of three batches"


@pytest.mark.parametrize(
    ("second", "more"),
    [
        ("second", ["--audiobench-set=load_ahead=off"]),
        ("huge", []),  # memory is said to be too small
        ("unknown", []),  # nobody says what it takes
        ("alone", []),  # it may disturb the other
    ],
)
def test_it_is_loaded_in_its_turn_where_it_may_not_be_before(sweep, second, more):
    manifest = sweep.clips(6)
    result = sweep.run(f"--dataset={manifest}", f"--model=first,{second}", *more, *OPTIONS)
    assert result.ret == 0, result.outlines
    seen = events(sweep)
    assert seen.index("first is closed") < seen.index(f"{second} begins to load")
    assert all("load_ahead_s" not in one["spent"] for one in receipts(sweep))


def test_nothing_is_loaded_that_has_nothing_to_answer(sweep):
    manifest = sweep.clips(6)
    assert sweep.run(f"--dataset={manifest}", "--model=second", *OPTIONS).ret == 0
    before = len(events(sweep))
    more = ("--audiobench-set=catalog=own", "--audiobench-run=again")
    assert sweep.run(f"--dataset={manifest}", "--model=first,second", *more).ret == 0
    assert not [event for event in events(sweep)[before:] if event.startswith("second")]


@pytest.mark.parametrize("how", ["on", "off"])
def test_a_model_that_cannot_be_loaded_fails_as_it_would_in_its_turn(sweep, how):
    args = ["--model-args=second:fails=always", f"--audiobench-set=load_ahead={how}"]
    if how == "on":
        args.append("--model-args=first:waits=second fails")
    result = sweep.run(f"--dataset={sweep.clips(6)}", "--model=first,second", *args, *OPTIONS)
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*MemoryError: no room*"])
    assert (cells(sweep)["small", "first"]["coverage"], cells(sweep)["small", "second"]["coverage"]) == (1.0, 0.0)
    seen = events(sweep)
    assert (seen.index("second fails") < seen.index("first is closed")) is (how == "on")
    assert seen[seen.index("first is closed") :].count("second fails") == 1
    assert not in_background()


def test_a_model_that_finds_no_room_beside_another_is_loaded_in_its_turn(sweep):
    args = ("--model-args=second:fails=beside", "--model-args=first:waits=second fails")
    result = sweep.run(f"--dataset={sweep.clips(6)}", "--model=first,second", *args, *OPTIONS)
    assert result.ret == 0, result.outlines
    seen = events(sweep)
    assert seen.index("second fails") < seen.index("first is closed") < seen.index("second is loaded")
    assert [cell["coverage"] for cell in cells(sweep).values()] == [1.0, 1.0]
    (one,) = [one for one in receipts(sweep) if one["cell"]["model"] == "second" and one["ended"]]
    assert "load_ahead_s" not in one["spent"]


def test_no_answer_depends_on_what_is_loaded_beside(sweep):
    texts = {}
    for how in ("on", "off"):
        waits = "--model-args=first:waits=far begins to load" if how == "on" else "--model-args=first:waits="
        places = (f"--audiobench-run=run-{how}", f"--audiobench-cache=cache-{how}")
        result = sweep.run(
            *(f"--dataset={sweep.clips(6)}", "--model=first,far", waits, "--audiobench-set=catalog=own"),
            *(f"--audiobench-set=load_ahead={how}", *places),
        )
        assert result.ret == 0, result.outlines
        seen = events(sweep)
        assert (seen.index("far begins to load") < seen.index("first is closed")) is (how == "on")
        texts[how] = {
            (one["cell"]["model"], one["sample_id"]): one["prediction"]
            for one in sweep.outcomes(sweep.path / f"run-{how}")
        }
        (sweep.path / "events.txt").unlink()
    assert texts["on"] == texts["off"]
    assert len(texts["on"]) == 12


def test_a_server_is_started_before_its_turn_and_ends_with_the_run(sweep, monkeypatch):
    pytest.importorskip("httpx", reason="needs the extra 'api'")
    notes = put_on_path(sweep.path / "programs", monkeypatch)
    (sweep.path / "weights").mkdir()
    for name in ("config.json", "model.safetensors"):
        (sweep.path / "weights" / name).write_text("{}")
    waits = f"--model-args=first:waits={notes}"
    result = sweep.run(f"--dataset={sweep.clips(6)}", "--model=first,served", waits, *OPTIONS, inprocess=False)
    assert result.ret == 0, result.outlines
    assert len(noted(notes)) == 1
    assert [cell["coverage"] for cell in cells(sweep).values()] == [1.0, 1.0]
    assert until(lambda: nothing_is_left(notes))


def lives(number):
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize(
    ("number", "status", "answers"),
    [
        (signal.SIGINT, 2, 4),
        (signal.SIGTERM, 75, 4),
        (signal.SIGKILL, -signal.SIGKILL, 4),
        (signal.SIGINT, 2, 6),  # the first model is done: the next one is waited for
    ],
)
def test_a_run_that_is_stopped_leaves_no_model_that_was_being_loaded(sweep, number, status, answers):
    manifest = sweep.clips(6)
    command = [
        *(sys.executable, "-m", "pytest", "benchmarks/asr", "-p", "no:cacheprovider", f"--dataset={manifest}"),
        *(
            "--model=first,far",
            f"--model-args=first:waits={'never' if answers < 6 else ''}",
            "--model-args=far:steps=60000",
            *OPTIONS,
        ),
    ]
    process = subprocess.Popen(
        command,
        cwd=sweep.path,
        env={**os.environ, "PYTEST_ADDOPTS": ""},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    file = sweep.path / "pid.txt"
    assert until(lambda: process.poll() is not None or (file.exists() and file.read_text().endswith("\n")))
    sweep.until_answered(answers, process)
    process.send_signal(number)
    output, _ = process.communicate(timeout=HANGS_S)
    assert process.returncode == status, output
    assert until(lambda: not lives(int(file.read_text()))), output
    assert len(sweep.cached_answers()) == answers


FAILING = """
import pytest

@pytest.mark.audiobench(task="asr")
def test_asr(audiobench, audiobench_collector):
    for number, outcome in enumerate(audiobench.outcomes()):
        audiobench_collector.check(outcome)
        if audiobench.model.name == "first" and number == 5:
            raise AssertionError("enough")
"""


def test_a_run_that_ends_at_its_first_failure_closes_what_was_loaded_for_later(sweep):
    (sweep.path / "benchmarks" / "asr" / "test_asr.py").write_text(FAILING)
    waits = "--model-args=first:waits=second is loaded"
    result = sweep.run(f"--dataset={sweep.clips(6)}", "--model=first,second", waits, "-x", *OPTIONS)
    assert result.ret == 1
    seen = events(sweep)
    assert "second answers" not in seen
    assert seen.count("second is closed") == 1
    assert not in_background()
