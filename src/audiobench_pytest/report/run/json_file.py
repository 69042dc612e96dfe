"""The leaderboard for programs (`leaderboard.json`): every number unrounded, keys sorted, the same bytes every time."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from audiobench_pytest.errors import RecordError, UsageError
from audiobench_pytest.leaderboard.cells.totals import best_cells
from audiobench_pytest.leaderboard.cells.variation.spreads import PromptSpread, prompt_spreads
from audiobench_pytest.leaderboard.conclusion import Conclusion
from audiobench_pytest.report.run.evidence import measured_lines
from audiobench_pytest.types import CellResult, GateResult, MetricValue, State

SCHEMA_VERSION = 1
"""Raised when a field changes its meaning or goes away; new fields do not raise it."""


def render(board: Conclusion) -> str:
    """Return the board as JSON, ending in a newline.

    Top level: `schema_version`, `run_dir`, `interrupted`, `wall_s`, `notes`, `measured` (what the numbers rest on, in
    sentences), `cells`, `prompt_spread`, `gates`, `limits`. A cell holds the fields of `CellResult` with `dataset`,
    `model`, `recipe` and `prompt` beside them, `model_info` and `data_info` for what model and data were, `evidence`
    for what the numbers rest on, `counts` per state, and `best` for the leader of its column. Numbers that do not exist
    are null.
    """
    best = best_cells(board.results)
    document = {
        "schema_version": SCHEMA_VERSION,
        "run_dir": board.run_dir,
        "interrupted": board.interrupted,
        "wall_s": board.wall_s,
        "notes": list(board.notes),
        "measured": measured_lines(board),
        "cells": [{**cell_document(result), "best": result.cell in best} for result in board.results],
        "prompt_spread": [_spread(one) for one in prompt_spreads(board.results)],
        "gates": [_gate(gate) for gate in board.gates],
        "limits": _limits(board),
    }
    text = json.dumps(_finite(document), indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"
    # A file name that is not UTF-8 arrives as lone surrogates: written `\udcNN` they are valid JSON.
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def stored_board(run: Path) -> dict[str, Any]:
    """Return what `render` wrote into a run directory.

    Raises:
        UsageError: The run has no leaderboard.
        RecordError: It cannot be read.
    """
    try:
        found: dict[str, Any] = json.loads((run / "leaderboard.json").read_bytes())
    except FileNotFoundError as exc:
        raise UsageError(f"{run} has no leaderboard.json: `audiobench gate {run} --output {run}` writes it") from exc
    except (OSError, ValueError) as exc:
        raise RecordError(f"cannot read {run / 'leaderboard.json'}: {exc}") from exc
    return found


def cell_document(result: CellResult) -> dict[str, Any]:
    """Return a cell's result as plain JSON values."""
    return {
        "dataset": result.cell.dataset,
        "model": result.cell.model,
        "recipe": result.cell.recipe,
        "prompt": result.cell.prompt,
        "task": result.task,
        "family": result.family,
        "metric": result.metric,
        "unit": result.headline.quantity.unit,
        "higher_is_better": result.headline.quantity.higher_is_better,
        "value": result.headline.value,
        "low": result.headline.low,
        "high": result.headline.high,
        "worst": result.headline.worst,
        "values": [_value(value) for value in result.values],
        "tails": [_value(value) for value in result.tails],
        "signature": result.signature,
        "published_recipe": result.published_recipe,
        "expected": result.expected,
        "counts": {str(state): result.counts[state] for state in State},
        "coverage": result.coverage,
        "sums": dict(result.sums),
        "cached": result.cached,
        "audio_s": result.audio_s,
        "infer_s": result.infer_s,
        "wall_s": result.wall_s,
        "rtfx": result.rtfx,
        "cost": dict(result.cost),
        "speed": dict(result.speed),
        "percentiles": {name: dataclasses.asdict(one) for name, one in result.percentiles.items()},
        "clusters": result.clusters,
        "n_clusters": result.n_clusters,
        "effective_clusters": result.effective_clusters,
        "largest_cluster": result.largest_cluster,
        "without_cluster": result.without_cluster,
        "slices": [
            {
                "key": part.key,
                "name": part.name,
                "samples": part.samples,
                "values": [_value(value) for value in part.values],
            }
            for part in result.slices
        ],
        "model_info": result.model,
        "data_info": result.data,
        "evidence": {
            "size": result.evidence.size,
            "selection": result.evidence.selection,
            "weights": result.evidence.weights,
            "pinned": result.evidence.pinned,
            "reused": result.evidence.reused,
            "oldest": result.evidence.oldest or None,
            "newest": result.evidence.newest or None,
            "failed_first": result.evidence.failed_first,
            "endings": dict(result.evidence.endings),
            "heard": dict(result.evidence.heard),
            "scripts": dict(result.evidence.scripts),
            "imported": result.evidence.imported,
            "remeasured": result.evidence.remeasured,
        },
        "draws": None if result.draws is None else dataclasses.asdict(result.draws),
        "first_errors": [
            {"id": sample_id, "state": str(state), "reason": reason} for sample_id, state, reason in result.first_errors
        ],
    }


def _spread(one: PromptSpread) -> dict[str, Any]:
    return {
        "dataset": one.dataset,
        "model": one.model,
        "recipe": one.recipe,
        "metric": one.quantity.name,
        "unit": one.quantity.unit,
        "values": dict(one.values),
        "prompts": one.prompts,
        "lacking": list(one.lacking),
        "lowest": one.values[0][1] if one.values else None,
        "highest": one.values[-1][1] if one.values else None,
        "range": one.range,
        "deviation": one.deviation,
    }


def _limits(board: Conclusion) -> dict[str, Any] | None:
    if board.limits is None:
        return None
    idle = [{"source": source, "reason": reason} for source, reason in board.limits.unmatched]
    return {
        "file": board.limits.file,
        "total": board.limits.total,
        "unmatched": idle,
        "release": board.limits.release,
    }


def _value(value: MetricValue) -> dict[str, Any]:
    quantity = value.quantity
    return {
        "name": quantity.name,
        "unit": quantity.unit,
        "higher_is_better": quantity.higher_is_better,
        "range": [quantity.minimum, quantity.maximum],
        "value": value.value,
        "low": value.low,
        "high": value.high,
        "worst": value.worst,
    }


def _gate(gate: GateResult) -> dict[str, Any]:
    return {
        "dataset": gate.cell.dataset,
        "model": gate.cell.model,
        "recipe": gate.cell.recipe,
        "prompt": gate.cell.prompt,
        "metric": gate.metric,
        "bound": gate.bound,
        "limit": gate.limit,
        "value": gate.value,
        "verdict": str(gate.verdict),
        "counts_as": str(gate.effect),
        "kind": None if gate.kind is None else str(gate.kind),
        "slice": gate.slice,
        "message": gate.message,
        "source": gate.source,
        "details": dict(gate.details),
        "waiver": gate.waiver,
    }


def _finite(value: Any) -> Any:
    """Replace NaN and infinities, which JSON lacks and a model's own arguments may hold, by null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return value
