"""From a benchmark function to pytest items: one per shard of each (dataset, model)."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import pytest

from audiobench_pytest.catalog.schema import DatasetSpec, ModelSpec, PromptSpec, TaskSpec
from audiobench_pytest.catalog.schema.protocols import CHANNELS
from audiobench_pytest.errors import CatalogError, UsageError
from audiobench_pytest.metrics.speech.channels import channel_of
from audiobench_pytest.models.own.reading import OWN
from audiobench_pytest.models.registry import adapter_class
from audiobench_pytest.plugin.asked.scoring import Scored
from audiobench_pytest.plugin.session import BenchmarkSession, find_session
from audiobench_pytest.prompts.asked import Asked
from audiobench_pytest.prompts.profiles import profile_for
from audiobench_pytest.runner.job import Job
from audiobench_pytest.types import CellId

_MOST_NAMES = 6
"""Models of the catalogue that a refusal names; there may be some sixty that could be asked."""


@dataclass(frozen=True, slots=True)
class Refused:
    """In the place of a job: a cell that cannot be run as it was asked; a usage error where it is selected."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unasked:
    """In the place of a job: a cell that there is not; a skipped test, and a usage error where there is no other.

    Attributes:
        reason: Why.
        dataset: Of which data set, where it is no whole task.
        model: Of which model; a plan names it. "" where no model is the reason.
        recipe: By which recipe, where a data set is known.
        task: Of which task.
        short: What it is about the model, in a few words, whatever the task or the data set; "" where it is none of it.
    """

    reason: str
    dataset: DatasetSpec | None = None
    model: str = ""
    recipe: str = ""
    task: str = ""
    short: str = ""


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
        yield _skipped(task.name, Unasked(_no_data(session, task)))
        return
    # Whichever of its sets are picked by their marker, why none of them can be asked is told.
    families = [getattr(pytest.mark, name) for name in sorted({one.family for one in datasets if one.family})]
    # Models outermost: with one model in memory per process, each is loaded once.
    found = [param for model in session.models for param in _of_model(session, task, model, datasets, families)]
    yield from found
    if not found and session.suite is not None:
        none = f"the suite {session.suite.name} has no numbers of the task {task.name} for these models"
        yield _skipped(task.name, Unasked(none), families)


def _of_model(
    session: BenchmarkSession,
    task: TaskSpec,
    model: ModelSpec,
    datasets: Iterable[DatasetSpec],
    families: Iterable[pytest.MarkDecorator],
) -> Iterator[object]:
    """Yield why some data sets cannot be asked of a model, then the cells of the others."""
    why = functools.cache(functools.partial(_why_not, session, task, model))
    reasons: dict[Unasked, None] = {}
    cells: list[object] = []
    for dataset in datasets:
        if session.suite is not None and not session.suite.has(dataset.name, model.name):
            continue
        try:
            found = session.scored(dataset, model)
        except (UsageError, CatalogError) as exc:
            if any(why(channel) is None for channel in CHANNELS):
                cells.append(_refused(dataset, model, str(exc)))
            else:
                reasons[why(channel_of(task)) or Unasked("")] = None
            continue
        for scored in found:
            if (reason := why(scored.channel)) is not None:
                reasons[reason] = None
            else:
                cells += _cell(session, dataset, model, scored, f"-{scored.channel}" if len(found) > 1 else "")
    yield from (_skipped(f"{task.name}-{model.name}", reason, families) for reason in reasons)
    yield from cells


def _refused(dataset: DatasetSpec, model: ModelSpec, reason: str) -> object:
    return pytest.param(Refused(reason), id=f"{dataset.name}-{model.name}", marks=_marks(dataset))


def _marks(dataset: DatasetSpec) -> list[pytest.MarkDecorator]:
    return [getattr(pytest.mark, dataset.family)] if dataset.family else []


def _skipped(name: str, unasked: Unasked, marks: Iterable[pytest.MarkDecorator] = ()) -> object:
    return pytest.param(unasked, id=name, marks=[*marks, pytest.mark.skip(reason=unasked.reason)])


def _no_data(session: BenchmarkSession, task: TaskSpec) -> str:
    others = ", ".join(f"{dataset.name} ({dataset.task})" for dataset in session.datasets)
    if session.settings.datasets:
        return f"none of the data sets asked for is of the task {task.name}: {others}; write --dataset {task.name}:PATH"
    return f"there is no data set of the task {task.name} yet: name your own with --dataset {task.name}:PATH"


def _why_not(session: BenchmarkSession, task: TaskSpec, model: ModelSpec, channel: str) -> Unasked | None:
    """Return why a task cannot be asked of a model in a channel, or None where it can."""

    def because(short: str, more: str) -> Unasked:
        return Unasked(f"model {model.name} {short}{more}", model=model.name, task=task.name, short=short)

    if model.tasks and task.name not in model.tasks:
        return because(f"does {', '.join(model.tasks)}", f", not {task.name}")
    gives = session.gives(model)
    if channel in CHANNELS and channel not in gives:
        return because(f"answers in {' and '.join(sorted(gives))}", f"; {task.name} ({task.title}) wants {channel}")
    if task.answer == "calls" and session.follows(model) and not adapter_class(model.adapter).may_take_tools:
        return because(
            "cannot be given tools to call",
            f", so {task.name} ({task.title}) cannot be asked of it; it can of openai:<name on a server>, and of a "
            "checkpoint whose chat template has a place for tools",
        )
    if task.instructed and not session.follows(model):
        own = " (a class of your own says that it does with `follows = True`)" if model.adapter in OWN else ""
        able = _names_of_able(session, task)
        more = f" and {len(able) - _MOST_NAMES} more" if len(able) > _MOST_NAMES else ""
        return because(
            f"writes down speech and follows no instruction{own}",
            f", so {task.name} ({task.title}) cannot be asked of it; it can of openai:<name on a server>, "
            f"{', '.join(able[:_MOST_NAMES])}{more}",
        )
    return None


def _names_of_able(session: BenchmarkSession, task: TaskSpec) -> list[str]:
    """Return the names of the models of the catalogue that a task can be asked of."""
    return [
        spec.name
        for spec in session.catalog.models
        if (not spec.tasks or task.name in spec.tasks)
        and (task.answer != "calls" or adapter_class(spec.adapter).may_take_tools)
        and session.might_follow(spec)
    ]


def _cell(
    session: BenchmarkSession, dataset: DatasetSpec, model: ModelSpec, scored: Scored, suffix: str
) -> Iterator[object]:
    marks = _marks(dataset)
    recipe, *more = scored.recipes
    try:
        for spec in scored.recipes:
            session.recipe(spec)  # a wrong step or option is told now, not when the model has answered
        prompts: tuple[PromptSpec | None, ...] = session.prompts(dataset.task) or (None,)
        for given in prompts if session.is_told(model) else ():
            profile_for(Asked(dataset.task, dataset.prompt, dataset.name, model.name, given), dataset.language)
    except (UsageError, CatalogError) as exc:
        yield _refused(dataset, model, f"{dataset.name}: {exc}")
        return
    cell = CellId(dataset.name, model.name, recipe.name)
    if dataset.unasked:
        why = f"data set {dataset.name} cannot be asked yet: {dataset.unasked}"
        yield _skipped(str(cell), Unasked(why, dataset, model.name, recipe.name, dataset.task), marks)
        return
    if dataset.is_published and not model.knows(dataset.language):
        knows = f"knows {', '.join(model.languages)}"
        why = f"model {model.name} {knows}; dataset {dataset.name} is {dataset.language}"
        yield _skipped(str(cell), Unasked(why, dataset, model.name, recipe.name, dataset.task, knows), marks)
        return
    shards, of = session.settings.part.shards(session.shards.get(dataset.name, 1))
    # A model that is told nothing answers once, in whatever words others are asked.
    for given in prompts if session.is_told(model) else prompts[:1]:
        several = len(prompts) > 1 and given is not None and session.is_told(model)
        own = dataclasses.replace(cell, prompt=given.name) if several and given is not None else cell
        for k in shards:
            name = f"{own}{suffix}" if of == 1 else f"{own}{suffix}-{k + 1:02d}of{of:02d}"
            job = Job(own, dataset, model, recipe, k, of, tuple(more), given, scored.channel, session.draws(model))
            yield pytest.param(job, id=name, marks=marks)


def job_of(item: pytest.Item) -> Job | None:
    """Return the job of a benchmark item, or None for any other item."""
    job = _param(item)
    return job if isinstance(job, Job) else None


def unasked_of(item: pytest.Item) -> Unasked | None:
    """Return why a benchmark item is none, where a model is not asked; None for any other item."""
    found = _param(item)
    return found if isinstance(found, Unasked) and found.model else None


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
