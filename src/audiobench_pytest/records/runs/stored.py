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
from audiobench_pytest.records.runs.table import CellTable, TableBuilder, more_of
from audiobench_pytest.types import CellId, Outcome, State


class _Numbers(msgspec.Struct):
    numbers: dict[str, float]


class _Slim(msgspec.Struct):
    """An outcome without its texts: the decoder skips what is not named here."""

    cell: CellId
    sample_id: str
    state: State
    reason: str | None = None
    cached: bool = False
    language: str = ""
    audio_s: float = 0.0
    infer_s: float = 0.0
    decode_s: float = 0.0
    timing: dict[str, Any] = {}
    score: _Numbers | None = None
    meta: dict[str, Any] = {}


class _SlimLine(msgspec.Struct):
    outcome: _Slim | None = None


class _FullLine(msgspec.Struct):
    outcome: Outcome


_slim_decoder = msgspec.json.Decoder(_SlimLine)
_full_decoder = msgspec.json.Decoder(_FullLine)
_SHARD = b'{"shard":'


class StoredOutcomes(Mapping[str, Outcome]):
    """Outcomes by sample id; each is read from its file when it is asked for.

    Attributes:
        table: Their numbers.
    """

    def __init__(self, files: Sequence[Path], builder: TableBuilder, where: Sequence[array[int]]) -> None:
        self._files, self._rows = files, builder.rows
        self._file, self._offset = where
        self.table: CellTable = builder.build()

    def __getitem__(self, sample_id: str) -> Outcome:
        row = self._rows[sample_id]
        path = self._files[self._file[row]]
        try:
            with path.open("rb") as file:
                file.seek(self._offset[row])
                return _full_decoder.decode(file.readline()).outcome
        except (OSError, *DAMAGED) as exc:
            raise RecordError(f"cannot read sample '{sample_id}' from {path}: {exc}") from exc

    def __iter__(self) -> Iterator[str]:
        return iter(self.table.ids)

    def __len__(self) -> int:
        return len(self.table)

    def values(self) -> Iterator[Outcome]:  # type: ignore[override]
        """Yield the outcomes in order of sample id, each file opened once."""
        with contextlib.ExitStack() as stack:
            opened: dict[int, Any] = {}
            for sample_id in self.table.ids:
                row = self._rows[sample_id]
                number = self._file[row]
                if number not in opened:
                    opened[number] = stack.enter_context(self._files[number].open("rb"))
                opened[number].seek(self._offset[row])
                yield _full_decoder.decode(opened[number].readline()).outcome

    def items(self) -> Iterator[tuple[str, Outcome]]:  # type: ignore[override]
        """Yield id and outcome in order of sample id."""
        for outcome in self.values():
            yield outcome.sample_id, outcome


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
                if not raw.endswith(b"\n") or len(raw) < 2 or raw.startswith(_SHARD):
                    continue
                try:
                    slim = _slim_decoder.decode(raw).outcome
                except DAMAGED:  # damaged: the sample counts as missing
                    continue
                if slim is None or slim.cell not in wanted:
                    continue
                row = builders[slim.cell].add(
                    slim.sample_id,
                    slim.state,
                    None if slim.score is None else slim.score.numbers,
                    times=(slim.audio_s, slim.infer_s, slim.decode_s),
                    cached=slim.cached,
                    language=slim.language,
                    meta=slim.meta,
                    more=dict(more_of(slim.timing)) if slim.timing else {},
                    reason=slim.reason,
                )
                file_numbers, offsets = where[slim.cell]
                if row == len(offsets):
                    file_numbers.append(number)
                    offsets.append(start)
                else:
                    file_numbers[row], offsets[row] = number, start
    return {cell: StoredOutcomes(files, builders[cell], where[cell]) for cell in cells}
