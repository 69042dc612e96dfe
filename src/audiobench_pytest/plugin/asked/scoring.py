"""In which channel answers are wanted, and which recipes read them there: decided in one place, so that they agree."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from audiobench_pytest.catalog.schema.protocols import CHANNELS, SPEECH, TEXT
from audiobench_pytest.errors import UsageError
from audiobench_pytest.metrics.speech.channels import channel_of, read_in

if TYPE_CHECKING:
    from audiobench_pytest.catalog.loader import Catalog
    from audiobench_pytest.catalog.schema import DatasetSpec, ModelSpec, RecipeSpec, TaskSpec
    from audiobench_pytest.plugin.asked.suites import Suite


@dataclass(frozen=True, slots=True)
class Scored:
    """How the answers of a model to a data set are wanted and scored.

    Attributes:
        channel: The channel that they are wanted in: `text` or `speech`.
        recipes: The recipes that read them there, at least one.
    """

    channel: str
    recipes: tuple[RecipeSpec, ...]


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user said of how answers are scored.

    Attributes:
        answer: The channel, or "" where none was named.
        recipes: The recipes; empty where none was named.
        suite: The suite, or None.
    """

    answer: str = ""
    recipes: tuple[RecipeSpec, ...] = ()
    suite: Suite | None = None


def scored(catalog: Catalog, wish: Wish, dataset: DatasetSpec, model: ModelSpec) -> tuple[Scored, ...]:
    """Return how a model's answers to a data set are scored: once, or once per channel that a suite has numbers of.

    A suite's numbers of a set whose task lends it to one that is answered in speech, as recognition does to codecs, are
    of that one where they are of speech: a suite may have none for a task.

    The user's recipes go before the suite's, those before the data set's own; what a recipe of texts reads of a spoken
    answer is its transcript.

    Raises:
        UsageError: What was asked for contradicts itself or the task.
        CatalogError: The data set names a recipe that there is not.
    """
    task = catalog.tasks.get(dataset.task)
    if wish.answer:
        _check_channel(task, wish.answer, f"--answer {wish.answer}")
    if wish.suite is not None:
        return tuple(_in_suite(catalog, wish, wish.suite, dataset, model, task))
    channel = wish.answer or channel_of(task)
    found = _read_in(channel, catalog, task, wish.recipes or catalog.recipes_for(dataset))
    is_plain = wish.recipes or channel == channel_of(task)
    return (Scored(channel, found if is_plain else (*found, *catalog.recipes_of_sounds())),)


def _in_suite(
    catalog: Catalog, wish: Wish, suite: Suite, dataset: DatasetSpec, model: ModelSpec, task: TaskSpec
) -> Iterator[Scored]:
    channels = _asked_by(catalog, suite, dataset, task)
    names = {name: own for name, own in suite.recipes(dataset.name, model.name).items() if name in channels}
    if names and wish.answer and wish.answer not in names:
        raise UsageError(
            f"--answer {wish.answer}: the numbers of the suite {suite.name} of {dataset.name} are of answers in "
            f"{' and '.join(names)}: leave out --answer, or the suite"
        )
    for channel, own in names.items():
        if channel == (wish.answer or channel):
            _check_channel(task, channel, f"the suite {suite.name} scores {dataset.name} by answers in {channel}")
            found = wish.recipes or [catalog.recipes.get(name) for name in own]
            yield Scored(channel, _read_in(channel, catalog, task, found))


def _asked_by(catalog: Catalog, suite: Suite, dataset: DatasetSpec, task: TaskSpec) -> tuple[str, ...]:
    """Return the channels in which a task asks the suite's questions about a data set, its own or one it borrows."""
    own = suite.dataset(catalog, dataset.name).task
    lent = {one.name for one in catalog.tasks if own in one.borrows and channel_of(one) == SPEECH}
    if task.name != own:
        return (SPEECH,) if task.name in lent else ()
    return (TEXT,) if lent else CHANNELS


def _check_channel(task: TaskSpec, channel: str, asked_by: str) -> None:
    if task.answer != TEXT and channel != channel_of(task):
        raise UsageError(f"{asked_by}: the task {task.name} ({task.title}) is answered in {task.answer}: leave it out")


def _read_in(channel: str, catalog: Catalog, task: TaskSpec, recipes: Iterable[RecipeSpec]) -> tuple[RecipeSpec, ...]:
    mend = "add --answer speech, or name a recipe of texts with --recipe"
    return read_in(channel, catalog, recipes, answers=f"{task.name} ({task.title}) is answered", mend=mend)
