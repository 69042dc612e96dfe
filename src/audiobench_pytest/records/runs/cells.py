"""One cell of a run with all that was planned, said and scored of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from audiobench_pytest.records.runs.listening import Rating
from audiobench_pytest.records.runs.plan import PlannedCell, ProbedSample, ShardReceipt
from audiobench_pytest.records.runs.table import CellTable, table_of
from audiobench_pytest.types import Outcome


@dataclass(frozen=True)
class CellData:
    """Everything a run directory knows about one cell.

    Attributes:
        plan: What was intended.
        receipts: One per shard that started: the newest.
        outcomes: One per sample and draw, by `types.row_id`: the newest. Samples that were never reached are not in
            it. Read from a run directory, the texts stay in the files until they are looked at.
        ratings: What people said who listened, by kind of test: in the first cell of a data set, model and prompt.
        probes: What came of asking some samples twice, by sample id.
    """

    plan: PlannedCell
    receipts: tuple[ShardReceipt, ...]
    outcomes: Mapping[str, Outcome]
    probes: Mapping[str, ProbedSample] = field(default_factory=dict)
    ratings: Mapping[str, Sequence[Rating]] = field(default_factory=dict)

    @cached_property
    def table(self) -> CellTable:
        """The samples' numbers as columns."""
        known = getattr(self.outcomes, "table", None)
        return known if isinstance(known, CellTable) else table_of(self.outcomes.values(), self.plan.keys)
