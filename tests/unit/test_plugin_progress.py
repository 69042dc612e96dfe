"""The numbers of the progress line."""

import itertools
import os
import shutil
import time
from types import SimpleNamespace

import pytest
import waiting
from waiting import HANGS_S

from audiobench_pytest.plugin.shown import progress as progress_module
from audiobench_pytest.plugin.shown.progress import CellProgress, Progress
from audiobench_pytest.records.runs.directory import RunDirectory
from audiobench_pytest.records.runs.lines import OutcomeNews, ScoreNumbers
from audiobench_pytest.records.runs.plan import ShardReceipt
from audiobench_pytest.types import CellId, Outcome, SampleScore, State

CELL = CellId("set", "model", "wer/x@1")
NUMBER = itertools.count()


def news(name=None, state=State.OK, *, errors=1, units=4, cached=False, audio_s=2.0, infer_s=0.5):
    name = name or f"sample {next(NUMBER)}"
    return OutcomeNews(CELL, name, state, cached, audio_s, infer_s, ScoreNumbers({"errors": errors, "units": units}))


def after(*found, total=10, began=100.0):
    cell = CellProgress(CELL, total=total, began=began)
    for one in found:
        cell.add(one)
    return cell


def test_before_anything_is_known():
    assert after(total=0).text(101.0) == "set-model: 0/0"
    assert after().text(101.0) == "set-model: 0/10"


def test_error_rate_speed_and_time_left():
    cell = after(news(), news(errors=0), news(errors=2, audio_s=8.0, infer_s=1.0), news(), news())
    assert cell.text(200.0) == "set-model: 5/10, error rate 25.0 %, RTFx 5.33, 1m40s left"


def test_a_sample_that_a_second_worker_repeats_counts_once():
    cell = after(news("a", errors=0), news("b", errors=4), news("b", errors=4))
    assert cell.text(100.0).startswith("set-model: 2/10, error rate 50.0 %")


def test_samples_without_an_answer_are_counted_apart():
    cell = after(news(errors=0), news(state=State.FAILED, errors=4), news(state=State.DATA_ERROR, errors=4))
    text = cell.text(100.0)
    assert "3/10, error rate 0.0 %" in text
    assert "2 without answer" in text


def test_an_empty_answer_counts_as_one():
    assert "error rate 100.0 %" in after(news(state=State.EMPTY, errors=4)).text(100.0)


def test_what_the_cache_knew_says_nothing_of_the_time_left():
    cached = [news(cached=True) for _ in range(5)]
    assert "left" not in after(*cached).text(200.0)
    assert after(*cached, news()).text(110.0).endswith("40.0 s left"), (
        "ten seconds for the one that was asked, four to go"
    )


def test_nothing_is_left_at_the_end():
    assert "left" not in after(*[news() for _ in range(10)]).text(200.0)


def test_a_reference_without_words_divides_by_nothing():
    assert after(news(units=0, errors=2, infer_s=0.0)).text(200.0) == "set-model: 1/10, 15m00s left"


class Config:
    """As much of pytest's configuration as progress looks at."""

    def __init__(self, verbose=0, terminal=True):
        self._verbose, self._terminal = verbose, terminal
        self.pluginmanager = self

    def getoption(self, name, default):
        return self._verbose

    def hasplugin(self, name):
        return self._terminal


@pytest.fixture
def terminal(tmp_path, monkeypatch):
    """A file that stands for descriptor 1; and no waiting."""
    target = tmp_path / "terminal"
    real, fd = os.dup, os.open(target, os.O_WRONLY | os.O_CREAT)
    monkeypatch.setattr(progress_module.os, "dup", lambda number: real(fd if number == 1 else number))
    monkeypatch.setattr(progress_module, "_LIVE_SECONDS", 0.01)
    yield target
    os.close(fd)


@pytest.fixture
def run(tmp_path):
    """A run that has two of four samples."""
    run = RunDirectory(tmp_path / "run")
    writer = run.writer("main", 1)
    writer.shard(ShardReceipt(CELL, 0, 1, 4, 4, time.time()))
    score = SampleScore({"errors": 1, "units": 4}, "r", "p")
    for name in "ab":
        writer.outcome(Outcome(CELL, name, State.OK, "r", "p", infer_s=1.0, audio_s=3.0, score=score))
    writer.close()
    return run


def show(run, mode, *, until=lambda: False, seconds=HANGS_S, config=None):
    progress = Progress(config or Config(), run, SimpleNamespace(progress_seconds=0.01, progress=mode))
    progress.start(1)
    waiting.until(until, seconds)
    return progress


def test_lines_are_whole_and_stand_alone(run, terminal):
    show(run, "lines", until=lambda: "2/4" in terminal.read_text()).stop()
    text = terminal.read_text()
    assert text.startswith("\naudiobench: set-model: 2/4, error rate 25.0 %, RTFx 3")
    assert text.endswith("\n")
    assert "\x1b" not in text


def test_a_live_line_is_cleared_when_pytest_writes_and_at_the_end(run, terminal):
    progress = show(run, "live", until=lambda: "2/4" in terminal.read_text())
    progress.stop()
    progress.stop()
    text = terminal.read_text()
    assert "set-model: 2/4" in text
    assert text.endswith("\x1b[2K\x1b8")
    progress.clear()
    assert terminal.read_text() == text, "nothing is shown, so there is nothing to clear"


@pytest.mark.parametrize(
    ("mode", "config"), [("off", Config()), ("lines", Config(verbose=-1)), ("live", Config(terminal=False))]
)
def test_nothing_is_shown_where_it_is_not_wanted(run, terminal, mode, config):
    show(run, mode, seconds=0.05, config=config).stop()
    assert terminal.read_text() == ""


def test_files_that_go_away_do_not_end_the_progress(run, terminal):
    progress = show(run, "lines", until=lambda: "2/4" in terminal.read_text())
    shutil.rmtree(run.path)
    (run.path / "results" / "0001-odd.jsonl").mkdir(parents=True)
    before = len(terminal.read_text())
    goes_on = waiting.until(lambda: len(terminal.read_text()) >= before + 200)
    progress.stop()
    assert goes_on, "with what it knows"
