"""The nouns that flow through the rooms; frozen, none does any work, importing them costs the standard library only."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


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


@dataclass(frozen=True, slots=True)
class Audio:
    """Decoded mono sound.

    Attributes:
        samples: `(samples,) float32`, full scale is [-1, 1].
        sample_rate: In Hz.
    """

    samples: NDArray[np.float32]
    sample_rate: int

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return len(self.samples) / self.sample_rate


@dataclass(frozen=True, slots=True)
class Sample:
    """One row of a test set, not decoded.

    Attributes:
        id: The set's own key, or the content's digest; never the row position.
        audio: The encoded file; every source ends in files, so that one decoder and one digest serve all of them.
        reference: What the model should answer; raw, as the set spells it.
        language: ISO 639 code (`en`, `zh`, `yue`, ...).
        duration_s: Seconds, when the set tells; else None until the audio is read.
        meta: Every other key of the row, unchanged.
        problem: Why this sample cannot be asked, naming the file (it then becomes a `data_error` record), else None.
    """

    id: str
    audio: Path
    reference: str
    language: str
    duration_s: float | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Prompt:
    """What is asked of the model beside the sound.

    Attributes:
        text: The rendered instruction, or None for a model that needs none (a plain recogniser).
        language: The hint the model is given, or None where it has to find out by itself.
        profile: Name of the prompt profile, shown in the result.
    """

    text: str | None = None
    language: str | None = None
    profile: str = "plain"


@dataclass(frozen=True, slots=True)
class Request:
    """One question to a model, with everything an adapter may see.

    Attributes:
        sample_id: The sample's id, or "": only adapters that declare it in `sees` are handed one.
        audio: Decoded, at the adapter's `sample_rate`; None for an adapter whose `sample_rate` is None.
        prompt: What is asked.
        reference: The expected answer, or None: only adapters that declare it in `sees` are handed one.
    """

    sample_id: str
    audio: Audio | None
    prompt: Prompt
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What an adapter returns for one request.

    Attributes:
        text: The answer; `""` when the model said nothing.
        error: When the model could not answer this one request while others of the batch were fine: the reason.
        meta: Whatever else is worth keeping (detected language, token count, ...); must be JSON.
        timing: What the adapter knows of this one answer's time, in seconds: `latency_s` (from the question to the
            whole answer), `ttft_s` (to its first token). The runner fills in a `latency_s` that is not given.
    """

    text: str = ""
    error: str | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)
    timing: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Prediction:
    """An answer as it is kept in the cache.

    Attributes:
        key: Digest of all the answer depends on (see `records.keys`).
        text: The answer.
        error: The reason why there is no answer; then `text` is empty and the sample is asked again by the next run.
        audio_s: Seconds of sound.
        infer_s: Seconds of inference attributed to this sample: its batch's time divided evenly over the batch's rows.
        decode_s: Seconds spent decoding and resampling this sample's file.
        batch: Number of rows in the batch it was answered in.
        meta: As in `Answer`.
        timing: As in `Answer`; the `latency_s` of an answer that came in a batch is the whole batch's time.
    """

    key: str
    text: str
    error: str | None
    audio_s: float
    infer_s: float
    decode_s: float = 0.0
    batch: int = 1
    meta: Mapping[str, Any] = field(default_factory=dict)
    timing: Mapping[str, float] = field(default_factory=dict)


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
class Quantity:
    """What a value is: travels with it to every table and file.

    Attributes:
        name: `wer`, `acc`, `bleu`, `invalid_rate`; a source's own reading of the same answers ends in `_compat`.
        unit: `%`, `points` (of a judge), `""` for a plain number.
        higher_is_better: The direction.
        minimum: The least value there can be, or None.
        maximum: The greatest value there can be, or None (an error rate may exceed 100 %).
    """

    name: str
    unit: str = "%"
    higher_is_better: bool = False
    minimum: float | None = 0.0
    maximum: float | None = None


@dataclass(frozen=True, slots=True)
class MetricValue:
    """One number of a cell.

    Attributes:
        quantity: What it is.
        value: Over the scored samples; None where nothing defines it.
        low: Lower end of the 95 % bootstrap interval, or None.
        high: Upper end, or None.
        worst: The value if each sample without a score had been answered with nothing (where the reference is known).
    """

    quantity: Quantity
    value: float | None
    low: float | None = None
    high: float | None = None
    worst: float | None = None


@dataclass(frozen=True, slots=True)
class CellId:
    """Which (dataset, model, recipe) a number belongs to."""

    dataset: str
    model: str
    recipe: str

    def __str__(self) -> str:
        return f"{self.dataset}-{self.model}"


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


@dataclass(frozen=True, slots=True)
class SliceResult:
    """The values of some of a cell's samples.

    Attributes:
        key: What the samples have in common (`gender`, `language`, `duration`).
        name: Which of them (`female`, `en`, `5-10 s`).
        samples: Number of scored samples.
        values: As in `CellResult`; `worst` is None.
    """

    key: str
    name: str
    samples: int
    values: tuple[MetricValue, ...]


@dataclass(frozen=True, slots=True)
class CellResult:
    """The numbers of one cell, reduced.

    Attributes:
        cell: Which cell.
        task: The dataset's task (`asr`).
        family: The dataset's family marker (`librispeech`), or "" for a user's own data.
        values: All values of the recipe, the headline first (`wer`, then its parts), and `flip_rate` after a probe.
        signature: What makes two values comparable: recipe, normaliser, unit, package versions.
        published_recipe: The dataset's own recipe where this version scores with another one, else None.
        expected: Samples selected before inference; None when no shard of the cell ever said so.
        counts: Number of samples per state.
        coverage: scored / expected, 0 to 1.
        sums: Sums of the sufficient numbers over the scored samples (`errors`, `units`, `correct`, `n`, ...).
        cached: Samples answered by the cache.
        audio_s: Seconds of sound of the answered samples.
        infer_s: Seconds of inference of the answered samples.
        wall_s: Seconds from the first to the last moment any process worked on the cell in this run.
        rtfx: audio_s / infer_s, or None where no time was taken.
        speed: More about time, where it was taken: `samples_per_s`, `latency_p95_s`, ...
        clusters: What the interval resamples (`speaker`), or "" for single samples.
        n_clusters: Number of clusters, or None.
        slices: The same values for parts of the samples, where slices were asked for.
        model: What the model was: name, revision, device, dtype, arguments, what its adapter reported after loading.
        data: What the data was: resolved revision, digest of the selection, where it came from.
        first_errors: The first few `(sample_id, state, reason)` in order of id.
    """

    cell: CellId
    task: str
    family: str
    values: tuple[MetricValue, ...]
    signature: str
    published_recipe: str | None
    expected: int | None
    counts: Mapping[State, int]
    coverage: float
    sums: Mapping[str, float]
    cached: int
    audio_s: float
    infer_s: float
    wall_s: float
    rtfx: float | None
    speed: Mapping[str, float] = field(default_factory=dict)
    clusters: str = ""
    n_clusters: int | None = None
    slices: tuple[SliceResult, ...] = ()
    model: Mapping[str, Any] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)
    first_errors: tuple[tuple[str, State, str], ...] = ()

    @property
    def scored(self) -> int:
        """Number of samples that enter the headline value."""
        return sum(self.counts.get(state, 0) for state in SCORED_STATES)

    @property
    def headline(self) -> MetricValue:
        """The first of the values."""
        return self.values[0]

    @property
    def metric(self) -> str:
        """Name of the headline value."""
        return self.values[0].quantity.name

    @property
    def value(self) -> float | None:
        """The headline value, or None when nothing was scored."""
        return self.values[0].value

    def named(self, name: str) -> MetricValue | None:
        """Return the value of a name, or None when the recipe has none of it."""
        return next((value for value in self.values if value.quantity.name == name), None)


class Verdict(enum.StrEnum):
    """What a gate concluded."""

    PASS = "pass"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"  # the samples cannot tell
    SKIP = "skip"  # not judged, with the reason: a partial selection, an interrupted run, other hardware


@dataclass(frozen=True, slots=True)
class GateResult:
    """One limit applied to one cell.

    Attributes:
        cell: The cell judged.
        metric: What was limited: `wer`, `cer`, `coverage`, `rtfx`.
        bound: `max`, `min`, `regression` (against a baseline) or `published`.
        limit: The limit, in the metric's unit (0 to 1 for coverage); how much worse, or how far off, it may be.
        value: What was measured, or None; for the latter two how much worse, or how far off, it is.
        verdict: See `Verdict`.
        message: One sentence for people: the value, the limit, and what is missing.
        source: Where the limit is written (`gates.toml [minispeech.wer.pocketsphinx]`).
        kind: Which kind of red, see `errors.Red`; None unless it counts as failed.
        slice: `gender=female`, or "" for the whole cell.
        counts_as: What an inconclusive verdict counts as: the owner's choice; else None.
        details: More that a comparison found, as JSON values: `baseline`, `base`, `new`, `low`, `high`, ...
    """

    cell: CellId
    metric: str
    bound: str
    limit: float
    value: float | None
    verdict: Verdict
    message: str
    source: str
    kind: str | None = None
    slice: str = ""
    counts_as: Verdict | None = None
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def effect(self) -> Verdict:
        """What it counts as."""
        return self.counts_as or self.verdict
