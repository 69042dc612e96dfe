"""A recipe as a plan holds it: whole, and small, since every cell of a run has one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from audiobench_pytest.catalog.schema import LabelSetSpec, LanguageRule, RecipeSpec, RubricSpec, StepSpec

if TYPE_CHECKING:
    from audiobench_pytest.catalog.loader import Catalog


def packed(recipe: RecipeSpec) -> dict[str, Any]:
    """Return a recipe as plain values, with each rule once, under all the languages that it is the rule of.

    A step without an argument is its name alone. A recipe with a rule for each of a hundred languages is a tenth of
    what it would be field by field.
    """
    import msgspec  # not at the top: a catalogue is read at each collection, a plan is not

    sharing: dict[LanguageRule, list[str]] = {}
    for language, rule in recipe.languages.items():
        sharing.setdefault(rule, []).append(language)
    plain: dict[str, Any] = {
        **msgspec.to_builtins(recipe),
        "default": _rule(recipe.default),
        "languages": {" ".join(languages): _rule(rule) for rule, languages in sharing.items()},
    }
    return {key: value for key, value in plain.items() if value not in ("", {}, [], (), None, False)}


def carried(recipe: RecipeSpec, catalog: Catalog) -> dict[str, list[Any]]:
    """Return the label sets and rubrics that a recipe names, as plain values: who reads its run may not have them."""
    import msgspec

    rules = (recipe.default, *recipe.languages.values())
    steps = (step for rule in rules for name in ("reference", "prediction", "steps") for step in getattr(rule, name))
    named = {str(one) for step in steps for one in _arguments(step.argument)}
    named |= {str(value) for value in recipe.options.values()}
    found = {
        "labels": [msgspec.to_builtins(one) for one in catalog.labels if one.name in named],
        "rubrics": [msgspec.to_builtins(one) for one in catalog.rubrics if one.name in named],
    }
    return {kind: entries for kind, entries in found.items() if entries}


def lend(plain: Mapping[str, Any], catalog: Catalog) -> None:
    """Let a catalogue find what a plan carries, where it has none of that name itself.

    Raises:
        msgspec.ValidationError: The plan holds what is no label set or rubric.
    """
    import msgspec

    for entry in plain.get("labels", ()):
        catalog.labels.lend(msgspec.convert(entry, LabelSetSpec))
    for entry in plain.get("rubrics", ()):
        catalog.rubrics.lend(msgspec.convert(entry, RubricSpec))


def _arguments(argument: Any) -> tuple[Any, ...]:
    return tuple(argument) if isinstance(argument, list | tuple) else () if argument is None else (argument,)


def unpacked(plain: Mapping[str, Any]) -> RecipeSpec:
    """Return the recipe that `packed` made plain; one written field by field, as plans once were, is read too.

    Raises:
        msgspec.ValidationError: It is no recipe.
    """
    import msgspec

    languages = plain.get("languages", {})
    if not isinstance(languages, Mapping):
        raise msgspec.ValidationError("`languages` must be an object")
    whole = {
        **plain,
        "default": _whole(plain.get("default", {})),
        "languages": {code: _whole(rule) for codes, rule in languages.items() for code in str(codes).split()},
    }
    return msgspec.convert(whole, RecipeSpec)


def _rule(rule: LanguageRule) -> dict[str, Any]:
    steps = {
        name: [_step(step) for step in steps]
        for name in ("reference", "prediction", "steps")
        if (steps := getattr(rule, name))
    }
    return {**steps, "unit": rule.unit}


def _step(step: StepSpec) -> Any:
    return step.name if step.argument is None else {step.name: step.argument}


def _whole(rule: Any) -> Any:
    if not isinstance(rule, Mapping):
        return rule
    return {
        name: [_whole_step(step) for step in value] if isinstance(value, list | tuple) else value
        for name, value in rule.items()
    }


def _whole_step(step: Any) -> Any:
    """Return a step with the names of its fields: of its name alone, of `{name: argument}`, or as it is."""
    if isinstance(step, str):
        return {"name": step}
    if isinstance(step, Mapping) and len(step) == 1 and "name" not in step:
        ((name, argument),) = step.items()
        return {"name": name, "argument": argument}
    return step
