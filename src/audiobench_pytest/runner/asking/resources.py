"""What the shards of one process share: the model in memory, the cache, the result file, the data sets."""

from __future__ import annotations

import contextlib
import dataclasses
import time
from dataclasses import dataclass, field
from pathlib import Path

from audiobench_pytest.catalog.schema import DatasetSpec, ModelSpec, RecipeSpec
from audiobench_pytest.datasets import Dataset, LoadSettings, load_dataset
from audiobench_pytest.errors import ModelError
from audiobench_pytest.metrics.recipes import Recipe
from audiobench_pytest.models.kept import traits_of
from audiobench_pytest.models.pool import ModelPool
from audiobench_pytest.records.answers.cache import ModelCache, PredictionCache
from audiobench_pytest.records.answers.described import keep_traits
from audiobench_pytest.records.identities import pins
from audiobench_pytest.records.runs.directory import ResultWriter
from audiobench_pytest.records.runs.plan import ShardReceipt
from audiobench_pytest.records.sounds import SOUNDS, AudioStore
from audiobench_pytest.runner.asking.giving_up import FailureStreak
from audiobench_pytest.runner.asking.inference import Budgets
from audiobench_pytest.runner.asking.next_model import NextModel
from audiobench_pytest.runner.asking.probing import Probe
from audiobench_pytest.runner.observing import UNREACHED, VARIES, Observed, observe, shared
from audiobench_pytest.runner.purse import FixedPayer, Purse
from audiobench_pytest.runner.scoring.scorer import Scorer
from audiobench_pytest.types import CellId


@dataclass
class Runner:
    """What the shards of one process share; closed when the last of them has ended.

    Attributes:
        pool: At most one model that is asked; maybe the next beside it.
        cache: Where answers are kept.
        results: Where this run's outcomes are written.
        load: How data sets are read and which samples are selected.
        budgets: Batch and decoding limits.
        writer: Name of this process (`main`, `gw0`).
        datasets: Those that were read already.
        probe: Which samples are asked twice, or None.
        remeasure: Which samples are asked afresh for their time, or None.
        began: When the run began, in seconds since the epoch: answers that are older belong to another run.
        observed_in: File of this attempt that says who answered behind servers; None observes nobody.
        purse: Pays for the answers of models that have a price; None counts nothing.
        next_model: Brings the next model nearer while one is asked; None where each is loaded in its turn.
        asks: Whether its models are asked; else what the cache knows is all there is.
        own_answers: Name under which this run keeps the answers of a server that does not repeat itself; "" shares them
            with other runs, as the parts of one plan have to.
    """

    pool: ModelPool
    cache: PredictionCache
    results: ResultWriter
    load: LoadSettings
    budgets: Budgets
    writer: str = "main"
    datasets: dict[DatasetSpec, Dataset] = field(default_factory=dict)
    probe: Probe | None = None
    remeasure: Probe | None = None
    began: float = 0.0
    observed_in: Path | None = None
    own_answers: str = ""
    purse: Purse | None = None
    next_model: NextModel | None = None
    asks: bool = True
    _observed: dict[str, Observed] = field(default_factory=dict)
    _scorers: dict[str, Scorer] = field(default_factory=dict)
    _caches: dict[str, ModelCache] = field(default_factory=dict)
    _receipts: dict[CellId, ShardReceipt] = field(default_factory=dict)
    _streaks: dict[str, FailureStreak] = field(default_factory=dict)

    def beside(self, pool: ModelPool, *, asks: bool = True) -> Runner:
        """Return one that keeps what it asks where this one does, with models of its own in memory."""
        return Runner(
            pool=pool,
            cache=self.cache,
            results=self.results,
            load=self.load,
            budgets=self.budgets,
            writer=self.writer,
            began=self.began,
            purse=self.purse,
            asks=asks,
        )

    @property
    def sounds(self) -> AudioStore:
        """Where sounds are kept that models answer with."""
        return AudioStore(self.cache.folders[0] / SOUNDS)

    def dataset(self, spec: DatasetSpec) -> Dataset:
        """Return a data set with its selection; read once per process.

        Raises:
            DatasetError: It cannot be read.
        """
        if spec not in self.datasets:
            self.datasets[spec] = load_dataset(spec, self.load)
        return self.datasets[spec]

    def scorer(self, spec: RecipeSpec) -> Scorer:
        """Return a recipe with the scores that the cache knows, put together once per process.

        Raises:
            CatalogError: The recipe names a step that does not exist.
        """
        if spec.name not in self._scorers:
            self._scorers[spec.name] = Scorer(Recipe(spec), self.cache.folders, writer=self.writer)
        return self._scorers[spec.name]

    def observe(self, spec: ModelSpec) -> Observed | None:
        """See who answers behind a server, before any of its answers is looked up; None of a model that is no server's.

        Where the entry has a revision, its owner vouches for it; where the identity holds the weights, we know them.

        Raises:
            RecordError: What was seen cannot be kept.
        """
        if self.observed_in is None or not self.observes(spec):
            return None
        if spec.name not in self._observed:
            self._observed[spec.name] = shared(self.observed_in, spec.name, lambda: self._asked_who(spec))
            told = self._observed[spec.name]
            # One that does not repeat itself may be another one tomorrow: its answers are for this run alone.
            apart = told.digest or (self.own_answers if told.state == VARIES else "")
            if apart:
                self.pool.set_apart(spec, apart)
        return self._observed[spec.name]

    def observes(self, spec: ModelSpec) -> bool:
        """Whether a model is asked who it is before any of its answers is looked up."""
        if not self.asks or not self.pool.adapter(spec).streams or self.observed_in is None:
            return False
        return not pins(self.pool.identity(spec))

    def _asked_who(self, spec: ModelSpec) -> Observed:
        try:
            self.load_model(spec)
        except ModelError:
            return Observed(UNREACHED)  # asking the first question says why, if there is one
        adapter = self.pool.adapter(spec)
        known = self.cache.model(spec.name, self.pool.identity(spec), writer=self.writer)
        try:
            payer = None if self.purse is None or spec.price is None else FixedPayer(self.purse, spec.price)
            return observe(adapter, known, payer)
        finally:
            known.close()

    def load_model(self, spec: ModelSpec) -> float:
        """Bring a model into memory, whose turn it is.

        Returns:
            Seconds of loading it that passed before, while another model was asked.

        Raises:
            ModelError: It cannot be loaded.
        """
        began = time.perf_counter()
        took = 0.0 if self.next_model is None else self.next_model.settle(spec)
        waited = time.perf_counter() - began
        self.pool.load(spec)
        return max(0.0, took - waited)

    def answers(self, spec: ModelSpec) -> ModelCache:
        """Return the part of the cache that belongs to a model as it is configured in this run."""
        if spec.name not in self._caches:
            self._caches[spec.name] = self.cache.model(spec.name, self.pool.identity(spec), writer=self.writer)
        return self._caches[spec.name]

    def describe(self, spec: ModelSpec) -> None:
        """Write beside a model's answers what finds them where the model is not.

        Raises:
            RecordError: It cannot be written.
        """
        folder = self.cache.model_folders(spec.name, self.pool.identity(spec))[0]
        keep_traits(folder, spec.name, traits_of(self.pool.adapter(spec)))

    def streak(self, spec: ModelSpec) -> FailureStreak:
        """Return the failures of a model since its last answer, over all shards of this process."""
        return self._streaks.setdefault(spec.name, FailureStreak(self.budgets.give_up_after))

    def write_receipt(self, receipt: ShardReceipt) -> None:
        """Write what a shard says of itself.

        Raises:
            RecordError: It cannot be written.
        """
        self._receipts[receipt.cell] = receipt
        self.results.shard(receipt)

    def sign(self, cell: CellId, signature: str) -> None:
        """Write the last receipt of a cell again with what is known of its scoring only now: which judge replied.

        Raises:
            RecordError: It cannot be written.
        """
        if cell in self._receipts:
            self.write_receipt(dataclasses.replace(self._receipts[cell], signature=signature))

    def close(self) -> None:
        """Free the model and close all files, also when one of them fails to close."""
        with contextlib.ExitStack() as stack:
            stack.callback(self.results.close)
            stack.callback(self.close_answers)

    def close_answers(self) -> None:
        """Free the model and close the files of answers and scores; the run's results stay open."""
        with contextlib.ExitStack() as stack:
            for cache in self._caches.values():
                stack.callback(cache.close)
            for scorer in self._scorers.values():
                stack.callback(scorer.close)
            stack.callback(self.pool.close)
            if self.next_model is not None:
                stack.callback(self.next_model.close)
