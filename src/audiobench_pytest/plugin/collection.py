"""From a benchmark function to pytest items: one per shard of each (dataset, model)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec
import pytest

from audiobench_pytest.catalog.schema import DatasetSpec, ModelSpec, RecipeSpec
from audiobench_pytest.errors import UsageError
from audiobench_pytest.plugin.session import Session, find_session
from audiobench_pytest.records.runs.plan import PlannedCell
from audiobench_pytest.runner.job import Job
from audiobench_pytest.types import CellId

NO_MODEL = "no model: name one with --audiobench-model (or --model, where the root conftest opts in)"


def parametrize(metafunc: pytest.Metafunc) -> None:
    """Give a benchmark function its cells.

    Raises:
        UsageError: Its marker does not name a task.
    """
    marker = metafunc.definition.get_closest_marker("audiobench")
    task = (marker.kwargs.get("task") or next(iter(marker.args), None)) if marker else None
    if not isinstance(task, str):
        where = metafunc.definition.nodeid
        raise pytest.UsageError(f'{where}: mark it with its task, as in @pytest.mark.audiobench(task="asr")')
    session = find_session(metafunc.config)
    if session is None or not session.models:
        skip = pytest.mark.skip(reason=NO_MODEL)
        metafunc.parametrize("audiobench", [pytest.param(None, id="no-model", marks=skip)], indirect=True)
        return
    metafunc.parametrize("audiobench", list(_params(session, task)), indirect=True)


def _params(session: Session, task: str) -> Iterator[object]:
    # Models outermost: with one model in memory per process, each is loaded once.
    for model in session.models:
        if task not in model.tasks:
            continue
        for dataset in session.datasets:
            if dataset.task == task and (session.suite is None or session.suite.has(dataset.name, model.name)):
                yield from _cell(session, dataset, model)


def _cell(session: Session, dataset: DatasetSpec, model: ModelSpec) -> Iterator[object]:
    recipe, *more = recipes_of(session, dataset)
    cell = CellId(dataset.name, model.name, recipe.name)
    marks = [getattr(pytest.mark, dataset.family)] if dataset.family else []
    named = dataset.hub or dataset.folder or (dataset.manifest and dataset.manifest.bundled)
    if model.languages and named and dataset.language not in model.languages:
        knows = ", ".join(model.languages)
        reason = f"model {model.name} knows {knows}; dataset {dataset.name} is {dataset.language}"
        yield pytest.param(None, id=str(cell), marks=[*marks, pytest.mark.skip(reason=reason)])
        return
    shards, of = session.settings.part.shards(session.shards.get(dataset.name, 1))
    for k in shards:
        name = str(cell) if of == 1 else f"{cell}-{k + 1:02d}of{of:02d}"
        yield pytest.param(Job(cell, dataset, model, recipe, k, of, tuple(more)), id=name, marks=marks)


def recipes_of(session: Session, dataset: DatasetSpec) -> tuple[RecipeSpec, ...]:
    """Return the recipes that score a dataset: those the user named, else the suite's, else its own."""
    if session.suite is not None and not session.recipes:
        return session.suite.recipes(session.catalog, dataset.name)
    return session.recipes or (session.catalog.recipe_for(dataset)[0],)


def job_of(item: pytest.Item) -> Job | None:
    """Return the job of a benchmark item, or None for any other item."""
    job = (
        item.callspec.params.get("audiobench")
        if isinstance(item, pytest.Function) and hasattr(item, "callspec")
        else None
    )
    return job if isinstance(job, Job) else None


def sort_by_model(session: Session, items: list[pytest.Item]) -> None:
    """Bring benchmark items into model-major order across modules; other items keep their places before them."""
    order = {model.name: i for i, model in enumerate(session.models)}
    items.sort(key=lambda item: order[job.model.name] if (job := job_of(item)) is not None else -1)


def planned_cells(session: Session, items: Iterable[pytest.Item]) -> list[PlannedCell]:
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

    def place(found: list[Job]) -> tuple[int, int]:
        return models[found[0].model.name], datasets[found[0].dataset.name]

    return [
        PlannedCell(
            cell,
            task=found[0].dataset.task,
            family=found[0].dataset.family,
            node=nodes[found[0].cell],
            shards=found[0].of,
            selected=tuple(sorted({job.shard for job in found})),
            published_recipe=_other_published(session, found[0].dataset, cell),
            samples=session.counts.get(cell.dataset),
            recipe=msgspec.to_builtins(recipe),
            clusters=found[0].dataset.cluster,
            slices=session.slices,
        )
        for found in sorted(jobs.values(), key=place)
        for cell, recipe in found[0].cells()
    ]


def _other_published(session: Session, dataset: DatasetSpec, cell: CellId) -> str | None:
    """Return the name of the recipe of a dataset's published numbers, where this cell is scored by another one."""
    return dataset.recipe if dataset.recipe and dataset.recipe != cell.recipe else None
