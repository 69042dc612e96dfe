"""The steps a recipe can name: what is done to a text before it is compared.

Three kinds, all total (no text makes one raise):

- a *text step* goes from text to text and is applied to reference and prediction alike: a normaliser;
- an *extraction* looks at the prediction only, may look at the rest of the item (its choices), and returns None where
  it finds nothing: the sample is then `invalid`;
- a *made* step takes an argument in the recipe (`json_field: answer`) and becomes one of the two.

Importing this module loads no normaliser package; the first text that needs one does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from audiobench_pytest import others
from audiobench_pytest.catalog.schema import StepSpec
from audiobench_pytest.errors import CatalogError, UsageError, did_you_mean
from audiobench_pytest.metrics.extraction import choices as options
from audiobench_pytest.metrics.extraction import json_answer, labels, published_options
from audiobench_pytest.metrics.fairness import answers as fair_answers
from audiobench_pytest.metrics.fairness import chinese as fair_chinese
from audiobench_pytest.metrics.fairness import english as fair_english
from audiobench_pytest.metrics.fairness import letters as fair_letters
from audiobench_pytest.metrics.fairness import replies as fair_replies
from audiobench_pytest.metrics.fairness import symbols as fair_symbols
from audiobench_pytest.metrics.fairness import words as fair_words
from audiobench_pytest.metrics.item import Item
from audiobench_pytest.metrics.text import (
    characters,
    chinese,
    cn_tn,
    letters,
    openasr_english,
    openasr_multilingual,
    sources,
    whisper,
)
from audiobench_pytest.metrics.text import numbers as number_words

TextStep = Callable[[str], str]
Extraction = Callable[[str, Item], str | None]
Argument = str | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """A step ready to be applied.

    Attributes:
        name: As the recipe writes it, with its argument; goes into the signature.
        text: The function, for a text step; else None.
        extract: The function, for an extraction; else None.
        packages: Distributions whose version decides what it does.
    """

    name: str
    text: TextStep | None = None
    extract: Extraction | None = None
    packages: tuple[str, ...] = ()


_ROOMS: tuple[ModuleType, ...] = (
    *(characters, letters, sources, number_words, json_answer),
    *(whisper, chinese, cn_tn, openasr_english, openasr_multilingual),
    *(options, published_options, labels),
    *(fair_letters, fair_symbols, fair_words, fair_english, fair_chinese, fair_replies, fair_answers),
)
"""Modules that bring steps, by tables of these names; a module has those it needs."""


def _merged(table: str) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for room in _ROOMS:
        for name, entry in getattr(room, table, {}).items():
            if name in merged:
                raise RuntimeError(f"two steps are called '{name}'")
            merged[name] = entry
    return merged


TEXT_STEPS: dict[str, TextStep] = _merged("TEXT_STEPS")
"""Text step by the name it has in a recipe."""

EXTRACTIONS: dict[str, Extraction] = _merged("EXTRACTIONS")
"""Extraction by the name it has in a recipe."""

MADE_TEXT_STEPS: dict[str, Callable[[Argument], TextStep]] = _merged("MADE_TEXT_STEPS")
"""What makes a text step from the recipe's argument; raises ValueError for an argument that cannot be."""

MADE_EXTRACTIONS: dict[str, Callable[[Argument], Extraction]] = _merged("MADE_EXTRACTIONS")
"""What makes an extraction from the recipe's argument; raises ValueError for an argument that cannot be."""

PACKAGES: dict[str, tuple[str, ...]] = _merged("PACKAGES")
"""Distributions whose version decides what a step does; steps that are not listed need none."""


def names() -> list[str]:
    """Return the names of all steps, sorted."""
    return sorted({*TEXT_STEPS, *EXTRACTIONS, *MADE_TEXT_STEPS, *MADE_EXTRACTIONS})


def _is_known(name: str) -> bool:
    return any(name in table for table in (TEXT_STEPS, EXTRACTIONS, MADE_TEXT_STEPS, MADE_EXTRACTIONS))


_TABLES: dict[str, dict[str, Any]] = {
    "TEXT_STEPS": TEXT_STEPS,
    "EXTRACTIONS": EXTRACTIONS,
    "MADE_TEXT_STEPS": MADE_TEXT_STEPS,
    "MADE_EXTRACTIONS": MADE_EXTRACTIONS,
    "PACKAGES": PACKAGES,
}


def add_steps(module: ModuleType) -> None:
    """Add the steps that a module lists, as ours do: all of them, or none where one cannot be added.

    Raises:
        UsageError: One of their names is taken, in whichever table, or is listed twice, or packages are listed for a
            step that the module does not have.
    """
    added: dict[str, dict[str, Any]] = {table: dict(getattr(module, table, {})) for table in _TABLES}
    if all(_TABLES[table].get(name) is entry for table, entries in added.items() for name, entry in entries.items()):
        return
    listed = [name for table, entries in added.items() if table != "PACKAGES" for name in entries]
    twice = sorted({name for name in listed if listed.count(name) > 1})
    if twice:
        raise UsageError(f"{module.__name__} lists the step '{twice[0]}' twice: a name belongs to one table")
    taken = sorted(set(listed) & set(names()))
    if taken:
        raise UsageError(f"the step '{taken[0]}' of {module.__name__} is there already: choose another name")
    without = sorted(added["PACKAGES"].keys() - set(listed))
    if without:
        raise UsageError(f"{module.__name__} lists packages of '{without[0]}', which is none of its steps")
    for table, entries in added.items():
        _TABLES[table].update(entries)


def step(spec: StepSpec) -> Step:
    """Return a step ready to be applied.

    Raises:
        CatalogError: No step has this name (the message lists close matches), it lacks its argument, takes none, or
            cannot take this one.
    """
    name, argument, packages = spec.name, spec.argument, PACKAGES.get(spec.name, ())
    if not _is_known(name) and not (others.asked() and _is_known(name)):
        raise CatalogError(f"unknown step '{name}'{did_you_mean(name, names())}")
    if name in TEXT_STEPS or name in EXTRACTIONS:
        if argument is not None:
            raise CatalogError(f"the step '{name}' takes no argument")
        return Step(name, TEXT_STEPS.get(name), EXTRACTIONS.get(name), packages)
    if argument is None:
        raise CatalogError(f"the step '{name}' needs an argument: write `{name}: ...`")
    try:
        if name in MADE_TEXT_STEPS:
            return Step(str(spec), text=MADE_TEXT_STEPS[name](argument), packages=packages)
        return Step(str(spec), extract=MADE_EXTRACTIONS[name](argument), packages=packages)
    except ValueError as exc:
        raise CatalogError(f"the step '{spec}': {exc}") from None
