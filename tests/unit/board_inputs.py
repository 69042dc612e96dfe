"""Builders for tests of boards: results of runs on paper, run directories on disk, a small catalogue of one's own."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from cell_results import cell_result

from audiobench_pytest.catalog.boards import AverageSpec, BoardSpec, ColumnSpec
from audiobench_pytest.leaderboard.boards.cells import RunCell
from audiobench_pytest.records.runs.directory import RunDirectory
from audiobench_pytest.records.runs.plan import PlannedCell, ShardReceipt
from audiobench_pytest.types import CellId, Outcome, SampleScore, State

RECIPE = "wer/audiobench-pytest@1"


def column(name: str, **fields: Any) -> ColumnSpec:
    """Return a column of error rates of the data set of the same name."""
    return ColumnSpec(**{"name": name, "datasets": (name,), "recipe": RECIPE, "error": True, "group": "ASR", **fields})


def board(*columns: ColumnSpec, **fields: Any) -> BoardSpec:
    """Return a board whose average is over all its columns."""
    mean = AverageSpec("mean", tuple(one.name for one in columns))
    return BoardSpec(**{"name": "mine", "title": "Mine", "columns": columns, "averages": (mean,), **fields})


def run_cell_of(
    model: str, dataset: str, value: float | None, /, *, run: str = "runs/a", asked: int | None = None, **fields: Any
) -> RunCell:
    """Return a complete result of 100 samples under the recipe of `column`."""
    recipe = fields.pop("recipe", RECIPE)
    given = {"expected": 100, "counts": {State.OK: 100}, "signature": recipe, **fields}
    given |= {} if "values" in fields else {"value": value}
    result = cell_result(cell=CellId(dataset, model, recipe), **given)
    return RunCell(result, run, asked)


def write_run(path: Path, cells: dict[tuple[str, str], list[tuple[int, int]]], **manifest: Any) -> Path:
    """Write a run directory; each cell (data set, model) is given as (errors, words) per sample."""
    run = RunDirectory(path)
    asked = manifest.pop("asked", str(path))
    recipe = manifest.pop("recipe", RECIPE)
    attempt = run.begin(manifest, asked=asked)
    planned = [CellId(dataset, model, recipe) for dataset, model in cells]
    run.write_plan([PlannedCell(cell, "asr", "", "t.py::t", 1, (0,)) for cell in planned])
    writer = run.writer("main", attempt)
    for cell, samples in zip(planned, cells.values(), strict=True):
        common = {"expected": len(samples), "total": len(samples), "started": 1.0, "ended": 3.0}
        identity = {"checkpoint": cell.model}
        receipt = ShardReceipt(
            cell, 0, 1, signature=f"{cell.recipe}|lang:en|x", dataset={"digest": cell.dataset}, model={}, **common
        )
        writer.shard(dataclasses.replace(receipt, model={"identity": identity}))
        for number, (errors, words) in enumerate(samples):
            score = SampleScore({"errors": float(errors), "units": float(words)}, "r", "p")
            writer.outcome(
                Outcome(
                    *(cell, f"{number:04d}", State.OK, "r", "p"), audio_s=2.0, infer_s=1.0, language="en", score=score
                )
            )
    writer.close()
    return path


def write_catalog(folder: Path, *, datasets: dict[str, int], extra: str = "") -> Path:
    """Write a catalogue folder with data sets of known size and the board `own` over them, and two published rows."""
    for kind in ("datasets", "boards", "published"):
        (folder / kind).mkdir(parents=True)
    entries = [{"name": name, "task": "asr", "samples": str(size)} for name, size in datasets.items()]
    (folder / "datasets" / "own.yaml").write_text(json.dumps({"datasets": entries}), "utf-8")
    table = {
        **{
            "name": "own-table",
            "file": "own.csv",
            "title": "Own",
            "source": "Nobody, Table 1",
            "publication": "Nobody",
        },
        "recipes": [{"metric": "WER", "recipe": RECIPE}, {"metric": "XER", "recipe": "wer/elsewhere@1"}],
    }
    (folder / "published" / "own.yaml").write_text(json.dumps({"tables": [table]}), "utf-8")
    rows = [f"paper-{k},{name},WER,{10 * k}.0" for k in (1, 2) for name in datasets]
    (folder / "published" / "own.csv").write_text("\n".join(["model,benchmark,metric,value", *rows]) + "\n", "utf-8")
    columns = [
        {
            **{"name": name, "datasets": [name], "recipe": RECIPE, "error": "true", "group": f"group {k % 2}"},
            "published": [{"table": "own-table", "benchmark": name, "metric": "WER"}],
        }
        for k, name in enumerate(datasets)
    ]
    own = {
        **{"name": "own", "title": "Own board", "columns": columns},
        "averages": [{"name": "own-mean", "over": list(datasets)}],
    }
    (folder / "boards" / "own.yaml").write_text(json.dumps({"boards": [own]}) + extra, "utf-8")
    return folder
