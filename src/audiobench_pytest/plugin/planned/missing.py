"""What a run lacks on this machine: refused before anything loads, or told by a plan."""

from __future__ import annotations

from collections.abc import Iterable

from audiobench_pytest.catalog.schema import DatasetSpec, ModelSpec
from audiobench_pytest.errors import MissingExtraError, ModelError, UsageError
from audiobench_pytest.metrics.recipes import Recipe
from audiobench_pytest.models.registry import create
from audiobench_pytest.plugin.session import BenchmarkSession
from audiobench_pytest.records.answers.cache import PredictionCache
from audiobench_pytest.runner.job import Job
from audiobench_pytest.runner.lacking import model_lacks, recipe_lacks


def of_model(session: BenchmarkSession, spec: ModelSpec) -> list[tuple[str, str]]:
    """Return what a model lacks as it is configured in this run, each with what brings it."""
    return model_lacks(spec, session.args_of(spec))


def refuse_missing(session: BenchmarkSession, jobs: Iterable[Job]) -> None:
    """Refuse models that lack something on this machine; one whose answers another machine has given may do without.

    Raises:
        UsageError: One that is to be asked does; the message says what of each.
    """
    found = []
    for spec in {job.model.name: job.model for job in jobs}.values():
        lacking = of_model(session, spec)
        if lacking and not _has_answers(session, spec):
            told = "; ".join(f"{what} ({command})" for what, command in lacking)
            found.append(f"model '{spec.name}' needs {told}")
    if found:
        raise UsageError(f"{'; '.join(found)}; --plan shows the whole of it")


def of_answers(data: DatasetSpec) -> str:
    """Return the language of the answers to a data set."""
    return data.target_language or data.language


def of_recipe(session: BenchmarkSession, recipe: Recipe, language: str) -> list[tuple[str, str]]:
    """Return what a recipe lacks that has answers heard, as this run is configured.

    Raises:
        UsageError: There is no model of that name, or nobody is named for the language.
    """
    return recipe_lacks(recipe, language, session.settings.transcriber, lambda spec: of_model(session, spec))


def refuse_deaf(session: BenchmarkSession, jobs: Iterable[Job]) -> None:
    """Refuse recipes that nobody here could hear answers for, before a model answers.

    Raises:
        UsageError: With all that is lacking.
    """
    # Hundreds of cells share a recipe and a language.
    wanted = {(spec.name, of_answers(job.dataset)): spec for job in jobs for _, spec in job.cells()}
    found: dict[str, None] = {}
    for (name, language), spec in wanted.items():
        for what, command in of_recipe(session, session.recipe(spec), language):
            found[f"recipe {name} needs {what} ({command})"] = None
    if found:
        raise UsageError(f"{'; '.join(found)}; or name with --recipe those that you want")


def refuse_idle(session: BenchmarkSession, jobs: Iterable[Job]) -> None:
    """Refuse arguments of a model that is neither under test nor hears an answer: they would change nothing.

    Raises:
        UsageError: There are such.
    """
    if not session.hearers:
        return
    from audiobench_pytest.runner.hearing.asking import model_of
    from audiobench_pytest.runner.hearing.stages import heard_by

    wanted = {(spec.name, of_answers(job.dataset)): spec for job in jobs for _, spec in job.cells()}
    named = {
        name
        for (_, language), spec in wanted.items()
        for name in heard_by(session.recipe(spec), language, session.settings.transcriber)
    }
    hearing = {model_of(name).name for name in named if name}
    idle = [spec.name for spec in session.hearers if spec.name not in hearing]
    if idle:
        others = f" (answers are heard by {', '.join(sorted(hearing))})" if hearing else ""
        raise UsageError(
            f"--model-args: {', '.join(idle)} is not among --model, and no recipe of what was selected has answers "
            f"heard by it{others}"
        )


def _has_answers(session: BenchmarkSession, spec: ModelSpec) -> bool:
    """Whether the cache holds answers of a model as it is configured in this run."""
    try:
        identity = create(spec, session.model_args.get(spec.name, {})).identity()
    except (MissingExtraError, ModelError):  # it cannot be looked at; all that it lacks is told first
        return False
    folders = PredictionCache(session.settings.cache).model_folders(spec.name, identity)
    return any(folder.is_dir() for folder in folders)
