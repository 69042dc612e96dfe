"""The catalogue: all that exists by name, each kind read when it is first asked for."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from audiobench_pytest.catalog.entries import Entries, Kind, catalog_folders, use_folders
from audiobench_pytest.catalog.schema import (
    CalibrationSpec,
    DatasetSpec,
    LabelSetSpec,
    ModelSpec,
    PromptSpec,
    RecipeSpec,
    RubricSpec,
    TaskSpec,
)
from audiobench_pytest.errors import CatalogError, UnknownNameError

__all__ = ["Catalog", "Entries", "catalog_folders", "load_catalog", "use_folders"]


def _asks_a_task(entry: DatasetSpec | PromptSpec, where: str) -> None:
    if not entry.task:
        raise CatalogError(f"{where}: the field 'task' is missing; known: {', '.join(TASKS.load().names())}")
    try:
        TASKS.load().get(entry.task)
    except UnknownNameError as exc:
        raise CatalogError(f"{where}: task: {exc}") from None


TASKS = Kind("task", "tasks", TaskSpec)
PROMPTS = Kind("prompt", "prompts", PromptSpec, check=_asks_a_task)
DATASETS = Kind("dataset", "datasets", DatasetSpec, check=_asks_a_task)
MODELS = Kind("model", "models", ModelSpec)
RECIPES = Kind("recipe", "recipes", RecipeSpec)
LABELS = Kind("label set", "labels", LabelSetSpec)
RUBRICS = Kind("rubric", "rubrics", RubricSpec)
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
        try:
            return self.recipes.get(dataset.recipe or self.tasks.get(dataset.task).recipe)
        except UnknownNameError as exc:
            raise CatalogError(f"dataset '{dataset.name}': {exc}") from None


def load_catalog() -> Catalog:
    """Return the catalogue: what ships with the package, and the user's own entries.

    A kind is read when it is first asked for; a `CatalogError` then names file and entry.
    """
    return Catalog()
