"""With workers each sees its own GPU, also after a crash; `-n auto` is a worker per GPU; each worker loads few models.

No GPU is needed: `nvidia-smi` is a script, and the harness models note which devices they were shown when they loaded.
"""

import json
import os
import re
import stat

import pytest

pytestmark = pytest.mark.xdist

SPY = """
import json, os
from audiobench_pytest.models import harness
from audiobench_pytest.models.options import Option

AT_START = os.environ.get("CUDA_VISIBLE_DEVICES")

def note(what):
    line = {"worker": os.environ.get("PYTEST_XDIST_WORKER", "main"), "what": what, "at_start": AT_START,
            "device": os.environ.get("CUDA_VISIBLE_DEVICES")}
    with open("seen.jsonl", "a") as file:
        file.write(json.dumps(line) + "\\n")

harness._HarnessAdapter.load = lambda self: note(self.spec.name)
for adapter in (harness.OracleAdapter, harness.NoisyAdapter, harness.NullAdapter):
    adapter.options = {**adapter.options, "device": Option(str, "auto", "where it runs", (), False)}
"""

MIG = [f"MIG-c6d4f1ef-42e4-5de3-91c7-45d71c87eb{n:02x}" for n in range(2)]
UUIDS = [f"GPU-8932f937-d72c-4106-c12f-20bd9faed9{n:02x}" for n in range(64)]


class Machine:
    """The machine a project runs on: its GPUs, and what workers saw of them."""

    def __init__(self, project, monkeypatch):
        self.project, self._monkeypatch = project, monkeypatch
        self._calls = project.path / "nvidia-smi-calls"
        self.gpus(2)
        for name in ("CUDA_VISIBLE_DEVICES", "PYTEST_XDIST_AUTO_NUM_WORKERS", "PYTEST_XDIST_WORKER"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("PATH", str(project.path / "bin"), prepend=os.pathsep)
        conftest = project.path / "conftest.py"
        conftest.write_text(conftest.read_text() + SPY)

    def gpus(self, number):
        """Put so many GPUs into the machine."""
        lines = "".join(f"GPU {i}: NVIDIA H200 (UUID: {UUIDS[i]})\n" for i in range(number))
        program = self.project.path / "bin" / "nvidia-smi"
        program.parent.mkdir(exist_ok=True)
        program.write_text(f"#!/bin/sh\necho $PYTEST_XDIST_WORKER >> {self._calls}\ncat <<END\n{lines}END\n")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)

    @property
    def calls(self):
        """How often nvidia-smi was asked."""
        return len(self._calls.read_text().splitlines()) if self._calls.exists() else 0

    def outer(self, value):
        """Restrict the run from outside."""
        self._monkeypatch.setenv("CUDA_VISIBLE_DEVICES", value)

    def run(self, *args, clips=8, model="oracle"):
        """Run one clip per shard, with two workers unless told otherwise."""
        manifest = self.project.clips(clips)
        numbers = () if any(a.startswith(("-n", "--tx")) for a in args) else ("-n2",)
        return self.project.run(
            f"--dataset={manifest}",
            f"--model={model}",
            "--model-args=delay=0.02",
            "--audiobench-set=shard_size=1",
            *numbers,
            *args,
            inprocess=False,
        )

    def seen(self):
        """Return what the models noted."""
        return [json.loads(line) for line in (self.project.path / "seen.jsonl").read_text().splitlines()]

    def devices(self):
        """Return the devices that each worker was shown, when it started and when it loaded a model."""
        found = {}
        for line in self.seen():
            assert line["at_start"] == line["device"], "a conftest is imported before any library that looks for a GPU"
            assert found.setdefault(line["worker"], line["device"]) == line["device"]
        return found


@pytest.fixture
def machine(project, monkeypatch):
    """A machine with two GPUs, and a small project on it."""
    return Machine(project, monkeypatch)


@pytest.mark.parametrize(
    ("outer", "first", "second"),
    [(None, "0", "1"), ("2,3", "2", "3"), (",".join(UUIDS[:2]), *UUIDS[:2]), (",".join(MIG), *MIG)],
    ids=["nvidia-smi", "indices", "uuids", "mig"],
)
def test_each_worker_sees_its_own_gpu(machine, outer, first, second):
    if outer is not None:
        machine.outer(outer)
    result = machine.run()
    assert result.ret == 0
    assert machine.devices() == {"gw0": first, "gw1": second}
    assert machine.calls == (1 if outer is None else 0), "asked once, by the controller alone"
    result.stdout.fnmatch_lines(["audiobench: 2 workers, one GPU each: *"])


@pytest.mark.parametrize("outer", ["", None], ids=["hidden", "none"])
def test_without_a_gpu_nothing_is_set(machine, outer):
    if outer is None:
        machine.gpus(0)
    else:
        machine.outer(outer)
    result = machine.run()
    assert result.ret == 0
    assert set(machine.devices().values()) == {outer}
    result.stdout.no_fnmatch_line("*one GPU*")


def test_more_workers_than_gpus_share_them_in_turn(machine):
    machine.outer("5,3")
    result = machine.run("-n3", clips=12)
    assert result.ret == 0
    assert machine.devices() == {"gw0": "5", "gw1": "3", "gw2": "5"}
    result.stdout.fnmatch_lines(["audiobench: 3 workers share 2 leases of one GPU, up to 2 on each: 5 | 3 (*"])


def test_gpus_that_the_user_assigned_to_a_worker_are_kept(machine):
    result = machine.run("--dist=load", "--tx=popen", "--tx=popen//env:CUDA_VISIBLE_DEVICES=9")
    assert result.ret == 0
    assert machine.devices() == {"gw0": "0", "gw1": "9"}
    result.stdout.fnmatch_lines(["audiobench: 1 worker, one GPU each: 0 (*"])


def test_zero_gpus_per_worker_leaves_the_environment_alone(machine):
    machine.outer("2,3")
    result = machine.run("--audiobench-set=gpus_per_worker=0")
    assert result.ret == 0
    assert set(machine.devices().values()) == {"2,3"}


DYING = """
import os, time, pytest
from conftest import note

WORKER = os.environ.get("PYTEST_XDIST_WORKER")

@pytest.mark.audiobench(task="asr")
def test_asr(audiobench, audiobench_collector):
    deadline = time.monotonic() + 120
    while WORKER == "gw0" and not os.path.exists("gw4") and time.monotonic() < deadline:
        time.sleep(0.02)  # or it would do the work of those that are to come
    for outcome in audiobench.outcomes():
        audiobench_collector.check_error_rate(outcome)
    if WORKER in ("gw1", "gw2", "gw3"):
        note("died")
        os._exit(9)
    open(WORKER, "w").close()
"""


def test_the_worker_that_replaces_a_dead_one_comes_back_to_its_gpu(machine):
    (machine.project.path / "benchmarks" / "asr" / "test_asr.py").write_text(DYING)
    machine.outer("6,2,7,1")
    result = machine.run("--audiobench-set=gpus_per_worker=2", clips=16)
    assert result.ret == 1
    assert re.findall(r"replacing crashed worker (gw\d+)", result.stdout.str()) == ["gw1", "gw2", "gw3"]
    assert [line["worker"] for line in machine.seen() if line["what"] == "died"] == ["gw1", "gw2", "gw3"]
    # A GPU counted from the number in its name would put gw2 on the one that gw0 is using.
    assert machine.devices() == {"gw0": "6,2", **dict.fromkeys(("gw1", "gw2", "gw3", "gw4"), "7,1")}


WANTS_TWO = """
import dataclasses
from audiobench_pytest.catalog.loader import load_catalog

models = load_catalog().models
models._by_name["oracle"] = models._folded["oracle"] = dataclasses.replace(models.get("oracle"), gpus=2)
"""


def test_a_model_that_wants_more_gpus_than_a_lease_is_refused_and_the_advice_helps(machine):
    conftest = machine.project.path / "conftest.py"
    conftest.write_text(conftest.read_text() + WANTS_TWO)
    refused = machine.run()
    assert refused.ret == pytest.ExitCode.USAGE_ERROR
    refused.stderr.fnmatch_lines(["ERROR: model 'oracle' needs 2 GPUs, but each worker is given 1: add *"])
    assert not (machine.project.path / "seen.jsonl").exists()
    assert not list(machine.project.path.glob(".audiobench/runs/*")), "nothing is left of a run that did not begin"
    advice = re.search(r"add (--audiobench-set) (gpus_per_worker=\d)", refused.stderr.str())
    assert machine.run("-n1", *advice.groups()).ret == 0
    assert machine.devices() == {"gw0": "0,1"}


def test_auto_is_a_worker_per_gpu(machine):
    machine.gpus(3)
    result = machine.run("-nauto", clips=12)
    assert result.ret == 0
    assert machine.devices() == {"gw0": "0", "gw1": "1", "gw2": "2"}
    assert machine.calls == 1, "what -n auto counted is not counted again"


@pytest.mark.parametrize(
    ("args", "environment", "workers"),
    [
        (["--model=oracle"], {}, 64),
        (["--model=oracle", "--audiobench-set=gpus_per_worker=3"], {}, 21),
        (["--model=oracle", "--model-args=device=cuda"], {}, 64),
        (["--model=oracle"], {"CUDA_VISIBLE_DEVICES": "4,9,7"}, 3),
        (["--model=oracle", "--model-args=device=cpu"], {}, None),
        (["--model=oracle", "--audiobench-set=gpus_per_worker=0"], {}, None),
        (["--model=oracle"], {"CUDA_VISIBLE_DEVICES": ""}, None),
        (["--model=oracle"], {"PYTEST_XDIST_AUTO_NUM_WORKERS": "5"}, 5),
        (["--model=oracle", "-nlogical"], {}, None),
        ([], {}, None),
    ],
)
def test_auto_counts_leases_only_where_a_model_takes_a_gpu(machine, monkeypatch, args, environment, workers):
    from xdist.plugin import pytest_xdist_auto_num_workers

    from audiobench_pytest.models import harness

    machine.gpus(64)
    for adapter in ("OracleAdapter", "NoisyAdapter", "NullAdapter"):  # the project's conftest changes them for good
        monkeypatch.setattr(harness, adapter, type(adapter, (getattr(harness, adapter),), {}))
    monkeypatch.setattr(harness._HarnessAdapter, "load", harness._HarnessAdapter.load)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    config = machine.project.pytester.parseconfig("-nauto", *args)
    given = config.hook.pytest_xdist_auto_num_workers(config=config)
    assert given == (pytest_xdist_auto_num_workers(config) if workers is None else workers)


def test_a_wrong_model_is_told_once_under_auto(machine):
    result = machine.run("-nauto", model="oracel")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert result.stderr.str().count("unknown model 'oracel' (did you mean oracle") == 1


TOGETHER = """
import pathlib, time

def together(self):
    note(self.spec.name)
    pathlib.Path("loaded-in-" + os.environ["PYTEST_XDIST_WORKER"]).touch()
    deadline = time.monotonic() + 120
    while len(list(pathlib.Path().glob("loaded-in-*"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)

harness._HarnessAdapter.load = together
"""


def test_a_worker_loads_few_models(machine):
    conftest = machine.project.path / "conftest.py"
    conftest.write_text(conftest.read_text() + TOGETHER)  # a worker that is late would be stolen from again and again
    other = machine.project.clips(4, name="other")
    result = machine.run(f"--dataset={other}", "--model-args=delay=0.05", clips=4, model="oracle,noisy,null")
    assert result.ret == 0
    assert len(machine.project.outcomes()) == 3 * 2 * 4
    loads = {}
    for line in machine.seen():
        loads.setdefault(line["worker"], []).append(line["what"])
    # Model-major halves hold two models each, and a worker that steals may load one more. xdist's `load` makes it six,
    # and another order of the items many more.
    assert set(loads) == {"gw0", "gw1"}
    assert sum(map(len, loads.values())) <= 5, loads
