"""A run of one model as results of lm-evaluation-harness: what tools that read those files expect."""

from __future__ import annotations

import json
import re
from typing import Any

from audiobench_pytest.exchange.exports.cells import ExportedCell, one_model, several_recipes
from audiobench_pytest.frames import Run

_PLAIN = "none"
"""What that harness calls the filter of a task that has none of its own."""


def as_results(run: Run, model: str | None = None) -> bytes:
    """Return a results file: a task per data set, and prompt where a run asks in several; a value per metric.

    A percentage is written as a fraction of 1, as there. Where a data set was scored by several recipes, the recipe
    stands where that harness names its filter. There is no standard error: ours are intervals, kept under `metadata`.

    Args:
        run: The run.
        model: Which of its models; None where it holds one.

    Raises:
        UsageError: The run holds several models and none is named, or no cell.
    """
    name, cells = one_model(run, model)
    several = several_recipes(cells)
    results: dict[str, dict[str, Any]] = {}
    configs: dict[str, dict[str, Any]] = {}
    samples: dict[str, dict[str, int]] = {}
    better: dict[str, dict[str, bool]] = {}
    for cell in cells:
        task = cell.asked
        written = results.setdefault(task, {"alias": task})
        for value in cell.values:
            if value.value is not None:
                key = cell.recipe if task in several else _PLAIN
                written |= {f"{value.name},{key}": value.fraction, f"{value.name}_stderr,{key}": "N/A"}
                better.setdefault(task, {})[value.name] = value.higher_is_better
        config = configs.setdefault(task, {"task": task, "num_fewshot": 0, "repeats": cell.draws, "metadata": {}})
        config["metadata"][cell.recipe] = cell.facts()
        samples[task] = {"original": cell.expected or cell.scored, "effective": cell.scored}
    document: dict[str, Any] = {
        "results": results,
        "group_subtasks": {task: [] for task in results},
        "configs": configs,
        "versions": {cell.asked: _version(cell) for cell in cells},
        "n-shot": dict.fromkeys(results, 0),
        "higher_is_better": better,
        "n-samples": samples,
        "config": {"model": "audiobench-pytest", "model_args": f"model={name}", "batch_size": None, "limit": None},
        "git_hash": ((run.manifest.get("git") or {}).get("commit") or None),
        "date": run.manifest.get("began") or run.manifest.get("started"),
        "model_source": "audiobench-pytest",
        "model_name": name,
        "model_name_sanitized": re.sub(r"[\"<>:/|\\?*\[\]]+", "__", name),
    }
    return (json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()


def _version(cell: ExportedCell) -> str:
    """Return what stands for a task's version: that of the recipe."""
    return cell.recipe.rpartition("@")[2] or cell.recipe
