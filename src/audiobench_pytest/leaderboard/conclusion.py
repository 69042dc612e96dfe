"""What a run concluded, from whichever door: the plugin, `audiobench gate`, `audiobench rescore`, a notebook."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from audiobench_pytest.types import CellResult, GateResult, Verdict

if TYPE_CHECKING:
    from audiobench_pytest.leaderboard.gates.schema import GatesFile
    from audiobench_pytest.records.runs.cells import CellData
    from audiobench_pytest.records.runs.plan import PlannedCell


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of a file of limits was of use.

    Attributes:
        file: The file, or "" where there is none.
        total: Limits in it.
        unmatched: Where each limit stands that applied to nothing, and why it did.
        release: What the file promises as a whole was asked for.
    """

    file: str
    total: int
    unmatched: tuple[tuple[str, str], ...]
    release: bool = False


@dataclass(frozen=True, slots=True)
class Conclusion:
    """All that was concluded; every report renders this one object.

    Attributes:
        results: One per cell; models and datasets are shown in order of first appearance.
        gates: Their gates.
        run_dir: The run directory, as it is shown to people.
        interrupted: The run ended before all of its items had run.
        wall_s: Seconds the whole run took.
        notes: Sentences to print below the table.
        limits: What came of the file of limits; None where nothing was judged.
    """

    results: tuple[CellResult, ...]
    gates: tuple[GateResult, ...]
    run_dir: str
    interrupted: bool
    wall_s: float
    notes: tuple[str, ...] = ()
    limits: Limits | None = None

    @property
    def is_red(self) -> bool:
        """Whether a gate counts as failed."""
        return any(gate.effect is Verdict.FAIL for gate in self.gates)


def conclude(
    cells: Sequence[CellData],
    gates: GatesFile | None,
    *,
    run_dir: str,
    plans: Sequence[PlannedCell] | None = None,
    interrupted: bool = False,
    wall_s: float | None = None,
    notes: Iterable[str] = (),
    is_part: bool = False,
    doubts: Mapping[str, str] | None = None,
) -> Conclusion:
    """Reduce cells and judge them.

    Args:
        cells: What was planned, asked and scored.
        gates: The limits; None judges nothing, not even coverage.
        run_dir: The run directory, as it is shown to people.
        plans: The plans that the cells are judged by, where they are not their own.
        interrupted: The run ended before all of its items had run.
        wall_s: Seconds the whole run took; None for the sum over the cells.
        notes: Sentences to print below the table, before those on probes.
        is_part: Other parts of the plan are judged together with this one later.
        doubts: Why the scores of some recipes are not to be trusted, by recipe.
    """
    # They need numpy, which who renders a conclusion does not.
    from audiobench_pytest.leaderboard.cells.draws import draw_notes
    from audiobench_pytest.leaderboard.cells.reduce import reduce_cell
    from audiobench_pytest.leaderboard.cells.repeats import probe_notes
    from audiobench_pytest.leaderboard.gates.verdicts import verdicts
    from audiobench_pytest.leaderboard.listening.values import listening_notes

    results = [reduce_cell(cell) for cell in cells]
    judged: Iterable[GateResult] = ()
    limits = None
    if gates is not None:
        judgement = verdicts(
            results,
            plans if plans is not None else [cell.plan for cell in cells],
            gates,
            interrupted=interrupted,
            data={cell.plan.cell: cell for cell in cells},
            is_part=is_part,
            doubts=doubts or {},
        )
        judged = judgement.gates
        idle = tuple((limit.source, reason) for limit, reason in judgement.unmatched)
        limits = Limits(gates.path.name if gates.path else "", len(gates.limits), idle, gates.release is not None)
    return Conclusion(
        results=tuple(results),
        gates=tuple(judged),
        run_dir=run_dir,
        interrupted=interrupted,
        wall_s=math.fsum(result.wall_s for result in results) if wall_s is None else wall_s,
        notes=(*notes, *draw_notes(results), *probe_notes(cells), *listening_notes(cells)),
        limits=limits,
    )
