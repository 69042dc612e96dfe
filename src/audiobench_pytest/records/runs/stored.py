"""The outcomes in a run's result files: numbers read into columns at once, texts only when one is looked at."""

from __future__ import annotations

import contextlib
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from audiobench_pytest.errors import RecordError
from audiobench_pytest.records.append import DAMAGED
from audiobench_pytest.records.runs import lines
from audiobench_pytest.records.runs.table import CellTable, TableBuilder
from audiobench_pytest.types import CellId, Outcome, sample_of

_NO_OUTCOME = (lines.SHARD, lines.PROBE)


class StoredOutcomes(Mapping[str, Outcome]):
    """Outcomes by `types.row_id`; each is read from its file when it is asked for.

    Attributes:
        table: Their numbers.
    """

    def __init__(self, files: Sequence[Path], builder: TableBuilder, where: Sequence[array[int]]) -> None:
        self._files, self._rows = files, builder.rows
        self._file, self._offset = where
        self.table: CellTable = builder.build()

    def __getitem__(self, name: str) -> Outcome:
        row = self._rows[name]
        path = self._files[self._file[row]]
        try:
            with path.open("rb") as file:
                file.seek(self._offset[row])
                return _whole(file.readline())
        except (OSError, *DAMAGED) as exc:
            raise RecordError(f"cannot read sample '{sample_of(name)}' from {path}: {exc}") from exc

    def __iter__(self) -> Iterator[str]:
        return iter(self.table.ids)

    def __len__(self) -> int:
        return len(self.table)

    def values(self) -> Iterator[Outcome]:  # type: ignore[override]
        """Yield the outcomes in order of sample id, each file opened once."""
        with contextlib.ExitStack() as stack:
            opened: dict[int, Any] = {}
            for name in self.table.ids:
                row = self._rows[name]
                number = self._file[row]
                if number not in opened:
                    opened[number] = stack.enter_context(self._files[number].open("rb"))
                opened[number].seek(self._offset[row])
                yield _whole(opened[number].readline())

    def items(self) -> Iterator[tuple[str, Outcome]]:  # type: ignore[override]
        """Yield what each is called, and the outcome, in order of sample id."""
        for outcome in self.values():
            yield outcome.row, outcome


def read_outcomes(
    files: Sequence[Path], cells: Mapping[CellId, Sequence[str]], *, counts: Callable[[CellId, Path], bool]
) -> dict[CellId, StoredOutcomes]:
    """Read the outcomes of some cells; a sample that comes again replaces what an earlier line or file said.

    Args:
        files: Result files, older attempts first.
        cells: The cells to read, with the meta keys to keep as columns.
        counts: Whether a file's outcomes of a cell count.
    """
    builders = {cell: TableBuilder(keys) for cell, keys in cells.items()}
    # A file number and an offset per row; the arrays grow with the rows.
    where = {cell: (array("L"), array("Q")) for cell in cells}
    for number, path in enumerate(files):
        wanted = {cell for cell in cells if counts(cell, path)}
        if not wanted:
            continue
        offset = 0
        with path.open("rb") as file:
            for raw in file:
                start, offset = offset, offset + len(raw)
                if not raw.endswith(b"\n") or len(raw) < 2 or raw.startswith(_NO_OUTCOME):
                    continue
                try:
                    found = lines.numbers.decode(raw).outcome
                except DAMAGED:  # damaged: the sample counts as missing
                    continue
                if found is None or found.cell not in wanted:
                    continue
                row = builders[found.cell].add(found)
                file_numbers, offsets = where[found.cell]
                if row == len(offsets):
                    file_numbers.append(number)
                    offsets.append(start)
                else:
                    file_numbers[row], offsets[row] = number, start
    return {cell: StoredOutcomes(files, builders[cell], where[cell]) for cell in cells}


def _whole(raw: bytes) -> Outcome:
    outcome = lines.whole.decode(raw).outcome
    if outcome is None:
        raise msgspec.ValidationError("the line holds no outcome any more")
    return outcome
