"""Progress: a line of its own on a terminal, plain lines in a log, nothing with -q."""

import os
import pty
import re
import subprocess
import sys

import pytest


def run(project, *args):
    manifest = project.clips(20)
    return project.run(
        f"--dataset={manifest}",
        "--model=noisy",
        "--model-args=wer=0.3,delay=0.1",
        "--batch-size=2",
        *args,
        inprocess=False,
    )


LINE = re.compile(r"small-noisy: (\d+)/20, error rate [\d.]+ %, RTFx [\d.e+]+, .* left")


@pytest.mark.parametrize("workers", [[], ["-n2", "--audiobench-set=shard_size=5"]])
def test_plain_lines_in_a_log(project, workers):
    result = run(project, "--audiobench-set=progress_seconds=0.05", *workers)
    lines = [line for line in result.outlines if line.startswith("audiobench: small")]
    assert lines, result.stdout.str()
    counts = [int(m.group(1)) for line in lines if (m := LINE.search(line))]
    assert counts
    assert counts == sorted(counts)
    assert "\x1b" not in result.stdout.str()


@pytest.mark.parametrize("args", [["-q"], ["--audiobench-set=progress=off"], ["-p", "no:terminal"]])
def test_no_progress_where_it_is_not_wanted(project, args):
    result = run(project, "--audiobench-set=progress_seconds=0.1", *args)
    assert "audiobench: small" not in result.stdout.str()


def test_live_line_on_a_terminal(project):
    manifest = project.clips(20)
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "pytest", "benchmarks/asr", f"--dataset={manifest}", "--model=noisy"),
            *("--model-args=wer=0.3,delay=0.2", "--batch-size=2"),
        ],
        cwd=project.path,
        env={**os.environ, "TERM": "xterm", "PYTEST_ADDOPTS": ""},
        stdin=follower,
        stdout=follower,
        stderr=follower,
    )
    os.close(follower)
    output = b""
    while True:
        try:
            chunk = os.read(leader, 4096)
        except OSError:  # the other side is closed
            break
        if not chunk:
            break
        output += chunk
    os.close(leader)
    assert process.wait() == 0
    text = output.decode()
    assert re.search(r"\x1b\[2Ksmall-noisy: \d+/20", text), text
    assert text.rindex("audiobench leaderboard") > max(m.start() for m in re.finditer(r"\x1b\[2Ksmall-noisy: ", text))
