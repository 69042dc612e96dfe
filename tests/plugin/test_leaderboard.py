"""A run end to end: what is printed, what is written, what the exit status is."""

import csv
import json

import jiwer
import pytest
from whisper_normalizer.english import EnglishTextNormalizer

import audiobench_pytest


def test_oracle_has_no_errors_and_the_run_is_green(project):
    manifest = project.clips(6)
    result = project.run(f"--dataset={manifest}", "--model=oracle")
    assert result.ret == 0
    cell = project.cell()
    assert (cell["dataset"], cell["model"], cell["metric"]) == ("small", "oracle", "wer")
    assert cell["value"] == 0.0
    assert cell["expected"] == 6
    assert cell["counts"]["ok"] == 6
    assert cell["coverage"] == 1.0


def test_node_id_names_dataset_and_model(project):
    manifest = project.clips(2)
    result = project.run(f"--dataset={manifest}", "--model=oracle", "-v")
    result.stdout.fnmatch_lines(["benchmarks/asr/test_asr.py::test_asr[[]small-oracle] PASSED*"])


def test_printed_value_is_confirmed_by_an_independent_computation(project):
    manifest = project.clips(8)
    result = project.run(f"--dataset={manifest}", "--model=noisy", "--model-args=wer=0.4,seed=3")
    assert result.ret == 0
    run = audiobench_pytest.read_run(project.latest)
    normal = EnglishTextNormalizer()
    expected = 100 * jiwer.wer(
        [normal(text) for text in run.records.reference], [normal(text) for text in run.records.prediction]
    )
    assert expected > 0
    assert project.cell()["value"] == pytest.approx(expected, abs=1e-9)
    result.stdout.fnmatch_lines([f"*noisy*{expected:.2f}*"])


def test_board_files_agree(project):
    manifest = project.clips(5)
    project.run(f"--dataset={manifest}", "--model=oracle,noisy")
    board = project.board()
    with (project.latest / "leaderboard.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(r["dataset"], r["model"]) for r in rows] == [(c["dataset"], c["model"]) for c in board["cells"]]
    assert [float(r["value"]) for r in rows] == pytest.approx([c["value"] for c in board["cells"]])
    text = (project.latest / "leaderboard.md").read_text()
    assert "oracle" in text
    assert "noisy" in text


def test_two_models_and_two_datasets_make_four_cells_in_model_order(project):
    first, second = project.clips(3, "first"), project.clips(3, "second")
    result = project.run(f"--dataset={first}", f"--dataset={second}", "--model=oracle", "--model=null", "-v")
    assert result.ret == 0
    ids = [line.split("[")[1].split("]")[0] for line in result.outlines if "test_asr[" in line and "PASSED" in line]
    assert ids == ["first-oracle", "second-oracle", "first-null", "second-null"]
    result.stdout.fnmatch_lines(["*first*second*"])


def test_run_directory_says_what_ran(project):
    manifest = project.clips(2)
    project.run(f"--dataset={manifest}", "--model=noisy", "--model-args=wer=0.1", "--audiobench-run=out")
    manifest = json.loads((project.path / "out" / "run.json").read_text())
    assert manifest["models"] == {"noisy": {"wer": "0.1"}}
    assert manifest["versions"]["pytest"] == pytest.__version__
    assert (project.path / "out" / "leaderboard.json").is_file()


def test_chinese_is_scored_by_characters(project):
    folder = project.clips(2).parent
    rows = [json.loads(line) for line in (folder / "manifest.jsonl").read_text().splitlines()]
    for row, text in zip(rows, ["今天天气很好", "我们去公园"], strict=True):
        row.update(text=text, language="zh")
    (folder / "manifest.jsonl").write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows))
    result = project.run(f"--dataset={folder / 'manifest.jsonl'}", "--model=oracle")
    assert result.ret == 0
    assert project.cell()["metric"] == "cer"
    assert project.cell()["sums"]["units"] == 11


def test_no_terminal_reporter_still_writes_and_judges(project):
    manifest = project.clips(3)
    project.gates('["small".wer]\nmax = 1.0\n')
    result = project.run(f"--dataset={manifest}", "--model=null", "-p", "no:terminal", inprocess=False)
    assert result.ret == 1
    assert project.cell()["value"] > 1.0


def test_results_say_which_data_and_model_they_are_of(project):
    manifest = project.clips(3)
    project.run(f"--dataset={manifest}", "--model=noisy", "--model-args=wer=0.1,seed=4")
    cell = project.cell()
    assert cell["data_info"]["source"].endswith("manifest.jsonl")
    assert len(cell["data_info"]["digest"]) >= 32
    assert cell["model_info"]["identity"]["args"] == {"seed": 4, "wer": 0.1}
    before = cell["data_info"]["digest"]
    manifest.write_text(manifest.read_text().replace("word", "ward"))
    project.run(f"--dataset={manifest}", "--model=noisy", "--model-args=wer=0.1,seed=4")
    assert project.cell()["data_info"]["digest"] != before


def test_gates_reach_every_reporter(project):
    (project.path / "conftest.py").write_text(
        (project.path / "conftest.py").read_text()
        + """
seen = []
def pytest_runtest_logreport(report):
    seen.append((report.nodeid.split("::")[-1], report.when, report.outcome))
def pytest_unconfigure():
    open("seen.txt", "w").write("\\n".join(map(" ".join, seen)))
"""
    )
    manifest = project.clips(3)
    project.gates('["small".wer]\nmax = 1.0\n')
    project.run(f"--dataset={manifest}", "--model=null")
    seen = (project.path / "seen.txt").read_text().splitlines()
    assert "gate[small-null-wer-max] call failed" in seen
    assert "gate[small-null-coverage-min] call passed" in seen


def test_read_run_gives_frames(project):
    manifest = project.clips(5)
    (manifest.parent / "audio" / "0004.wav").unlink()
    project.run(f"--dataset={manifest}", "--model=noisy", "--model-args=wer=0.5")
    run = audiobench_pytest.read_run(project.latest)
    assert list(run.records.sample_id) == [f"clip-{i:04d}" for i in range(5)]
    assert set(run.records.meta_speaker) == {"spk0", "spk1", "spk2"}
    (cell,) = run.cells.to_dict("records")
    answered = run.records[run.records.state == "ok"]
    assert cell["value"] == pytest.approx(100 * answered.errors.sum() / answered.units.sum())
    assert (cell["n_ok"], cell["n_data_error"]) == (4, 1)
    assert run.records.errors.isna().sum() == 1
    with pytest.raises(audiobench_pytest.RecordError, match=r"run\.json"):
        audiobench_pytest.read_run(project.path)


def test_a_leaderboard_that_cannot_be_written_is_red(project, monkeypatch):
    manifest = project.clips(2)

    def full(board, folder):
        raise audiobench_pytest.RecordError(f"cannot write {folder}: No space left on device")

    monkeypatch.setattr("audiobench_pytest.report.run.files.write_board", full)
    result = project.run(f"--dataset={manifest}", "--model=oracle")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "No space left" in result.stderr.str()
    result.stdout.fnmatch_lines(["*2 of 2 answered*"])


def test_a_model_that_fails_to_close_is_noted(project, monkeypatch):
    manifest = project.clips(2)

    def close(self):
        raise RuntimeError("stuck")

    monkeypatch.setattr("audiobench_pytest.models.harness.OracleAdapter.close", close)
    result = project.run(f"--dataset={manifest}", "--model=oracle")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*closing the model failed: RuntimeError: stuck*"])


def test_the_speakers_of_an_own_manifest_are_resampled_and_told(project):
    manifest = project.clips(12)
    result = project.run(f"--dataset={manifest}", "--model=noisy")
    assert project.cell()["clusters"] == "speaker"
    count, effective = project.cell()["n_clusters"], project.cell()["effective_clusters"]
    assert 0 < effective <= count
    result.stdout.fnmatch_lines([f"small: intervals over {count} values of speaker, effectively {effective:.1f}*"])
    project.run(f"--dataset={manifest}", "--model=noisy", "--cluster=none")
    assert project.cell()["clusters"] == ""
    missing = project.run(f"--dataset={manifest}", "--model=noisy", "--cluster=spaeker")
    missing.stdout.fnmatch_lines(["small: no sample says its spaeker: the intervals are over single samples"])


def test_a_report_is_written_where_it_is_asked_for(project):
    result = project.run(f"--dataset={project.clips(3)}", "--model=noisy", "--audiobench-html=pages")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["report: pages/index.html"])
    assert (project.path / "pages" / "data" / "board.js").is_file()
    assert len(list((project.path / "pages" / "sounds").iterdir())) == 3
