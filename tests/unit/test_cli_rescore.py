"""`audiobench rescore RUN`: the answers of a run by another recipe, each prompt and each draw for itself."""

import json

import pytest

from audiobench_pytest.cli import main
from audiobench_pytest.records.runs.directory import RunDirectory
from audiobench_pytest.records.runs.plan import PlannedCell, ShardReceipt
from audiobench_pytest.types import CellId, Outcome, State

RECIPE, OTHER = "wer/audiobench-pytest@1", "wer/openasr@2026-08"
SAID = "the quick brown fox"


def write(path, cells, draws=1):
    """Write a run; of each cell the answers to its one clip, one draw after the other."""
    run = RunDirectory(path)
    attempt = run.begin({}, asked="x")
    run.write_plan([PlannedCell(cell, "asr", "", "t.py::t", 1, (0,), draws=draws) for cell in cells])
    writer = run.writer("main", attempt)
    for cell, answers in cells.items():
        size = len(answers)
        writer.shard(ShardReceipt(cell, 0, 1, size, size, 1.0, 2.0, f"{RECIPE}|lang:en", {"digest": "d"}, draws=draws))
        for draw, answer in enumerate(answers):
            writer.outcome(Outcome(cell, "clip", State.OK, SAID, answer, language="en", draw=draw))
    writer.close()
    return path


@pytest.fixture
def rescore(tmp_path, monkeypatch, capsys):
    """Return a function that scores a run again, and gives the cells and the items."""
    monkeypatch.chdir(tmp_path)

    def run(path):
        assert main(["rescore", str(path), "--recipe", OTHER, "--json", "--items", "items.jsonl"]) == 0
        items = [json.loads(line) for line in (tmp_path / "items.jsonl").read_text().splitlines()]
        return json.loads(capsys.readouterr().out), items

    return run


def test_each_prompt_has_a_score_of_its_own(rescore, tmp_path):
    cells = {CellId("set", "m", RECIPE, prompt): [said] for prompt, said in (("plain", SAID), ("terse", "a quick cat"))}
    documents, items = rescore(write(tmp_path / "run", cells))
    assert {one["prompt"]: one["value"] for one in documents} == {"plain": 0.0, "terse": 75.0}
    assert {one["prompt"]: one["score"] for one in items} == {"plain": 0.0, "terse": 75.0}
    assert all(one["recipe"] == OTHER and "model" not in one for one in items)


def test_each_draw_has_a_score_of_its_own(rescore, tmp_path):
    said = [SAID, "the quick brown", "the"]
    (document,), items = rescore(write(tmp_path / "run", {CellId("set", "m", RECIPE): said}, draws=3))
    assert document["value"] == 100 * 4 / 12
    assert [(one["id"], one["draw"], one["score"]) for one in items] == [
        ("clip", 0, 0.0),
        ("clip", 1, 25.0),
        ("clip", 2, 75.0),
    ]


def test_a_plain_run_has_lines_of_its_samples_alone(rescore, tmp_path):
    _, (item,) = rescore(write(tmp_path / "run", {CellId("set", "m", RECIPE): ["the quick brown"]}))
    assert (item["id"], item["score"], item["deletions"]) == ("clip", 25.0, 1)
    assert {"draw", "recipe", "prompt", "model", "dataset"}.isdisjoint(item)
