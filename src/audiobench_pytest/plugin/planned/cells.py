"""The cells of a plan: what the selected items are, as every process that reads the run finds it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable

import pytest

from audiobench_pytest.catalog.packing import carried, packed
from audiobench_pytest.catalog.schema.protocols import SPEECH
from audiobench_pytest.errors import CatalogError, UsageError
from audiobench_pytest.plugin.collection import job_of
from audiobench_pytest.plugin.session import BenchmarkSession
from audiobench_pytest.prompts.asked import Asked
from audiobench_pytest.prompts.profiles import profile_for
from audiobench_pytest.records.runs.plan import PlannedCell
from audiobench_pytest.runner.job import Job
from audiobench_pytest.types import CellId


def planned_cells(session: BenchmarkSession, items: Iterable[pytest.Item]) -> list[PlannedCell]:
    """Return the cells of the selected items, with the shards that the selection kept.

    In the order of models and data sets, whatever the order of the items: a shuffled run has the same leaderboard.

    Raises:
        UsageError: Two benchmark functions claim one cell.
    """
    jobs: dict[CellId, list[Job]] = {}
    nodes: dict[CellId, str] = {}
    for item in items:
        if (job := job_of(item)) is not None:
            node = item.nodeid.split("[", 1)[0]
            if nodes.setdefault(job.cell, node) != node:
                raise UsageError(f"{nodes[job.cell]} and {node} both benchmark {job.cell}: select one of them")
            jobs.setdefault(job.cell, []).append(job)
    models = {model.name: number for number, model in enumerate(session.models)}
    datasets = {dataset.name: number for number, dataset in enumerate(session.datasets)}

    def place(found: list[Job]) -> tuple[int, int, int]:
        first = found[0]
        named = [prompt.name for prompt in session.prompts(first.dataset.task)] if first.cell.prompt else []
        order = named.index(first.cell.prompt) if first.cell.prompt in named else 0
        return models[first.model.name], datasets[first.dataset.name], order

    return [
        PlannedCell(
            cell,
            task=found[0].dataset.task,
            family=found[0].dataset.family,
            node=nodes[found[0].cell],
            shards=found[0].of,
            selected=tuple(sorted({job.shard for job in found})),
            published_recipe=_other_published(session, found[0], cell),
            samples=session.counts.get(cell.dataset),
            recipe=packed(recipe),
            clusters=session.settings.cluster or found[0].dataset.resampled,
            slices=session.settings.slices,
            own_recipe=_own(session, found[0], cell),
            carried=carried(recipe, session.catalog),
            prompt=_other_prompt(session, found[0]),
            draws=found[0].draws,
        )
        for found in sorted(jobs.values(), key=place)
        for cell, recipe in found[0].cells()
    ]


def _other_prompt(session: BenchmarkSession, job: Job) -> str:
    """Return the name of a job's prompt where it is not the one that its task and language would have."""
    if not session.is_told(job.model):
        return ""
    language = job.dataset.language
    name = profile_for(job.asked, language).name
    with contextlib.suppress(UsageError):  # a task whose data sets bring all of their prompts
        return name if name != profile_for(Asked(job.dataset.task), language).name else ""
    return name


def _own(session: BenchmarkSession, job: Job, cell: CellId) -> str | None:
    """Return the name of the recipe that a data set is scored by unasked, where this cell is scored by another one."""
    with contextlib.suppress(UsageError, CatalogError):  # a data set without a recipe of its own
        own = _as_answered(session, job, session.catalog.recipe_for(job.dataset).name)
        return own if own != cell.recipe else None
    return None


def _other_published(session: BenchmarkSession, job: Job, cell: CellId) -> str | None:
    """Return the name of the recipe of a dataset's published numbers, where this cell is scored by another one."""
    own = _as_answered(session, job, job.dataset.recipe)
    return own if own and own != cell.recipe else None


def _as_answered(session: BenchmarkSession, job: Job, name: str) -> str:
    """Return the name of a recipe as it scores answers in the channel of a job."""
    recipes = session.catalog.recipes
    return session.catalog.spoken(recipes.get(name)).name if job.answer == SPEECH and name in recipes else name
