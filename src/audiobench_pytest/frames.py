"""A run as pandas frames, for notebooks."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from audiobench_pytest.errors import RecordError
from audiobench_pytest.leaderboard.cells.reduce import reduce_cell
from audiobench_pytest.records.runs.directory import RunDirectory
from audiobench_pytest.types import CellId, CellResult, Outcome, State


@dataclass(frozen=True, slots=True)
class Run:
    """One run, read.

    Attributes:
        path: The run directory.
        manifest: `run.json`: versions, machine, options, selection.
        records: One row per sample and draw that was reached: `dataset`, `model`, `recipe`, `prompt` (where a run asks
            in several), `sample_id`, `draw`, `state`, `language`, `reference`, `prediction`, `reason`, `cached`,
            `audio_s`, `infer_s`, `decode_s` (seconds), the recipe's numbers (`errors`, `units`, `substitutions`, ... or
            `n`, `correct`, ...), `normalised_reference`, `normalised_prediction`, `key`, what is known of time as
            `timing_<name>`, and the sample's own `meta` as `meta_<name>`. The numbers are missing for samples without
            an answer.
        cells: One row per cell: `metric`, `value`, `low`, `high`, `worst`, `unit` of the headline, every further value
            by its name, the sums by theirs, the plain fields of `CellResult`, a column `n_<state>` per state, and what
            the numbers rest on: `selection` (of the set, "" for all), `weights`, `imported` (whose result file the
            answers are from), `data_digest`, `data_revision`, `data_source`.
        values: One row per value of a cell, the headline first: `dataset`, `model`, `recipe`, `prompt`, `name`,
            `value`, `low`, `high`, `worst`, `unit`, `higher_is_better`.
    """

    path: Path
    manifest: dict[str, Any]
    records: pd.DataFrame
    cells: pd.DataFrame
    values: pd.DataFrame


def read_run(path: str | os.PathLike[str]) -> Run:
    """Read a run directory, also one whose run is still going on or was interrupted.

    Args:
        path: The directory, for example `.audiobench/runs/latest`.

    Raises:
        RecordError: It is not a run directory, or was written by a newer version.
    """
    run = RunDirectory(Path(path))
    manifest = run.manifest()
    if manifest is None:
        raise RecordError(f"{path} is not a run directory: it holds no run.json")
    cells = run.cells()
    records = [_record(outcome) for cell in cells for _, outcome in sorted(cell.outcomes.items())]
    results = [reduce_cell(cell) for cell in cells]
    values = [row for result in results for row in _values(result)]
    return Run(
        Path(path),
        manifest,
        _frame(records, _record(_NOTHING)),
        pd.DataFrame.from_records([_cell(result) for result in results]),
        pd.DataFrame.from_records(values),
    )


_NOTHING = Outcome(CellId("", "", ""), "", State.MISSING, "", None)


def _frame(rows: list[dict[str, Any]], like: dict[str, Any]) -> pd.DataFrame:
    """Return a frame that has its columns also where it has no row: a run that was interrupted at once."""
    return pd.DataFrame.from_records(rows) if rows else pd.DataFrame(columns=list(like))


def _named(cell: CellId) -> dict[str, Any]:
    """Return what tells a cell from every other, as every frame has it in front."""
    return {"dataset": cell.dataset, "model": cell.model, "recipe": cell.recipe, "prompt": cell.prompt}


def _record(outcome: Outcome) -> dict[str, Any]:
    # The stored numbers of a sample without an answer bound the worst case; in a frame they would be summed by mistake.
    score = outcome.score if outcome.prediction is not None else None
    return {
        **_named(outcome.cell),
        "sample_id": outcome.sample_id,
        "draw": outcome.draw,
        "state": str(outcome.state),
        "language": outcome.language,
        "reference": outcome.reference,
        "prediction": outcome.prediction,
        "reason": outcome.reason,
        "cached": outcome.cached,
        "audio_s": outcome.audio_s,
        "infer_s": outcome.infer_s,
        "decode_s": outcome.decode_s,
        **(score.numbers if score else {}),
        "normalised_reference": score.reference if score else None,
        "normalised_prediction": score.prediction if score else None,
        "key": outcome.key,
        **{f"timing_{name}": value for name, value in outcome.timing.items()},
        **{f"meta_{name}": value for name, value in outcome.meta.items()},
    }


def _cell(result: CellResult) -> dict[str, Any]:
    row = _named(result.cell)
    head = result.headline
    row |= {"metric": head.quantity.name, "value": head.value, "low": head.low, "high": head.high, "worst": head.worst}
    row["unit"] = head.quantity.unit
    row |= {value.quantity.name: value.value for value in (*result.values[1:], *result.tails)}
    row |= result.sums
    for name in CellResult.__slots__:
        if name not in (
            "cell",
            "values",
            "sums",
            "counts",
            "speed",
            "slices",
            "model",
            "data",
            "first_errors",
            "evidence",
        ):
            row[name] = getattr(result, name)
    row |= result.speed
    row |= {"selection": result.evidence.selection, "weights": result.evidence.weights}
    row["imported"] = result.evidence.imported
    row |= {f"data_{name}": result.data.get(name) for name in ("digest", "revision", "source")}
    row.update({f"n_{state}": result.counts.get(state, 0) for state in State})
    return row


def _values(result: CellResult) -> list[dict[str, Any]]:
    return [
        {
            **_named(result.cell),
            "name": one.quantity.name,
            "value": one.value,
            "low": one.low,
            "high": one.high,
            "worst": one.worst,
            "unit": one.quantity.unit,
            "higher_is_better": one.quantity.higher_is_better,
        }
        for one in (*result.values, *result.tails)
    ]
