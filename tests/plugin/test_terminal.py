"""What a run prints: it fits the terminal there is, and says no less where that is narrow, without colour or a log."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

ANSI = re.compile(r"\x1b\[[0-9;]*m")
MODELS = "--model=noisy,null,oracle"


@pytest.fixture
def printed(project, monkeypatch):
    """Return a function that runs three models over two sets and gives the lines of the board."""
    sets = [f"--dataset={project.clips(6, name)}" for name in ("small", "a-data-set-with-quite-a-long-name")]

    def run(*args, **environment):
        for name in ("NO_COLOR", "FORCE_COLOR", "PY_COLORS", "CI", "BUILD_NUMBER", "GITHUB_STEP_SUMMARY"):
            monkeypatch.delenv(name, raising=False)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        done = project.run(*sets, MODELS, *args)
        assert done.ret == 0, done.stdout
        start = next(k for k, line in enumerate(done.outlines) if "audiobench leaderboard" in line)
        return done.outlines[start + 1 :]

    return run


def table(lines):
    """Return the lines of the tables: all up to the first sentence after them."""
    body = lines[1:]
    told = ("tails", "speed", "measured on", "recipes", "gates", "~", "*", "small:", "a-data")
    end = next(k for k, line in enumerate(body) if line.startswith(told))
    return [ANSI.sub("", line) for line in body[:end]]


@pytest.mark.parametrize("columns", [80, 40])
def test_the_board_fits_and_loses_nothing(printed, columns):
    lines = printed(COLUMNS=str(columns))
    drawn = table(lines)
    assert max(map(len, drawn)) <= columns
    for model in ("noisy", "null", "oracle"):
        assert sum(line.startswith(model) for line in drawn) >= 2  # each block repeats the names
    assert any("100.00" in line for line in drawn)
    for title in ("samples", "failed", "audio", "wall", "RTFx"):
        assert any(title in line for line in drawn)
    assert any("wer/audiobench-pytest@2|lang:en|" in line for line in lines)  # what is to be copied is not cut


def test_without_colour_the_best_has_a_mark(printed):
    plain = printed(NO_COLOR="1")
    assert not any("\x1b" in line for line in plain)
    assert "best marked ^" in plain[0]
    assert any(line.startswith("oracle") and "^" in line for line in table(plain))
    assert "noisy" not in "".join(line for line in table(plain) if "^" in line)


def test_with_colour_the_best_is_bold_and_the_words_are_the_same(printed):
    coloured = printed("--color=yes", COLUMNS="80")
    assert any("\x1b[1m" in line for line in coloured)
    assert "best in bold" in coloured[0]
    again = printed("--color=no", COLUMNS="80")
    without = [re.sub(r"\^", "", line).rstrip() for line in table(again)]
    assert [re.sub(r"\s+", " ", line) for line in without if line.startswith("oracle")][:1] == [
        re.sub(r"\s+", " ", line.rstrip()) for line in table(coloured) if line.startswith("oracle")
    ][:1]


def test_a_log_of_ci_is_plain_and_whole(printed):
    lines = printed(CI="true", BUILD_NUMBER="7")
    assert not any("\x1b" in line or "\r" in line for line in lines)
    assert {"tails", "speed", "recipes"} <= set(lines) | {"tails"}
    assert lines[-1].startswith("=")


def test_quiet_is_the_table_and_what_is_not_green(printed, project):
    project.gates('["small".wer.null]\nmin = 200.0\n["small".wer.noisy]\nmax = 100.0\n')
    done = project.run(f"--dataset={project.path / 'small' / 'manifest.jsonl'}", MODELS, "-q")
    text = done.stdout.str()
    assert done.ret == 1
    assert "\nnoisy" in text
    assert "FAIL  small-null  wer" in text
    for told in ("\ntails", "\nspeed", "\nrecipes", "PASS"):
        assert told not in text
    assert "gates: 1 failed" in text
    loud = project.run(f"--dataset={project.path / 'small' / 'manifest.jsonl'}", MODELS).stdout.str()
    assert "\nrecipes" in loud
    assert "PASS  small-noisy  wer" in loud


@pytest.mark.parametrize("workers", [(), pytest.param(("-n", "2"), marks=pytest.mark.slow)], ids=["alone", "workers"])
def test_verbose_shows_the_worst_samples_word_by_word(project, workers):
    manifest = project.clips(6)
    args = (f"--dataset={manifest}", "--model=noisy,oracle", "--model-args=noisy:wer=0.4")
    assert "worst samples" not in project.run(*args).stdout.str()
    done = project.run(*args, *workers, "-v", inprocess=False)
    text = done.stdout.str()
    worst = text[text.index("worst samples: {said|heard} [-left out-] {+put in+}") :]
    assert "small-noisy" in worst
    assert "small-oracle" not in worst  # nothing of it is wrong
    # What `audiobench show` says of them, word for word.
    command = [sys.executable, "-m", "audiobench_pytest.cli", "show", str(project.latest), "--worst", "3"]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    shown = [line.strip() for line in out.splitlines() if re.search(r"[{\[]", line)]
    assert len(shown) == 3, out
    assert all(line in worst for line in shown)
    assert worst.count(" wrong,") == 3


def test_verbose_of_many_cells_says_how_many_are_left_out(project):
    sets = [f"--dataset={project.clips(4, f'set-{k}')}" for k in range(6)]
    done = project.run(*sets, "--model=null", "-v")
    text = done.stdout.str()
    assert text[text.index("worst samples") :].count(" wrong,") == 15
    assert "and 3 more of other cells" in text
