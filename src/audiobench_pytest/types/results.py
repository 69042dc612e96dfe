"""What is concluded of many samples: the values of a cell, and what a gate says of them."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from audiobench_pytest.types.outcomes import SCORED_STATES, CellId, State

STOPPED = "stopped"
"""Key of what is known of a cell's model that holds why it could not be asked any further."""


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
        low: Lower end of the 95 % interval, or None.
        high: Upper end, or None.
        worst: The value if each sample without a score had been answered with nothing (where the reference is known).
    """

    quantity: Quantity
    value: float | None
    low: float | None = None
    high: float | None = None
    worst: float | None = None


@dataclass(frozen=True, slots=True)
class Percentile:
    """How sure a percentile of a time is.

    Attributes:
        percent: Which: 95 of the 95th.
        samples: Number of times behind it.
        high: What it does not exceed with 99 % confidence, in seconds; None where the times are too few to say so.
    """

    percent: int
    samples: int
    high: float | None


@dataclass(frozen=True, slots=True)
class Draws:
    """What came of answering each clip several times.

    Attributes:
        clips: Number of clips of which at least one answer was scored.
        draws: How often each clip was answered.
        values: The headline value over all clips, draw by draw; None where a draw has none.
    """

    clips: int
    draws: int
    values: tuple[float | None, ...]


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
class Evidence:
    """What the numbers of a cell rest on.

    Attributes:
        size: Samples of the whole set, selected or not; None where nobody knows.
        selection: Which of them were selected, in words (`first 2 of 60`); "" for all.
        weights: What tells the model's weights apart, a digest or revision; "" where nothing does.
        pinned: Whether other weights under the same name would be noticed.
        reused: Answers that were given before this run began; None where that was not noted.
        oldest: When the oldest of them was given, in seconds since the epoch; 0 where that is not known.
        newest: The same of the newest.
        failed_first: Answers that came only after the question had been asked in vain.
        remeasured: Samples that were asked afresh for their time: what is said of speed is of these alone; 0 for none.
        endings: How many scored answers did not end of themselves, by one of `ENDINGS`.
        heard: How many clips were heard (`clips`), and how many of them are odd, by one of `HEARD`.
        scripts: How many scored answers are not written in the script of their language, by the script they are in.
        imported: Whose result file the answers were read from, in words, and its digest; "" where they were asked here.
    """

    size: int | None = None
    selection: str = ""
    weights: str = ""
    pinned: bool = True
    reused: int | None = None
    oldest: float = 0.0
    newest: float = 0.0
    failed_first: int = 0
    remeasured: int = 0
    endings: Mapping[str, int] = field(default_factory=dict)
    heard: Mapping[str, int] = field(default_factory=dict)
    scripts: Mapping[str, int] = field(default_factory=dict)
    imported: str = ""


@dataclass(frozen=True, slots=True)
class CellResult:
    """The numbers of one cell, reduced.

    Attributes:
        cell: Which cell.
        task: The dataset's task (`asr`).
        family: The dataset's family marker (`librispeech`), or "" for a user's own data.
        values: All values of the recipe, the headline first (`wer`, then its parts), and `flip_rate` after a probe.
        tails: Of an error rate: the share of samples above 50 %, the rate with each sample at most all wrong, the share
            of the errors that the worst 1 % of the samples make.
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
        percentiles: How sure those of `speed` are that are percentiles, by name.
        clusters: What the interval resamples (`speaker`), or "" for single samples.
        n_clusters: Number of clusters, or None.
        effective_clusters: How many clusters of equal size would tell as much: (sum n)^2 / sum n^2; None without any.
        largest_cluster: Share of the samples in the largest cluster, 0 to 1, or None.
        without_cluster: The key of clusters that was asked for and that no sample has, or "".
        slices: The same values for parts of the samples, where slices were asked for.
        model: What the model was: name, revision, device, dtype, arguments, what its adapter reported after loading.
        data: What the data was: resolved revision, digest of the selection, where it came from.
        first_errors: The first few `(sample_id, state, reason)` in order of id.
        evidence: What all of it rests on.
        cost: US dollars, of a model that has a price: `usd` (all answers), `new_usd` (those of this run), `refused`
            (how many shards the run's limit left questions of unasked).
        draws: What came of answering each sample several times, or None; `expected`, `counts` and times are then of all
            answers.
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
    percentiles: Mapping[str, Percentile] = field(default_factory=dict)
    tails: tuple[MetricValue, ...] = ()
    clusters: str = ""
    n_clusters: int | None = None
    effective_clusters: float | None = None
    largest_cluster: float | None = None
    without_cluster: str = ""
    slices: tuple[SliceResult, ...] = ()
    model: Mapping[str, Any] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)
    first_errors: tuple[tuple[str, State, str], ...] = ()
    evidence: Evidence = field(default_factory=Evidence)
    cost: Mapping[str, float] = field(default_factory=dict)
    draws: Draws | None = None

    @property
    def scored(self) -> int:
        """Number of samples that enter the headline value."""
        return sum(self.counts.get(state, 0) for state in SCORED_STATES)

    @property
    def clips(self) -> int:
        """Number of samples behind the headline value, each counted once however often it was answered."""
        return self.scored if self.draws is None else self.draws.clips

    @property
    def selected(self) -> int | None:
        """Number of samples selected, each counted once; None as in `expected`."""
        return self.expected if self.expected is None or self.draws is None else self.expected // self.draws.draws

    @property
    def answers(self) -> str:
        """What `expected` and `counts` are of, in words: samples, or the answers where each has several."""
        return "samples" if self.draws is None else "answers"

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
        return next((value for value in (*self.values, *self.tails) if value.quantity.name == name), None)


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
        bound: `max`, `min`, `regression` or `anchor` (against a baseline), `published`, or `measured` (on what).
        limit: The limit, in the metric's unit (0 to 1 for coverage); how much worse, or how far off, it may be.
        value: What was measured, or None; for the latter two how much worse, or how far off, it is.
        verdict: See `Verdict`.
        message: One sentence for people: the value, the limit, and what is missing.
        source: Where the limit is written (`gates.toml [minispeech.wer.pocketsphinx]`).
        kind: Which kind of red, see `errors.Red`; None unless it counts as failed.
        slice: `gender=female`, or "" for the whole cell.
        counts_as: What it counts as where that is not its verdict: an inconclusive or a waived one; else None.
        details: More that a comparison found, as JSON values: `baseline`, `base`, `new`, `low`, `high`, ...
        waiver: Until when, by whom and why a failure is let pass, or "".
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
    waiver: str = ""

    @property
    def effect(self) -> Verdict:
        """What it counts as."""
        return self.counts_as or self.verdict
