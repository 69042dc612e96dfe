"""Following a run's result files while they grow: each line once, whole, and only of this attempt."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiobench_pytest.records.runs.directory import RunDirectory
from audiobench_pytest.records.runs.lines import OutcomeNews, ScoreNumbers
from audiobench_pytest.records.runs.plan import ShardReceipt
from audiobench_pytest.records.runs.tail import ResultTail
from audiobench_pytest.types import CellId, Outcome, SampleScore, State

CELL = CellId("d", "m", "wer/x@1")


def outcome(sample_id):
    score = SampleScore({"errors": 1, "units": 4}, "r", "p")
    return Outcome(CELL, sample_id, State.OK, "r", "p", cached=True, audio_s=2.0, infer_s=0.5, score=score)


def ids(news):
    return [n.sample_id for n in news if isinstance(n, OutcomeNews)]


@pytest.fixture
def run(tmp_path):
    return RunDirectory(tmp_path)


def test_the_news_hold_what_progress_needs(run):
    writer = run.writer("main", 1)
    writer.shard(ShardReceipt(CELL, 0, 2, expected=2, total=4, started=9.0))
    writer.outcome(outcome("a"))
    assert list(ResultTail(run.path, 1).news()) == [
        ShardReceipt(CELL, 0, 2, expected=2, total=4, started=9.0),
        OutcomeNews(CELL, "a", State.OK, True, 2.0, 0.5, ScoreNumbers({"errors": 1, "units": 4})),
    ]


def test_each_line_is_told_once_also_of_files_that_appear_later(run):
    tail = ResultTail(run.path, 1)
    assert list(tail.news()) == []
    first = run.writer("gw0", 1)
    first.outcome(outcome("a"))
    assert ids(tail.news()) == ["a"]
    first.outcome(outcome("b"))
    second = run.writer("gw1", 1)
    second.outcome(outcome("c"))
    assert sorted(ids(tail.news())) == ["b", "c"]
    assert list(tail.news()) == []


def test_other_attempts_are_not_told(run):
    run.writer("main", 1).outcome(outcome("old"))
    run.writer("main", 11).outcome(outcome("other"))
    run.writer("main", 2).outcome(outcome("new"))
    assert ids(ResultTail(run.path, 2).news()) == ["new"]


@given(cuts=st.lists(st.integers(0, 400), max_size=6))
def test_a_line_is_told_when_it_is_whole(tmp_path_factory, cuts):
    path = tmp_path_factory.mktemp("run")
    writer = RunDirectory(path).writer("main", 1)
    for name in ("a", "b\r\u2028", "c\x85"):
        writer.outcome(outcome(name))
    writer.close()
    (file,) = (path / "results").iterdir()
    whole = file.read_bytes()
    tail, told = ResultTail(path, 1), []
    for cut in [*sorted(min(cut * len(whole) // 400, len(whole)) for cut in cuts), len(whole)]:
        file.write_bytes(whole[:cut])
        told += ids(tail.news())
        assert len(told) == whole[:cut].count(b"\n")
    assert told == ["a", "b\r\u2028", "c\x85"]


def test_damaged_lines_and_files_that_cannot_be_read_are_passed_over(run):
    writer = run.writer("main", 1)
    writer.outcome(outcome("a"))
    (file,) = (run.path / "results").iterdir()
    with file.open("ab") as raw:
        raw.write(b'nonsense\n{"outcome":{"cell":1}}\n{"outcome":{"sample_id":"\xff"}}\n{}\n\n')
    writer.outcome(outcome("b"))
    (run.path / "results" / "0001-odd.jsonl").mkdir()
    tail = ResultTail(run.path, 1)
    assert ids(tail.news()) == ["a", "b"]
    writer.outcome(outcome("c"))
    assert ids(tail.news()) == ["c"]
