"""Run directories of one plan as one: what belongs together, and who wins."""

import pytest

from audiobench_pytest.errors import UsageError
from audiobench_pytest.records.runs.directory import RunDirectory
from audiobench_pytest.records.runs.merge import merge_runs
from audiobench_pytest.records.runs.plan import PlannedCell, ShardReceipt
from audiobench_pytest.types import CellId, Outcome, State

CELL = CellId("set", "model", "wer/x@1")


def part(path, k, samples, *, of=2, asked="plan", said="said", clusters="", ended=2.0, **other):
    run = RunDirectory(path)
    attempt = run.begin({}, asked=asked)
    run.write_plan([PlannedCell(CELL, "asr", "", "t.py::t", of, (k,), clusters=clusters)])
    subject = {"total": 4, "signature": "s", "digest": "d", "identity": {"model": "m", "dtype": "float16"}, **other}
    writer = run.writer("main", attempt)
    writer.shard(
        ShardReceipt(
            CELL,
            k,
            of,
            expected=len(samples),
            total=subject["total"],
            started=1.0,
            ended=ended,
            signature=subject["signature"],
            dataset={"digest": subject["digest"], "source": str(path)},
            model={"identity": subject["identity"], "device": str(path)},
        )
    )
    for name in samples:
        writer.outcome(Outcome(CELL, name, State.OK, "r", said))
    writer.close()
    return run


def test_parts_become_one_whole_wherever_they_ran(tmp_path):
    (cell,) = merge_runs([part(tmp_path / "a", 0, "ac"), part(tmp_path / "b", 1, "bd")])
    assert sorted(cell.outcomes) == list("abcd")
    assert (cell.plan.selected, cell.plan.partial) == ((0, 1), False)
    assert len(cell.receipts) == 2


def test_the_last_run_named_wins(tmp_path):
    runs = [part(tmp_path / "a", 0, "ab", said="first"), part(tmp_path / "b", 0, "bc", said="last")]
    (cell,) = merge_runs(runs)
    assert {name: o.prediction for name, o in cell.outcomes.items()} == {"a": "first", "b": "last", "c": "last"}
    (cell,) = merge_runs(runs[::-1])
    assert cell.outcomes["b"].prediction == "first"


def test_a_shard_that_was_repeated_has_one_receipt_and_one_that_was_cut_short_both(tmp_path):
    first, again = part(tmp_path / "a", 0, "abcd", of=1), part(tmp_path / "b", 0, "abcd", of=1)
    (cell,) = merge_runs([first, again])
    assert [one.dataset["source"] for one in cell.receipts] == [str(again.path)]
    cut = part(tmp_path / "c", 0, "ab", of=1, ended=None)
    (cell,) = merge_runs([first, cut])
    assert [one.dataset["source"] for one in cell.receipts] == [str(first.path), str(cut.path)]


def test_a_part_that_is_not_there_excuses_nothing(tmp_path):
    (cell,) = merge_runs([part(tmp_path / "a", 0, "ac")])
    assert not cell.plan.partial


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"asked": "another"}, "hold different plans"),
        ({"total": 5}, "read different data or scored it differently .*4 samples.* and 5 samples"),
        ({"signature": "s2"}, "scored it differently"),
        ({"digest": "d2"}, "data d and .*data d2"),
        (
            {"identity": {"model": "m", "dtype": "float32"}},
            r'set-model: the runs asked different models \(dtype: "float16" and "float32"\)',
        ),
        ({"identity": {"model": "m", "dtype": "float16", "commit": "abc"}}, r'\(commit: "abc" and null\)'),
    ],
)
def test_runs_that_do_not_belong_together_are_refused(tmp_path, other, words):
    runs = [part(tmp_path / "a", 0, "ac"), part(tmp_path / "b", 1, "bd", **other)]
    with pytest.raises(UsageError, match=words):
        merge_runs(runs)


def test_runs_that_resample_other_clusters_are_refused(tmp_path):
    runs = [part(tmp_path / "a", 0, "ac", clusters="speaker"), part(tmp_path / "b", 1, "bd", clusters="session")]
    with pytest.raises(UsageError, match=r"set-model: the runs resample different clusters \(session and speaker\)"):
        merge_runs(runs)


def test_a_folder_that_is_no_run_is_named(tmp_path):
    with pytest.raises(UsageError, match=r"is not a run directory"):
        merge_runs([RunDirectory(tmp_path)])
