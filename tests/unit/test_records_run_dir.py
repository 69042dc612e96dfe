"""A run directory: attempts in one directory, what counts of each, and what is refused."""

import json

import pytest

from audiobench_pytest.errors import RecordError, UsageError
from audiobench_pytest.records.runs.directory import RunDirectory
from audiobench_pytest.records.runs.plan import PlannedCell, ShardReceipt
from audiobench_pytest.types import CellId, Outcome, SampleScore, State

CELL = CellId("small", "noisy", "wer/x@1")
OTHER = CellId("large", "noisy", "wer/x@1")


def planned(cell=CELL, shards=1, selected=None):
    return PlannedCell(cell, "asr", "", "test_asr.py::test_asr", shards, selected or tuple(range(shards)))


def receipt(shard=0, of=1, *, cell=CELL, total=4, ended=True, digest="d1", signature="s", identity=None, started=1.0):
    return ShardReceipt(
        cell,
        shard,
        of,
        expected=total // of,
        total=total,
        started=started,
        ended=started + 5 if ended else None,
        signature=signature,
        dataset={"digest": digest},
        model={"identity": identity or {"revision": "r1"}},
    )


def outcome(sample_id, prediction="said", cell=CELL):
    return Outcome(cell, sample_id, State.OK, "reference", prediction)


class Attempts:
    """Writes attempts into one run directory."""

    def __init__(self, path):
        self.run = RunDirectory(path)

    def add(self, receipts, outcomes, *, writer="main", plan=None):
        number = self.run.begin({}, asked="plan")
        self.run.write_plan(plan or [planned()])
        results = self.run.writer(writer, number)
        for one in receipts:
            results.shard(one)
        for one in outcomes:
            results.outcome(one)
        results.close()

    def said(self):
        (cell,) = self.run.cells()
        return {name: o.prediction for name, o in sorted(cell.outcomes.items())}


@pytest.fixture
def attempts(tmp_path):
    return Attempts(tmp_path / "run")


def test_what_was_written_is_read(tmp_path):
    run = RunDirectory(tmp_path / "run")
    assert run.begin({"versions": {"x": "1"}}, asked="a") == 1
    plan = [planned(), planned(OTHER, shards=2, selected=(1,))]
    run.write_plan(plan)
    score = SampleScore({"errors": 1, "units": 2}, "a b", "a c")
    full = Outcome(
        CELL,
        "ä 字",
        State.OK,
        "a b",
        "a c",
        None,
        "key",
        True,
        "en",
        1.5,
        0.1,
        0.01,
        {"ttft_s": 0.2},
        score,
        {"speaker": 3, "x": [None]},
    )
    writer = run.writer("gw0", 1)
    writer.shard(receipt(ended=False))
    writer.outcome(full)
    writer.shard(receipt())
    first, second = run.cells()
    assert (first.plan, second.plan) == tuple(plan)
    assert first.outcomes == {"ä 字": full}
    assert first.receipts == (receipt(),)
    assert (dict(second.outcomes), second.receipts) == ({}, ())
    assert run.manifest()["versions"] == {"x": "1"}
    assert not second.plan.partial or second.plan.selected == (1,)
    assert second.plan.partial


def test_a_shard_that_never_ended_is_known_by_its_start(attempts):
    attempts.add([receipt(ended=False)], [outcome("a")])
    (cell,) = attempts.run.cells()
    assert cell.receipts == (receipt(ended=False),)
    assert attempts.said() == {"a": "said"}


def test_outcomes_without_any_receipt_count_for_nothing(attempts):
    attempts.add([], [outcome("a")])
    assert attempts.said() == {}


def test_outcomes_of_a_cell_outside_of_the_plan_are_left_out(attempts):
    attempts.add([receipt(), receipt(cell=OTHER)], [outcome("a"), outcome("b", cell=OTHER)])
    assert attempts.said() == {"a": "said"}


def test_attempts_are_numbered(attempts):
    for number in (1, 2, 3):
        assert attempts.run.begin({}, asked="plan") == number


def test_the_newest_word_on_a_sample_counts(attempts):
    attempts.add([receipt(ended=False)], [outcome("a", "old"), outcome("b", "old")])
    attempts.add([receipt(ended=False, started=10)], [outcome("b", "new"), outcome("c", "new")])
    assert attempts.said() == {"a": "old", "b": "new", "c": "new"}


def test_attempts_above_nine_are_not_older_than_two(attempts):
    for number in range(1, 12):
        attempts.add([receipt(ended=False, started=number)], [outcome("a", f"attempt {number}")])
    assert attempts.said() == {"a": "attempt 11"}


def test_an_attempt_that_was_interrupted_at_once_hides_nothing_of_the_one_before(attempts):
    attempts.add([receipt(ended=False)], [outcome("a"), outcome("b")])
    attempts.add([receipt(ended=False, started=10)], [])
    assert attempts.said() == {"a": "said", "b": "said"}


def test_an_attempt_that_ended_says_all_there_is(attempts):
    """A benchmark that was changed to collect less must not be completed by what an older one collected."""
    attempts.add([receipt()], [outcome("a"), outcome("b")])
    attempts.add([receipt(started=10)], [outcome("a")])
    assert attempts.said() == {"a": "said"}


def test_shards_of_other_numbers_complete_each_other(attempts):
    """Killed with three shards, finished with two."""
    attempts.add(
        [receipt(0, 3), receipt(1, 3, ended=False)], [outcome("a", "old"), outcome("d", "old"), outcome("b", "old")]
    )
    attempts.add([receipt(1, 2, started=10)], [outcome("b", "new"), outcome("d", "new")])
    assert attempts.said() == {"a": "old", "b": "new", "d": "new"}
    (cell,) = attempts.run.cells()
    assert [(r.of, r.shard) for r in cell.receipts] == [(2, 1), (3, 0), (3, 1)]


def test_a_part_of_the_shards_is_completed_by_earlier_attempts(attempts):
    attempts.add([receipt(0, 2)], [outcome("a"), outcome("c")], plan=[planned(shards=2, selected=(0,))])
    attempts.add([receipt(1, 2, started=10)], [outcome("b"), outcome("d")], plan=[planned(shards=2, selected=(1,))])
    assert list(attempts.said()) == ["a", "b", "c", "d"]


@pytest.mark.parametrize(
    "other",
    [
        {"digest": "d2"},
        {"total": 5},
        {"signature": "s2"},
        {"identity": {"revision": "r2"}},
    ],
    ids=["data", "size", "scoring", "weights"],
)
def test_an_earlier_attempt_at_something_else_is_left_out(attempts, other):
    attempts.add([receipt(ended=False, **other)], [outcome("a", "old"), outcome("b", "old")])
    attempts.add([receipt(ended=False, started=10)], [outcome("a", "new")])
    assert attempts.said() == {"a": "new"}
    (cell,) = attempts.run.cells()
    assert [r.started for r in cell.receipts] == [10]


def test_two_processes_of_one_attempt_are_put_together(attempts):
    number = attempts.run.begin({}, asked="plan")
    attempts.run.write_plan([planned(shards=2)])
    for k, writer in enumerate(("gw0", "gw1")):
        results = attempts.run.writer(writer, number)
        results.shard(receipt(k, 2))
        results.outcome(outcome(f"sample {k}"))
        results.close()
    assert list(attempts.said()) == ["sample 0", "sample 1"]


@pytest.mark.parametrize(
    "line", [b'{"outcome":{"cell":', b"\x00\x00", b'{"outcome":{"sample_id":"\xff"}}', b'{"shard":3}']
)
def test_torn_and_damaged_lines_cost_their_own_sample_only(attempts, line):
    attempts.add([receipt()], [outcome(name) for name in "abc"])
    (path,) = (attempts.run.path / "results").iterdir()
    lines = path.read_bytes().splitlines()
    lines[2] = line
    path.write_bytes(b"\n".join(lines) + b"\n" + b'{"outcome":{"cell":{"dataset"')
    assert list(attempts.said()) == ["a", "c"]


def test_files_that_are_none_of_ours_are_passed_over(attempts):
    attempts.add([receipt()], [outcome("a")])
    (attempts.run.path / "results" / "notes.jsonl").write_text('{"outcome": 1}\n')
    assert attempts.said() == {"a": "said"}


def test_half_a_surrogate_pair_in_a_reference_is_written_as_its_escape(attempts):
    odd = Outcome(CELL, "a", State.OK, "odd \ud800", "said", meta={"x": "\udc00"})
    attempts.add([receipt()], [odd])
    (cell,) = attempts.run.cells()
    assert (cell.outcomes["a"].reference, cell.outcomes["a"].meta) == ("odd \\ud800", {"x": "\\udc00"})


def test_another_plan_is_refused_and_nothing_changed(attempts):
    attempts.add([receipt()], [outcome("a")])
    before = (attempts.run.path / "run.json").read_bytes()
    with pytest.raises(UsageError, match=r"another plan.*name a new directory"):
        attempts.run.begin({}, asked="another")
    assert (attempts.run.path / "run.json").read_bytes() == before


def test_a_folder_that_holds_other_things_is_refused(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(UsageError, match=r"is not a run directory and not empty"):
        RunDirectory(tmp_path).begin({}, asked="a")
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.tex"]


def test_an_empty_folder_is_taken(tmp_path):
    assert RunDirectory(tmp_path).begin({}, asked="a") == 1


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(RecordError, match=r"cannot make the run directory"):
        RunDirectory(tmp_path / "file" / "run").begin({}, asked="a")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "cannot read"),
        ("{", "cannot read"),
        ("[1]", "cannot read"),
        ('{"asked": "\udcff"}', "cannot read"),
        ('{"format": 99, "attempt": 1}', "format 99; this version reads 1"),
        ('{"attempt": 1}', "format None"),
        ('{"format": 1}', "which attempt"),
        ('{"format": 1, "attempt": "two"}', "which attempt"),
    ],
)
def test_a_damaged_manifest_is_told(tmp_path, content, words):
    (tmp_path / "run.json").write_text(content, "utf-8", "surrogateescape")
    with pytest.raises(RecordError, match=words):
        RunDirectory(tmp_path).begin({}, asked="a")
    with pytest.raises(RecordError, match=words):
        RunDirectory(tmp_path).manifest()


def test_a_damaged_plan_is_told(tmp_path):
    (tmp_path / "plan.json").write_text('[{"cell": 1}]')
    with pytest.raises(RecordError, match=r"cannot read .*plan\.json"):
        RunDirectory(tmp_path).cells()


def test_a_folder_that_is_no_run_holds_nothing(tmp_path):
    run = RunDirectory(tmp_path)
    assert (run.manifest(), run.plan(), run.cells()) == (None, [], [])


def test_new_runs_are_in_order_of_time_and_apart(tmp_path, monkeypatch):
    monkeypatch.setattr("time.strftime", lambda _: "20260102-030405")
    paths = {RunDirectory.new_path(tmp_path) for _ in range(20)}
    assert len(paths) > 15
    assert all(path.name.startswith("20260102-030405-") and path.parent == tmp_path for path in paths)


def test_latest_points_to_the_newest_run_wherever_it_lies(tmp_path):
    runs = tmp_path / "runs"
    for path in (runs / "one", tmp_path / "elsewhere" / "two"):
        run = RunDirectory(path)
        run.begin({}, asked="a")
        run.point_latest(runs)
        assert (runs / "latest").resolve() == path
        assert not (runs / "latest").readlink().is_absolute(), "the folder can be moved as a whole"
    assert sorted(p.name for p in runs.iterdir()) == ["latest", "one"]


def test_a_place_that_cannot_hold_latest_does_not_stop_a_run(tmp_path):
    run = RunDirectory(tmp_path / "run")
    run.begin({}, asked="a")
    (tmp_path / "file").write_text("in the way")
    run.point_latest(tmp_path / "file" / "runs")
    (tmp_path / "runs" / "latest").mkdir(parents=True)
    run.point_latest(tmp_path / "runs")
    assert [p.name for p in (tmp_path / "runs").iterdir()] == ["latest"], "no half-made link is left"


def test_the_manifest_is_for_people_too(tmp_path):
    RunDirectory(tmp_path).begin({"models": {"m": {}}}, asked="a")
    text = (tmp_path / "run.json").read_text()
    assert text.count("\n") > 3
    assert json.loads(text) == {"format": 1, "asked": "a", "attempt": 1, "models": {"m": {}}}
