"""Runs stopped at random points in random ways: 0 lost, 0 doubled, and the verdict of a run that was never stopped.

A plan is drawn from a seed, which is shown when a test fails; `AUDIOBENCH_TEST_SEED=... pytest ...` draws it again.
Signals fall where they fall, so the same plan need not stop a run at the same line twice.
"""

import contextlib
import difflib
import json
import os
import random
import re
import resource
import signal
import subprocess
import sys
import time

import pytest
from waiting import HANGS_S, until

from audiobench_pytest.cli import main
from audiobench_pytest.records.append import read_lines

CLIPS = 30
"""Of each of the two data sets."""

BATCH = 2

TIMES_AND_PLACES = {"wall_s", "infer_s", "rtfx", "speed", "percentiles", "cached", "run_dir", "hardware", "machine"}
"""All that may differ between two leaderboards of the same answers, wherever it stands in leaderboard.json: how long it
took, how much the cache knew, where the run lies and what machine answered (none when the cache knew all)."""

PART_WAS_MADE = re.compile(r"part\d: a run of ")

SPY = """
import os, random
from audiobench_pytest.models import harness

_answer = harness.NoisyAdapter._answer

def _noted(self, request):
    log = os.open(os.environ["ASKED"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(log, f"{request.sample_id} {len(request.audio.samples)}\\n".encode())
    os.close(log)
    return _answer(self, request)

harness.NoisyAdapter._answer = _noted

def pytest_collection_modifyitems(items):
    if os.environ.get("SHUFFLE"):
        random.Random(os.environ["SHUFFLE"]).shuffle(items)
"""

GATES = """
["small".wer]
max = 99.0

["longer".wer]
max = 1.0
"""


class Interrupted:
    """A run that is stopped again and again, and what is known of its answers."""

    def __init__(self, project, rng):
        self.project, self.rng = project, rng
        self.manifests = [project.clips(CLIPS), project.clips(CLIPS, "longer", seconds=0.3)]
        project.gates(GATES)
        conftest = project.path / "conftest.py"
        conftest.write_text(conftest.read_text() + SPY)
        self.attempt = 0
        self.shuffled = False
        whole = self.finish("--audiobench-run=whole", "--audiobench-cache=other")
        assert "2 failed" not in whole
        self.keys = {
            (o["sample_id"], round(o["audio_s"] * 16_000)): o["key"] for o in project.outcomes(project.path / "whole")
        }
        assert len(set(self.keys.values())) == 2 * CLIPS
        self.kinds = []

    def start(self, *args, delay=0.0, limit=None):
        """Start an attempt; `limit` is the size in bytes at which its files find the disk full."""
        self.attempt += 1
        self.asked_log = self.project.path / f"asked-{self.attempt}"
        environment = {
            **os.environ,
            "PYTEST_ADDOPTS": "",
            "PYTHONDONTWRITEBYTECODE": "1",
            "ASKED": str(self.asked_log),
            "SHUFFLE": str(self.rng.random()) if self.shuffled else "",
        }
        command = [sys.executable, "-m", "pytest", "benchmarks/asr", "--model=noisy"]
        command += [f"--dataset={manifest}" for manifest in self.manifests]
        command += ["--model-args=wer=0.3", f"--model-args=delay={delay}", f"--batch-size={BATCH}", *args]
        return subprocess.Popen(
            command,
            cwd=self.project.path,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            preexec_fn=limit and (lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))),
        )

    def finish(self, *args):
        """Run to the end; return what was printed."""
        process = self.start(*args)
        output, _ = process.communicate(timeout=HANGS_S)
        assert process.returncode == 1, output  # one of the gates is missed
        return output

    def asked(self):
        """Return which samples the model was asked in this attempt, in order."""
        if not self.asked_log.exists():
            return []
        rows = [line.split() for line in self.asked_log.read_text().splitlines()]
        return [(sample_id, int(samples)) for sample_id, samples in rows]

    def interrupt(self, *args):
        """Start an attempt and stop it somewhere; then check that nothing is lost and nothing was done twice."""
        before = dict(self.project.cached_answers())
        kind = self.rng.choice(["sigterm", "sigkill", "full disk"])
        if kind == "full disk":
            process = self.start(*args, limit=self.rng.randint(600, 14_000))
        else:
            process = self.start(*args, delay=0.02)
            if self.rng.random() < 0.75:
                target = self.rng.randint(0, 25)
                until(lambda: len(self.asked()) >= target or process.poll() is not None)
                time.sleep(self.rng.uniform(0, 0.03))
            else:
                time.sleep(self.rng.uniform(0.1, 2.0))  # also before the first answer and behind the last one
            if kind == "sigkill":
                with contextlib.suppress(ProcessLookupError):  # it has ended meanwhile
                    os.killpg(process.pid, signal.SIGKILL)
            else:
                process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=HANGS_S)
        self.kinds.append(f"{kind}: status {process.returncode}, {len(self.asked())} asked")
        assert "INTERNALERROR" not in output, output
        if kind == "full disk" and process.returncode not in (0, 1):
            assert "cannot" in output, output
        workers = 2 if "-n2" in args else 1
        self.check(before, None if kind == "full disk" else workers * BATCH)

    def check(self, before, in_flight=None):
        """Check an attempt that has ended against what was on disk before it.

        Args:
            before: The answers on disk before the attempt.
            in_flight: Most answers that may have been given and not kept.
        """
        after = self.project.cached_answers()
        assert before.items() <= dict(after).items(), f"an answer is lost: {self.kinds}"
        assert len(after) == len(dict(after)), f"an answer is there twice: {self.kinds}"
        asked = self.asked()
        assert len(asked) == len(set(asked)), f"asked twice in one attempt: {self.kinds}"
        again = [one for one in asked if self.keys and self.keys[one] in before]
        assert not again, f"answered before, and asked again: {again}, {self.kinds}"
        unkept = [one for one in asked if self.keys and self.keys[one] not in dict(after)]
        assert in_flight is None or len(unkept) <= in_flight, f"given and not kept: {unkept}, {self.kinds}"

    def tear(self, run):
        """Cut the newest file of cache, digests and results at a random byte, as a power loss may."""
        cache = self.project.path / ".audiobench" / "cache"
        for pattern in ("predictions/*/*.jsonl", "digests/*.jsonl"):
            self.cut(cache.glob(pattern))
        self.cut((self.project.path / run).glob("results/*.jsonl"))

    def cut(self, files):
        newest = max(files, key=lambda path: path.stat().st_mtime_ns, default=None)
        if newest is None or self.rng.random() < 0.3:
            return
        size, lines = newest.stat().st_size, list(read_lines(newest))
        tail = sum(map(len, lines[-self.rng.randint(1, 3) :])) + size - sum(map(len, lines))
        if tail:
            os.truncate(newest, size - self.rng.randint(1, tail))

    def verdict(self, run):
        """Return a leaderboard.json as bytes, without times and places, nor the line on when each part was made."""
        board = without(self.project.board(self.project.path / run), TIMES_AND_PLACES)
        board["notes"] = [note for note in board["notes"] if not PART_WAS_MADE.match(note)]
        return json.dumps(board, sort_keys=True, indent=1)

    def assert_same_as_whole(self, board, runs):
        """Assert that leaderboard and records are those of the run that was never stopped."""
        ours, theirs = self.verdict(board), self.verdict("whole")
        difference = difflib.unified_diff(theirs.splitlines(), ours.splitlines(), "whole", board, n=0, lineterm="")
        assert ours == theirs, "\n".join([*self.kinds, *difference])
        assert self.records(*runs) == self.records("whole"), self.kinds

    def records(self, *runs):
        """Return what became of each sample, the newest word of each run."""
        found = {}
        for path in (path for run in runs for path in sorted((self.project.path / run).glob("results/*.jsonl"))):
            for line in read_lines(path):
                o = json.loads(line).get("outcome")
                if o is not None:
                    found[o["cell"]["dataset"], o["sample_id"]] = (o["state"], o["prediction"], o["score"], o["key"])
        return found


def without(value, names):
    if isinstance(value, dict):
        return {k: without(v, names) for k, v in value.items() if k not in names}
    return [without(v, names) for v in value] if isinstance(value, list) else value


@pytest.fixture
def interrupted(project, record_property):
    seed = os.environ.get("AUDIOBENCH_TEST_SEED") or str(int.from_bytes(os.urandom(4), "big"))
    print(f"AUDIOBENCH_TEST_SEED={seed}")
    record_property("seed", seed)
    return Interrupted(project, random.Random(seed))


MODES = {
    # arguments, whether items are shuffled, number of interruptions
    "n0": ([], False, 6),
    "n2": (["-n2", "--audiobench-set=shard_size=8"], False, 4),
    "shuffled": (["-n2", "--audiobench-set=shard_size=4"], True, 3),
}


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["n0", *(pytest.param(name, marks=pytest.mark.xdist) for name in ("n2", "shuffled"))])
def test_interrupts_at_random_points_lose_nothing_double_nothing_and_change_no_verdict(interrupted, mode):
    args, interrupted.shuffled, times = MODES[mode]
    for _ in range(times):
        interrupted.interrupt("--audiobench-run=out", *args)
        interrupted.tear("out")
    before = dict(interrupted.project.cached_answers())
    interrupted.finish("--audiobench-run=out", *args)
    interrupted.check(before)
    interrupted.assert_same_as_whole("out", ["out"])
    assert len(interrupted.project.cached_answers()) == 2 * CLIPS


@pytest.mark.slow
def test_three_interrupted_parts_merge_to_the_verdict_of_one_run(interrupted, monkeypatch, capsys):
    runs = []
    for k in interrupted.rng.sample((1, 2, 3), 3):
        args = (f"--part={k}/3", f"--audiobench-run=part{k}")
        for _ in range(2):
            interrupted.interrupt(*args)
            interrupted.tear(f"part{k}")
        before = dict(interrupted.project.cached_answers())
        process = interrupted.start(*args)
        output, _ = process.communicate(timeout=HANGS_S)
        assert process.returncode == 0, output  # a part alone is not judged
        interrupted.check(before)
        runs.append(f"part{k}")
    monkeypatch.chdir(interrupted.project.path)
    assert main(["gate", *runs, "--output", "merged"]) == 1, capsys.readouterr().out
    interrupted.assert_same_as_whole("merged", runs)
