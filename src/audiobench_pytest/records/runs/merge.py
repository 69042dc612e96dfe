"""Several run directories of one plan (its parts, or repetitions) as one."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from audiobench_pytest.errors import UsageError
from audiobench_pytest.records.keys import canonical
from audiobench_pytest.records.runs.cells import CellData
from audiobench_pytest.records.runs.directory import RunDirectory
from audiobench_pytest.records.runs.listening import Rating
from audiobench_pytest.records.runs.plan import IMPORTED, PlannedCell, ShardReceipt
from audiobench_pytest.types import NO_CLUSTERS, CellId


def merge_runs(
    runs: Sequence[RunDirectory], slices: Callable[[PlannedCell], Iterable[str]] | None = None
) -> list[CellData]:
    """Return the cells of all runs, each with the samples of all of them, planned as a whole.

    A sample in several runs counts once: the last run named wins. Samples that are in none are missing, and nothing
    excuses them any more: a part that was forgotten turns the coverage gate red.

    Args:
        runs: The run directories.
        slices: As in `RunDirectory.cells`.

    Raises:
        UsageError: A folder is no run directory, two runs do not belong together, or each is a whole: an import.
        RecordError: A run cannot be read.
    """
    asked: dict[str, Path] = {}
    found: dict[CellId, list[CellData]] = {}
    for run in runs:
        manifest = run.manifest()
        if manifest is None:
            raise UsageError(f"{run.path} is not a run directory: it holds no run.json")
        asked.setdefault(str(manifest["asked"]), run.path)
        for cell in run.cells(slices):
            found.setdefault(cell.plan.cell, []).append(cell)
    if len(asked) > 1:
        first, second = list(asked.values())[:2]
        raise UsageError(
            f"{first} and {second} hold different plans (other data, models, arguments or selection): "
            "only the parts of one plan can be judged together"
        )
    for named, own in found.items():
        if len(own) > 1 and any(IMPORTED in (r.model.get("identity") or {}) for one in own for r in one.receipts):
            raise UsageError(
                f"{named} ({named.recipe}) is a whole import in each of {len(own)} runs, and nothing tells which "
                f"counts: name one of {', '.join(str(run.path) for run in runs)}"
            )
    return [_merged(cells) for cells in found.values()]


def _merged(cells: Sequence[CellData]) -> CellData:
    subjects = {(r.total, r.signature, r.dataset.get("digest")) for cell in cells for r in cell.receipts}
    if len(subjects) > 1:
        said = " and ".join(sorted(f"{total} samples, {rule}, data {data}" for total, rule, data in subjects))
        raise UsageError(f"{cells[0].plan.cell}: the runs read different data or scored it differently ({said})")
    identities = {canonical(r.model.get("identity")): r.model.get("identity") for cell in cells for r in cell.receipts}
    if len(identities) > 1:
        raise UsageError(f"{cells[0].plan.cell}: the runs asked different models ({_differences(identities.values())})")
    clusters = sorted({cell.plan.clusters or NO_CLUSTERS for cell in cells})
    if len(clusters) > 1:
        raise UsageError(f"{cells[0].plan.cell}: the runs resample different clusters ({' and '.join(clusters)})")
    outcomes = {row: outcome for cell in cells for row, outcome in cell.outcomes.items()}
    receipts = _that_count(cells)
    probes = {sample_id: probe for cell in cells for sample_id, probe in cell.probes.items()}
    ratings: dict[str, list[Rating]] = {}
    for cell in cells:
        for kind, rated in cell.ratings.items():
            ratings.setdefault(kind, []).extend(rated)
    return CellData(_whole(cells[0].plan), receipts, outcomes, probes, ratings)


def _that_count(cells: Iterable[CellData]) -> tuple[ShardReceipt, ...]:
    """Return the receipts of all runs, of a shard that a later run has repeated to its end that run's alone.

    Its answers are the later run's: what the earlier one cost, or took from the cache, would be counted twice.
    """
    found: dict[tuple[int, int], list[ShardReceipt]] = {}
    for receipt in (receipt for cell in cells for receipt in cell.receipts):
        known = found.setdefault((receipt.of, receipt.shard), [])
        if receipt.ended is not None:
            known.clear()
        known.append(receipt)
    return tuple(receipt for known in found.values() for receipt in known)


def _differences(identities: Iterable[Any]) -> str:
    """Say in what some models differ: `dtype: "float16" and "float32"`."""
    known = [identity if isinstance(identity, dict) else {} for identity in identities]
    values = {key: sorted({canonical(one.get(key)) for one in known}) for key in sorted(set().union(*known))}
    return "; ".join(f"{key}: {' and '.join(found)}" for key, found in values.items() if len(found) > 1)


def _whole(plan: PlannedCell) -> PlannedCell:
    return dataclasses.replace(plan, selected=tuple(range(plan.shards)))
