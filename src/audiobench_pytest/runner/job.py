"""What one pytest item does; importing this costs nothing, since collection does it."""

from __future__ import annotations

from dataclasses import dataclass

from audiobench_pytest.catalog.schema import DatasetSpec, ModelSpec, RecipeSpec
from audiobench_pytest.types import CellId


@dataclass(frozen=True, slots=True)
class Job:
    """One shard of one cell.

    Attributes:
        cell: The cell.
        dataset: Its dataset.
        model: Its model.
        recipe: Its recipe.
        shard: Which shard, from 0.
        of: Number of shards.
    """

    cell: CellId
    dataset: DatasetSpec
    model: ModelSpec
    recipe: RecipeSpec
    shard: int = 0
    of: int = 1
