"""The lines of a result file, and how much of them a reader decodes.

A line is an object with one key: `shard` (what a shard says of itself), `outcome` (what became of a sample), `kept`
(what a stage that runs alone kept of it, unscored) or `probe` (what came of asking it twice). Outcomes are written
whole; a reader names the shape it wants, and the decoder skips what that shape does not name: progress takes a fifth of
the time of a whole outcome.
"""

from __future__ import annotations

from typing import Any, Generic, TypeVar

import msgspec

from audiobench_pytest.records.runs.plan import ProbedSample, ShardReceipt
from audiobench_pytest.types import CellId, Outcome, State, row_id

T = TypeVar("T")

SHARD, PROBE, KEPT = b'{"shard":', b'{"probe":', b'{"kept":'
"""How the lines begin that hold no outcome."""


class ScoreNumbers(msgspec.Struct):
    """A score without its texts."""

    numbers: dict[str, float]


class OutcomeNews(msgspec.Struct):
    """The part of an outcome that progress needs."""

    cell: CellId
    sample_id: str
    state: State
    cached: bool = False
    audio_s: float = 0.0
    infer_s: float = 0.0
    score: ScoreNumbers | None = None
    draw: int = 0

    @property
    def row(self) -> str:
        """As in `types.Outcome`."""
        return row_id(self.sample_id, self.draw)


class KeptNews(OutcomeNews):
    """What a stage that runs alone kept of a sample: an answer, or what was heard in it; its score comes later.

    Attributes:
        reason: Why there is none.
        speech: Of a spoken answer, the file of its sound, as `file`; of a dialogue also those of its rounds.
    """

    reason: str | None = None
    speech: dict[str, Any] = {}


class OutcomeNumbers(OutcomeNews):
    """The part of an outcome that statistics need: all but its texts."""

    reason: str | None = None
    language: str = ""
    decode_s: float = 0.0
    timing: dict[str, Any] = {}
    meta: dict[str, Any] = {}
    ended: str = ""
    heard: dict[str, float] = {}
    script: str = ""


class Line(msgspec.Struct, Generic[T], omit_defaults=True):
    """One line; `T` is how much of an outcome there is."""

    shard: ShardReceipt | None = None
    outcome: T | None = None
    probe: ProbedSample | None = None
    kept: KeptNews | None = None


whole = msgspec.json.Decoder(Line[Outcome])
numbers = msgspec.json.Decoder(Line[OutcomeNumbers])
news = msgspec.json.Decoder(Line[OutcomeNews])
