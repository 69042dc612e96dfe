"""The catalogue: all that exists by name, each kind read when it is first asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from audiobench_pytest.catalog.entries import Entries, Kind, catalog_folders, found_left, use_folders
from audiobench_pytest.catalog.schema import (
    CalibrationSpec,
    DatasetSpec,
    LabelSetSpec,
    ModelSpec,
    PromptSpec,
    RecipeSpec,
    RubricSpec,
    TaskSpec,
    ToolSetSpec,
)
from audiobench_pytest.errors import CatalogError, UnknownNameError, did_you_mean
from audiobench_pytest.languages import stated_language

if TYPE_CHECKING:
    from audiobench_pytest.catalog.ultraeval.checkout import Left

__all__ = ["Catalog", "Entries", "catalog_folders", "left_out", "load_catalog", "use_folders"]


def _asks_a_task(entry: DatasetSpec | PromptSpec, where: str) -> None:
    if not entry.task:
        raise CatalogError(f"{where}: the field 'task' is missing; known: {', '.join(TASKS.load().names())}")
    try:
        TASKS.load().get(entry.task)
    except UnknownNameError as exc:
        raise CatalogError(f"{where}: task: {exc}") from None


def _dataset(entry: DatasetSpec, where: str) -> None:
    _asks_a_task(entry, where)
    for name, code in (("language", entry.language), ("target_language", entry.target_language)):
        try:
            stated_language(code)
        except ValueError as exc:
            raise CatalogError(f"{where}: {name}: {exc}") from None


def _in_known_languages(datasets: list[DatasetSpec]) -> list[DatasetSpec]:
    """Return data sets, with the tags of their languages whatever name they were written by."""
    return [
        entry
        if (spoken, answered) == (entry.language, entry.target_language)
        else replace(entry, language=spoken, target_language=answered)
        for entry in datasets
        for spoken, answered in [
            (stated_language(entry.language) or "en", stated_language(entry.target_language) or "")
        ]
    ]


def _with_likes(recipes: list[RecipeSpec]) -> list[RecipeSpec]:
    """Return recipes, those that are like another with its rules and options."""
    by_name = {recipe.name: recipe for recipe in recipes}
    return [_like(recipe, by_name) if recipe.like else recipe for recipe in recipes]


def _like(recipe: RecipeSpec, by_name: Mapping[str, RecipeSpec]) -> RecipeSpec:
    base = by_name.get(recipe.like)
    if base is None or base.like:
        raise CatalogError(
            f"recipe '{recipe.name}': like: there is no recipe '{recipe.like}' with rules of its own"
            f"{did_you_mean(recipe.like, by_name)}"
        )
    return replace(
        base,
        name=recipe.name,
        score=recipe.score,
        options={"metric": base.score, **base.options, **recipe.options},
        description=recipe.description or base.description,
        source=recipe.source or base.source,
        like=recipe.like,
        aliases=recipe.aliases,
    )


_OF_SOUNDS = ("transcribed", "rated", "felt", "listened", "shape", "bit_rate")
"""Metrics that look at the sound of an answer already."""

SPOKEN = "asr-"
"""Before the name of a recipe: the same rule, of what a transcriber heard in a spoken answer."""

_SYNTHESIS = "tts"
"""The task whose answers are speech and nothing else."""

_TRANSCRIBERS = "zh=paraformer-zh default=whisper-large-v3"


def is_of_sounds(recipe: RecipeSpec) -> bool:
    """Whether a recipe scores the sound of answers, or a transcript of it."""
    return recipe.score in _OF_SOUNDS


def _spoken(name: str, recipes: Entries[RecipeSpec]) -> RecipeSpec | None:
    """Return the recipe `asr-NAME` of the recipe NAME, which reads texts; None for any other name."""
    inner = name.removeprefix(SPOKEN)
    if inner == name or inner not in recipes or is_of_sounds(base := recipes.get(inner)):
        return None
    return replace(
        base,
        name=f"{SPOKEN}{base.name}",
        score="transcribed",
        options={"metric": base.score, **base.options, "transcriber": _TRANSCRIBERS},
        description=f"{base.name}, of what a transcriber hears in the spoken answer",
        like=base.name,
        aliases=(),
    )


TASKS = Kind("task", "tasks", TaskSpec)
PROMPTS = Kind("prompt", "prompts", PromptSpec, check=_asks_a_task)
DATASETS = Kind("dataset", "datasets", DatasetSpec, check=_dataset, finish=_in_known_languages)
MODELS = Kind("model", "models", ModelSpec)
RECIPES = Kind("recipe", "recipes", RecipeSpec, finish=_with_likes, derive=_spoken)
LABELS = Kind("label set", "labels", LabelSetSpec)
RUBRICS = Kind("rubric", "rubrics", RubricSpec)
TOOL_SETS = Kind("set of tools", "tools", ToolSetSpec)
CALIBRATION = Kind("calibration set", "calibration", CalibrationSpec)


class Catalog:
    """All that exists by name."""

    def __init__(self, **entries: Entries[Any]) -> None:
        """Look at the catalogue.

        Args:
            entries: What takes the place of a kind's entries that are read from files, by kind (`datasets=...`).
        """
        vars(self).update(entries)

    @cached_property
    def tasks(self) -> Entries[TaskSpec]:
        """What can be asked."""
        return TASKS.load()

    @cached_property
    def prompts(self) -> Entries[PromptSpec]:
        """In which words."""
        return PROMPTS.load()

    @cached_property
    def datasets(self) -> Entries[DatasetSpec]:
        """Of what."""
        return DATASETS.load()

    @cached_property
    def models(self) -> Entries[ModelSpec]:
        """Of whom."""
        return MODELS.load()

    @cached_property
    def recipes(self) -> Entries[RecipeSpec]:
        """How answers are scored."""
        return RECIPES.load()

    @cached_property
    def labels(self) -> Entries[LabelSetSpec]:
        """Closed sets of labels."""
        return LABELS.load()

    @cached_property
    def tool_sets(self) -> Entries[ToolSetSpec]:
        """Tools that are offered together."""
        return TOOL_SETS.load()

    @cached_property
    def rubrics(self) -> Entries[RubricSpec]:
        """What judges are asked."""
        return RUBRICS.load()

    @cached_property
    def calibration(self) -> Entries[CalibrationSpec]:
        """What judges are checked by."""
        return CALIBRATION.load()

    def families(self) -> dict[str, list[str]]:
        """Return the names of the datasets of each family marker."""
        found: dict[str, list[str]] = {}
        for dataset in self.datasets:
            if dataset.family:
                found.setdefault(dataset.family, []).append(dataset.name)
        return found

    def recipe_for(self, dataset: DatasetSpec) -> RecipeSpec:
        """Return the recipe that scores a dataset: its own, or its task's where it names none.

        Raises:
            CatalogError: There is no such recipe or task; the message lists close matches.
        """
        return self.recipes_for(dataset)[0]

    def recipes_for(self, dataset: DatasetSpec) -> tuple[RecipeSpec, ...]:
        """Return the recipes that score a dataset where the user names none, `recipe_for` the first.

        Raises:
            CatalogError: There is no such recipe or task; the message lists close matches.
        """
        own = next((one.names for one in dataset.recipes if one.task == dataset.task), ())
        try:
            if not own and dataset.recipe and dataset.task not in self.tasks:
                own = (dataset.recipe,)
            if not own:
                task = self.tasks.get(dataset.task)
                own = (dataset.recipe or task.recipe, *task.more_recipes)
            return tuple(self.recipes.get(name) for name in own)
        except UnknownNameError as exc:
            raise CatalogError(f"dataset '{dataset.name}': {exc}") from None

    def spoken(self, recipe: RecipeSpec) -> RecipeSpec:
        """Return a recipe as it scores spoken answers: one that reads texts, of transcripts."""
        return recipe if is_of_sounds(recipe) else self.recipes.get(f"{SPOKEN}{recipe.name}")

    def recipes_of_sounds(self) -> tuple[RecipeSpec, ...]:
        """Return the recipes that say how speech sounds whatever it says: those that synthesis has beside its own."""
        return tuple(self.recipes.get(name) for name in self.tasks.get(_SYNTHESIS).more_recipes)

    def borrowed(self, dataset: DatasetSpec, task: TaskSpec) -> DatasetSpec:
        """Return a data set of another task as a task that borrows it sees it: the same rows, another question."""
        return replace(dataset, task=task.name, recipe="", prompt="")


def left_out() -> list[Left]:
    """Return what of other projects' registries has no counterpart here: data sets, models, prompts."""
    for kind in (DATASETS, MODELS, PROMPTS):
        kind.load()
    return found_left()


def load_catalog() -> Catalog:
    """Return the catalogue: what ships with the package, and the user's own entries.

    A kind is read when it is first asked for; a `CatalogError` then names file and entry.
    """
    return Catalog()
