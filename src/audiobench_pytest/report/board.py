"""What a leaderboard is made of; every format renders this one object."""

from __future__ import annotations

from dataclasses import dataclass

from audiobench_pytest.types import CellResult, GateResult


@dataclass(frozen=True, slots=True)
class Board:
    """All that one run concluded.

    Attributes:
        results: One per cell; models and datasets are shown in order of first appearance.
        gates: Their gates.
        run_dir: The run directory, as it is shown to people.
        interrupted: The run ended before all of its items had run.
        wall_s: Seconds the whole run took.
        notes: Sentences to print below the table.
    """

    results: tuple[CellResult, ...]
    gates: tuple[GateResult, ...]
    run_dir: str
    interrupted: bool
    wall_s: float
    notes: tuple[str, ...] = ()
