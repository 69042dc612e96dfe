"""What keeps a green honest beside the limits: promised cells and data, limits that apply to nothing, waivers."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import TYPE_CHECKING

from audiobench_pytest.errors import Red, did_you_mean
from audiobench_pytest.leaderboard.gates.schema import EVERYTHING, GatesFile, Limit, Promise
from audiobench_pytest.types import CellId, CellResult, GateResult, Verdict

if TYPE_CHECKING:
    from audiobench_pytest.records.runs.plan import PlannedCell

MEASURED = "measured"
"""The bound of a gate on what was measured, not on how well."""


def judge_promises(result: CellResult, gates: GatesFile, skip: str | None) -> Iterator[GateResult]:
    """Judge what a file says that a cell was measured on.

    Args:
        result: The cell.
        gates: The file.
        skip: Why nothing is judged of the cell, or None.
    """
    for about in ("samples", "data", "weights"):
        found = [p for p in gates.promises if p.about == about and _rank(p, result) is not None]
        if found:
            promise = max(found, key=lambda one: _rank(one, result) or (0, False))
            yield _kept(result, promise, skip)
    if gates.release is not None and _is_promised(result, gates):
        selection = result.evidence.selection
        if selection and skip is None:
            message = f"the {selection} samples were measured: a release is judged on the whole set"
            yield _told(result.cell, "selection", Verdict.FAIL, message, gates.release.source)


def missing_cells(results: Sequence[CellResult], gates: GatesFile, skip: str | None) -> Iterator[GateResult]:
    """Yield a red gate for each promised cell that was not measured at all.

    Args:
        results: The cells.
        gates: The file.
        skip: Why that is not judged, or None.
    """
    if gates.release is None:
        return
    there = {(result.cell.dataset, result.cell.model) for result in results}
    for dataset, model in gates.release.cells:
        if (dataset, model) not in there:
            verdict = Verdict.FAIL if skip is None else Verdict.SKIP
            message = skip or "promised, and not measured in this run"
            yield _told(CellId(dataset, model, ""), "cell", verdict, message, gates.release.source)


def unmatched(
    gates: GatesFile, results: Sequence[CellResult], applied: Iterable[int], nothing: dict[int, str]
) -> list[tuple[Limit, str]]:
    """Return the limits that applied to nothing, each with the reason.

    Args:
        gates: The file.
        results: The cells.
        applied: Places of the limits that were looked at, or gave way to a closer one.
        nothing: Reasons of limits that were looked at and found nothing, by place.
    """
    known = set(applied)
    return [
        (limit, nothing.get(place) or _why(limit, results))
        for place, limit in enumerate(gates.limits)
        if place not in known
    ]


def red_unmatched(found: Iterable[tuple[Limit, str]], gates: GatesFile, skip: str | None) -> Iterator[GateResult]:
    """Yield a gate for each limit that may not apply to nothing."""
    for limit, reason in found:
        if limit.required or gates.refuses_unmatched:
            verdict = Verdict.FAIL if skip is None else Verdict.SKIP
            cell = CellId(limit.scope if limit.scope != EVERYTHING else "every set", limit.model or "every model", "")
            part = "=".join(limit.slice) if limit.slice else ""
            message = skip or f"the limit applies to nothing: {reason}"
            told = _told(cell, limit.metric, verdict, message, limit.source)
            yield dataclasses.replace(told, bound=limit.bound, limit=limit.value, slice=part)


def unmeasured(gates: GatesFile, plans: Sequence[PlannedCell]) -> list[str]:
    """Return what is wrong with limits on what a data set is not measured in, whatever its recipes of this run.

    Only limits that name the data set itself are mistakes for sure: one on a task may be meant for other sets.
    """
    from audiobench_pytest.leaderboard.cells.planned import quantities, recipe_of

    found = []
    for limit in gates.limits:
        aimed = [plan for plan in plans if limit.scope == plan.cell.dataset and limit.model in (None, plan.cell.model)]
        aimed = [plan for plan in aimed if limit.recipe in (None, plan.cell.recipe)]
        if not aimed or not limit.is_of_the_recipe:
            continue
        measured = quantities([recipe_of(plan) for plan in aimed])
        if limit.metric not in measured:
            recipes = ", ".join(dict.fromkeys(plan.cell.recipe for plan in aimed))
            close = did_you_mean(limit.metric, measured)
            found.append(f"{limit.source}: {limit.scope} is not measured in {limit.metric} by {recipes}{close}")
    return found


def required(judged: GateResult, limit: Limit, skip: str | None) -> GateResult:
    """Return a gate that was not judged as red where its limit must be."""
    if not limit.required or judged.effect is not Verdict.SKIP or skip is not None:
        return judged
    message = f"required, and not judged: {judged.message}"
    return dataclasses.replace(judged, verdict=Verdict.FAIL, counts_as=None, message=message, kind=Red.HARNESS)


def waived(judged: GateResult, limit: Limit, today: date | None = None) -> GateResult:
    """Return a gate with what its limit's waiver makes of it.

    Args:
        judged: The gate.
        limit: Its limit.
        today: The day; the present one unless given.
    """
    waiver = limit.waiver
    if waiver is None:
        return judged
    told = f"until {waiver.until} by {waiver.by}: {waiver.why}"
    if judged.effect is not Verdict.FAIL:
        if judged.effect is Verdict.PASS:
            return dataclasses.replace(judged, message=f"{judged.message}; the waiver {told} hides nothing: remove it")
        return judged
    if (today or date.fromtimestamp(time.time())) > waiver.until:
        return dataclasses.replace(judged, message=f"{judged.message}; the waiver has run out ({told})")
    message = f"{judged.message}; waived {told}"
    return dataclasses.replace(judged, counts_as=Verdict.SKIP, message=message, waiver=told)


def _rank(promise: Promise, result: CellResult) -> tuple[int, bool] | None:
    levels = (EVERYTHING, result.task, result.family, result.cell.dataset)
    if promise.scope not in levels or promise.model not in (None, result.cell.model):
        return None
    return max(rank for rank, name in enumerate(levels) if name == promise.scope), promise.model is not None


def _is_promised(result: CellResult, gates: GatesFile) -> bool:
    assert gates.release is not None
    return not gates.release.cells or (result.cell.dataset, result.cell.model) in gates.release.cells


def _kept(result: CellResult, promise: Promise, skip: str | None) -> GateResult:
    about, wanted = promise.about, promise.wanted
    if skip is not None:
        return _told(result.cell, about, Verdict.SKIP, skip, promise.source)
    if isinstance(wanted, int):
        size = result.evidence.size if result.evidence.size is not None else result.selected
        good, message = size == wanted, f"the set has {size} samples, {wanted} are promised"
        told = _told(result.cell, about, Verdict.PASS if good else Verdict.FAIL, message, promise.source)
        return dataclasses.replace(told, value=None if size is None else float(size), limit=float(wanted))
    here = result.evidence.weights if about == "weights" else str(result.data.get("digest") or "")
    good = bool(here) and here.startswith(wanted)
    if not here:
        message = f"nothing tells which {about} were measured; {wanted} is promised"
    else:
        message = f"measured on {about} {here[: max(10, len(wanted))]}, {wanted} is promised"
    return _told(result.cell, about, Verdict.PASS if good else Verdict.FAIL, message, promise.source)


def _told(cell: CellId, metric: str, verdict: Verdict, message: str, source: str) -> GateResult:
    kind = Red.DATA if verdict is Verdict.FAIL else None
    return GateResult(cell, metric, MEASURED, 0.0, None, verdict, message, source, kind)


def _why(limit: Limit, results: Sequence[CellResult]) -> str:
    """Return why a limit applies to no cell."""
    scoped = [r for r in results if limit.scope in (EVERYTHING, r.task, r.family, r.cell.dataset)]
    if not scoped:
        return f"nothing of {limit.scope} is in this run"
    asked = [r for r in scoped if limit.model in (None, r.cell.model)]
    if not asked:
        return f"model {limit.model} is not asked of it in this run"
    if limit.recipe is not None and all(r.cell.recipe != limit.recipe for r in asked):
        return f"nothing is scored by {limit.recipe} in this run"
    return f"nothing here is measured in {limit.metric}"
