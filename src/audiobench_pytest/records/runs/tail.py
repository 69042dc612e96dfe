"""Follows the result files of a run while other threads and processes write them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from audiobench_pytest.records.append import DAMAGED
from audiobench_pytest.records.runs import lines
from audiobench_pytest.records.runs.plan import ShardReceipt


class ResultTail:
    """Reads what was appended to the result files of one attempt since it last looked."""

    def __init__(self, run: Path, attempt: int) -> None:
        self._pattern = f"{attempt:04d}-*.jsonl"
        self._folder = run / "results"
        self._read: dict[Path, int] = {}

    def news(self) -> Iterator[ShardReceipt | lines.OutcomeNews]:
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
                    decoded = lines.news.decode(line)
                except DAMAGED:
                    continue  # damaged; the reader that concludes the run counts it as missing
                if (what := decoded.shard or decoded.outcome or decoded.kept) is not None:
                    yield what
