"""One cell's outcomes to its numbers; the same bytes whatever the workers, the order, the shards, the interruptions."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from audiobench_pytest.errors import RecordError
from audiobench_pytest.leaderboard.cells.clusters import clips_of, clusters_of
from audiobench_pytest.leaderboard.cells.evidence import evidence_of, merged
from audiobench_pytest.leaderboard.cells.heard import heard_of
from audiobench_pytest.leaderboard.cells.planned import recipe_of
from audiobench_pytest.leaderboard.cells.slices import duration_bin, slices, snr_bin
from audiobench_pytest.leaderboard.cells.speed import percentiles_of, speed_of, timed
from audiobench_pytest.leaderboard.cells.tails import tails
from audiobench_pytest.leaderboard.cells.variation.draws import draws_of, spread_of
from audiobench_pytest.leaderboard.cells.variation.repeats import flip_rates
from audiobench_pytest.leaderboard.listening.values import listening_values
from audiobench_pytest.leaderboard.quantities import FAILED_FIRST, FIXED, OF_ENDINGS
from audiobench_pytest.leaderboard.statistics.intervals import intervals
from audiobench_pytest.metrics.base import Metric
from audiobench_pytest.records.runs.cells import CellData
from audiobench_pytest.records.runs.plan import ShardReceipt
from audiobench_pytest.records.runs.table import CellTable
from audiobench_pytest.types import AUTO, CellResult, Evidence, MetricValue, State, sample_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from audiobench_pytest.metrics.recipes import Recipe

    Columns = Mapping[str, NDArray[np.float64]]

FIRST_ERRORS = 5
"""Failed and broken samples a result names; the run's records hold all of them."""

NO_INTERVAL: tuple[float | None, float | None] = (None, None)

MOST_JUDGE_INVALID = 0.01
"""Share of samples whose judge may have said nothing usable before the result counts as incomplete."""


def reduce_cell(data: CellData) -> CellResult:
    """Reduce what a run directory knows of one cell to its result.

    The values are those of the recipe's metric on sums over the samples in `SCORED_STATES`; the worst-case value adds
    every other sample whose reference is known as if it had been answered with nothing. Coverage is scored / expected,
    where expected is what the shards' receipts say, else what the plan says. Samples are taken in order of id and
    floats are summed exactly, so the order in which they arrived does not show.

    Raises:
        RecordError: An answered sample carries no numbers, so that its result would silently leave it out.
    """
    plan, table = data.plan, data.table
    recipe = recipe_of(plan)
    signature = signature_of(data.receipts)
    scored = table.scored
    _refuse_lost_numbers(data, scored)
    columns = numbers_of(data, recipe)
    # A judge's silence has numbers of its own (how often), which no other value looks at.
    counted = scored | (table.has_score & (table.states == _code(State.JUDGE_INVALID)))
    answered = {name: column[counted] for name, column in columns.items()}
    sums, all_sums = exact_sums(answered), exact_sums({name: c[table.has_score] for name, c in columns.items()})

    expected = expected_of(data)
    counts = {state: table.count(state) for state in State}
    counts[State.MISSING] += max(0, (expected or 0) - len(table))
    groups = clusters_of(plan, table, counted)
    clusters = groups.numbers

    values, worst = values_at(recipe, sums), values_at(recipe, all_sums)
    quantities = recipe.quantities(languages_of(table, signature))
    several = int(scored.sum()) > 1
    spread = intervals(answered, recipe.values, clusters, quantities=quantities) if scored.any() else {}
    evidence = evidence_of(data.receipts, _endings(table, scored), heard_of(table), _scripts(table, scored))
    name = quantities[0].name
    drawn = draws_of(table, columns, recipe.values, name, plan.draws) if plan.draws > 1 else None
    audio_s, infer_s = math.fsum(table.audio_s[scored]), math.fsum(table.infer_s[scored])
    taken = timed(table, data.receipts)
    measured_s = math.fsum(taken.infer_s[taken.scored])
    return CellResult(
        cell=plan.cell,
        task=plan.task,
        family=plan.family,
        values=(
            *(
                MetricValue(quantity, values.get(name), *(spread.get(name) or NO_INTERVAL), worst.get(name))
                for quantity in quantities
                for name in [quantity.name]
            ),
            *spread_of(drawn, quantities[0]),
            *flip_rates(data.probes),
            *listening_values(data),
            *_attempts(evidence, int(scored.sum())),
        ),
        signature=signature,
        published_recipe=plan.published_recipe,
        expected=expected,
        counts=counts,
        coverage=_coverage(counts, expected),
        sums=sums,
        cached=int(table.cached[scored].sum()),
        audio_s=audio_s,
        infer_s=infer_s,
        wall_s=_wall(data.receipts),
        rtfx=math.fsum(taken.audio_s[taken.scored]) / measured_s if measured_s > 0 else None,
        tails=tails(answered, quantities, clusters),
        speed=speed_of(taken, data.receipts),
        percentiles=percentiles_of(taken),
        clusters=groups.key,
        n_clusters=len(groups.sizes) if groups.key else None,
        effective_clusters=groups.effective,
        largest_cluster=groups.largest,
        without_cluster="" if groups.key or plan.clusters == AUTO else "".join(plan.cluster_keys),
        slices=tuple(
            slices(
                answered,
                slice_keys(data, counted),
                recipe.values,
                quantities,
                clusters=clusters,
                clips=clips_of(table, counted).numbers if plan.draws > 1 else None,
            )
            if plan.slices and several
            else ()
        ),
        model=merged(receipt.model for receipt in data.receipts),
        data=merged(receipt.dataset for receipt in data.receipts),
        first_errors=_first_errors(table),
        evidence=evidence,
        cost=_cost(data.receipts),
        draws=drawn,
    )


def _cost(receipts: Iterable[ShardReceipt]) -> dict[str, float]:
    """Return what the answers of a cell cost, as far as its shards have ended."""
    costs = [receipt.cost for receipt in receipts if receipt.cost]
    return {name: math.fsum(cost.get(name, 0.0) for cost in costs) for name in ("usd", "new_usd", "refused") if costs}


def numbers_of(data: CellData, recipe: Recipe) -> Columns:
    """Return the sufficient numbers of all samples, one row per sample in order of id."""
    if type(recipe.metric).corpus is Metric.corpus:
        return data.table.numbers
    # The few metrics that weigh a sample by the corpus (CIDEr) look at the texts of all of them.
    outcomes = [data.outcomes[sample] for sample in data.table.ids]
    rows = [row for row, outcome in enumerate(outcomes) if outcome.score is not None]
    scores = recipe.corpus([score for outcome in outcomes if (score := outcome.score) is not None])
    columns: dict[str, NDArray[np.float64]] = {}
    for row, score in zip(rows, scores, strict=True):
        for name, number in score.numbers.items():
            columns.setdefault(name, np.zeros(len(outcomes)))[row] = number
    return columns


def exact_sums(columns: Columns) -> dict[str, float]:
    """Return the sum of each column, rounded once: the same whatever the order of the rows."""
    return {name: math.fsum(column) for name, column in sorted(columns.items())}


def values_at(recipe: Recipe, sums: Mapping[str, float]) -> dict[str, float | None]:
    """Return the recipe's values at given sums; None where nothing defines one."""
    found = recipe.values({name: np.array(number) for name, number in sums.items()})
    return {name: None if not np.isfinite(value) else float(value) for name, value in found.items()}


def _refuse_lost_numbers(data: CellData, scored: NDArray[np.bool_]) -> None:
    lost = np.flatnonzero(scored & ~data.table.has_score)
    if len(lost):
        row = int(lost[0])
        state = list(State)[data.table.states[row]]
        raise RecordError(
            f"{data.plan.cell}: sample '{sample_of(data.table.ids[row])}' is recorded as '{state}' but without its "
            "numbers; score the run again"
        )


def _coverage(counts: Mapping[State, int], expected: int | None) -> float:
    if not expected:
        return 0.0
    scored = counts[State.OK] + counts[State.EMPTY] + counts[State.INVALID]
    silent = counts[State.JUDGE_INVALID]
    return (scored + (silent if silent <= MOST_JUDGE_INVALID * expected else 0)) / expected


def _endings(table: CellTable, scored: NDArray[np.bool_]) -> dict[str, int]:
    found = Counter(ended for row, ended in table.endings.items() if scored[row] and ended in OF_ENDINGS)
    return {ending: found[ending] for ending in OF_ENDINGS if found[ending]}


def _scripts(table: CellTable, scored: NDArray[np.bool_]) -> dict[str, int]:
    return dict(sorted(Counter(script for row, script in table.scripts.items() if scored[row]).items()))


def _attempts(evidence: Evidence, scored: int) -> Iterable[MetricValue]:
    """Yield the shares of answers that came late, or did not end of themselves; none where there are no such."""
    if evidence.failed_first and scored:
        yield MetricValue(FAILED_FIRST, 100.0 * evidence.failed_first / scored)
    for ending, number in evidence.endings.items():
        yield MetricValue(FIXED[OF_ENDINGS[ending]].quantity, 100.0 * number / scored)


def slice_keys(data: CellData, counted: NDArray[np.bool_]) -> dict[str, list[str]]:
    """Return the text of each counted sample per key; `duration` and `snr` are cut into bins."""
    table, rows = data.table, np.flatnonzero(counted).tolist()
    found = {}
    for key in data.plan.slices:
        texts = table.keys.get(key, ())
        if key == "language":
            found[key] = [table.languages[row] for row in rows]
        elif key == "duration":
            found[key] = [duration_bin(float(table.audio_s[row])) for row in rows]
        elif key == "snr":
            found[key] = [_snr(texts[row]) for row in rows]
        elif any(texts):
            found[key] = [texts[row] for row in rows]
    return found


def _snr(text: str) -> str:
    try:
        return snr_bin(float(text))
    except ValueError:
        return ""


def languages_of(table: CellTable, signature: str) -> set[str]:
    """Return the languages of the samples, or those of the signature before any sample was reached."""
    if len(table):
        return set(table.languages)
    return {code for codes in re.findall(r"\|lang:([^|]+)", signature) for code in codes.split(",")}


def expected_of(data: CellData) -> int | None:
    """Return the number of answers that are wanted, or None when no shard ever said so."""
    # A run directory that was used twice may hold receipts of an older selection: the newest one counts.
    newest = max(data.receipts, key=lambda receipt: (receipt.started, receipt.total), default=None)
    planned = data.plan.samples
    expected = newest.total if newest is not None else None if planned is None else planned * data.plan.draws
    return None if expected is None else max(expected, len(data.table))


def signature_of(receipts: Iterable[ShardReceipt]) -> str:
    """Join what the shards say: one signature, or several where shards were scored differently (comparable to none)."""
    return " & ".join(sorted({receipt.signature for receipt in receipts if receipt.signature}))


def _wall(receipts: Iterable[ShardReceipt]) -> float:
    """Return the length of the union of the shards' working times in seconds; pauses between two runs do not count."""
    spans = sorted((receipt.started, max(receipt.started, receipt.ended or receipt.started)) for receipt in receipts)
    merged: list[tuple[float, float]] = []
    for start, end in spans:
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return math.fsum(end - start for start, end in merged)


def _first_errors(table: CellTable) -> tuple[tuple[str, State, str], ...]:
    broken = np.flatnonzero(np.isin(table.states, [_code(State.FAILED), _code(State.DATA_ERROR)]))[:FIRST_ERRORS]
    return tuple(
        (sample_of(table.ids[row]), list(State)[table.states[row]], table.reasons.get(int(row)) or "no reason recorded")
        for row in broken
    )


def _code(state: State) -> int:
    return list(State).index(state)
