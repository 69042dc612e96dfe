"""The recipe of a planned cell, as it was when the run was planned."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable

import msgspec

from audiobench_pytest.catalog.loader import load_catalog
from audiobench_pytest.catalog.packing import lend, unpacked
from audiobench_pytest.errors import CatalogError, RecordError
from audiobench_pytest.leaderboard.quantities import ABOVE_50, WORST_SHARE, capped
from audiobench_pytest.metrics.recipes import Recipe
from audiobench_pytest.records.keys import canonical
from audiobench_pytest.records.runs.plan import PlannedCell
from audiobench_pytest.types import Quantity


def recipe_of(plan: PlannedCell) -> Recipe:
    """Return the recipe that a cell was planned with.

    Raises:
        RecordError: The plan holds a recipe that this version cannot read.
        UnknownNameError: The plan holds none, and the catalogue does not know its name.
    """
    if not plan.recipe:
        return _ready(load_catalog().recipes.get(plan.cell.recipe).name)
    try:
        lend(plan.carried, load_catalog())
        return _from_plan(canonical(dict(plan.recipe)))
    except (msgspec.ValidationError, CatalogError) as exc:
        raise RecordError(f"{plan.cell}: the plan's recipe '{plan.cell.recipe}' cannot be used: {exc}") from exc


def quantities(recipes: Iterable[Recipe] | None = None) -> dict[str, Quantity]:
    """Return what recipes measure, by name; the range of each is wide enough for all of them.

    Args:
        recipes: The recipes; None for all of the catalogue.

    Raises:
        CatalogError: A recipe is wrong.
    """
    found: dict[str, Quantity] = {}
    for recipe in [_ready(spec.name) for spec in load_catalog().recipes] if recipes is None else recipes:
        for language in ("en", *recipe.spec.languages):
            for one in recipe.quantities([language]):
                known = found.get(one.name, one)
                found[one.name] = dataclasses.replace(
                    known,
                    minimum=None if None in (known.minimum, one.minimum) else min(known.minimum or 0, one.minimum or 0),
                    maximum=None if None in (known.maximum, one.maximum) else max(known.maximum or 0, one.maximum or 0),
                )
    # What is told of every error rate beside what its recipe measures.
    rates = [one for one in found.values() if one.name in ("wer", "cer")]
    for one in (*map(capped, rates), *((ABOVE_50, WORST_SHARE) if rates else ())):
        found.setdefault(one.name, one)
    return found


@functools.cache
def _ready(name: str) -> Recipe:
    return Recipe(load_catalog().recipes.get(name))


@functools.cache
def _from_plan(text: str) -> Recipe:
    return Recipe(unpacked(msgspec.json.decode(text.encode())))
