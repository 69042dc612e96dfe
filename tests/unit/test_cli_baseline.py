"""`audiobench baseline update|show`: a lock file that belongs in git."""

import json

import pytest
from made_runs import RECIPE, make_run, make_set

from audiobench_pytest.cli import main
from audiobench_pytest.leaderboard.cells.reduce import reduce_cell
from audiobench_pytest.records.runs.directory import RunDirectory


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    manifest, other = make_set(folder / "data", 20), make_set(folder / "data", 6, "other")
    return {
        "run": make_run(folder / "run", manifest, args={"wer": "0.2"}),
        "better": make_run(folder / "better", manifest, args={"wer": "0.05"}),
        "other": make_run(folder / "other", other, args={"wer": "0.2"}),
        "oracle": make_run(folder / "oracle", manifest, model="oracle"),
        "manifest": manifest,
    }


@pytest.fixture
def baseline(tmp_path, monkeypatch, capsys):
    """Return a function that runs the command in an empty folder and gives status, output and errors."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        status = main(["baseline", *map(str, arguments)])
        said = capsys.readouterr()
        return status, said.out, said.err

    return run


def value_of(run):
    (cell,) = RunDirectory(run).cells()
    return reduce_cell(cell).value


def test_update_writes_what_the_run_measured(runs, baseline, tmp_path):
    status, out, err = baseline("update", runs["run"])
    assert (status, err) == (0, "")
    (cell,) = json.loads((tmp_path / "audiobench.lock.json").read_text())["cells"]
    assert (cell["dataset"], cell["model"], cell["recipe"]) == ("small", "noisy", RECIPE)
    assert cell["values"]["wer"]["value"] == value_of(runs["run"])
    assert (cell["n"], cell["coverage"], cell["metric"]) == (20, 1.0, "wer")
    assert cell["identity"]["args"]["wer"] == 0.2
    assert cell["signature"].startswith(f"{RECIPE}|lang:en|")
    assert "audiobench.lock.json: 1 cell written, 0 kept" in out


def test_updating_again_gives_the_same_bytes_and_leaves_the_file_alone(runs, baseline, tmp_path):
    path = tmp_path / "audiobench.lock.json"
    baseline("update", runs["run"], runs["other"])
    first, touched = path.read_bytes(), path.stat().st_mtime_ns
    baseline("update", runs["other"], runs["run"])
    assert (path.read_bytes(), path.stat().st_mtime_ns) == (first, touched)
    path.unlink()
    baseline("update", runs["run"], runs["other"])
    assert path.read_bytes() == first


def test_other_cells_stay_and_the_same_one_is_replaced(runs, baseline, tmp_path):
    baseline("update", runs["run"], runs["other"], runs["oracle"])
    _, out, _ = baseline("update", runs["better"])
    assert "1 cell written, 2 kept" in out
    cells = json.loads((tmp_path / "audiobench.lock.json").read_text())["cells"]
    assert [(cell["dataset"], cell["model"]) for cell in cells] == [
        ("other", "noisy"),
        ("small", "noisy"),
        ("small", "oracle"),
    ]
    assert cells[1]["values"]["wer"]["value"] == value_of(runs["better"])


def test_the_file_lies_beside_the_gates_unless_named(runs, baseline, tmp_path):
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "benchmarks" / "gates.toml").write_text("")
    baseline("update", runs["run"])
    assert (tmp_path / "benchmarks" / "audiobench.lock.json").is_file()
    baseline("update", runs["run"], "--file", "mine.json")
    assert (tmp_path / "mine.json").read_bytes() == (tmp_path / "benchmarks" / "audiobench.lock.json").read_bytes()


def test_show_lists_the_cells_without_their_samples(runs, baseline):
    baseline("update", runs["run"])
    status, out, _ = baseline("show")
    assert status == 0
    assert f"small-noisy  wer {value_of(runs['run']):.4f} % [" in out
    assert "n 20 of 20" in out
    status, out, _ = baseline("show", "--json")
    (cell,) = json.loads(out)
    assert cell["values"]["wer"]["value"] == value_of(runs["run"])
    assert "samples" not in cell


def test_an_incomplete_run_is_written_only_where_that_is_accepted(runs, baseline, tmp_path):
    manifest = make_set(tmp_path / "data", 5)
    (tmp_path / "data" / "3.wav").unlink()
    run = make_run(tmp_path / "run", manifest)
    status, _, err = baseline("update", run)
    assert (status, (tmp_path / "audiobench.lock.json").exists()) == (4, False)
    assert "small-noisy: only 4 of 5 samples have a score" in err
    assert '--accept "REASON"' in err
    status, _, err = baseline("update", run, "--accept", "the fifth clip is lost")
    assert status == 0
    assert "accepted (the fifth clip is lost): small-noisy: only 4 of 5 samples" in err


def test_a_part_of_a_set_is_written_only_where_that_is_accepted(runs, baseline, tmp_path):
    limited = make_run(tmp_path / "limited", runs["manifest"], limit=3)
    status, _, err = baseline("update", limited)
    assert status == 4
    assert "small-noisy: it was measured on the first 3 of 20 samples" in err


def test_a_worse_run_takes_the_place_of_a_better_one_only_with_a_reason(runs, baseline, tmp_path):
    path = tmp_path / "audiobench.lock.json"
    baseline("update", runs["better"])
    kept = path.read_bytes()
    change = f"{value_of(runs['better']):.4f} % -> {value_of(runs['run']):.4f} %"
    status, _, err = baseline("update", runs["run"])
    assert (status, path.read_bytes()) == (4, kept)
    assert f"it is worse than what it replaces ({change})" in err
    status, out, _ = baseline("update", runs["run"], "--accept", "a harder decoder")
    assert status == 0
    assert f"small-noisy  {change}" in out
    (cell,) = json.loads(path.read_text())["cells"]
    assert (cell["made"]["reason"], [one["value"] for one in cell["history"]]) == (
        "a harder decoder",
        [value_of(runs["better"])],
    )
    _, out, _ = baseline("history")
    first, last = out.splitlines()[1:]
    assert f"wer {value_of(runs['better']):.4f}" in first
    assert last.endswith("a harder decoder")
    # And back: better needs no reason, and what happened stays told.
    assert baseline("update", runs["better"])[0] == 0
    assert len(baseline("history")[1].splitlines()) == 4


def test_a_run_in_other_words_takes_the_place_of_the_usual_ones_only_with_a_reason(runs, baseline, tmp_path):
    path = tmp_path / "audiobench.lock.json"
    baseline("update", runs["run"])
    kept = path.read_bytes()
    other = make_run(tmp_path / "other", runs["manifest"], args={"wer": "0.2"}, words="asr/terse")
    status, _, err = baseline("update", other)
    assert (status, path.read_bytes()) == (4, kept)
    assert "small-noisy: it was asked in prompt 'asr/terse', what it replaces in the usual prompt" in err
    assert baseline("update", other, "--accept", "the words we ship")[0] == 0
    (cell,) = json.loads(path.read_text())["cells"]
    assert cell["words"] == "asr/terse"
    # The same words again are no news.
    assert baseline("update", other)[0] == 0


def test_a_file_that_does_not_say_in_which_words_is_neither_changed_nor_taken_for_the_usual_ones(
    runs, baseline, tmp_path
):
    path = tmp_path / "audiobench.lock.json"
    baseline("update", runs["run"])
    document = json.loads(path.read_text())
    del document["cells"][0]["words"]
    path.write_text(json.dumps(document, indent=1, sort_keys=True) + "\n")
    kept = path.read_bytes()
    assert baseline("update", runs["run"])[0] == 0
    assert path.read_bytes() == kept
    other = make_run(tmp_path / "other", runs["manifest"], args={"wer": "0.2"}, words="asr/terse")
    assert main(["compare", str(path), str(other)]) == 0
    assert baseline("update", other)[0] == 0
    assert json.loads(path.read_text())["cells"][0]["words"] == "asr/terse"


def test_a_red_run_is_written_only_where_that_is_accepted(runs, baseline, tmp_path):
    run = make_run(tmp_path / "run", runs["manifest"], args={"wer": "0.2"})
    gate = {
        "dataset": "small",
        "model": "noisy",
        "prompt": "asr/terse",
        "metric": "wer",
        "counts_as": "fail",
        "message": "WER is above",
    }
    (run / "leaderboard.json").write_text(json.dumps({"gates": [gate]}))
    status, _, err = baseline("update", run)
    assert status == 4
    assert "the run is red: small-noisy-asr.terse wer: WER is above" in err


def test_two_runs_of_one_cell_that_are_no_parts_of_one_plan_are_refused(runs, baseline, tmp_path):
    limited = make_run(tmp_path / "limited", runs["manifest"], limit=3)
    status, _, err = baseline("update", runs["run"], limited)
    assert status == 4
    assert "both hold small-noisy" in err
    assert not (tmp_path / "audiobench.lock.json").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("update", "nowhere"), "nowhere is not a run directory"),
        (("show",), "there is no audiobench.lock.json"),
        (("show", "--file", "broken.json"), "broken.json is no lock file"),
    ],
)
def test_what_is_not_there_or_broken_is_said(baseline, tmp_path, arguments, words):
    (tmp_path / "broken.json").write_text("{")
    status, out, err = baseline(*arguments)
    assert (status, out) == (4, "")
    assert words in err


def test_a_run_without_a_value_is_no_baseline(baseline, tmp_path):
    manifest = make_set(tmp_path / "data", 2)
    for number in range(2):
        (tmp_path / "data" / f"{number}.wav").unlink()
    status, _, err = baseline("update", make_run(tmp_path / "run", manifest))
    assert status == 4
    assert "has no value: it cannot be a baseline" in err
