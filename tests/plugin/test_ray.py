"""On Ray: the same records, numbers, gates and status as in one process; an actor that is killed is made up for."""

import json
import os
import signal
import subprocess
import sys
from importlib.util import find_spec

import pytest
from waiting import HANGS_S

needs_ray = pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed: pip install -e '.[ray]'")

SAME = ("value", "low", "high", "worst", "values", "sums", "counts", "coverage", "expected", "signature", "audio_s")

ACTORS = ("--engine=ray", "--audiobench-set=ray_actors=2", "-p", "no:hypothesispytest")

KILLED_ONCE = """
import contextlib, os, signal, pytest

@pytest.mark.audiobench(task="asr")
def test_asr(audiobench, audiobench_collector, prepared):
    assert prepared == "by the controller"
    for i, outcome in enumerate(audiobench.outcomes()):
        audiobench_collector.check_error_rate(outcome)
        if i == 2:
            with contextlib.suppress(FileExistsError):  # the one actor that makes the file dies
                open("died", "x").close()
                os.kill(os.getpid(), signal.SIGKILL)
"""

FIXTURE = """
import os

class Prepares:
    def pytest_configure_node(self, node):
        node.workerinput["prepared"] = "by the controller"

def pytest_configure(config):
    if config.pluginmanager.hasplugin("xdist"):
        config.pluginmanager.register(Prepares())

@__import__("pytest").fixture(scope="session")
def prepared(request):
    open(f"set-up-{os.getpid()}", "x").close()
    yield getattr(request.config, "workerinput", {}).get("prepared", "by the controller")
    open(f"torn-down-{os.getpid()}", "x").close()
"""


@pytest.fixture(autouse=True)
def _short_paths(monkeypatch):
    """Sockets have short names only, and nobody else's cluster is used."""
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


def arguments(manifest, *more):
    return [f"--dataset={manifest}", "--model=noisy", "--model-args=wer=0.4", *more]


def records(project, run):
    """Return the newest word on each sample."""
    return {o["sample_id"]: (o["state"], o["prediction"], o["score"]) for o in project.outcomes(project.path / run)}


def actors_of(project, run):
    return {path.name.split("-")[1] for path in (project.path / run / "results").glob("*.jsonl")}


@needs_ray
@pytest.mark.slow
def test_an_actor_killed_in_the_middle_changes_neither_records_nor_verdict(project, request):
    manifest = project.clips(24)
    project.gates('["small".wer]\nmax = 1.0\n')
    conftest = project.path / "conftest.py"
    conftest.write_text(conftest.read_text() + FIXTURE)
    test = project.path / "benchmarks" / "asr" / "test_asr.py"
    alone = project.run(*arguments(manifest, "--audiobench-run=alone", "--audiobench-cache=one"), inprocess=False)
    test.write_text(KILLED_ONCE)
    more = ["--audiobench-run=ray", "--audiobench-cache=two", "--audiobench-set=shard_size=6", "--batch-size=1"]
    more += ["--model-args=delay=0.05", "--junitxml=junit.xml", "-v"]
    shared = project.run(*arguments(manifest, *more, *ACTORS), inprocess=False)
    assert alone.ret == shared.ret == 1, "the gate is missed in both"
    shared.assert_outcomes(passed=5, failed=1)
    shared.stdout.fnmatch_lines(["*test_asr[[]small-noisy-0?of04] PASSED*"])

    assert (project.path / "died").exists()
    assert actors_of(project, "ray") == {"ray0", "ray1"}
    a, b = project.cell(project.path / "alone"), project.cell(project.path / "ray")
    assert {k: a[k] for k in SAME} == {k: b[k] for k in SAME}
    assert records(project, "alone") == records(project, "ray")
    verdicts = [project.board(project.path / run)["gates"] for run in ("alone", "ray")]
    assert verdicts[0] == verdicts[1]
    asked = [o["sample_id"] for o in project.outcomes(project.path / "ray") if not o.get("cached")]
    assert len(asked) == len(set(asked)) == 24, "what the dead actor had answered was not asked again"

    # Three processes have run items; the killed one could not tear its fixture down.
    assert len(list(project.path.glob("set-up-*"))) == 3
    assert len(list(project.path.glob("torn-down-*"))) == 2
    assert 'name="test_asr[small-noisy-01of04]"' in (project.path / "junit.xml").read_text()


ALWAYS_KILLED = """
import os, signal, pytest

@pytest.mark.audiobench(task="asr")
def test_asr(audiobench, audiobench_collector):
    for outcome in audiobench.outcomes():
        if outcome.sample_id == "clip-0001":
            with open("tries", "a") as file:
                file.write("x")
            os.kill(os.getpid(), signal.SIGKILL)
        audiobench_collector.check_error_rate(outcome)

def test_that_fails():
    print("shown with the failure")
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "none of them"
"""


@needs_ray
@pytest.mark.slow
def test_what_kills_every_actor_fails_alone_and_each_sees_its_own_gpu(project, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,7")  # nobody looks for them but Ray, which believes it
    conftest = project.path / "conftest.py"
    conftest.write_text(
        conftest.read_text()
        + "from audiobench_pytest.models import harness\nfrom audiobench_pytest.models.options import Option\n"
        "harness.NoisyAdapter.options = "
        "{**harness.NoisyAdapter.options, 'device': Option(str, 'auto', 'where it runs', (), False)}\n"
    )
    (project.path / "benchmarks" / "asr" / "test_asr.py").write_text(ALWAYS_KILLED)
    manifest = project.clips(8)
    args = arguments(manifest, "--audiobench-set=shard_size=2", "--model-args=delay=0.2", "--audiobench-run=out")
    result = project.run(*args, "--engine=ray", "-p", "no:hypothesispytest", inprocess=False)
    assert result.ret == 1
    assert (project.path / "tries").read_text() == "xxx"
    result.stdout.fnmatch_lines(["*its Ray actor died 3 times*"])
    result.stdout.fnmatch_lines(["*none of them*", "*shown with the failure*"])
    cell = project.cell(project.path / "out")
    assert (cell["counts"]["ok"], cell["counts"]["missing"]) == (7, 1), "its shard of two had collected one"
    lines = [json.loads(x) for f in project.path.glob("out/results/*") for x in f.read_text().splitlines()]
    assert {x["shard"]["model"]["CUDA_VISIBLE_DEVICES"] for x in lines if x.get("shard")} == {"4", "7"}


@needs_ray
@pytest.mark.slow
def test_sigterm_ends_the_cluster_and_says_start_me_again(project):
    manifest = project.clips(30)
    # What is left would take 40 s, longer than a batch system waits.
    more = ["--model-args=delay=3", "--batch-size=1", "--audiobench-set=shard_size=5", "--audiobench-run=out"]
    command = [sys.executable, "-m", "pytest", "benchmarks/asr", "-p", "no:cacheprovider"]
    process = subprocess.Popen(
        [*command, *arguments(manifest, *more), *ACTORS],
        cwd=project.path,
        env={**os.environ, "PYTEST_ADDOPTS": ""},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    project.until_answered(2, process)
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=HANGS_S)
    assert process.returncode == 75, output
    assert "same command" in output
    before = len(project.cached_answers())
    assert 2 <= before <= 12, "what a batch system gives a process to flush is over long before the answers are"
    again = project.run(*arguments(manifest, "--audiobench-run=out"), inprocess=False)
    assert again.ret == 0, "a run goes on where it stopped, with whatever engine"
    assert project.cell(project.path / "out")["cached"] >= before
    keys = [key for key, _ in project.cached_answers()]
    assert len(keys) == len(set(keys)) == 30


BY_HAND = """
import json, pathlib, sys
from audiobench_pytest.errors import UsageError
from audiobench_pytest.plugin.workers.ray_actor import PytestActor

actor = PytestActor(["-q", "-p", "no:cacheprovider", "test_plain.py"], sys.argv[1], "", {"workerid": "ray7"})
told = [[(report["when"], report["outcome"]) for report in actor.run(f"test_plain.py::test_{x}")] for x in "bac"]
try:
    actor.run("test_plain.py::test_d")
except UsageError as exc:
    told.append(str(exc))
actor.finish()
pathlib.Path("told.json").write_text(json.dumps(told))
"""

PLAIN = """
import pytest

def note(text):
    with open("notes", "a") as file:
        file.write(text + " ")

@pytest.fixture(scope="session")
def once(request):
    note("set-up-on-" + request.config.workerinput["workerid"])
    yield
    note("torn-down")

def test_a(once):
    note("a")

def test_b(once):
    note("b")

def test_c(once):
    note("c")
    assert not "this fails"
"""


def test_an_actor_runs_the_items_it_is_handed_within_one_session(project):
    """Without Ray: what Ray would call is called in a process of its own."""
    (project.path / "test_plain.py").write_text(PLAIN)
    subprocess.run([sys.executable, "-c", BY_HAND, str(project.path)], cwd=project.path, check=True, timeout=HANGS_S)
    fine = [["setup", "passed"], ["call", "passed"], ["teardown", "passed"]]
    *told, unknown = json.loads((project.path / "told.json").read_text())
    assert told == [fine, fine, [["setup", "passed"], ["call", "failed"], ["teardown", "passed"]]]
    assert "test_d" in unknown
    assert "the same files" in unknown
    assert (project.path / "notes").read_text().split() == ["set-up-on-ray7", "b", "a", "c", "torn-down"]


def refused(result, *words):
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    text = "\n".join([*result.outlines, *result.errlines])
    for word in words:
        assert word in text, text


def test_ray_that_is_not_installed(project, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    result = project.run(*arguments(project.clips(1)), "--engine=ray")
    refused(result, "pip install 'audiobench-pytest[ray]'")
    assert not (project.path / ".audiobench" / "runs").exists()


def test_an_engine_that_does_not_exist(project):
    refused(project.run(*arguments(project.clips(1)), "--engine=dask"), "--engine must be pytest or ray", "'dask'")


@needs_ray
@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["-n2"], ["leave -n out", "ray_actors=N"]),
        (["--pdb"], ["--pdb"]),
        (["--audiobench-set=ray_address=127.0.0.1:9"], ["127.0.0.1:9", "refused"]),
    ],
)
def test_what_ray_cannot_do_is_refused(project, args, words):
    refused(project.run(*arguments(project.clips(1)), "--engine=ray", *args, inprocess=False), *words)
