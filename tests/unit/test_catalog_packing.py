"""A recipe as a plan holds it: the whole of it comes back, and it stays small."""

from __future__ import annotations

import json

import msgspec
import pytest

from audiobench_pytest.catalog.loader import load_catalog
from audiobench_pytest.catalog.packing import packed, unpacked
from audiobench_pytest.catalog.schema import RecipeSpec

RECIPES = list(load_catalog().recipes)


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_every_recipe_comes_back_whole_and_plans_of_before_are_read(recipe: RecipeSpec) -> None:
    assert unpacked(json.loads(json.dumps(packed(recipe)))) == recipe
    assert unpacked(json.loads(json.dumps(msgspec.to_builtins(recipe)))) == recipe


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_a_plan_stays_small(recipe: RecipeSpec) -> None:
    assert len(json.dumps(packed(recipe))) < 8_000


@pytest.mark.parametrize("plain", [{}, {"languages": 3}, {"name": "a@1", "score": "wer", "default": 3}])
def test_what_is_no_recipe_is_told(plain: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        unpacked(plain)
