"""From a benchmark function to pytest items: one per shard of each (dataset, model)."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import pytest

from audiobench_pytest.catalog.packing import carried, packed
from audiobench_pytest.catalog.schema import DatasetSpec, ModelSpec, PromptSpec, RecipeSpec, TaskSpec
from audiobench_pytest.errors import CatalogError, UsageError
from audiobench_pytest.metrics.recipes import Recipe
from audiobench_pytest.models.options import checked_args
from audiobench_pytest.models.registry import adapter_class
from audiobench_pytest.plugin.session import BenchmarkSession, find_session
from audiobench_pytest.prompts.asked import Asked
from audiobench_pytest.prompts.profiles import profile_for
from audiobench_pytest.records.runs.plan import PlannedCell
from audiobench_pytest.runner.job import Job
from audiobench_pytest.types import CellId


@dataclass(frozen=True, slots=True)
class Refused:
    """In the place of a job: a cell that cannot be run as it was asked; a usage error where it is selected."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unasked:
    """In the place of a job: a cell that there is not; a skipped test, and a usage error where there is no other.

    Attributes:
        reason: Why.
        dataset: Of which data set, where that is its own fault and not the model's: a plan names it.
        model: Of which model, likewise.
    """

    reason: str
    dataset: DatasetSpec | None = None
    model: str = ""


HOW_IT_SOUNDS = ("dnsmos/audiobench-pytest@1", "speech-shape/audiobench-pytest@1")
"""Recipes beside those of what was said, where a text task is answered in speech."""

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
    try:
        params = list(_params(session, session.catalog.tasks.get(task)))
    except UsageError as exc:
        params = [pytest.param(Refused(f"{metafunc.definition.nodeid}: {exc}"), id=task)]
    metafunc.parametrize("audiobench", params, indirect=True)


def _params(session: BenchmarkSession, task: TaskSpec) -> Iterator[object]:
    datasets = [dataset for dataset in session.datasets if dataset.task == task.name]
    datasets += [session.catalog.borrowed(one, task) for one in session.datasets if one.task in task.borrows]
    if not datasets:
        yield _unasked(task.name, _no_data(session, task))
    # Whichever of its sets are picked by their marker, why none of them can be asked is told.
    families = [getattr(pytest.mark, name) for name in sorted({one.family for one in datasets if one.family})]
    # Models outermost: with one model in memory per process, each is loaded once.
    for model in session.models if datasets else ():
        channels = {dataset.name: session.channel(task.name, dataset.name) for dataset in datasets}
        reasons = {channel: _why_not(session, task, model, channel) for channel in sorted(set(channels.values()))}
        for reason in filter(None, reasons.values()):
            yield _unasked(f"{task.name}-{model.name}", reason, families)
        for dataset in datasets:
            if reasons[channels[dataset.name]] is not None:
                continue
            if session.suite is None or session.suite.has(dataset.name, model.name):
                yield from _cell(session, dataset, model)


def _unasked(name: str, reason: str, marks: Iterable[pytest.MarkDecorator] = ()) -> object:
    return _skipped(name, Unasked(reason), marks)


def _skipped(name: str, unasked: Unasked, marks: Iterable[pytest.MarkDecorator]) -> object:
    return pytest.param(unasked, id=name, marks=[*marks, pytest.mark.skip(reason=unasked.reason)])


def _no_data(session: BenchmarkSession, task: TaskSpec) -> str:
    others = ", ".join(f"{dataset.name} ({dataset.task})" for dataset in session.datasets)
    if session.settings.datasets:
        return f"none of the data sets asked for is of the task {task.name}: {others}; write --dataset {task.name}:PATH"
    return f"there is no data set of the task {task.name} yet: name your own with --dataset {task.name}:PATH"


def _why_not(session: BenchmarkSession, task: TaskSpec, model: ModelSpec, channel: str) -> str | None:
    """Return why a task cannot be asked of a model in a channel, or None where it can."""
    if model.tasks and task.name not in model.tasks:
        return f"model {model.name} does {', '.join(model.tasks)}, not {task.name}"
    gives = session.gives(model)
    if channel == "speech" and "speech" not in gives:
        return f"model {model.name} answers in {' and '.join(sorted(gives))}; {task.name} ({task.title}) wants speech"
    if channel != "speech" and not gives & {"text"}:
        return f"model {model.name} answers in {' and '.join(sorted(gives))}; {task.name} ({task.title}) wants text"
    if task.answer == "calls" and session.follows(model) and not adapter_class(model.adapter).may_take_tools:
        return (
            f"model {model.name} cannot be given tools to call, so {task.name} ({task.title}) cannot be asked of it; "
            "it can of openai:<name on a server>, and of a checkpoint whose chat template has a place for tools"
        )
    if task.instructed and not session.follows(model):
        able = ", ".join(_names_of_able(session, task))
        return (
            f"model {model.name} writes down speech and follows no instruction, so {task.name} ({task.title}) cannot "
            f"be asked of it; it can of {able}, and of openai:<name on a server>"
        )
    return None


def _names_of_able(session: BenchmarkSession, task: TaskSpec) -> list[str]:
    """Return the names of the models of the catalogue that a task can be asked of."""
    adapters = {spec.name: adapter_class(spec.adapter) for spec in session.catalog.models}
    return [
        spec.name
        for spec in session.catalog.models
        if (not spec.tasks or task.name in spec.tasks)
        and (task.answer != "calls" or adapters[spec.name].may_take_tools)
        and adapters[spec.name].follows(spec, checked_args(adapters[spec.name], spec, {}))
    ]


def _cell(session: BenchmarkSession, dataset: DatasetSpec, model: ModelSpec) -> Iterator[object]:
    marks = [getattr(pytest.mark, dataset.family)] if dataset.family else []
    try:
        recipe, *more = recipes_of(session, dataset)
        for spec in (recipe, *more):
            if spec.name not in session.tried:
                Recipe(spec)  # a wrong step or option is told now, not when the model has answered
                session.tried.add(spec.name)
        prompts: tuple[PromptSpec | None, ...] = session.prompts(dataset.task) or (None,)
        for given in prompts if session.is_told(model) else ():
            profile_for(Asked(dataset.task, dataset.prompt, dataset.name, model.name, given), dataset.language)
    except (UsageError, CatalogError) as exc:
        yield pytest.param(Refused(f"{dataset.name}: {exc}"), id=f"{dataset.name}-{model.name}", marks=marks)
        return
    cell = CellId(dataset.name, model.name, recipe.name)
    if dataset.unasked:
        why = f"data set {dataset.name} cannot be asked yet: {dataset.unasked}"
        yield _skipped(str(cell), Unasked(why, dataset, model.name), marks)
        return
    if dataset.is_published and not model.knows(dataset.language):
        knows = ", ".join(model.languages)
        yield _unasked(
            str(cell), f"model {model.name} knows {knows}; dataset {dataset.name} is {dataset.language}", marks
        )
        return
    shards, of = session.settings.part.shards(session.shards.get(dataset.name, 1))
    channel = session.channel(dataset.task, dataset.name)
    # A model that is told nothing answers once, in whatever words others are asked.
    for given in prompts if session.is_told(model) else prompts[:1]:
        several = len(prompts) > 1 and given is not None and session.is_told(model)
        own = dataclasses.replace(cell, prompt=given.name) if several and given is not None else cell
        for k in shards:
            name = str(own) if of == 1 else f"{own}-{k + 1:02d}of{of:02d}"
            job = Job(own, dataset, model, recipe, k, of, tuple(more), given, channel, session.draws(model))
            yield pytest.param(job, id=name, marks=marks)


def recipes_of(session: BenchmarkSession, dataset: DatasetSpec) -> tuple[RecipeSpec, ...]:
    """Return the recipes that score a dataset: those the user named, else the suite's, else its own."""
    if session.suite is not None and not session.recipes:
        return session.suite.recipes(session.catalog, dataset.name)
    found = session.recipes or session.catalog.recipes_for(dataset)
    if (
        session.channel(dataset.task, dataset.name) != "speech"
        or session.catalog.tasks.get(dataset.task).answer == "speech"
    ):
        return found
    more = () if session.recipes else tuple(session.catalog.recipes.get(name) for name in HOW_IT_SOUNDS)
    return (*session.catalog.spoken(found), *more)


def job_of(item: pytest.Item) -> Job | None:
    """Return the job of a benchmark item, or None for any other item."""
    job = _param(item)
    return job if isinstance(job, Job) else None


def unasked_of(item: pytest.Item) -> Unasked | None:
    """Return why a benchmark item is none, where a data set is the reason; None for any other item."""
    found = _param(item)
    return found if isinstance(found, Unasked) and found.dataset is not None else None


def _param(item: pytest.Item) -> object:
    callspec = getattr(item, "callspec", None)
    return callspec.params.get("audiobench") if callspec is not None else None


def selected_datasets(items: Iterable[pytest.Item]) -> list[DatasetSpec]:
    """Return the data sets of a selection of items, each once."""
    return list(dict.fromkeys(job.dataset for item in items if (job := job_of(item)) is not None))


def check_selected(items: Iterable[pytest.Item]) -> None:
    """Refuse a selection of cells that cannot be run as asked, or that holds none at all.

    Raises:
        UsageError: With every reason, once.
    """
    params = [_param(item) for item in items]
    refused = dict.fromkeys(param.reason for param in params if isinstance(param, Refused))
    if refused:
        raise UsageError("; ".join(refused))
    unasked = dict.fromkeys(param.reason for param in params if isinstance(param, Unasked))
    if unasked and not any(isinstance(param, Job) for param in params):
        raise UsageError(f"nothing of what was selected can be run: {'; '.join(unasked)}")


def sort_by_model(session: BenchmarkSession, items: list[pytest.Item]) -> None:
    """Bring benchmark items into model-major order across modules; other items keep their places before them."""
    order = {model.name: i for i, model in enumerate(session.models)}
    items.sort(key=lambda item: order[job.model.name] if (job := job_of(item)) is not None else -1)


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
            published_recipe=_other_published(session, found[0].dataset, cell),
            samples=session.counts.get(cell.dataset),
            recipe=packed(recipe),
            clusters=session.settings.cluster or found[0].dataset.resampled,
            slices=session.settings.slices,
            own_recipe=_own(session, found[0].dataset, cell),
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


def _own(session: BenchmarkSession, dataset: DatasetSpec, cell: CellId) -> str | None:
    """Return the name of the recipe that a data set is scored by unasked, where this cell is scored by another one."""
    with contextlib.suppress(UsageError, CatalogError):  # a data set without a recipe of its own
        own = session.catalog.recipe_for(dataset).name
        return own if own != cell.recipe else None
    return None


def _other_published(session: BenchmarkSession, dataset: DatasetSpec, cell: CellId) -> str | None:
    """Return the name of the recipe of a dataset's published numbers, where this cell is scored by another one."""
    return dataset.recipe if dataset.recipe and dataset.recipe != cell.recipe else None
