"""What one pytest item does; importing this costs nothing, since collection does it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from audiobench_pytest.catalog.schema import DatasetSpec, ModelSpec, PromptSpec, RecipeSpec
from audiobench_pytest.prompts.asked import Asked
from audiobench_pytest.types import CellId

PREDICT, DERIVE, SCORE = "predict", "derive", "score"
"""Stages that may run alone: the model under test is asked; what reads or hears its answers is; nobody is."""


@dataclass(frozen=True, slots=True)
class Job:
    """One shard of one cell.

    Attributes:
        cell: The cell.
        dataset: Its dataset.
        model: Its model.
        recipe: Its recipe.
        prompt: The prompt that the user asked for, or None for the one that fits.
        answer: The channel that answers are wanted in; its recipes read them there.
        more_recipes: Further recipes that score the same answers, each as a cell of its own.
        shard: Which shard, from 0.
        of: Number of shards.
        draws: How often each sample is answered.
    """

    cell: CellId
    dataset: DatasetSpec
    model: ModelSpec
    recipe: RecipeSpec
    shard: int = 0
    of: int = 1
    more_recipes: tuple[RecipeSpec, ...] = ()
    prompt: PromptSpec | None = None
    answer: str = "text"
    draws: int = 1

    @property
    def asked(self) -> Asked:
        """What decides on the words of its questions."""
        return Asked(
            self.dataset.task, self.dataset.prompt, self.dataset.name, self.model.name, self.prompt, self.answer
        )

    def cells(self) -> tuple[tuple[CellId, RecipeSpec], ...]:
        """Return the cells that this job's answers are scored as, its own first."""
        more = ((dataclasses.replace(self.cell, recipe=spec.name), spec) for spec in self.more_recipes)
        return ((self.cell, self.recipe), *more)
