"""Limits proposed from repeated runs: the worst of them, and some slack.

Each quantity of a cell has one value per run. With `LEAST_FOR_OUTLIERS` runs or more, a value further from the median
than `OUTLIER` times the scaled median absolute deviation is left out (Iglewicz and Hoaglin, "How to Detect and Handle
Outliers", 1993); where at least half of the runs agree exactly there is no such deviation, and none is. The limit is
the worst value that is left, plus the slack: the range of what is left, or a share of the worst value if that is more,
and never less than what one more error changes. With fewer than `LEAST_CALIBRATED` runs the limit is provisional.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from audiobench_pytest.errors import UsageError
from audiobench_pytest.leaderboard.gates.values import header
from audiobench_pytest.leaderboard.quantities import COVERAGE, FIXED, SPEED
from audiobench_pytest.types import CellId, CellResult, Quantity

LEAST_FOR_OUTLIERS = 5
LEAST_CALIBRATED = 5
"""Runs that a limit rests on which is called calibrated: of fewer, the range says little of the next one."""

OUTLIER = 3.5
_TO_DEVIATION = 1.4826
"""Times the median absolute deviation, this is the standard deviation of a normal distribution."""

SLACK = 0.02
SPEED_SLACK = 0.1
"""Shares of the worst value; times vary more than answers do."""

_RATES = ("invalid_rate", "judge_invalid_rate")
_TIMES = tuple(name for name, fixed in FIXED.items() if fixed.proposed)


@dataclass(frozen=True, slots=True)
class Proposal:
    """One proposed limit.

    Attributes:
        cell: For which cell.
        quantity: Of what.
        bound: `max` or `min`.
        limit: The limit, rounded so that it never becomes stricter.
        values: What was measured, a value per run, without the outliers, in the order of the runs.
        outliers: What was left out.
        worst: The worst of the values.
        slack: Between the worst and the limit, before rounding.
        hardware: Fingerprint that a limit on speed is bound to, else "".
        calibrated: Whether enough runs are behind it.
    """

    cell: CellId
    quantity: Quantity
    bound: str
    limit: float
    values: tuple[float, ...]
    outliers: tuple[float, ...]
    worst: float
    slack: float
    hardware: str = ""
    calibrated: bool = False


def propose(
    runs: Mapping[str, Sequence[CellResult]], *, slack: float = SLACK, speed_slack: float = SPEED_SLACK
) -> tuple[list[Proposal], list[str]]:
    """Return the proposed limits, and what has to be known about them.

    Args:
        runs: The results of each run, by what the run is called.
        slack: Least slack of a value, as a share of the worst one.
        speed_slack: The same of a time.

    Raises:
        UsageError: Fewer than two runs, or runs of different data, recipe or selection.
    """
    if len(runs) < 2:
        raise UsageError("name at least two runs of the same plan: one alone does not tell how much values vary")
    cells: dict[CellId, list[tuple[str, CellResult]]] = {}
    for name, results in runs.items():
        for result in results:
            cells.setdefault(result.cell, []).append((name, result))
    proposals: list[Proposal] = []
    notes: list[str] = []
    for cell, named in cells.items():
        _refuse_different(cell, named)
        fresh = [(name, result) for name, result in named if not _is_repeated(result)]
        for name, _ in (one for one in named if one not in fresh):
            notes.append(f"{cell}: {name} took all answers from the cache: it repeats another run and is left out")
        if len(fresh) < 2:
            notes.append(
                f"{cell}: the model answered in {len(fresh)} run only, nothing is proposed: give each run a cache of "
                "its own (--audiobench-cache=DIR)"
            )
            continue
        if any(result.model.get("identity") != fresh[0][1].model.get("identity") for _, result in fresh):
            notes.append(f"{cell}: the runs asked models with different arguments or weights: is that meant?")
        if len(fresh) < LEAST_FOR_OUTLIERS:
            few = f"{len(fresh)} runs are too few to tell an outlier ({LEAST_FOR_OUTLIERS} are needed)"
            notes.append(f"{cell}: {few}, and the limits are provisional")
        proposals += _of_cell([result for _, result in fresh], slack, speed_slack, notes)
    return proposals, notes


def snippet(proposals: Sequence[Proposal]) -> str:
    """Return the proposals as a part of a gates file."""
    tables: dict[tuple[str, str, str], list[str]] = {}
    cells: dict[tuple[str, str, str], set[CellId]] = {}
    for one in proposals:
        key = (one.cell.dataset, one.quantity.name, one.cell.model)
        cells.setdefault(key, set()).add(one.cell)
        lines = tables.setdefault(key, [header(key)])
        shown = ", ".join(_short(value) for value in one.values)
        left_out = f"; left out: {', '.join(_short(value) for value in one.outliers)}" if one.outliers else ""
        lines.append(f"# {len(one.values)} runs: {shown}{left_out}")
        sure = "calibrated" if one.calibrated else f"provisional ({LEAST_CALIBRATED} runs make it calibrated)"
        lines.append(f"# {sure}: worst {_short(one.worst)}, slack {_short(one.slack)}")
        lines.append(f"{one.bound} = {one.limit!r}")
        if one.quantity.name not in FIXED:
            lines.append(f'recipe = "{one.cell.recipe}"')
        if one.hardware:
            lines.append(f'hardware = "{one.hardware}"')
    double = [key for key, found in cells.items() if len(found) > 1]
    if double:
        found = cells[double[0]]
        names = ", ".join(sorted(f"{one.recipe} ({one.prompt})" if one.prompt else one.recipe for one in found))
        what = "recipe" if len({cell.recipe for cell in found}) > 1 else "prompt"
        raise UsageError(f"{header(double[0])} would be there twice ({names}): propose limits for one {what} at a time")
    return "\n\n".join("\n".join(lines) for lines in tables.values()) + "\n"


def outliers(values: Sequence[float]) -> set[int]:
    """Return the places of the outliers among the values of repeated runs."""
    if len(values) < LEAST_FOR_OUTLIERS:
        return set()
    middle = statistics.median(values)
    spread = _TO_DEVIATION * statistics.median(abs(value - middle) for value in values)
    return {place for place, value in enumerate(values) if spread > 0 and abs(value - middle) > OUTLIER * spread}


def _of_cell(results: Sequence[CellResult], slack: float, speed_slack: float, notes: list[str]) -> Iterator[Proposal]:
    first = results[0]
    names = dict.fromkeys((first.metric, *(name for name in _RATES if first.named(name) is not None)))
    coverage = [result.coverage for result in results]
    if min(coverage) < 1.0:  # else the built-in minimum holds
        yield _proposal(first.cell, COVERAGE, coverage, 0.0, step=1.0 / (first.expected or 1))
    for name in names:
        known = [result.named(name) for result in results]
        values = [one.value for one in known if one is not None and one.value is not None]
        if len(values) == len(results) and known[0] is not None:
            step = max(_one_more(result, known[0].quantity) for result in results)
            yield _proposal(first.cell, known[0].quantity, values, slack, step=step)
    hardware = {str(result.model.get("hardware") or "") for result in results}
    if len(hardware) > 1 or "" in hardware or any(result.cached for result in results):
        notes.append(f"{first.cell}: no limit on speed: the runs were not all answered on one known hardware")
        return
    fingerprint = hardware.pop()
    for name in _TIMES:
        times = [result.rtfx if name == "rtfx" else result.speed.get(name) for result in results]
        measured = [time for time in times if time is not None]
        if len(measured) == len(results):
            yield _proposal(first.cell, SPEED[name], measured, speed_slack, hardware=fingerprint)


def _proposal(
    cell: CellId, quantity: Quantity, values: Sequence[float], share: float, *, hardware: str = "", step: float = 0.0
) -> Proposal:
    left_out = outliers(values)
    kept = tuple(value for place, value in enumerate(values) if place not in left_out)
    up = quantity.higher_is_better
    worst = min(kept) if up else max(kept)
    slack = max(max(kept) - min(kept), share * abs(worst), step)
    limit = worst - slack if up else worst + slack
    if quantity.minimum is not None:
        limit = max(limit, quantity.minimum)
    if quantity.maximum is not None:
        limit = min(limit, quantity.maximum)
    digits = 4 if quantity.name == COVERAGE.name else 2 if limit >= 1.0 else 4
    rounded = (math.floor if up else math.ceil)(round(limit * 10**digits, 6)) / 10**digits
    dropped = tuple(values[place] for place in sorted(left_out))
    enough = len(values) >= LEAST_CALIBRATED
    return Proposal(cell, quantity, "min" if up else "max", rounded, kept, dropped, worst, slack, hardware, enough)


def _one_more(result: CellResult, quantity: Quantity) -> float:
    """Return by how much one more error, or one more sample that is wrong, changes a value in percent."""
    if quantity.unit != "%":
        return 0.0
    units = result.sums.get("units", 0.0)
    if quantity.name == result.metric and units and "rate" not in result.sums and quantity.maximum is None:
        return 100.0 / units
    return 100.0 / result.scored if result.scored else 0.0


def _refuse_different(cell: CellId, named: Sequence[tuple[str, CellResult]]) -> None:
    (first, one), *others = named
    for name, other in others:
        for what, ours, theirs in (
            ("signatures", one.signature, other.signature),
            ("samples", one.expected, other.expected),
            ("data", one.data.get("digest"), other.data.get("digest")),
        ):
            if ours != theirs:
                raise UsageError(f"{cell}: the {what} of {first} and {name} differ ({ours} and {theirs})")


def _is_repeated(result: CellResult) -> bool:
    return result.cached == result.scored > 0


def _short(number: float) -> str:
    return f"{number:.6g}"
