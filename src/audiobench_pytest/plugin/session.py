"""What a pytest run with benchmarks holds: settings, catalogue, models, data sets, run directory."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

import pytest

from audiobench_pytest.catalog.loader import Catalog, load_catalog, use_folders
from audiobench_pytest.catalog.schema import DatasetSpec, ModelSpec, RecipeSpec
from audiobench_pytest.datasets import Dataset, LoadSettings, count_samples, is_path_like, load_dataset, spec_for_path
from audiobench_pytest.errors import AudiobenchError, DatasetError, UsageError
from audiobench_pytest.models.base import checked_args
from audiobench_pytest.models.registry import HF_PREFIX, OPENAI_PREFIX, adapter_class, spec_from_hf, spec_from_openai
from audiobench_pytest.plugin.asked.markers import check_marker_expression, register_families
from audiobench_pytest.plugin.asked.settings import Settings, read_settings
from audiobench_pytest.plugin.asked.suites import Suite, find_suite
from audiobench_pytest.records.runs.directory import RunDirectory

if TYPE_CHECKING:
    from audiobench_pytest.plugin.collector import Collector
    from audiobench_pytest.runner.asking.resources import Runner
    from audiobench_pytest.runner.scoring.judge_record import JudgeSettings

_KEY = pytest.StashKey["Session"]()


@dataclasses.dataclass
class Session:
    """One process's view of the run; the controller's also concludes it.

    Attributes:
        config: pytest's configuration.
        settings: What the user asked for.
        catalog: What exists.
        models: The models asked for, in the order given.
        datasets: The data sets asked for, all of the catalogue when none was named.
        load: How data sets are read.
        model_args: Arguments per model name.
        recipes: Recipes that score instead of the datasets' own; empty where none was named.
        suite: The suite asked for, or None.
        shards: Number of shards per data set, decided by the controller; 1 where not listed.
        counts: Number of selected samples per data set, where known before anything runs.
        run: The run directory; None when there is nothing to run.
        attempt: Number of this invocation in the run directory.
        worker: `main`, or xdist's name of this worker (`gw0`).
        read: Data sets that were read already.
    """

    config: pytest.Config
    settings: Settings
    catalog: Catalog
    models: tuple[ModelSpec, ...]
    datasets: tuple[DatasetSpec, ...]
    load: LoadSettings
    model_args: Mapping[str, Mapping[str, str]]
    recipes: tuple[RecipeSpec, ...] = ()
    suite: Suite | None = None
    shards: dict[str, int] = dataclasses.field(default_factory=dict)
    counts: dict[str, int] = dataclasses.field(default_factory=dict)
    run: RunDirectory | None = None
    attempt: int = 1
    worker: str = "main"
    read: dict[DatasetSpec, Dataset] = dataclasses.field(default_factory=dict)

    @property
    def is_controller(self) -> bool:
        """Whether this process concludes the run: the only one, or xdist's controller."""
        return not hasattr(self.config, "workerinput")

    @property
    def slices(self) -> tuple[str, ...]:
        """Meta keys that results are also given by."""
        found: tuple[str, ...] = self.settings.rare["slices"]
        return found

    @cached_property
    def runner(self) -> Runner:
        """What the shards of this process share; made when the first shard runs."""
        from audiobench_pytest.models.pool import ModelPool
        from audiobench_pytest.records.answers.cache import PredictionCache
        from audiobench_pytest.records.digests import use_memo
        from audiobench_pytest.runner.asking.inference import Budgets
        from audiobench_pytest.runner.asking.probing import Probe
        from audiobench_pytest.runner.asking.resources import Runner

        if self.run is None:
            raise RuntimeError("a shard runs, but no run directory was made")
        rare = self.settings.rare
        use_memo(self.settings.cache[0] / "digests")
        return Runner(
            pool=ModelPool(self.model_args),
            cache=PredictionCache(self.settings.cache),
            results=self.run.writer(self.worker, self.attempt),
            load=self.load,
            budgets=Budgets(
                rows=self.settings.batch_size,
                seconds=self.settings.batch_seconds,
                max_audio_s=rare["max_audio_seconds"],
                decode_threads=rare["decode_threads"],
                give_up_after=rare["give_up_after"],
            ),
            writer=self.worker,
            datasets=self.read,
            probe=Probe(self.settings.probe, self.settings.seed) if self.settings.probe else None,
        )

    @cached_property
    def collector(self) -> Collector:
        """What benchmark functions feed."""
        from audiobench_pytest.plugin.collector import Collector

        return Collector(self.runner, self.judge)

    @property
    def judge(self) -> JudgeSettings:
        """Which judge is asked by recipes that need one."""
        from audiobench_pytest.runner.scoring.judge_record import JudgeSettings

        rare = self.settings.rare
        return JudgeSettings(
            url=rare["judge_url"] or None,
            model=rare["judge_model"] or None,
            key_env=rare["judge_key_env"] or None,
            concurrency=rare["judge_concurrency"],
        )

    def read_own_manifests(self) -> None:
        """Read the manifests that the user named, so that a broken one is told before any model loads.

        Raises:
            DatasetError: A manifest is broken; the message names the line.
        """
        for spec in self.datasets:
            if spec.manifest is not None and not spec.manifest.bundled:
                self.read[spec] = load_dataset(spec, self.load)
                self.counts[spec.name] = len(self.read[spec].samples)

    def close(self) -> None:
        """Free the model and close this process's files."""
        if "runner" in self.__dict__:
            from audiobench_pytest.records.digests import use_memo

            self.runner.close()
            use_memo(None)


def find_session(config: pytest.Config) -> Session | None:
    """Return the run's session, or None when benchmarks were not asked for."""
    return config.stash.get(_KEY, None)


def session_of(config: pytest.Config) -> Session:
    """Return the run's session; for use where a benchmark is already running."""
    session = find_session(config)
    if session is None:
        pytest.skip("audiobench: no benchmark was asked for")
    return session


def start(config: pytest.Config) -> None:
    """Read what was asked, check it all before anything runs, and register the hooks that run it.

    Raises:
        pytest.UsageError: Something asked for does not exist; pytest ends with status 4.
    """
    from audiobench_pytest.plugin.hooks import register

    try:
        session = _session(config)
        config.stash[_KEY] = session
        register(session)
    except AudiobenchError as exc:
        raise pytest.UsageError(str(exc)) from None


def _session(config: pytest.Config) -> Session:
    settings = read_settings(config)
    _check_read_only_caches(settings)
    use_folders([settings.root / settings.rare["catalog"]] if settings.rare["catalog"] else [])
    catalog = load_catalog()
    families = catalog.families()
    register_families(config, families)
    check_marker_expression(config, families)
    suite = find_suite(settings.suite, catalog, own_models=bool(settings.models))
    if suite is not None and settings.datasets:
        raise UsageError("--suite names its data sets itself: leave out --dataset, or the suite")
    if suite is not None and not settings.models:
        settings = dataclasses.replace(settings, models=tuple(suite.models()))
    models = find_models(catalog, settings)
    model_args = args_by_name(settings, models)
    for spec in models:
        # A wrong argument or a missing package is told now, not in an hour; the checkpoint itself may be far away.
        adapter = adapter_class(spec.adapter)
        adapter.require(spec)
        checked_args(adapter, spec, model_args.get(spec.name, {}))
    rare = settings.rare
    folders = {"librispeech_dir": rare["librispeech_dir"]} if rare["librispeech_dir"] else {}
    return Session(
        config=config,
        settings=settings,
        catalog=catalog,
        models=models,
        datasets=_datasets(catalog, settings) if suite is None else suite.datasets(catalog),
        load=LoadSettings(
            cache=settings.cache[0],
            limit=settings.limit,
            sample=settings.sample,
            seed=settings.seed,
            folders=folders,
            hub_mode=rare["hub_mode"],
        ),
        model_args=model_args,
        recipes=_recipes(catalog, settings),
        suite=suite,
    )


def _check_read_only_caches(settings: Settings) -> None:
    for folder in settings.cache[1:]:
        if not folder.is_dir():  # passed over, it would cost the inference of everything it holds
            what = "is no folder" if folder.exists() else "does not exist"
            raise UsageError(
                f"--audiobench-cache: {folder}, a cache to be read only, {what}: correct its path, make an empty "
                "folder there, or leave it out"
            )


def _recipes(catalog: Catalog, settings: Settings) -> tuple[RecipeSpec, ...]:
    from audiobench_pytest.metrics.recipes import Recipe

    found = {}
    for name in settings.recipes:
        try:
            spec = catalog.recipes.get(name)
        except UsageError as exc:
            raise UsageError(f"--recipe: {exc}") from None
        Recipe(spec)  # a wrong step is told now, not when the first answer is scored
        found[spec.name] = spec
    return tuple(found.values())


def find_models(catalog: Catalog, settings: Settings) -> tuple[ModelSpec, ...]:
    """Return the models asked for, in the order given.

    Raises:
        UsageError: One does not exist, or two different ones share a name.
    """
    found: dict[str, ModelSpec] = {}
    for text in settings.models:
        try:
            spec = _model(catalog, text)
        except UsageError as exc:
            raise UsageError(f"--model: {exc}; or hf:<hub id or folder>, or openai:<name on a server>") from None
        if spec.name in found and found[spec.name] != spec:
            raise UsageError(f"--model: two different models are called '{spec.name}': run them one after the other")
        found[spec.name] = spec
    return tuple(found.values())


def _model(catalog: Catalog, text: str) -> ModelSpec:
    if text.startswith(HF_PREFIX):
        return spec_from_hf(text)
    return spec_from_openai(text) if text.startswith(OPENAI_PREFIX) else catalog.models.get(text)


def args_by_name(settings: Settings, models: tuple[ModelSpec, ...]) -> dict[str, dict[str, str]]:
    """Return the arguments of each model by its name: those for all models, overridden by its own."""
    merged = {spec.name: dict(settings.model_args.get("", {})) for spec in models}
    for target, args in settings.model_args.items():
        if target:  # a text of `--model`: maybe an alias, and two of them may mean one model
            merged[_model(load_catalog(), target).name].update(args)
    return merged


def _datasets(catalog: Catalog, settings: Settings) -> tuple[DatasetSpec, ...]:
    if not settings.datasets:
        return tuple(catalog.datasets)
    found: dict[str, DatasetSpec] = {}
    for text in settings.datasets:
        try:
            spec = spec_for_path(text, cwd=settings.data_folder) if is_path_like(text) else catalog.datasets.get(text)
        except UsageError as exc:
            raise UsageError(f"--dataset: {exc}") from None
        if spec.name in found and found[spec.name] != spec:
            raise UsageError(f"--dataset: two data sets are called '{spec.name}': write NAME=PATH for one of them")
        found[spec.name] = spec
    return tuple(found.values())


def count(session: Session) -> None:
    """Note the number of selected samples of each data set that tells it without being read."""
    for spec in session.datasets:
        if spec.name in session.counts:
            continue
        try:
            number = count_samples(spec, session.load)
        except DatasetError:
            continue  # unreachable now; the item that reads it will say so, or the user did not even select it
        if number is not None:
            session.counts[spec.name] = number
