"""What a model lacks on this machine, each with what brings it: told before anything loads."""

from __future__ import annotations

import os
from collections.abc import Iterable

from audiobench_pytest.catalog.schema import ModelSpec
from audiobench_pytest.errors import UsageError
from audiobench_pytest.metrics.recipes import Recipe
from audiobench_pytest.models.registry import adapter_class, create
from audiobench_pytest.plugin.session import BenchmarkSession
from audiobench_pytest.records.answers.cache import PredictionCache
from audiobench_pytest.runner.job import Job


def of_model(session: BenchmarkSession, spec: ModelSpec) -> list[tuple[str, str]]:
    """Return what a model lacks (packages, an interpreter, an address, a key, GPUs), each with what brings it."""
    found = adapter_class(spec.adapter).lacks(spec, session.args_of(spec))
    if spec.gpus:
        from audiobench_pytest.plugin.workers.leases import count_gpus, nvidia_smi

        there = len(count_gpus(os.environ, nvidia_smi).names)
        if there < spec.gpus:
            wanted = f"{spec.gpus} GPU{'s' * (spec.gpus > 1)}"
            found.append(
                (wanted, f"a machine that has {'them' if spec.gpus > 1 else 'one'}; this one shows {there or 'none'}")
            )
    return found


def refuse_missing(session: BenchmarkSession) -> None:
    """Refuse models that lack something on this machine; one whose answers another machine has given may do without.

    Raises:
        UsageError: One does; the message says what of each.
    """
    found = []
    for spec in session.models:
        lacking = of_model(session, spec)
        if lacking and not _has_answers(session, spec):
            told = "; ".join(f"{what} ({command})" for what, command in lacking)
            found.append(f"model '{spec.name}' needs {told}")
    if found:
        raise UsageError(f"{'; '.join(found)}; --plan shows the whole of it")


def of_recipe(session: BenchmarkSession, recipe: Recipe, language: str) -> list[tuple[str, str]]:
    """Return what a recipe lacks that has answers heard: its transcriber or rater, or what that one needs.

    Raises:
        UsageError: There is no model of that name, or nobody is named for the language.
    """
    if recipe.metric.stage not in ("transcript", "rating"):
        return []
    from audiobench_pytest.runner.hearing.asking import model_of
    from audiobench_pytest.runner.hearing.stages import heard_by

    name = heard_by(recipe, language, session.settings.transcriber)
    if not name:
        return [(f"a transcriber of '{language}'", "--audiobench-set transcriber=MODEL")]
    spec = model_of(name)
    if spec.languages and language.split("-")[0] not in spec.languages:
        return [(f"one that knows '{language}' in place of {name}", "--recipe NAME, without this one")]
    return of_model(session, spec)


def refuse_deaf(session: BenchmarkSession, jobs: Iterable[Job]) -> None:
    """Refuse recipes that nobody here could hear answers for, before a model answers.

    Raises:
        UsageError: With all that is lacking.
    """
    found: dict[str, None] = {}
    for job in jobs:
        language = job.dataset.target_language or job.dataset.language
        for _, spec in job.cells():
            for what, command in of_recipe(session, Recipe(spec), language):
                found[f"recipe {spec.name} needs {what} ({command})"] = None
    if found:
        raise UsageError(f"{'; '.join(found)}; or name with --recipe those that you want")


def _has_answers(session: BenchmarkSession, spec: ModelSpec) -> bool:
    """Whether the cache holds answers of a model as it is configured in this run."""
    identity = create(spec, session.model_args.get(spec.name, {})).identity()
    folders = PredictionCache(session.settings.cache).model_folders(spec.name, identity)
    return any(folder.is_dir() for folder in folders)
