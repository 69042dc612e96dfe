"""Begins a pytest run with benchmarks: reads what was asked, checks it, registers the hooks that run it."""

from __future__ import annotations

import pytest

from audiobench_pytest.catalog.entries import placed
from audiobench_pytest.catalog.loader import load_catalog, use_folders
from audiobench_pytest.datasets import LoadSettings
from audiobench_pytest.doors import Registry, open_doors
from audiobench_pytest.errors import AudiobenchError, UsageError
from audiobench_pytest.plugin.asked.choices import (
    args_by_name,
    check_read_only_caches,
    find_datasets,
    find_hearers,
    find_models,
    find_recipes,
)
from audiobench_pytest.plugin.asked.declared import CORPORA
from audiobench_pytest.plugin.asked.markers import check_marker_expression, register_families
from audiobench_pytest.plugin.asked.settings import read_settings
from audiobench_pytest.plugin.asked.suites import find_suite
from audiobench_pytest.plugin.controller import Controller
from audiobench_pytest.plugin.hooks import ControllerHooks, ItemHooks
from audiobench_pytest.plugin.session import BenchmarkSession, keep
from audiobench_pytest.plugin.workers.xdist import DistributedHooks, is_distributed, join_run
from audiobench_pytest.records.runs.directory import note_not_begun


def start(config: pytest.Config) -> None:
    """Read what was asked, check it all before anything runs, and register the hooks that run it.

    Raises:
        pytest.UsageError: Something asked for does not exist; pytest ends with status 4.
    """
    try:
        session = _session(config)
        keep(session)
        _register(session)
    except AudiobenchError as exc:
        if not hasattr(config, "workerinput"):
            note_not_begun(config.rootpath / ".audiobench" / "runs", str(exc))
        raise pytest.UsageError(str(exc)) from None


def is_dry(config: pytest.Config) -> bool:
    """Whether pytest itself was asked to run nothing."""
    return bool(config.option.collectonly or config.option.setupplan or config.option.setuponly)


def _session(config: pytest.Config) -> BenchmarkSession:
    settings = read_settings(config)
    check_read_only_caches(settings)
    open_doors()
    config.hook.pytest_audiobench_register(registry=Registry())
    use_folders([placed(settings.catalog, settings.root)] if settings.catalog else [])
    catalog = load_catalog()
    families = catalog.families()
    register_families(config, families)
    check_marker_expression(config, families)
    suite = find_suite(
        settings.suite,
        catalog,
        own_models=bool(settings.models),
        given=find_datasets(catalog, settings) if settings.suite and settings.datasets else (),
        only_planned=settings.plan is not None,
    )
    if suite is not None and len(settings.prompts) > 1:
        raise UsageError("--suite asks in the words of its protocols: give one --prompt, or leave out the suite")
    if suite is not None:
        if not settings.models:
            settings = settings.having(model=tuple(suite.models()))
        settings = settings.having(slices=tuple(dict.fromkeys((*settings.slices, *suite.slices()))))
    models = find_models(catalog, settings)
    model_args = args_by_name(settings, models)
    if settings.max_cost is not None and models and not any(spec.price for spec in models):
        raise UsageError(
            f"--max-cost: no price is known of {', '.join(spec.name for spec in models)}: leave it out, or give the "
            "model an entry with a price (docs/models.md)"
        )
    folders = {name: str(settings.values[name]) for name in CORPORA if settings.values[name]}
    session = BenchmarkSession(
        config=config,
        settings=settings,
        catalog=catalog,
        models=models,
        datasets=find_datasets(catalog, settings) if suite is None else suite.datasets(catalog),
        load=LoadSettings(
            cache=settings.cache[0],
            limit=settings.limit,
            sample=settings.sample,
            seed=settings.seed,
            folders=folders,
            hub_mode=settings.hub_mode,
            language=settings.language,
        ),
        model_args=model_args,
        hearers=tuple({spec.name: spec for spec in find_hearers(settings).values()}.values()),
        recipes=find_recipes(catalog, settings),
        suite=suite,
    )
    for spec in (*session.models, *session.hearers):
        session.args_of(spec)  # a wrong argument is told now; what is missing, once it is known who is asked
    return session


def _register(session: BenchmarkSession) -> None:
    """Register the hooks that this process needs.

    Raises:
        AudiobenchError: The gates file, a manifest or the run directory is wrong.
    """
    plugins = session.config.pluginmanager
    plugins.register(ItemHooks(session), "audiobench-items")
    if session.settings.plan is not None:
        from audiobench_pytest.plugin.planned.dry_run import PlanHooks

        if is_distributed(session.config):
            raise UsageError("--plan runs nothing: leave out -n")
        plugins.register(PlanHooks(session), "audiobench-plan")
    elif not session.is_controller:
        join_run(session)
    elif session.models and not is_dry(session.config):
        on_ray = session.settings.engine == "ray"
        if on_ray:
            from audiobench_pytest.plugin.workers.ray import RayHooks, check

            check(session.config)
        controller = Controller.begin(session)
        plugins.register(ControllerHooks(controller), "audiobench-controller")
        if on_ray:
            plugins.register(RayHooks(session), "audiobench-ray")
        elif is_distributed(session.config):
            plugins.register(DistributedHooks(session), "audiobench-distributed")
