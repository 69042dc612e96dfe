"""What became of a sample in one run, and its numbers under one recipe."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


class State(enum.StrEnum):
    """What became of one sample; the words are those of the scoring rules and appear in every file we write."""

    OK = "ok"
    """Answered and parsed: scored."""
    EMPTY = "empty"
    """Answered with nothing: the worst outcome (all reference units deleted, a wrong choice)."""
    INVALID = "invalid"
    """Answered, but no option, number or field can be extracted: wrong, and counted in a rate of its own."""
    JUDGE_INVALID = "judge_invalid"
    """The judge's reply cannot be parsed: not a score, not the model's fault, counted in a rate of its own."""
    FAILED = "failed"
    """The model raised, timed out or died: never scored as text, lowers coverage."""
    DATA_ERROR = "data_error"
    """The sample cannot be asked at all (missing audio, empty reference): not the model's fault, lowers coverage."""
    MISSING = "missing"
    """Selected, but not reached before the run ended: lowers coverage."""


SCORED_STATES = (State.OK, State.EMPTY, State.INVALID)
"""States that enter the headline value."""


ENDINGS = {
    "length": "cut off at the limit of tokens",
    "filter": "withheld by the server's filter",
    "refusal": "refused to answer",
    "tool_call": "called a tool that nobody offered",
    "thoughts_cut": "ended amid thoughts, before the answer",
    "empty": "were empty",
}
"""How an answer may end other than of itself, in words."""


HEARD = {
    "clipped": "clipped (at full scale)",
    "silent": "silent",
    "beyond": "beyond full scale",
    "quiet": "20 dB or more quieter than the others",
}
"""What may be odd about the sound of a clip, in words."""


@dataclass(frozen=True, slots=True)
class CellId:
    """Which (dataset, model, recipe) a number belongs to.

    Attributes:
        dataset, model, recipe: Their names.
        prompt: Name of the prompt where a run asks in several words; "" where it asks in one.
    """

    dataset: str
    model: str
    recipe: str
    prompt: str = ""

    @property
    def row(self) -> str:
        """What its row is called on a board: the model, with the prompt where there are several."""
        return f"{self.model} ({self.prompt})" if self.prompt else self.model

    def __str__(self) -> str:
        name = f"{self.dataset}-{self.model}"
        return f"{name}-{self.prompt.replace('/', '.')}" if self.prompt else name


_DRAW = "\x1f"
"""Between the id of a sample and the number of a draw: sorts before all that an id is likely to go on with."""


def row_id(sample_id: str, draw: int = 0) -> str:
    """Return what one of several answers to a question is called among the records of a cell; the first by its id."""
    return f"{sample_id}{_DRAW}{draw}" if draw else sample_id


def sample_of(row: str) -> str:
    """Return the id of the sample that a record is of."""
    sample_id, mark, draw = row.rpartition(_DRAW)
    return sample_id if mark and draw.isascii() and draw.isdigit() else row


def draw_of(row: str) -> int:
    """Return which draw a record is of, from 0."""
    sample_id = sample_of(row)
    return 0 if sample_id == row else int(row[len(sample_id) + len(_DRAW) :])


@dataclass(frozen=True, slots=True)
class SampleScore:
    """Sufficient numbers of one sample under one recipe: their sums over a corpus are all that its values need.

    Attributes:
        numbers: By name (`errors`, `units`, ... of an error rate; see the metric's docstring); zeros may be left out.
        reference: The normalised reference, or the label it stands for.
        prediction: The normalised prediction, or what was extracted from it; `""` where nothing could be.
        state: `ok`, or what scoring found out instead: `invalid`, `judge_invalid`, `data_error`.
        reason: Why the state is not `ok`.
    """

    numbers: Mapping[str, float]
    reference: str
    prediction: str
    state: State = State.OK
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one sample in one run: one line of the run's results.

    Attributes:
        cell: The cell it belongs to.
        sample_id: The sample's id.
        state: See `State`.
        reference: The raw reference.
        prediction: The raw answer, or None where there is none.
        reason: Why the state is neither `ok` nor `empty`.
        key: The prediction's key in the cache, or None for a sample that could not be asked.
        cached: Answered by the cache, not by the model, in this run.
        language: The sample's language.
        audio_s: Seconds of sound (0 when it could not be read).
        infer_s: Seconds of inference attributed to it.
        decode_s: Seconds of decoding and resampling.
        timing: As in `Prediction`.
        score: Numbers under the cell's recipe; without an answer those of an empty one, for the worst-case bound only.
        meta: The sample's meta, for slices and notebooks.
        prompt: Digest of the words that were sent, which the run's `prompts.jsonl` holds; "" where there were none.
        calls: Tools that the answer calls, as plain values: `name`, `arguments`.
        ended: How the answer ended, one of `ENDINGS`; "" where it ended of itself, as far as anybody says.
        speech: Of an answer that is spoken, the fields of `KeptSpeech`; under `codec` what a codec says of itself,
            under `text` the model's own text where `prediction` is what a transcriber heard, under `sounds` the files
            of the sample's own sounds.
        heard: Levels of the clip, see `datasets.audio.levels`; empty where nothing was heard or that was not noted.
        script: The script that the answer is written in where its language is written in another; else "".
        draw: Which of several answers to the same question it is, from 0.
    """

    cell: CellId
    sample_id: str
    state: State
    reference: str
    prediction: str | None
    reason: str | None = None
    key: str | None = None
    cached: bool = False
    language: str = ""
    audio_s: float = 0.0
    infer_s: float = 0.0
    decode_s: float = 0.0
    timing: Mapping[str, float] = field(default_factory=dict)
    score: SampleScore | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)
    prompt: str = ""
    calls: tuple[Mapping[str, Any], ...] = ()
    ended: str = ""
    speech: Mapping[str, Any] = field(default_factory=dict)
    heard: Mapping[str, float] = field(default_factory=dict)
    script: str = ""
    draw: int = 0

    @property
    def row(self) -> str:
        """What this record is called among those of its cell: the sample's id, and which draw it is of."""
        return row_id(self.sample_id, self.draw)
