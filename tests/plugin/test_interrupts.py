"""Real processes, stopped at random moments: nothing that was answered is lost, nothing is doubled."""

import os
import random
import signal
import subprocess
import sys
import time

import pytest
from waiting import HANGS_S

KILLS = {0: 20, 2: 12}
"""Number of kills by number of workers: 32 in all."""
CLIPS = 320


def command(manifest, *args):
    return [
        *(sys.executable, "-m", "pytest", "benchmarks/asr", "-p", "no:cacheprovider", f"--dataset={manifest}"),
        *("--model=noisy", "--model-args=wer=0.3", "--batch-size=2", "--audiobench-run=out", *args),
    ]


def environment(hold_after=""):
    return {**os.environ, "PYTEST_ADDOPTS": "", "PYTHONFAULTHANDLER": "", "HOLD_AFTER": str(hold_after)}


@pytest.mark.slow
@pytest.mark.parametrize("workers", [0, pytest.param(2, marks=pytest.mark.xdist)])
def test_kill_9_at_random_moments_loses_and_doubles_nothing(project, record_property, workers):
    manifest = project.clips(CLIPS)
    project.holds()
    seed = int.from_bytes(os.urandom(4), "big")
    print(f"seed {seed}")  # shown by pytest when the test fails; in JUnit always
    record_property("seed", seed)
    rng = random.Random(seed)
    extra = [f"-n{workers}", "--audiobench-set=shard_size=20"] if workers else []
    # 24 ms per batch of two clips: kills fall into start-up, answering and writing, and each run gets somewhere.
    slow = ["--model-args=delay=0.024"]
    reference = project.run(
        f"--dataset={manifest}",
        "--model=noisy",
        "--model-args=wer=0.3",
        "--audiobench-run=whole",
        "--audiobench-cache=other",
        inprocess=False,
    )
    assert reference.ret == 0
    kills, seen = 0, set()
    while kills < KILLS[workers]:
        before = len(seen)
        wanted = rng.randint(0, 12)
        process = subprocess.Popen(
            command(manifest, *slow, *extra),
            cwd=project.path,
            # On a busy machine the kill may come late: the model does not finish meanwhile.
            env=environment(wanted + 6),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        # Wait until some more answers are on disk, then a random moment more: every run gets somewhere.
        project.until_answered(before + wanted, process)
        time.sleep(rng.uniform(0, 0.03))
        if process.poll() is not None:
            break
        answered = set(project.cached_answers())
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        kills += 1
        after = project.cached_answers()
        assert answered <= set(after), "an answer that was on disk is gone"
        assert len(after) == len({key for key, _ in after}), "an answer is there twice"
        assert seen <= set(after)
        seen = set(after)
    assert kills == KILLS[workers], f"only {kills} kills before the run was finished"
    final = subprocess.run(
        command(manifest, *extra), cwd=project.path, env=environment(), capture_output=True, text=True, timeout=HANGS_S
    )
    assert final.returncode == 0, final.stdout + final.stderr
    cell, whole = project.cell(project.path / "out"), project.cell(project.path / "whole")
    for name in ("value", "low", "high", "values", "sums", "counts", "coverage"):
        assert cell[name] == whole[name], name
    assert cell["cached"] >= len(seen) > 0
    keys = [key for key, _ in project.cached_answers()]
    assert len(keys) == len(set(keys)) == CLIPS


def test_ctrl_c_prints_the_board_of_what_is_done_and_says_how_to_go_on(project):
    manifest = project.clips(40)
    project.holds()
    process = subprocess.Popen(
        command(manifest),
        cwd=project.path,
        env=environment(6),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    project.until_answered(6, process)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=HANGS_S)
    assert process.returncode == 2, output
    assert "audiobench leaderboard" in output
    assert "same command" in output
    cell = project.cell(project.path / "out")
    done = cell["counts"]["ok"]
    assert 4 <= done <= 6, "the last batch is kept, and may not have been scored"
    assert cell["counts"]["missing"] == 40 - done
    assert {g["verdict"] for g in project.board(project.path / "out")["gates"]} == {"skip"}
    result = project.run(
        f"--dataset={manifest}", "--model=noisy", "--model-args=wer=0.3", "--audiobench-run=out2", inprocess=False
    )
    assert result.ret == 0
    assert project.cell(project.path / "out2")["cached"] >= done


@pytest.mark.parametrize("workers", [0, pytest.param(2, marks=pytest.mark.xdist)])
def test_sigterm_ends_with_a_status_that_says_start_me_again(project, workers):
    manifest = project.clips(60)
    extra = [f"-n{workers}", "--audiobench-set=shard_size=10"] if workers else []
    process = subprocess.Popen(
        command(manifest, "--model-args=delay=0.2", *extra),
        cwd=project.path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    project.until_answered(6, process)
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=HANGS_S)
    assert process.returncode == 75, output
    assert "SIGTERM" in output
    assert "same command" in output
    assert "audiobench leaderboard" in output
    before = len(project.cached_answers())
    # xdist lets its workers finish what they hold for at most ten seconds.
    assert 6 <= before < 60 or workers
    again = subprocess.run(
        command(manifest, *extra), cwd=project.path, env=environment(), capture_output=True, text=True, timeout=HANGS_S
    )
    assert again.returncode == 0, again.stdout
    assert project.cell(project.path / "out")["cached"] >= before
    assert len(project.cached_answers()) == 60


def test_two_runs_at_once_share_the_cache(project):
    manifest = project.clips(30)
    runs = [
        subprocess.Popen(
            [x if x != "--audiobench-run=out" else f"--audiobench-run=out{i}" for x in command(manifest)],
            cwd=project.path,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for i in range(2)
    ]
    for process in runs:
        output, _ = process.communicate(timeout=HANGS_S)
        assert process.returncode == 0, output
    cells = [project.cell(project.path / f"out{i}") for i in range(2)]
    assert cells[0]["value"] == cells[1]["value"]
    predictions = {outcome["prediction"] for outcome in project.outcomes(project.path / "out0")}
    assert {text for _, text in project.cached_answers()} == predictions


def test_one_run_directory_is_refused_to_a_second_run_at_once(project):
    manifest = project.clips(40)
    project.holds()
    first = subprocess.Popen(command(manifest), cwd=project.path, env=environment(2), stdout=subprocess.DEVNULL)
    project.until_answered(2, first)
    assert first.poll() is None
    second = subprocess.run(
        command(manifest), cwd=project.path, env=environment(), capture_output=True, text=True, timeout=HANGS_S
    )
    first.kill()
    first.wait()
    assert second.returncode == 4
    assert "in use by another run" in second.stderr + second.stdout


def test_a_full_disk_is_told_and_loses_nothing(project):
    """A file size limit stands for the full disk: the write fails as it would there."""
    manifest = project.clips(40)
    limited = subprocess.run(
        ["bash", "-c", 'ulimit -f 16; trap "" XFSZ; exec "$@"', "bash", *command(manifest)],
        cwd=project.path,
        env={**environment(), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=HANGS_S,
    )
    assert limited.returncode not in (0, 2), limited.stdout
    assert "cannot write" in limited.stdout + limited.stderr
    before = {key for key, _ in project.cached_answers()}
    assert before
    result = subprocess.run(
        command(manifest), cwd=project.path, env=environment(), capture_output=True, text=True, timeout=HANGS_S
    )
    assert result.returncode == 0, result.stdout
    cell = project.cell(project.path / "out")
    assert cell["counts"]["ok"] == 40
    assert cell["cached"] >= len(before)
