"""What a pytest run with benchmarks holds: settings, catalogue, models, data sets, run directory."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING

import pytest

from audiobench_pytest.catalog.loader import Catalog
from audiobench_pytest.catalog.schema import DatasetSpec, ModelSpec, PromptSpec, RecipeSpec
from audiobench_pytest.datasets import Dataset, LoadSettings, count_samples, load_dataset
from audiobench_pytest.errors import DatasetError
from audiobench_pytest.metrics.recipes import Recipe
from audiobench_pytest.models.options import checked_args
from audiobench_pytest.models.registry import adapter_class
from audiobench_pytest.plugin.asked.declared import Settings
from audiobench_pytest.plugin.asked.markers import may_select
from audiobench_pytest.plugin.asked.scoring import Scored, Wish, scored
from audiobench_pytest.plugin.asked.suites import Suite
from audiobench_pytest.records.runs.directory import RunDirectory
from audiobench_pytest.runner.job import DERIVE, PREDICT, SCORE, Job

if TYPE_CHECKING:
    from audiobench_pytest.runner.asking.resources import Runner
    from audiobench_pytest.runner.collecting import Collector
    from audiobench_pytest.runner.hearing.asking import Hearing
    from audiobench_pytest.runner.scoring.stages import Helpers

SET_UP_ONLY = "audiobench: pytest was asked to set up only: nothing runs"
"""Why a fixture of ours is skipped."""

_KEY = pytest.StashKey["BenchmarkSession"]()


@dataclasses.dataclass
class BenchmarkSession:
    """One process's view of the run; the controller's also concludes it.

    Attributes:
        config: pytest's configuration.
        settings: What the user asked for.
        catalog: What exists.
        models: The models asked for, in the order given.
        datasets: The data sets asked for, all of the catalogue when none was named.
        load: How data sets are read.
        model_args: Arguments per model name.
        hearers: Models that were given arguments and are not under test: they hear the answers of those that are.
        recipes: Recipes that score instead of the datasets' own; empty where none was named.
        suite: The suite asked for, or None.
        shards: Number of shards per data set, decided by the controller; 1 where not listed.
        counts: Number of selected samples per data set, where known before anything runs.
        run: The run directory; None when there is nothing to run.
        attempt: Number of this invocation in the run directory.
        worker: `main`, or xdist's name of this worker (`gw0`).
        read: Data sets that were read already.
        told: Whether each model is told what to do, by name.
        following: What this process runs after the benchmark that it runs, as far as that is known.
        workers: How many processes share this machine's memory.
        per_gpu: How many of them share a GPU.
        refused: Why what was asked for cannot be run, where that showed only once it was collected.
        at_work: Recipes that were put to work, by name: hundreds of cells share one.
    """

    config: pytest.Config
    settings: Settings
    catalog: Catalog
    models: tuple[ModelSpec, ...]
    datasets: tuple[DatasetSpec, ...]
    load: LoadSettings
    model_args: Mapping[str, Mapping[str, str]]
    hearers: tuple[ModelSpec, ...] = ()
    recipes: tuple[RecipeSpec, ...] = ()
    suite: Suite | None = None
    shards: dict[str, int] = dataclasses.field(default_factory=dict)
    counts: dict[str, int] = dataclasses.field(default_factory=dict)
    run: RunDirectory | None = None
    attempt: int = 1
    worker: str = "main"
    read: dict[DatasetSpec, Dataset] = dataclasses.field(default_factory=dict)
    told: dict[str, bool] = dataclasses.field(default_factory=dict)
    following: Job | None = None
    workers: int = 1
    per_gpu: int = 1
    refused: str = ""
    at_work: dict[str, Recipe] = dataclasses.field(default_factory=dict)
    _scored: dict[tuple[str, str, str], tuple[Scored, ...]] = dataclasses.field(
        default_factory=dict, init=False, repr=False
    )
    _able: dict[str, bool] = dataclasses.field(default_factory=dict, init=False, repr=False)
    _prompts: dict[str, tuple[PromptSpec, ...]] = dataclasses.field(default_factory=dict, init=False, repr=False)

    @property
    def is_controller(self) -> bool:
        """Whether this process concludes the run: the only one, or xdist's controller."""
        return not hasattr(self.config, "workerinput")

    def recipe(self, spec: RecipeSpec) -> Recipe:
        """Return a recipe put to work, once per process.

        Raises:
            CatalogError: It names an unknown metric, option, step or unit.
        """
        if spec.name not in self.at_work:
            self.at_work[spec.name] = Recipe(spec)
        return self.at_work[spec.name]

    @cached_property
    def runner(self) -> Runner:
        """What the shards of this process share; made when the first shard runs."""
        from audiobench_pytest.models.kept import KeptPool
        from audiobench_pytest.models.pool import ModelPool
        from audiobench_pytest.records.answers.cache import PredictionCache
        from audiobench_pytest.records.digests import use_memo
        from audiobench_pytest.records.runs.ledger import Ledger
        from audiobench_pytest.runner.asking.inference import Budgets
        from audiobench_pytest.runner.asking.next_model import NextModel
        from audiobench_pytest.runner.asking.probing import Probe
        from audiobench_pytest.runner.asking.resources import Runner
        from audiobench_pytest.runner.memory import Room
        from audiobench_pytest.runner.purse import Purse

        if self.run is None:
            raise RuntimeError("a shard runs, but no run directory was made")
        settings = self.settings
        use_memo(self.settings.cache[0] / "digests")
        asks = self.asks
        pool = ModelPool(self.model_args, folder=self.run.servers(self.attempt))
        if not asks:
            pool = KeptPool(self.model_args, folders=settings.cache)
        ahead = asks and settings.load_ahead == "on"
        return Runner(
            pool=pool,
            next_model=NextModel(pool, Room(self.workers, self.per_gpu)) if ahead else None,
            asks=asks,
            cache=PredictionCache(self.settings.cache),
            results=self.run.writer(self.worker, self.attempt),
            load=self.load,
            budgets=Budgets(
                rows=self.settings.batch_size,
                seconds=self.settings.batch_seconds,
                max_audio_s=settings.max_audio_seconds,
                decode_threads=settings.decode_threads,
                give_up_after=settings.give_up_after,
            ),
            writer=self.worker,
            datasets=self.read,
            probe=Probe(self.settings.probe, self.settings.seed) if self.settings.probe else None,
            remeasure=Probe(self.settings.remeasure, self.settings.seed) if self.settings.remeasure else None,
            began=self.run.began(),
            purse=Purse(Ledger(self.run.path / f"paid-{self.attempt}.bin"), settings.max_cost),
            observed_in=self.run.path / f"observed-{self.attempt}.json",
            own_answers="" if self.settings.part.of > 1 else f"only in {self.run.path.name}",
        )

    @property
    def asks(self) -> bool:
        """Whether the models under test are asked in this run."""
        return self.settings.stage in ("", PREDICT)

    @property
    def hears(self) -> bool:
        """Whether those are asked that read or hear the answers."""
        return self.settings.stage in ("", DERIVE)

    @property
    def scores(self) -> bool:
        """Whether scores are computed and judged."""
        return self.settings.stage in ("", SCORE)

    @cached_property
    def collector(self) -> Collector:
        """What benchmark functions feed."""
        from audiobench_pytest.runner.collecting import Collector

        return Collector(self.runner, self.helpers, self.settings.stage)

    @property
    def helpers(self) -> Helpers:
        """Who is asked by recipes that have a stage."""
        from audiobench_pytest.runner.scoring.judge_record import JudgeSettings

        settings = self.settings
        judge = JudgeSettings(
            url=settings.judge_url or None,
            model=settings.judge_model or None,
            key_env=settings.judge_key_env or None,
            concurrency=settings.judge_concurrency,
            asks=settings.stage != SCORE,
        )
        # A judge that reads may not be one that hears.
        listener = dataclasses.replace(
            judge, url=settings.listener_url or judge.url, model=settings.listener_model or None
        )
        # Called by who hears: a controller whose workers did the scoring has no runner.
        hearing = lambda: self.hearing  # noqa: E731
        return {"judge": judge, "listening": listener, "transcript": hearing, "rating": hearing, "felt": hearing}

    @cached_property
    def hearing(self) -> Hearing:
        """By what means answers are heard that are sounds; nothing is loaded before one is."""
        from audiobench_pytest.models.kept import KeptPool
        from audiobench_pytest.models.pool import ModelPool
        from audiobench_pytest.runner.hearing.asking import Hearing

        asks = self.settings.stage != SCORE
        pool = ModelPool(self.model_args, several=True, folder=self.runner.pool.folder)
        if not asks:
            pool = KeptPool(self.model_args, several=True, folders=self.settings.cache)
        return Hearing(
            self.runner.beside(pool, asks=asks),
            under_test=self.runner,
            transcriber=self.settings.transcriber,
        )

    def follows(self, model: ModelSpec) -> bool:
        """Whether a model, as it is configured in this run, does what a prompt tells it."""
        return adapter_class(model.adapter).follows(model, self.args_of(model))

    def might_follow(self, spec: ModelSpec) -> bool:
        """Whether a model of the catalogue, as its entry has it, does what a prompt tells it."""
        if spec.name not in self._able:
            kind = adapter_class(spec.adapter)
            self._able[spec.name] = kind.follows(spec, checked_args(kind, spec, {}))
        return self._able[spec.name]

    def draws(self, model: ModelSpec) -> int:
        """Return how often a model is asked each question: once, where it would answer alike every time."""
        varies = adapter_class(model.adapter).varies(model, self.args_of(model))
        return self.settings.repeats if varies else 1

    def gives(self, model: ModelSpec) -> frozenset[str]:
        """Return what a model can answer with: `text`, `speech`, `rating`."""
        return frozenset(model.gives) or adapter_class(model.adapter).gives

    def scored(self, dataset: DatasetSpec, model: ModelSpec) -> tuple[Scored, ...]:
        """Return in which channel a model's answers to a data set are wanted, and the recipes that read them there.

        Raises:
            UsageError: What was asked for contradicts itself or the task.
            CatalogError: The data set names a recipe that there is not.
        """
        # A suite alone tells models apart.
        key = (dataset.name, dataset.task, model.name if self.suite is not None else "")
        if key not in self._scored:
            wish = Wish(self.settings.answer, self.recipes, self.suite)
            self._scored[key] = scored(self.catalog, wish, dataset, model)
        return self._scored[key]

    def is_told(self, model: ModelSpec) -> bool:
        """Whether a model, as it is configured in this run, is told what to do by a prompt of the catalogue."""
        if model.name not in self.told:  # asked for each of thousands of cells
            self.told[model.name] = adapter_class(model.adapter).is_told(model, self.args_of(model))
        return self.told[model.name]

    def prompts(self, task: str) -> tuple[PromptSpec, ...]:
        """Return the prompts that the user asked for; words and files ask whatever task is asked.

        Raises:
            UsageError: There is none such.
        """
        if not self.settings.prompts:
            return ()
        if task not in self._prompts:
            from audiobench_pytest.prompts.profiles import given_prompts

            self._prompts[task] = given_prompts(self.settings.prompts, task, self.config.invocation_params.dir)
        return self._prompts[task]

    def args_of(self, model: ModelSpec) -> dict[str, object]:
        """Return the checked arguments of a model as it is configured in this run."""
        return checked_args(adapter_class(model.adapter), model, self.model_args.get(model.name, {}))

    def read_manifests(self, datasets: Iterable[DatasetSpec]) -> None:
        """Read the manifests of some data sets, so that a broken one is told before any model loads.

        Raises:
            DatasetError: A manifest is broken; the message names the line.
        """
        for spec in datasets:
            if spec.manifest is not None and not spec.manifest.bundled and spec not in self.read:
                self.read[spec] = load_dataset(spec, self.load)
                self.counts[spec.name] = len(self.read[spec].samples)

    def close(self) -> None:
        """Free the model and close this process's files."""
        if "runner" in self.__dict__:
            from audiobench_pytest.records.digests import use_memo

            if "hearing" in self.__dict__:
                self.hearing.close()
            self.runner.close()
            use_memo(None)


def find_session(config: pytest.Config) -> BenchmarkSession | None:
    """Return the run's session, or None when benchmarks were not asked for."""
    return config.stash.get(_KEY, None)


def session_of(config: pytest.Config) -> BenchmarkSession:
    """Return the run's session; for use where a benchmark is already running."""
    session = find_session(config)
    if session is None:
        pytest.skip("audiobench: no benchmark was asked for")
    return session


def keep(session: BenchmarkSession) -> None:
    """Let the session be found through pytest's configuration."""
    session.config.stash[_KEY] = session


def count(session: BenchmarkSession) -> None:
    """Note the number of selected samples of each data set that tells it without being read."""
    expression, families = session.config.getoption("markexpr", "") or "", session.catalog.families()
    is_named = bool(session.settings.datasets or expression)
    for spec in session.datasets:
        if spec.name in session.counts or not may_select(expression, spec.family, families):
            continue
        if spec.hub is not None and spec.samples is None and not is_named:
            continue  # the network is not asked about a set that nobody named
        try:
            number = count_samples(spec, session.load)
        except DatasetError:
            continue  # unreachable now; the item that reads it will say so, or the user did not even select it
        if number is not None:
            session.counts[spec.name] = number
