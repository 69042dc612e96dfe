"""A run as pandas frames."""

import pandas as pd
import pytest

import audiobench_pytest
from audiobench_pytest.errors import RecordError
from audiobench_pytest.frames import Run, read_run
from audiobench_pytest.records.runs.directory import RunDirectory
from audiobench_pytest.records.runs.plan import PlannedCell, ShardReceipt
from audiobench_pytest.types import CellId, Outcome, SampleScore, State

RECIPE = "wer/audiobench-pytest@1"
SIGNATURE = f"{RECIPE}|lang:en|steps:lower|unit:word|avg:micro|jiwer:4.0.0"


def outcome(cell, name, state=State.OK, errors=1, units=4, **more):
    score = SampleScore(
        {"errors": errors, "units": units, "substitutions": errors}, f"reference {name}", f"said {name}"
    )
    answered = state in (State.OK, State.EMPTY)
    values = {"audio_s": 2.0, "infer_s": 0.5} if answered else {}
    return Outcome(
        cell, name, state, f"Reference {name}", "Said." if answered else None, score=score, **{**values, **more}
    )


def write(path, *cells, finished=True):
    """Write a run of some cells, each a dataset's name and its outcomes."""
    run = RunDirectory(path)
    attempt = run.begin({"versions": {"x": "1"}}, asked="a")
    run.write_plan([PlannedCell(CellId(name, "m", RECIPE), "asr", "fam", "t.py::t", 1, (0,)) for name, _ in cells])
    writer = run.writer("main", attempt)
    for name, outcomes in cells:
        cell = CellId(name, "m", RECIPE)
        found = [outcome(cell, *one) if isinstance(one, tuple) else one for one in outcomes]
        receipt = ShardReceipt(cell, 0, 1, 4, 4, 10.0, 20.0 if finished else None, SIGNATURE, {"digest": "d"})
        writer.shard(receipt)
        for one in found:
            writer.outcome(one)
    writer.close()
    return run.path


@pytest.fixture
def path(tmp_path):
    cell = CellId("set", "m", RECIPE)
    return write(
        tmp_path,
        (
            "set",
            [
                ("b",),
                ("a", State.EMPTY, 4, 4),
                outcome(cell, "c", meta={"speaker": 3, "length": "long"}),
                ("d", State.FAILED, 4, 4),
            ],
        ),
        ("other", [("x", State.OK, 0, 10)]),
    )


def test_one_row_per_sample_in_order(path):
    records = read_run(path).records
    assert list(zip(records.dataset, records.sample_id, records.state, strict=True)) == [
        ("set", "a", "empty"),
        ("set", "b", "ok"),
        ("set", "c", "ok"),
        ("set", "d", "failed"),
        ("other", "x", "ok"),
    ]
    assert (records.model == "m").all()
    assert (records.recipe == RECIPE).all()
    assert list(records.normalised_prediction[:2]) == ["said a", "said b"]


def test_numbers_sum_to_the_value_of_the_cell(path):
    run = read_run(path)
    for name, value in (("set", 100 * 6 / 12), ("other", 0.0)):
        rows = run.records[run.records.dataset == name]
        cell = run.cells.set_index("dataset").loc[name]
        assert cell.value == pytest.approx(value) == pytest.approx(100 * rows.errors.sum() / rows.units.sum())
        assert cell.rtfx == pytest.approx(rows.audio_s.sum() / rows.infer_s.sum())


def test_a_sample_without_an_answer_has_no_numbers_to_sum(path):
    failed = read_run(path).records.set_index("sample_id").loc["d"]
    assert failed[["errors", "units", "substitutions", "normalised_reference"]].isna().all()
    assert failed.reference == "Reference d"


def test_meta_becomes_columns(path):
    records = read_run(path).records.set_index("sample_id")
    assert (records.meta_speaker["c"], records.meta_length["c"]) == (3, "long")
    assert pd.isna(records.meta_speaker["a"])


def test_one_row_per_cell_with_counts_and_what_is_documented(path):
    cells = read_run(path).cells.set_index("dataset")
    assert list(cells.index) == ["set", "other"]
    assert {n: cells.loc["set", f"n_{n}"] for n in ("ok", "empty", "failed", "data_error", "missing")} == {
        "ok": 2,
        "empty": 1,
        "failed": 1,
        "data_error": 0,
        "missing": 0,
    }
    assert (cells.loc["other", "n_missing"], cells.loc["other", "coverage"]) == (3, 0.25)
    assert (cells.loc["set", "task"], cells.loc["set", "family"], cells.loc["set", "metric"]) == ("asr", "fam", "wer")
    assert {"value", "low", "high", "worst", "audio_s", "infer_s", "wall_s", "rtfx", "signature"} <= set(cells.columns)


def test_every_documented_column_is_there_also_before_the_first_sample(tmp_path, path):
    full = read_run(path).records
    run = read_run(write(tmp_path / "new", ("set", []), finished=False))
    numbers = {"errors", "units", "substitutions"}  # which ones there are is the recipe's to say, sample by sample
    assert list(run.records.columns) == [n for n in full.columns if not n.startswith("meta_") and n not in numbers]
    assert len(run.records) == 0
    assert list(run.records.sample_id[run.records.state == "ok"]) == []
    assert list(run.cells.n_missing) == [4]
    documented = Run.__doc__
    assert all(name in documented for name in run.records.columns)


def test_a_run_that_goes_on_can_be_read(tmp_path):
    path = write(tmp_path, ("set", [("a",)]), finished=False)
    (file,) = (path / "results").iterdir()
    file.write_bytes(file.read_bytes() + b'{"outcome":{"cell"')
    run = read_run(path)
    assert list(run.records.sample_id) == ["a"]
    assert run.cells.n_missing[0] == 3


def test_the_manifest_and_the_path_are_given(path):
    run = read_run(str(path))
    assert (run.path, run.manifest["versions"]) == (path, {"x": "1"})


def test_a_folder_that_is_no_run_is_told(tmp_path):
    with pytest.raises(RecordError, match=r"is not a run directory: it holds no run\.json"):
        read_run(tmp_path)
    with pytest.raises(RecordError, match="not a run directory"):
        read_run(tmp_path / "gone")


def test_it_is_a_public_name():
    assert audiobench_pytest.read_run is read_run
    assert audiobench_pytest.Run is Run
    with pytest.raises(AttributeError, match="read_ruin"):
        _ = audiobench_pytest.read_ruin
