"""`audiobench export`: a run as tables, as results of others, as a card's index, to trackers."""

import csv
import io
import json
import sys
import types

import pytest
import yaml
from made_runs import RECIPE, make_run, make_set

from audiobench_pytest.cli import main
from audiobench_pytest.frames import read_run
from audiobench_pytest.records.runs.directory import RunDirectory
from audiobench_pytest.records.runs.plan import PlannedCell, ShardReceipt
from audiobench_pytest.types import CellId, Outcome, SampleScore, State

OTHER = "wer/openasr@2026-08"


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("exported")
    manifest = make_set(folder / "data", 12)
    return {
        "run": make_run(folder / "run", manifest, args={"wer": "0.2"}),
        "recipes": make_run(folder / "recipes", manifest, args={"wer": "0.2"}, recipes=(RECIPE, OTHER)),
        "part": make_run(folder / "part", manifest, args={"wer": "0.2"}, limit=5),
        "two": _two_models(folder / "two"),
        "prompts": _two_prompts(folder / "prompts"),
        "draws": _three_draws(folder / "draws"),
    }


def _two_models(path):
    """Write a run of two models whose samples have nested meta, a lost one and texts that break tables."""
    run = RunDirectory(path)
    attempt = run.begin({"started": 100.0}, asked="two")
    cells = [CellId("set", model, RECIPE) for model in ("org/one", "two")]
    run.write_plan([PlannedCell(cell, "asr", "", "t.py::t", 1, (0,)) for cell in cells])
    writer = run.writer("main", attempt)
    for cell in cells:
        writer.shard(ShardReceipt(cell, 0, 1, 2, 2, 10.0, 20.0, f"{RECIPE}|lang:en", {"digest": "d"}))
        score = SampleScore({"errors": 1, "units": 4, "substitutions": 1}, "a b c d", "a b c x")
        meta = {"choices": ["a, b", 'c "d"'], "speaker": 3}
        writer.outcome(Outcome(cell, "1", State.OK, 'a,\n"b" 京', "=x\ud800", score=score, meta=meta))
        writer.outcome(Outcome(cell, "2", State.FAILED, "a b c d", None, "it died", meta={"speaker": "x"}))
    writer.close()
    return path


def _two_prompts(path):
    """Write a run of one model in two prompts: one error of four words in the one, three in the other."""
    run = RunDirectory(path)
    attempt = run.begin({}, asked="prompts")
    cells = {CellId("set", "m", RECIPE, prompt): errors for prompt, errors in (("asr/plain", 1), ("asr/terse", 3))}
    run.write_plan([PlannedCell(cell, "asr", "", "t.py::t", 1, (0,)) for cell in cells])
    writer = run.writer("main", attempt)
    for cell, errors in cells.items():
        writer.shard(ShardReceipt(cell, 0, 1, 1, 1, 10.0, 20.0, f"{RECIPE}|lang:en", {"digest": "d"}))
        score = SampleScore({"errors": errors, "units": 4, "substitutions": errors}, "a b c d", "x")
        writer.outcome(Outcome(cell, "1", State.OK, "a b c d", "x", score=score))
    writer.close()
    return path


def _three_draws(path):
    """Write a run whose two clips were answered three times each, of which one answer was lost."""
    run = RunDirectory(path)
    attempt = run.begin({}, asked="draws")
    cell = CellId("set", "m", RECIPE)
    run.write_plan([PlannedCell(cell, "asr", "", "t.py::t", 1, (0,), draws=3)])
    writer = run.writer("main", attempt)
    writer.shard(ShardReceipt(cell, 0, 1, 6, 6, 10.0, 20.0, f"{RECIPE}|lang:en", {"digest": "d"}, draws=3))
    score = SampleScore({"errors": 1, "units": 4, "substitutions": 1}, "a b c d", "a b c x")
    for draw in range(3):
        writer.outcome(Outcome(cell, "1", State.OK, "a b c d", "a b c x", score=score, draw=draw))
    for draw in range(2):
        writer.outcome(Outcome(cell, "2", State.OK, "a b c d", "a b c x", score=score, draw=draw))
    writer.outcome(Outcome(cell, "2", State.FAILED, "a b c d", None, "it died", draw=2))
    writer.close()
    return path


@pytest.fixture
def export(capfd):
    def run(*arguments):
        status = main(["export", *map(str, arguments)])
        said = capfd.readouterr()
        return status, said.out, said.err

    return run


def test_csv_has_a_row_per_sample_with_the_numbers_of_the_run(runs, export):
    status, out, err = export(runs["run"], "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    records = read_run(runs["run"]).records
    assert (status, err, len(rows)) == (0, "", 12)
    assert [row["sample_id"] for row in rows] == list(records["sample_id"])
    assert [float(row["errors"]) for row in rows] == list(records["errors"])
    assert rows[3]["meta_speaker"] == "s3"


def test_csv_of_cells_and_of_values_hold_what_the_leaderboard_says(runs, export):
    (cell,) = csv.DictReader(io.StringIO(export(runs["run"], "--format", "csv", "--rows", "cells")[1]))
    values = list(csv.DictReader(io.StringIO(export(runs["run"], "--format", "csv", "--rows", "values")[1])))
    own = read_run(runs["run"]).cells.iloc[0]
    assert (cell["metric"], float(cell["value"]), float(cell["low"])) == ("wer", own["value"], own["low"])
    assert (values[0]["name"], float(values[0]["value"]), values[0]["higher_is_better"]) == (
        "wer",
        own["value"],
        "False",
    )
    assert {one["name"] for one in values} >= {"wer", "substitution_rate", "above_50_rate"}


def test_each_prompt_of_a_run_has_its_own_rows(runs, export):
    for rows, name in (("values", "value"), ("cells", "value"), ("samples", "errors")):
        _, out, _ = export(runs["prompts"], "--format", "csv", "--rows", rows)
        read = [one for one in csv.DictReader(io.StringIO(out)) if one.get("name", "wer") == "wer"]
        told = {"asr/plain": 25.0, "asr/terse": 75.0} if name == "value" else {"asr/plain": 1.0, "asr/terse": 3.0}
        assert {one["prompt"]: float(one[name]) for one in read} == told
        assert len(read) == 2


def test_each_prompt_of_a_run_is_a_task_of_its_own_for_lm_eval(runs, export):
    document = json.loads(export(runs["prompts"], "--format", "lm-eval")[1])
    results = {task: one["wer,none"] for task, one in document["results"].items()}
    assert results == {"set (asr/plain)": 0.25, "set (asr/terse)": 0.75}
    assert document["configs"].keys() == document["n-samples"].keys() == document["versions"].keys() == results.keys()
    facts = document["configs"]["set (asr/terse)"]["metadata"][RECIPE]
    assert facts["prompt"] == "asr/terse"


def test_each_prompt_of_a_run_is_a_metric_of_its_own_on_a_card(runs, export):
    (result,) = yaml.safe_load(export(runs["prompts"], "--format", "model-index")[1])["model-index"][0]["results"]
    told = {one["args"]["prompt"]: (one["value"], one["name"]) for one in result["metrics"]}
    assert {prompt: value for prompt, (value, _) in told.items()} == {"asr/plain": 25.0, "asr/terse": 75.0}
    assert all(f"asked as {prompt}" in name for prompt, (_, name) in told.items())


def test_samples_that_were_answered_several_times_are_counted_once(runs, export):
    _, out, err = export(runs["draws"], "--format", "lm-eval")
    document = json.loads(out)
    assert document["n-samples"] == {"set": {"original": 2, "effective": 2}}
    assert document["configs"]["set"]["repeats"] == 3
    facts = document["configs"]["set"]["metadata"][RECIPE]
    assert (facts["samples"], facts["draws"], facts["answers"], facts["coverage"]) == (2, 3, 5, 5 / 6)
    assert "expected" not in facts
    assert "set (wer/audiobench-pytest@1): only 5 of 6 answers have a score" in err
    assert len(list(csv.DictReader(io.StringIO(export(runs["draws"], "--format", "csv")[1])))) == 6


def test_texts_that_break_tables_survive_csv(runs, export):
    rows = list(csv.DictReader(io.StringIO(export(runs["two"], "--format", "csv")[1], newline="")))
    assert [row["reference"] for row in rows[:2]] == ['a,\n"b" 京', "a b c d"]
    assert json.loads(rows[0]["meta_choices"]) == ["a, b", 'c "d"']
    assert (rows[1]["prediction"], rows[1]["errors"], rows[1]["reason"]) == ("", "", "it died")


def test_json_lines_keep_lists_and_say_null(runs, export):
    _, out, _ = export(runs["two"], "--format", "jsonl", "--model", "two")
    first, second = map(json.loads, out.splitlines())
    assert (first["model"], first["meta_choices"], first["errors"]) == ("two", ["a, b", 'c "d"'], 1.0)
    assert (second["prediction"], second["errors"], second["meta_choices"]) == (None, None, None)
    assert first.keys() == second.keys()


def test_parquet_comes_back_as_it_was(runs, export, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    for rows in ("samples", "cells", "values"):
        path = tmp_path / f"{rows}.parquet"
        assert export(runs["run"], "--format", "parquet", "--rows", rows, "--output", path)[:2] == (0, f"{path}\n")
    table = parquet.read_table(tmp_path / "samples.parquet")
    records = read_run(runs["run"]).records
    assert table["errors"].to_pylist() == list(records["errors"])
    assert table["prediction"].to_pylist() == list(records["prediction"])


def test_parquet_takes_columns_of_lists_and_of_several_types(runs, export, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "x.parquet"
    assert export(runs["two"], "--format", "parquet", "--output", path)[0] == 0
    table = parquet.read_table(path)
    assert json.loads(table["meta_choices"].to_pylist()[0]) == ["a, b", 'c "d"']
    assert table["meta_speaker"].to_pylist()[:2] == ["3", '"x"']


def test_lm_eval_results_have_fractions_directions_and_counts(runs, export):
    status, out, _ = export(runs["run"], "--format", "lm-eval")
    document = json.loads(out)
    cell = read_run(runs["run"]).cells.iloc[0]
    assert status == 0
    assert document["results"]["small"]["wer,none"] == cell["value"] / 100
    assert document["results"]["small"]["wer_stderr,none"] == "N/A"
    assert document["higher_is_better"]["small"]["wer"] is False
    assert document["n-samples"] == {"small": {"original": 12, "effective": 12}}
    facts = document["configs"]["small"]["metadata"][RECIPE]
    assert (facts["signature"], facts["interval_95"]) == (cell["signature"], [cell["low"], cell["high"]])
    assert (document["model_name"], document["n-shot"], document["versions"]) == ("noisy", {"small": 0}, {"small": "1"})


def test_several_recipes_stand_where_lm_eval_names_its_filter(runs, export):
    document = json.loads(export(runs["recipes"], "--format", "lm-eval")[1])
    assert {f"wer,{RECIPE}", f"wer,{OTHER}"} <= document["results"]["small"].keys()
    assert "wer,none" not in document["results"]["small"]


def test_the_index_of_a_card_is_what_the_hub_reads(runs, export):
    repocard_data = pytest.importorskip("huggingface_hub.repocard_data")
    _, out, err = export(runs["recipes"], "--format", "model-index", "--card-name", "My Model")
    name, results = repocard_data.model_index_to_eval_results(yaml.safe_load(out)["model-index"])
    cells = read_run(runs["recipes"]).cells
    assert (name, err) == ("My Model", "")
    assert [one.metric_value for one in results] == list(cells["value"])
    assert {one.task_type for one in results} == {"automatic-speech-recognition"}
    assert [one.metric_args["recipe"] for one in results] == [RECIPE, OTHER]
    assert not any(one.verified for one in results)


@pytest.mark.parametrize("revision", ["abc123", None])
def test_a_card_names_a_repository_only_where_the_data_came_from_it(export, tmp_path, revision):
    from audiobench_pytest.catalog.loader import load_catalog

    run = RunDirectory(tmp_path / "run")
    attempt = run.begin({}, asked="x")
    cell = CellId("librispeech-test-clean", "m", RECIPE)
    run.write_plan([PlannedCell(cell, "asr", "librispeech", "t.py::t", 1, (0,))])
    writer = run.writer("main", attempt)
    writer.shard(ShardReceipt(cell, 0, 1, 1, 1, 1.0, 2.0, f"{RECIPE}|lang:en", {"digest": "d", "revision": revision}))
    writer.outcome(Outcome(cell, "1", State.OK, "a", "a", score=SampleScore({"errors": 0, "units": 1}, "a", "a")))
    writer.close()
    (result,) = yaml.safe_load(export(run.path, "--format", "model-index")[1])["model-index"][0]["results"]
    hub = load_catalog().datasets.get("librispeech-test-clean").hub
    assert hub is not None
    assert result["dataset"]["type"] == (hub.repo if revision else "librispeech-test-clean")
    assert result["dataset"].get("revision") == revision


def test_a_number_of_a_part_of_the_set_says_so(runs, export):
    _, out, err = export(runs["part"], "--format", "model-index")
    (result,) = yaml.safe_load(out)["model-index"][0]["results"]
    assert "first 5 of 12" in result["metrics"][0]["name"]
    assert "it was measured on the first 5 of 12 samples" in err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["two", "--format", "lm-eval"], "holds 2 models (org/one, two): name one with --model"),
        (["two", "--format", "model-index"], "name one with --model"),
        (["two", "--format", "csv", "--model", "three"], "holds no model 'three': it holds org/one, two"),
        (["run", "--format", "parquet"], "name the file with --output"),
        (["run", "--format", "lm-eval", "--rows", "cells"], "--rows is for csv, jsonl, parquet, not for lm-eval"),
        (["run", "--format", "csv", "--project", "x"], "--project is for mlflow, wandb"),
    ],
)
def test_what_cannot_be_written_is_told(runs, export, arguments, told):
    status, out, err = export(runs[arguments[0]], *arguments[1:])
    assert (status, out) == (4, "")
    assert told in err


def test_a_folder_that_is_no_run_and_a_run_without_cells_are_told(export, tmp_path):
    assert "is not a run directory" in export(tmp_path, "--format", "csv")[2]
    RunDirectory(tmp_path / "new").begin({}, asked="x")
    assert "holds no cell yet" in export(tmp_path / "new", "--format", "csv")[2]


@pytest.fixture
def packages(monkeypatch):
    """Return what stand-ins for both trackers were told; each refuses what the real one refuses."""
    told = []

    class Made:
        id = "w1"
        info = types.SimpleNamespace(run_id="m1")

        def __init__(self):
            self.summary = {}

        def __enter__(self):
            return self

        def __exit__(self, *_):
            return False

        def finish(self):
            told.append(("summary", dict(self.summary)))

    def log(name):
        return lambda *args, **more: told.append((name, *args, *more.values()))

    mlflow = types.ModuleType("mlflow")
    for name in ("set_tracking_uri", "set_experiment", "set_tags", "log_params", "log_metrics", "log_dict"):
        setattr(mlflow, name, log(name))
    mlflow.start_run = lambda run_name: told.append(("start_run", run_name)) or Made()
    wandb = types.ModuleType("wandb")
    wandb.init = lambda **more: told.append(("init", more)) or Made()
    monkeypatch.setitem(sys.modules, "mlflow", mlflow)
    monkeypatch.setitem(sys.modules, "wandb", wandb)
    return told


def test_mlflow_is_told_values_and_what_they_rest_on_but_no_text(runs, export, packages):
    status, out, _ = export(runs["two"], "--format", "mlflow", "--project", "asr", "--output", "there")
    told = dict(one[:2] for one in packages if one[0] in ("set_tracking_uri", "set_experiment"))
    assert (status, told) == (0, {"set_tracking_uri": "there", "set_experiment": "asr"})
    assert [one[1] for one in packages if one[0] == "start_run"] == ["org/one", "two"]
    metrics = next(one[1] for one in packages if one[0] == "log_metrics")
    key = "set/wer/audiobench-pytest_1"
    assert (metrics[f"{key}/wer"], metrics[f"{key}/coverage"]) == (25.0, 0.5)
    assert next(one[1] for one in packages if one[0] == "log_params")[f"{key}/signature"].startswith(RECIPE)
    assert "京" not in repr(packages)
    assert "mlflow: two is run m1 of experiment 'asr'" in out


def test_trackers_are_told_of_each_prompt(runs, export, packages):
    assert export(runs["prompts"], "--format", "mlflow")[0] == 0
    metrics = next(one[1] for one in packages if one[0] == "log_metrics")
    rest = "wer/audiobench-pytest_1/wer"
    assert (metrics[f"set/asr/plain/{rest}"], metrics[f"set/asr/terse/{rest}"]) == (25.0, 75.0)
    assert len(next(one[1] for one in packages if one[0] == "log_dict")) == 2


def test_wandb_is_told_likewise(runs, export, packages, tmp_path):
    status, out, _ = export(runs["two"], "--format", "wandb", "--model", "two", "--output", tmp_path / "w")
    (init,) = [one[1] for one in packages if one[0] == "init"]
    (summary,) = [one[1] for one in packages if one[0] == "summary"]
    assert (status, init["name"], init["project"], init["dir"]) == (0, "two", "audiobench", str(tmp_path / "w"))
    assert summary["set/wer/audiobench-pytest_1/wer"] == 25.0
    assert "wandb: two is run w1" in out


def test_a_tracker_that_fails_is_told_with_what_was_written(runs, export, packages, monkeypatch):
    def refuse(name):
        raise OSError("no route to host")

    monkeypatch.setattr(sys.modules["mlflow"], "set_experiment", refuse)
    status, _, err = export(runs["two"], "--format", "mlflow")
    assert status == 4
    assert "MLflow could not be written (nothing was): no route to host" in err


@pytest.mark.parametrize("name", ["mlflow", "wandb"])
def test_a_tracker_that_is_not_installed_names_its_extra(runs, export, monkeypatch, name):
    monkeypatch.setitem(sys.modules, name, None)
    status, _, err = export(runs["run"], "--format", name)
    assert status == 4
    assert f"pip install 'audiobench-pytest[{name}]'" in err


@pytest.mark.slow
def test_mlflow_itself_keeps_what_it_is_told(runs, export, tmp_path, monkeypatch):
    mlflow = pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    place = (tmp_path / "tracked").as_uri()
    status, _, err = export(runs["run"], "--format", "mlflow", "--output", place)
    assert status == 0, err
    client = mlflow.MlflowClient(tracking_uri=place)
    (experiment,) = [one for one in client.search_experiments() if one.name == "audiobench"]
    (made,) = client.search_runs([experiment.experiment_id])
    assert made.data.metrics["small/wer/audiobench-pytest_1/wer"] == read_run(runs["run"]).cells.iloc[0]["value"]


@pytest.mark.slow
def test_wandb_itself_keeps_a_run_offline(runs, export, tmp_path, monkeypatch):
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    status, out, err = export(runs["run"], "--format", "wandb", "--output", tmp_path / "w")
    assert status == 0, err
    assert list((tmp_path / "w").rglob("offline-run-*/*.wandb")), out
