"""What models and recipes lack on this machine, each with what brings it: told before anything loads."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from audiobench_pytest.catalog.schema import ModelSpec
from audiobench_pytest.metrics.recipes import Recipe
from audiobench_pytest.models.registry import adapter_class
from audiobench_pytest.runner.gpus import count_gpus, nvidia_smi


def model_lacks(spec: ModelSpec, args: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what a model lacks (packages, an interpreter, an address, a key, GPUs), each with what brings it.

    Args:
        spec: The catalogue entry.
        args: Checked values of its adapter's options.
    """
    found = adapter_class(spec.adapter).lacks(spec, args)
    if spec.gpus:
        there = len(count_gpus(os.environ, nvidia_smi).names)
        if there < spec.gpus:
            wanted = f"{spec.gpus} GPU{'s' * (spec.gpus > 1)}"
            found.append(
                (wanted, f"a machine that has {'them' if spec.gpus > 1 else 'one'}; this one shows {there or 'none'}")
            )
    return found


def recipe_lacks(
    recipe: Recipe, language: str, transcriber: str, of_model: Callable[[ModelSpec], list[tuple[str, str]]]
) -> list[tuple[str, str]]:
    """Return what a recipe lacks that has answers heard: its transcriber and its rater, or what those need.

    Args:
        recipe: The recipe.
        language: Code of the answers' language.
        transcriber: Name of the model that the user lets write answers down, or "".
        of_model: Returns what a model lacks.

    Raises:
        UsageError: There is no model of that name, or nobody is named for the language.
    """
    if recipe.metric.stage not in ("transcript", "rating", "felt"):
        return []
    from audiobench_pytest.runner.hearing.asking import model_of
    from audiobench_pytest.runner.hearing.stages import heard_by

    found: list[tuple[str, str]] = []
    for name in heard_by(recipe, language, transcriber):
        if not name:
            found.append((f"a transcriber of '{language}'", "--audiobench-set transcriber=MODEL"))
            continue
        spec = model_of(name)
        if spec.languages and language.split("-")[0] not in spec.languages:
            found.append((f"one that knows '{language}' in place of {name}", "--recipe NAME, without this one"))
        else:
            found += of_model(spec)
    return found
