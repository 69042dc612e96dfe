"""What one run intends (cells and shards) and what its shards report, as kept in the run directory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from audiobench_pytest.types import AUTO, CLUSTERS, NO_CLUSTERS, CellId

IMPORTED = "imported"
"""Key of a model's identity under which an import says of which files the answers are, and how they were taken."""


@dataclass(frozen=True, slots=True)
class PlannedCell:
    """One cell of the plan.

    Attributes:
        cell: Which cell.
        task: The dataset's task.
        family: The dataset's family marker, or "".
        node: Node id of the benchmark function it belongs to (`benchmarks/asr/test_asr.py::test_asr`).
        shards: Number of shards it was cut into.
        selected: Which of them this run runs; fewer than `shards` after `-k`, `--lf` or a node id.
        published_recipe: The dataset's own recipe where this version scores with another one, else None.
        samples: Number of samples selected, when known while planning, else None.
        recipe: The recipe as it was when planned, as plain values, so that a run can be reduced wherever it is read.
        clusters: Meta key whose values are resampled as wholes (`speaker`); `auto` for the first known one that the
            samples have; "" or `none` for single samples.
        slices: Meta keys that results are also given by (`gender`, `accent`).
        own_recipe: The recipe that the data set is scored by where nobody asks for another, if this is another one.
        prompt: Name of the prompt where it is not the one of task and language, else "".
        carried: Label sets and rubrics that the recipe names, as plain values, see `catalog.packing.carried`.
        draws: How often each sample is answered.
    """

    cell: CellId
    task: str
    family: str
    node: str
    shards: int
    selected: tuple[int, ...]
    published_recipe: str | None = None
    samples: int | None = None
    recipe: Mapping[str, Any] = field(default_factory=dict)
    clusters: str = ""
    slices: tuple[str, ...] = ()
    own_recipe: str | None = None
    prompt: str = ""
    carried: Mapping[str, Any] = field(default_factory=dict)
    draws: int = 1

    @property
    def keys(self) -> tuple[str, ...]:
        """Meta keys that the statistics look at."""
        return tuple(dict.fromkeys((*self.cluster_keys, *self.slices)))

    @property
    def cluster_keys(self) -> tuple[str, ...]:
        """Meta keys that may say which samples err together, the first that does so being used."""
        if self.clusters == AUTO:
            return CLUSTERS
        return () if self.clusters in ("", NO_CLUSTERS) else (self.clusters,)

    @property
    def partial(self) -> bool:
        """Whether the user picked only some of the cell's shards, so that no gate can be judged."""
        return len(self.selected) < self.shards


@dataclass(frozen=True, slots=True)
class ShardReceipt:
    """What a process says of one shard: once when it starts, once more when it ends.

    Attributes:
        cell: Which cell.
        shard: Which shard, from 0.
        of: Number of shards of the cell.
        expected: Answers that are wanted of this shard: its samples, each as often as it is drawn.
        total: The same of the whole cell.
        started: Seconds since the epoch.
        ended: Seconds since the epoch, or None while the shard runs (or when its process died).
        signature: The recipe's signature for the languages of the selection.
        dataset: Revision, digest and source of the data, as JSON values.
        model: Name, revision, device, dtype, arguments, as JSON values; what `describe` adds once loaded.
        loads: How often this shard had to load its model (0 or 1).
        spent: What the model did with the shard's time, in seconds: `load_s`, `warmup_s`, `infer_s`, `decode_wait_s`,
            and `load_ahead_s` where part of `load_s` passed before the shard (see `runner.asking.timing`); empty while
            the shard runs.
        reused: Answers that were given before this run began: `answers` (how many), `oldest` and `newest` (seconds
            since the epoch); empty where there are none, None where that was not noted (the shard has not ended).
        failed_first: Answers that came only after the question had been asked in vain.
        cost: US dollars, of a model that has a price: `usd` (all its answers), `new_usd` (those that were asked for in
            this run), `refused` (1 where the run's limit left questions unasked).
        draws: How often each sample is answered.
        remeasured: Seconds of each sample that was asked afresh for its time: `audio_s`, `infer_s`, `decode_s`, and
            what else is known (`latency_s`).
    """

    cell: CellId
    shard: int
    of: int
    expected: int
    total: int
    started: float
    ended: float | None = None
    signature: str = ""
    dataset: Mapping[str, Any] = field(default_factory=dict)
    model: Mapping[str, Any] = field(default_factory=dict)
    loads: int = 0
    spent: Mapping[str, float] = field(default_factory=dict)
    reused: Mapping[str, float] | None = None
    failed_first: int = 0
    cost: Mapping[str, float] = field(default_factory=dict)
    remeasured: tuple[Mapping[str, float], ...] = ()
    draws: int = 1


@dataclass(frozen=True, slots=True)
class ProbedSample:
    """What came of asking a sample a second time.

    Attributes:
        cell: Which cell.
        sample_id: Which sample.
        same_text: Whether the second answer is the first one, character for character.
        same_score: Whether both have the same numbers; None where a judge would have to give them.
        error: Why there is no second answer, or None; then the rest means nothing.
    """

    cell: CellId
    sample_id: str
    same_text: bool
    same_score: bool | None
    error: str | None = None
