"""What results are compared with: run directories and lock files, by one door."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from audiobench_pytest.errors import RecordError, UsageError
from audiobench_pytest.leaderboard.baselines.lock_file import LockedCell, read_lock
from audiobench_pytest.records.runs.directory import RunDirectory
from audiobench_pytest.records.runs.merge import merge_runs
from audiobench_pytest.types import CellId

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from audiobench_pytest.leaderboard.baselines.measured import Measured
    from audiobench_pytest.records.runs.cells import CellData


def check_baseline(path: Path) -> None:
    """Check that a path is a run directory or a lock file, without reading what is slow to read.

    Raises:
        RecordError: It is neither.
    """
    if not path.is_dir():
        read_lock(path)
    elif RunDirectory(path).manifest() is None:
        raise RecordError(f"{path} is not a run directory: it holds no run.json")


class Baseline:
    """A run directory or a lock file; its cells are read when one is asked for.

    Attributes:
        where: What it is called in messages.
    """

    def __init__(self, path: Path, where: str | None = None) -> None:
        self._path = path
        self.where = where or str(path)
        self._cells: dict[CellId, CellData | LockedCell] | None = None
        self._measured: dict[CellId, Measured] = {}

    def cells(self) -> list[CellId]:
        """Return the cells it knows.

        Raises:
            RecordError: It cannot be read.
        """
        return list(self._read())

    def find(self, cell: CellId) -> Measured | None:
        """Return a cell, or None where it has none of this data set, model, recipe and prompt.

        Raises:
            RecordError: It cannot be read.
        """
        found = self._read().get(cell)
        if found is not None and cell not in self._measured:
            if isinstance(found, LockedCell):
                self._measured[cell] = found.measured(self.where)
            else:
                from audiobench_pytest.leaderboard.baselines.measured import measured

                self._measured[cell] = measured(found, self.where)
        return self._measured.get(cell)

    def _read(self) -> dict[CellId, CellData | LockedCell]:
        if self._cells is None:
            check_baseline(self._path)
            if self._path.is_dir():
                self._cells = {one.plan.cell: one for one in RunDirectory(self._path).cells()}
            else:
                self._cells = {one.cell: one for one in read_lock(self._path)}
        return self._cells


def cells_of_runs(paths: Iterable[Path]) -> list[CellData]:
    """Return the cells of some runs: the parts of one plan as one, and those of different plans side by side.

    Raises:
        UsageError: A folder is no run directory, or two plans hold the same cell.
        RecordError: A run cannot be read.
    """
    by_plan: dict[str, list[RunDirectory]] = {}
    for path in paths:
        run = RunDirectory(path)
        manifest = run.manifest()
        if manifest is None:
            raise UsageError(f"{path} is not a run directory: it holds no run.json")
        by_plan.setdefault(str(manifest["asked"]), []).append(run)
    found: dict[CellId, tuple[CellData, Sequence[RunDirectory]]] = {}
    for runs in by_plan.values():
        for one in merge_runs(runs):
            cell = one.plan.cell
            if cell in found:
                other = found[cell][1][0].path
                raise UsageError(
                    f"{other} and {runs[0].path} both hold {cell} ({cell.recipe}), and are no parts of one plan: "
                    "name one of them"
                )
            found[cell] = (one, runs)
    return [one for one, _ in found.values()]
