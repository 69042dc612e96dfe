"""Names that the user wrote become catalogue entries."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from audiobench_pytest.catalog.loader import Catalog, load_catalog
from audiobench_pytest.catalog.schema import DatasetSpec, ModelSpec, RecipeSpec
from audiobench_pytest.datasets import is_path_like, spec_for_path
from audiobench_pytest.errors import UsageError
from audiobench_pytest.models.series import each
from audiobench_pytest.models.ways import find_each
from audiobench_pytest.plugin.asked.declared import Settings


def check_read_only_caches(settings: Settings) -> None:
    """Refuse a cache to be read only that is not there.

    Raises:
        UsageError: It is no folder.
    """
    for folder in settings.cache[1:]:
        if not folder.is_dir():  # passed over, it would cost the inference of everything it holds
            what = "is no folder" if folder.exists() else "does not exist"
            raise UsageError(
                f"--audiobench-cache: {folder}, a cache to be read only, {what}: correct its path, make an empty "
                "folder there, or leave it out"
            )


def find_recipes(catalog: Catalog, settings: Settings) -> tuple[RecipeSpec, ...]:
    """Return the recipes asked for, each checked.

    Raises:
        UsageError: One does not exist.
        CatalogError: One names a step or an option that does not exist.
    """
    from audiobench_pytest.metrics.recipes import Recipe

    found = {}
    for name in settings.recipes:
        try:
            spec = catalog.recipes.get(name)
        except UsageError as exc:
            raise UsageError(f"--recipe: {exc}") from None
        Recipe(spec)  # a wrong step is told now, not when the first answer is scored
        found[spec.name] = spec
    return tuple(found.values())


def find_models(catalog: Catalog, settings: Settings) -> tuple[ModelSpec, ...]:
    """Return the models asked for, in the order given.

    Raises:
        UsageError: One does not exist, or two different ones share a name.
    """
    found: dict[str, ModelSpec] = {}
    for text, spec in typed_models(catalog, settings).items():
        if spec.name in found and found[spec.name] != spec:
            raise UsageError(
                f"--model: two different models are called '{spec.name}': write NAME={text} for one of them"
            )
        found[spec.name] = spec
    return tuple(found.values())


def typed_models(catalog: Catalog, settings: Settings) -> dict[str, ModelSpec]:
    """Return the models asked for by what was typed; folders of one name are called with the folder above them.

    Raises:
        UsageError: One does not exist.
    """
    found: dict[str, ModelSpec] = {}
    for text in settings.models:
        given = {**settings.model_args.get("", {}), **settings.model_args.get(text, {})}
        found |= find_each(text, catalog.models.get, given)
    names: dict[str, set[str | None]] = {}
    for spec in found.values():
        names.setdefault(spec.name, set()).add(spec.source)
    return {text: _told_apart(spec) if len(names[spec.name]) > 1 else spec for text, spec in found.items()}


def _told_apart(spec: ModelSpec) -> ModelSpec:
    """Return a checkpoint in a folder named with the folder above (`run1-checkpoint-500`), any other as it is."""
    if not spec.source or not Path(spec.source).is_dir() or Path(spec.source).name != spec.name:
        return spec
    return dataclasses.replace(spec, name=f"{Path(spec.source).parent.name}-{spec.name}")


def find_hearers(settings: Settings) -> dict[str, ModelSpec]:
    """Return the models with arguments of their own that are not under test, by what was typed."""
    typed = {one for text in settings.models for one in (text, *each(text))}
    given = [one for target in settings.model_args if target for one in each(target)]
    known = {spec.name for spec in typed_models(load_catalog(), settings).values()}
    others = [one for one in given if one not in typed and one not in known]
    if not others:
        return {}
    from audiobench_pytest.runner.hearing.asking import model_of

    found = {one: model_of(one) for one in others}
    return {one: spec for one, spec in found.items() if spec.name not in known}


def args_by_name(settings: Settings, models: tuple[ModelSpec, ...]) -> dict[str, dict[str, str]]:
    """Return the arguments of each model by its name: those for all models, overridden by its own.

    Models that are not under test, which hear the answers, have their own alone.
    """
    typed = {text: spec.name for text, spec in typed_models(load_catalog(), settings).items()}
    hearers = find_hearers(settings)
    merged = {spec.name: dict(settings.model_args.get("", {})) for spec in models}
    for target, args in settings.model_args.items():
        # A text of `--model`: maybe an alias, and two of them may mean one model; or a pattern, which means several.
        for one in each(target) if target else ():
            name = typed.get(one, one)
            if name not in merged and one not in hearers:  # an alias of one of the models
                name = load_catalog().models.get(name).name
            merged.setdefault(hearers[one].name if one in hearers else name, {}).update(args)
    return merged


def find_datasets(catalog: Catalog, settings: Settings) -> tuple[DatasetSpec, ...]:
    """Return the data sets asked for, in the order given; all of the catalogue where none was named.

    Raises:
        UsageError: One does not exist, or two different ones share a name.
    """
    if not settings.datasets:
        return tuple(catalog.datasets)
    found: dict[str, DatasetSpec] = {}
    for text in settings.datasets:
        try:
            spec = (
                catalog.datasets.get(text)
                if not is_path_like(text)
                else spec_for_path(
                    text,
                    cwd=settings.data_folder,
                    default_language=settings.language,
                    in_suite=settings.suite is not None,
                )
            )
        except UsageError as exc:
            raise UsageError(f"--dataset: {exc}") from None
        if spec.name in found and found[spec.name] != spec:
            raise UsageError(f"--dataset: two data sets are called '{spec.name}': write NAME=PATH for one of them")
        found[spec.name] = spec
    return tuple(found.values())
