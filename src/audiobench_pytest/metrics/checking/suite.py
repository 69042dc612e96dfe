"""The edits of each language, and what they cost under a recipe."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audiobench_pytest import catalog
from audiobench_pytest.errors import UsageError
from audiobench_pytest.languages import known_language, macro_language
from audiobench_pytest.metrics.checking import edits
from audiobench_pytest.metrics.error_rate.metric import ErrorRate
from audiobench_pytest.metrics.item import Item
from audiobench_pytest.metrics.recipes import Recipe
from audiobench_pytest.metrics.text.units import character


@dataclass(frozen=True, slots=True)
class Trial:
    """Two texts, and what the second should cost where the first was said.

    Attributes:
        language: Their language.
        what: What differs.
        reference: What was said.
        prediction: What was written.
        free: Whether it is the same thing in another way.
        errors: How many units it should cost; None for at least one.
        own: Whether it is of this language, and not tried in each.
        reversed: Whether it is another trial with its texts changed about.
    """

    language: str
    what: str
    reference: str
    prediction: str
    free: bool
    errors: int | None = None
    own: bool = False
    reversed: bool = False


@dataclass(frozen=True, slots=True)
class Tried:
    """What a trial cost.

    Attributes:
        trial: The trial.
        errors: Units that were counted as wrong.
        units: Units of the reference.
    """

    trial: Trial
    errors: int
    units: int

    @property
    def as_expected(self) -> bool:
        """Whether what is free cost nothing, and what is not cost what it should."""
        if self.trial.errors is None:
            return self.errors >= 1
        return self.errors == self.trial.errors


@dataclass(frozen=True, slots=True)
class LanguageSuite:
    """The edits of one language.

    Attributes:
        language: Its code.
        text: A sentence without punctuation.
        free: What, one way and another way to write one thing.
        costs: What, one thing, another, and by how many units they differ.
    """

    language: str
    text: str
    free: tuple[tuple[str, str, str], ...]
    costs: tuple[tuple[str, str, str, int], ...]


@functools.cache
def suites() -> Mapping[str, LanguageSuite]:
    """Return the suite of each language, in the order of the file."""
    import yaml

    # The base loader takes every scalar as a text: `no` is a word of several languages.
    path = Path(catalog.__file__).parent / "checks" / "languages.yaml"
    read: Mapping[str, Mapping[str, Any]] = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)[
        "languages"
    ]
    return {
        language: LanguageSuite(
            language,
            plain["text"],
            tuple((what, one, other) for what, one, other in plain.get("free", ())),
            tuple(
                (what, one, other, int(more[0]) if more else 1) for what, one, other, *more in plain.get("costs", ())
            ),
        )
        for language, plain in read.items()
    }


def language_of_suite(name: str) -> str:
    """Return the code of the suite that a language by any of its names has (`zh` of `zh-TW`, `jpn`, `Japanese`).

    Raises:
        UnknownNameError: There is no such language.
        UsageError: There is no suite for it; the message lists those there are.
    """
    code = known_language(name).casefold()
    for candidate in (code, code.partition("-")[0], macro_language(code)):
        if candidate in suites():
            return candidate
    raise UsageError(f"no edits are known for the language '{name}'; known: {', '.join(suites())}")


def trials(language: str) -> Iterator[Trial]:
    """Yield the trials of a language: those of any language on its sentence, then its own.

    Args:
        language: One of `suites`.
    """
    suite = suites()[language]
    yield from _free(suite)
    yield from _costs(suite)
    for what, one, other in suite.free:
        yield Trial(language, what, one, other, free=True, errors=0, own=True)
        yield Trial(language, what, other, one, free=True, errors=0, own=True, reversed=True)
    for what, one, other, errors in suite.costs:
        yield Trial(language, what, one, other, free=False, errors=errors, own=True)


def _free(suite: LanguageSuite) -> Iterator[Trial]:
    text = suite.text
    for what, edit in edits.FREE.items():
        yield Trial(suite.language, what, text, edit(text), free=True, errors=0)
    yield Trial(suite.language, "capitals", text, edits.capitals(text, suite.language), free=True, errors=0)
    for what, (added, edit) in edits.ADDED_FREE.items():
        yield Trial(suite.language, what, text + added, edit(text + added), free=True, errors=0)


def _costs(suite: LanguageSuite) -> Iterator[Trial]:
    language, text = suite.language, suite.text
    words = text.split()
    one = None if len(words) == 1 else 1
    head = " ".join(words[:-1])
    yield Trial(language, "the last word or sign left out", text, head or text[: -len(character(text)[-1])], False, 1)
    yield Trial(language, "nothing said", text, "", free=False)
    yield Trial(language, "everything said twice", text, f"{text} {text}", free=False)
    yield Trial(language, "another word", text, f"{head} qwerty" if head else f"q{text[1:]}", False, one)
    for what, (added, edit) in edits.ADDED_COSTS.items():
        yield Trial(language, what, text + added, edit(text + added), free=False)


def tried(recipe: Recipe, languages: Iterable[str]) -> Sequence[Tried]:
    """Return what each trial of some languages costs under a recipe.

    Raises:
        UsageError: The recipe is no error rate.
    """
    if not isinstance(recipe.metric, ErrorRate):
        raise UsageError(f"{recipe.spec.name} is no error rate: edits are known for recipes with `score: wer`")
    found = []
    for language in languages:
        for trial in trials(language):
            numbers = recipe.score(Item(trial.reference, trial.prediction, trial.language)).numbers
            found.append(Tried(trial, int(numbers.get("errors", 0)), int(numbers.get("units", 0))))
    return found
