"""Sums over the cells of a model, and which numbers of a column may be called the best."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from audiobench_pytest.leaderboard.quantities import SPAN, SUM, adding_up
from audiobench_pytest.types import SCORED_STATES, CellId, CellResult, State


@dataclass(frozen=True, slots=True)
class ModelTotals:
    """What one model did over all its cells.

    Attributes:
        model: Its name, with the prompt where several were asked.
        samples: Answers wanted (samples, each as often as it is drawn), or None when a cell never said how many.
        counts: Samples per state.
        cached: Samples answered by the cache.
        audio_s: Seconds of sound of the answered samples.
        infer_s: Seconds of inference of the answered samples.
        wall_s: Sum of the cells' wall times in seconds.
        rtfx: Total audio over total inference, so that every second of sound weighs the same; None without a time.
        speed: What `CellResult.speed` says, over all cells: rates over the total time, sums of seconds.
        spans: Least and greatest of what cannot be summed: `latency_p50_s`, `latency_p95_s`, `ttft_p50_s`.
        hardware: Fingerprints of what the model ran on in this run.
        size: Samples of the whole sets, or None when one is not known.
        imported: Samples whose answers were read from result files of others; they are among `cached`.
        cost: Sums of what `CellResult.cost` says, over the cells that say it.
        way: The way it was run, where it has several; "" where there is only one.
        draws: How often each sample was answered.
    """

    model: str
    samples: int | None
    counts: Mapping[State, int]
    cached: int
    audio_s: float
    infer_s: float
    wall_s: float
    rtfx: float | None
    speed: Mapping[str, float] = field(default_factory=dict)
    spans: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    hardware: tuple[str, ...] = ()
    size: int | None = None
    imported: int = 0
    way: str = ""
    cost: Mapping[str, float] = field(default_factory=dict)
    draws: int = 1

    @property
    def scored(self) -> int:
        """Number of samples that enter the headline values."""
        return sum(self.counts[state] for state in SCORED_STATES)


def model_totals(results: Iterable[CellResult]) -> list[ModelTotals]:
    """Return the totals of each model, and prompt where there are several, in order of first appearance.

    Answers scored by several recipes count once.
    """
    by_model: dict[str, dict[str, CellResult]] = {}
    for result in results:
        by_model.setdefault(result.cell.row, {}).setdefault(result.cell.dataset, result)
    return [_totals(model, list(cells.values())) for model, cells in by_model.items()]


def _totals(model: str, cells: Sequence[CellResult]) -> ModelTotals:
    expected = [cell.expected for cell in cells]
    sizes = [cell.evidence.size for cell in cells]
    audio_s, infer_s = math.fsum(cell.audio_s for cell in cells), math.fsum(cell.infer_s for cell in cells)
    return ModelTotals(
        model=model,
        samples=None if None in expected else sum(count for count in expected if count is not None),
        counts={state: sum(cell.counts.get(state, 0) for cell in cells) for state in State},
        cached=sum(cell.cached for cell in cells),
        imported=sum(cell.cached for cell in cells if cell.evidence.imported),
        audio_s=audio_s,
        infer_s=infer_s,
        wall_s=math.fsum(cell.wall_s for cell in cells),
        rtfx=audio_s / infer_s if infer_s > 0 else None,
        speed=_speed(cells),
        spans={name: (min(values), max(values)) for name in adding_up(SPAN) if (values := _taken(cells, name))},
        size=None if None in sizes else sum(size for size in sizes if size is not None),
        cost=_cost(cells),
        way=" and ".join(sorted({str(cell.model["way"]) for cell in cells if cell.model.get("way")})),
        draws=max(cell.draws.draws if cell.draws is not None else 1 for cell in cells),
        hardware=tuple(sorted({digest for cell in cells for digest in _hardware(cell)})),
    )


def _cost(cells: Sequence[CellResult]) -> dict[str, float]:
    """Return the sums over the cells that know what they cost: one whose shards never started does not."""
    names = dict.fromkeys(name for cell in cells for name in cell.cost)
    return {name: math.fsum(cell.cost.get(name, 0.0) for cell in cells) for name in names}


def _taken(cells: Iterable[CellResult], name: str) -> list[float]:
    return [cell.speed[name] for cell in cells if name in cell.speed]


def _speed(cells: Sequence[CellResult]) -> dict[str, float]:
    found = {name: math.fsum(values) for name in adding_up(SUM) if (values := _taken(cells, name))}
    rated = [cell for cell in cells if cell.speed.get("samples_per_s")]
    if rated:
        # Samples over seconds: each cell's own rate, weighed by its time.
        seconds = math.fsum(cell.infer_s for cell in rated)
        found["samples_per_s"] = math.fsum(cell.speed["samples_per_s"] * cell.infer_s for cell in rated) / seconds
    return found


def _hardware(cell: CellResult) -> list[str]:
    told = cell.model.get("hardware")
    return [] if told is None else [str(one) for one in told] if isinstance(told, list) else [str(told)]


def best_cells(results: Iterable[CellResult]) -> frozenset[CellId]:
    """Return the cells whose value is the best among at least two that are comparable.

    Comparable cells share dataset, recipe and signature, and every one of their samples was scored: a model that failed
    on the hard samples must not lead because of it. Equal values share the lead.
    """
    groups: dict[tuple[str, str, str], list[tuple[float, CellId]]] = {}
    for result in results:
        if result.value is not None and result.coverage >= 1.0:
            key = (result.cell.dataset, result.cell.recipe, result.signature)
            oriented = -result.value if result.headline.quantity.higher_is_better else result.value
            groups.setdefault(key, []).append((oriented, result.cell))
    best: set[CellId] = set()
    for group in groups.values():
        if len(group) > 1:
            lowest = min(value for value, _ in group)
            best.update(cell for value, cell in group if value == lowest)
    return frozenset(best)
