"""Limits applied to results: which limit holds for which cell, and what cannot be judged."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from audiobench_pytest.errors import Red
from audiobench_pytest.leaderboard.gates.bounds import bounded, judge_coverage, judge_value, no_value
from audiobench_pytest.leaderboard.gates.promises import (
    judge_promises,
    missing_cells,
    red_unmatched,
    required,
    unmatched,
    waived,
)
from audiobench_pytest.leaderboard.gates.schema import CHECKS, EVERYTHING, GatesFile, Limit, RegressionRule
from audiobench_pytest.leaderboard.gates.words import gate, told_time
from audiobench_pytest.leaderboard.quantities import COVERAGE, SPEED
from audiobench_pytest.records.runs.plan import PlannedCell
from audiobench_pytest.types import CellId, CellResult, GateResult, State, Verdict

if TYPE_CHECKING:
    from audiobench_pytest.leaderboard.baselines.measured import Samples
    from audiobench_pytest.leaderboard.baselines.sources import Baseline
    from audiobench_pytest.metrics.recipes import Recipe
    from audiobench_pytest.records.runs.cells import CellData

_HERE = "this run"


@dataclass(frozen=True, slots=True)
class Judgement:
    """What came of a file of limits.

    Attributes:
        gates: The gates of each cell in the order of the results (coverage, then what it was measured on, then values,
            then speed), followed by what is red because it is not there.
        unmatched: The limits that applied to nothing, each with the reason.
    """

    gates: list[GateResult]
    unmatched: list[tuple[Limit, str]]


def verdicts(
    results: Sequence[CellResult],
    plans: Sequence[PlannedCell],
    gates: GatesFile,
    *,
    interrupted: bool,
    data: Mapping[CellId, CellData] | None = None,
    is_part: bool = False,
    doubts: Mapping[str, str] | None = None,
) -> Judgement:
    """Judge every cell: its coverage always, whatever else a limit exists for.

    Per metric, slice and kind of check the most specific limit wins: dataset and model, dataset, family and model,
    family, task and model, task, default and model, default; then one that names the recipe or the slice. A limit on
    something that the cell is not measured in applies to it only where the limit names the dataset itself, and then
    fails: it is a mistake that must be seen.

    A cell of which the user picked some shards only is skipped, and so is one that an interruption left unfinished.
    Any other sample without a score lowers the coverage, and the value is then judged over the scored samples with a
    message that says so.

    Args:
        results: One per cell.
        plans: One per cell, in any order.
        gates: The limits.
        interrupted: The run ended before all of its items had run.
        data: What is known of the cells' samples, for slices and baselines.
        is_part: Other parts of the plan are judged together with this one later: what is not here may be there.
        doubts: Why the scores of some recipes are not to be trusted, by recipe: no limit on them is kept.

    Raises:
        ValueError: Results and plans are not about the same cells, or a limit needs samples and there are none.
    """
    by_cell = {plan.cell: plan for plan in plans}
    if set(by_cell) != {result.cell for result in results}:
        odd = sorted(str(cell) for cell in set(by_cell) ^ {result.cell for result in results})
        raise ValueError(f"results and plans differ in {', '.join(odd)}")
    baselines: dict[Path, Baseline] = {}
    judged: list[_Judged] = []
    applied: set[int] = set()
    nothing: dict[int, str] = {}
    for result in results:
        cell = _Cell(result, by_cell[result.cell], gates, results, data or {}, baselines)
        cell.doubt = (doubts or {}).get(result.cell.recipe)
        judged += cell.judge(interrupted)
        applied |= cell.applied - cell.nothing.keys()
        nothing |= cell.nothing
    found = [one.concluded() for one in _corrected(judged, gates.corrects_file)]
    idle = unmatched(gates, results, applied, nothing)
    skip = "interrupted" if interrupted else "a part of the plan" if is_part else None
    found += missing_cells(results, gates, skip)
    found += red_unmatched(idle, gates, skip)
    return Judgement(found, idle)


@dataclass(frozen=True, slots=True)
class _Judged:
    """A gate before what the file says of the whole is applied to it.

    Attributes:
        gate: What came of the limit.
        limit: The limit, where it is one on a value.
        skip: Why the cell is not judged at all, or None.
        cell: The cell and its limits.
    """

    gate: GateResult
    limit: Limit | None = None
    skip: str | None = None
    cell: _Cell | None = None

    def family(self, place: int, whole_file: bool) -> object:
        """Return what is the same for all that is corrected together."""
        if self.limit is None or "p" not in self.gate.details:
            return place
        if whole_file:
            return "file"
        return (self.gate.cell, self.limit.source, self.limit.bound) if self.limit.is_family else place

    def concluded(self) -> GateResult:
        """Return the gate as it is told."""
        if self.limit is None or self.cell is None:
            return self.gate
        return waived(required(self.cell.worded(self.gate, self.limit), self.limit, self.skip), self.limit)


def _corrected(judged: Sequence[_Judged], whole_file: bool) -> Iterator[_Judged]:
    """Yield the gates in their order, those of a family of comparisons corrected for their number."""
    families: dict[object, list[int]] = {}
    for place, one in enumerate(judged):
        families.setdefault(one.family(place, whole_file), []).append(place)
    found = list(judged)
    for places in families.values():
        together = [(judged[place].gate, limit) for place in places if (limit := judged[place].limit) is not None]
        if len(together) < len(places) or "p" not in together[0][0].details:
            continue
        if len(places) < 2 and not together[0][1].is_family:
            continue
        from audiobench_pytest.leaderboard.gates.regression import corrected

        for place, gate_now in zip(places, corrected(together), strict=True):
            found[place] = dataclasses.replace(judged[place], gate=gate_now)
    yield from found


class _Cell:
    """One cell and the limits that hold for it.

    Attributes:
        applied: Places of the limits that were looked at, or gave way to a closer one.
        nothing: Reasons of the limits that were looked at and found nothing, by place.
        doubt: Why the cell's scores are not to be trusted, or None.
    """

    def __init__(
        self,
        result: CellResult,
        plan: PlannedCell,
        gates: GatesFile,
        results: Sequence[CellResult],
        data: Mapping[CellId, CellData],
        baselines: dict[Path, Baseline],
    ) -> None:
        self._result, self._plan, self._gates = result, plan, gates
        self._data, self._baselines = data, baselines
        self.doubt: str | None = None
        self.applied: set[int] = set()
        self.nothing: dict[int, str] = {}
        self._tests = 1
        # What the same answers are measured in under any recipe: a limit belongs to those that have its metric.
        self._measured_in = {
            value.quantity.name
            for other in results
            if (other.cell.dataset, other.cell.model) == (result.cell.dataset, result.cell.model)
            for value in other.values
        }

    def judge(self, interrupted: bool) -> Iterator[_Judged]:
        skip = _skip_reason(self._result, self._plan, interrupted)
        coverage = self._chosen(COVERAGE.name, "min", None) or Limit(
            EVERYTHING, COVERAGE.name, None, "min", self._gates.min_coverage, "built-in default"
        )
        if skip is None:
            yield _Judged(waived(judge_coverage(self._result, coverage), coverage))
        else:
            yield _Judged(gate(self._result, coverage, self._result.coverage, Verdict.SKIP, skip))
        yield from map(_Judged, judge_promises(self._result, self._gates, skip))
        for metric in self._metrics():
            parts = (None, *self._parts(metric))
            self._tests = len(parts) * (len(self._gates.limits) if self._gates.corrects_file else 1)
            for part in parts:
                for check in CHECKS:
                    limit = self._chosen(metric, check, part)
                    if limit is not None:
                        not_now = skip or self._is_limited(limit)
                        yield _Judged(self._judged(limit, part, not_now), limit, skip, self)

    def _is_limited(self, limit: Limit) -> str | None:
        """Return why a limit on quality says nothing of a part of the set, or None.

        A baseline of the same part is as good a measure as one of the whole; another one refuses the comparison itself.
        """
        selection = self._result.evidence.selection
        if not selection or limit.judges_limited or limit.metric in SPEED or limit.bound in ("regression", "anchor"):
            return None
        return f'the {selection} samples only: limited = "judge" judges them all the same'

    def worded(self, judged: GateResult, limit: Limit) -> GateResult:
        """Return a gate whose message says what its limit does not: another recipe's value, answers of another day."""
        if not limit.is_of_the_recipe:
            return judged
        result, own, message = self._result, self._plan.own_recipe, judged.message
        if own is not None and limit.recipe is None:
            message += f"; scored by {result.cell.recipe}, not by the set's own {own}"
        if self.doubt is not None and judged.verdict is not Verdict.SKIP:
            return dataclasses.replace(
                judged,
                verdict=Verdict.INCONCLUSIVE,
                counts_as=Verdict.FAIL,
                kind=Red.HARNESS,
                message=f"{self.doubt}; {message}",
            )
        if result.evidence.imported:
            message += f"; {result.evidence.imported}"
        elif not result.evidence.pinned and result.evidence.reused == result.scored > 0:
            day = told_time(result.evidence.oldest, result.evidence.newest)
            message += f"; every answer is of {day}, and nobody can tell whether the model is still the same"
        return dataclasses.replace(judged, message=message)

    def _judged(self, limit: Limit, part: tuple[str, str] | None, skip: str | None) -> GateResult:
        named = "=".join(part) if part else ""
        if skip is not None:
            known = self._result.named(limit.metric)
            value = self._result.rtfx if limit.metric == "rtfx" else known.value if known else None
            comparison = limit.bound not in ("max", "min") or part is not None
            return gate(self._result, limit, None if comparison else value, Verdict.SKIP, skip, part=named)
        if part is None and limit.bound in ("max", "min"):
            return self._decided(judge_value(self._result, limit), limit, part)
        if self._result.named(limit.metric) is None or not self._result.scored:
            return judge_value(self._result, limit)
        if part is not None and not self._samples.clips(part).ids:
            return self._empty_slice(limit, part, named)
        if part is not None and (found := len(self._samples.clips(part).ids)) < limit.min_samples:
            few = f"{found} sample{'s' * (found != 1)} only, min_samples asks for {limit.min_samples}"
            return gate(self._result, limit, None, Verdict.SKIP, few, part=named)
        if limit.bound in ("regression", "anchor"):
            return self._against_baseline(limit, part, named)
        metric = limit.metric
        if limit.bound == "published":
            from audiobench_pytest.leaderboard.gates.published import compared_metric

            metric = compared_metric({one.quantity.name for one in self._result.values}, metric)
        value, samples = self._value(metric, part)
        if value is None:
            return no_value(self._result, limit, named)
        if limit.bound == "published":
            from audiobench_pytest.leaderboard.gates.published import judge_published

            return judge_published(self._result, limit, value, metric, named)
        judged = bounded(self._result, limit, value, part=named, of=f" of {named} ({samples} samples)")
        return self._decided(judged, limit, part)

    def _decided(self, judged: GateResult, limit: Limit, part: tuple[str, str] | None) -> GateResult:
        """Return a gate that names the samples without which it had passed, where they are few."""
        if judged.verdict is not Verdict.FAIL or limit.bound != "max" or self._result.cell not in self._data:
            return judged
        known = next((one.quantity for one in self._result.values if one.quantity.name == limit.metric), None)
        from audiobench_pytest.leaderboard.cells.tails import deciders, is_error_rate, told

        if known is None or judged.value is None or not is_error_rate(known):
            return judged
        samples = self._samples.summed(limit.metric, part)
        values = self._recipe().values
        found = deciders(samples.ids, [samples.columns], lambda sums: values(sums[0])[limit.metric], limit.value)
        if not found:
            return judged
        message = judged.message + told(found, len(samples.ids))
        return dataclasses.replace(judged, message=message, details={**judged.details, "deciders": list(found)})

    def _against_baseline(self, limit: Limit, part: tuple[str, str] | None, named: str) -> GateResult:
        from audiobench_pytest.leaderboard.baselines.sources import Baseline
        from audiobench_pytest.leaderboard.gates.regression import judge_regression

        rule = limit.rule
        assert isinstance(rule, RegressionRule)
        baseline = self._baselines.setdefault(rule.baseline, Baseline(rule.baseline, rule.shown))
        samples = self._samples.clips(part)
        return judge_regression(self._result, limit, samples, self._recipe().values, baseline, named, self._tests)

    def _empty_slice(self, limit: Limit, part: tuple[str, str], named: str) -> GateResult:
        # As with a metric that is not measured: a mistake where the limit names the dataset, and else no matter.
        what = f"no scored sample says its {part[0]}" if part[1] == EVERYTHING else f"no scored sample has {named}"
        aimed = limit.scope == self._result.cell.dataset
        if not aimed:
            self.nothing[self._gates.limits.index(limit)] = what
        verdict = Verdict.FAIL if aimed else Verdict.SKIP
        return gate(self._result, limit, None, verdict, what, kind=Red.DATA, part=named)

    def _value(self, metric: str, part: tuple[str, str] | None) -> tuple[float | None, int]:
        """Return a value of the cell or of a slice, over all answers as in the report, and its number of samples."""
        known = self._result.named(metric)
        if part is None:
            return (known.value if known is not None else None), 0
        from audiobench_pytest.leaderboard.cells.reduce import exact_sums, values_at

        answers = self._samples.answers(metric, part)
        if not answers.ids:
            return None, 0
        return values_at(self._recipe(), exact_sums(answers.columns)).get(metric), len(set(answers.ids))

    def _metrics(self) -> list[str]:
        """Return what limits of this cell are about: its values in their order, then anything else, then speed."""
        order = [value.quantity.name for value in self._result.values]
        named = [limit.metric for limit in self._gates.limits if limit.metric != COVERAGE.name]
        found = dict.fromkeys((*order, *named))
        return [one for one in found if one not in SPEED] + [one for one in SPEED if one in found]

    def _parts(self, metric: str) -> Iterator[tuple[str, str]]:
        """Yield the slices that limits of this cell are about, `*` being each that there is."""
        wanted = dict.fromkeys(
            limit.slice
            for limit in self._gates.limits
            if limit.slice and limit.metric == metric and self._rank(limit) is not None
        )
        found: dict[tuple[str, str], None] = {}
        for key, name in wanted:
            if name != EVERYTHING:
                found[key, name] = None
                continue
            texts = self._samples.clips().keys.get(key, ()) if self._result.cell in self._data else ()
            found |= dict.fromkeys((key, one) for one in sorted({text for text in texts if text}) or [EVERYTHING])
        yield from found

    def _chosen(self, metric: str, check: str, part: tuple[str, str] | None) -> Limit | None:
        """Return the most specific limit."""
        best: tuple[tuple[int, ...], Limit] | None = None
        for place, limit in enumerate(self._gates.limits):
            if limit.metric != metric or limit.bound != check or not _is_about(limit.slice, part):
                continue
            rank = self._rank(limit)
            if rank is not None:
                self.applied.add(place)
                if best is None or rank > best[0]:
                    best = (rank, limit)
        return best[1] if best is not None else None

    def _rank(self, limit: Limit) -> tuple[int, ...] | None:
        """Return how closely a limit is aimed at the cell, or None when it does not apply to it."""
        result = self._result
        levels = (EVERYTHING, result.task, result.family, result.cell.dataset)
        if limit.scope not in levels or limit.model not in (None, result.cell.model):
            return None
        if limit.recipe not in (None, result.cell.recipe):
            return None
        measured = not limit.is_of_the_recipe or result.named(limit.metric) is not None
        if not measured and (limit.scope != result.cell.dataset or limit.metric in self._measured_in):
            return None
        level = max(rank for rank, name in enumerate(levels) if name == limit.scope)
        exact = limit.slice is not None and limit.slice[1] != EVERYTHING
        return level, limit.model is not None, limit.recipe is not None, exact

    def _recipe(self) -> Recipe:
        from audiobench_pytest.leaderboard.cells.planned import recipe_of

        return recipe_of(self._plan)

    @cached_property
    def _samples(self) -> Samples:
        from audiobench_pytest.leaderboard.baselines.measured import Samples

        if self._result.cell not in self._data:
            raise ValueError(f"{self._result.cell}: its samples are needed, and were not given")
        return Samples(self._data[self._result.cell], _HERE)


def _is_about(wanted: tuple[str, str] | None, part: tuple[str, str] | None) -> bool:
    if wanted is None or part is None:
        return wanted is part
    return wanted[0] == part[0] and wanted[1] in (EVERYTHING, part[1])


def _skip_reason(result: CellResult, plan: PlannedCell, interrupted: bool) -> str | None:
    if plan.partial:
        return f"partial selection: shards {len(plan.selected)} of {plan.shards}"
    if interrupted and result.expected is None:
        return "interrupted before the first sample"
    if interrupted and result.counts[State.MISSING]:
        return f"interrupted: {(result.expected or 0) - result.counts[State.MISSING]}/{result.expected} samples"
    return None
