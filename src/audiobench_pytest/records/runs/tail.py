"""Follows the result files of a run while other threads and processes write them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from audiobench_pytest.records.append import DAMAGED
from audiobench_pytest.types import CellId, State


@dataclass(frozen=True, slots=True)
class ShardNews:
    """The part of a receipt that progress needs."""

    cell: CellId
    shard: int
    of: int
    total: int
    started: float


@dataclass(frozen=True, slots=True)
class ScoreNews:
    """The part of a score that progress needs."""

    numbers: dict[str, float]


@dataclass(frozen=True, slots=True)
class OutcomeNews:
    """The part of an outcome that progress needs; decoding only this much costs a fifth of decoding all."""

    cell: CellId
    sample_id: str
    state: State
    cached: bool = False
    audio_s: float = 0.0
    infer_s: float = 0.0
    score: ScoreNews | None = None


class _News(msgspec.Struct):
    shard: ShardNews | None = None
    outcome: OutcomeNews | None = None


_decoder = msgspec.json.Decoder(_News)


class ResultTail:
    """Reads what was appended to the result files of one attempt since it last looked."""

    def __init__(self, run: Path, attempt: int) -> None:
        self._pattern = f"{attempt:04d}-*.jsonl"
        self._folder = run / "results"
        self._read: dict[Path, int] = {}

    def news(self) -> Iterator[ShardNews | OutcomeNews]:
        """Yield each new complete line once."""
        for path in self._folder.glob(self._pattern):
            offset = self._read.get(path, 0)
            try:
                with path.open("rb") as file:
                    file.seek(offset)
                    data = file.read()
            except OSError:
                continue  # removed, or a network drive that hangs: who concludes the run will say so
            end = data.rfind(b"\n") + 1
            self._read[path] = offset + end
            for line in data[:end].splitlines():
                try:
                    news = _decoder.decode(line)
                except DAMAGED:
                    continue  # damaged; the reader that concludes the run counts it as missing
                if (what := news.shard or news.outcome) is not None:
                    yield what
