"""A recipe put to work: the steps of each language, the metric, and the signature of the score."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable, Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from audiobench_pytest.catalog.schema import LanguageRule, RecipeSpec, Steps
from audiobench_pytest.errors import CatalogError, UsageError
from audiobench_pytest.metrics.fairness.replies import cut_thoughts
from audiobench_pytest.metrics.item import Item
from audiobench_pytest.metrics.probe import probe
from audiobench_pytest.metrics.registry import metric_class
from audiobench_pytest.metrics.steps import Extraction, Step, step
from audiobench_pytest.types import Quantity, SampleScore

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from audiobench_pytest.metrics.base import Metric, Sums

CACHED_TEXTS = 2**15
"""Normalised texts kept per language rule: the references of a large set, met again with each model and recipe."""

CACHED_LENGTH = 4096
"""Longest text kept, in characters, so that the memory of the kept texts is bounded."""


class Recipe:
    """A recipe of the catalogue, checked and ready to score.

    Attributes:
        spec: The catalogue entry.
        metric: The metric, configured.

    Raises:
        CatalogError: The entry names an unknown metric, option, step or unit.
    """

    def __init__(self, spec: RecipeSpec) -> None:
        self.spec = spec
        self._pipelines: dict[LanguageRule, _Pipeline] = {}
        self._of_language: dict[str, _Pipeline] = {}
        try:
            self.metric: Metric = metric_class(spec.score)(spec)
        except CatalogError as error:
            raise CatalogError(f"recipe '{spec.name}': {error}") from None
        for where, rule in (("default", spec.default), *spec.languages.items()):
            if rule in self._pipelines:  # most languages share theirs
                continue
            try:
                self._pipelines[rule] = _Pipeline(rule)
                self.metric.prepare(rule)
            except CatalogError as error:
                raise CatalogError(f"recipe '{spec.name}', rule '{where}': {error}") from None

    def texts(self, item: Item) -> tuple[str, str | None]:
        """Return reference and prediction after the steps of the item's language; None where nothing was extracted."""
        pipeline = self._pipeline(item.language)
        return pipeline.reference(item.reference), pipeline.prediction(without_thoughts(item))

    def normalise(self, text: str, language: str) -> str:
        """Apply the text steps of a language that reference and prediction share."""
        return self._pipeline(language).shared(text)

    def score(self, item: Item) -> SampleScore:
        """Score one answer.

        An empty prediction is scored, as the worst there is; a missing one must not be given. What a model thinks aloud
        in `<think>` and the like is no part of its answer, whatever the recipe.
        """
        pipeline = self._pipeline(item.language)
        reference, prediction = pipeline.reference(item.reference), pipeline.prediction(without_thoughts(item))
        return self.metric.score(item, reference, prediction, pipeline.rule)

    def sees(self) -> tuple[str, ...]:
        """Return the fields of an item that a score depends on beside reference, prediction and language."""
        if any(pipeline.extracts for pipeline in self._pipelines.values()):
            return ("choices", "aliases", "id", "meta")
        return self.metric.sees

    def quantities(self, languages: Iterable[str]) -> tuple[Quantity, ...]:
        """Return what the values of these languages are, the headline first."""
        return self.metric.quantities(languages)

    def values(self, sums: Sums) -> dict[str, NDArray[np.float64]]:
        """Return each quantity from sums of sufficient numbers, elementwise."""
        return self.metric.values(sums)

    def corpus(self, scores: Sequence[SampleScore]) -> Sequence[SampleScore]:
        """Return the scores again after looking at all of them; most metrics return them as they are."""
        return self.metric.corpus(scores)

    def signature(self, languages: Iterable[str]) -> str:
        """Return what two scores must share to be comparable.

        The fields are the recipe, then languages, steps and unit of each rule used, then what the metric says of
        itself and the versions of the packages that decide the numbers: `wer/audiobench-pytest@1|lang:en|
        steps:whisper_english|unit:word|avg:micro|whisper-normalizer:0.1.15|jiwer:4.0.0`. It depends neither on the
        order of the languages nor on repetitions, and where languages go by any name, not on their region.
        """
        name = self.spec.ruled_by if self.spec.known_languages else self.spec.code
        codes = sorted({name(language) for language in languages})
        used: dict[LanguageRule, list[str]] = {}
        for language in codes:
            used.setdefault(self.spec.rule(language), []).append(language)
        fields = [self.spec.name]
        packages: set[str] = set()
        for rule, names in used.items():
            pipeline = self._pipelines[rule]
            fields += [f"lang:{','.join(names)}", *pipeline.fields]
            if self.metric.uses_units:
                fields.append(f"unit:{rule.unit}")
            if self.spec.probed:
                fields.append(f"probe:{probe(rule)}")
            packages.update(package for one in pipeline.steps for package in one.packages)
        fields += self.metric.signature(codes)
        own = self.metric.versions(codes)
        packages.difference_update(own)
        return "|".join([*fields, *(f"{name}:{_version(name)}" for name in (*sorted(packages), *own))])

    def _pipeline(self, language: str) -> _Pipeline:
        pipeline = self._of_language.get(language)
        if pipeline is None:
            pipeline = self._of_language[language] = self._pipelines[self.spec.rule(language)]
        return pipeline


class _Pipeline:
    """The steps of one rule: text steps folded into functions with a memory, extractions called with the item."""

    def __init__(self, rule: LanguageRule) -> None:
        self.rule = rule
        only_reference, only_prediction = _ready(rule.reference), _ready(rule.prediction)
        both = _ready(rule.steps)
        self.steps = (*only_reference, *only_prediction, *both)
        self.fields = [
            f"{kind}:{','.join(one.name for one in steps)}"
            for kind, steps in (("ref", only_reference), ("pred", only_prediction), ("steps", both))
            if steps
        ]
        for one in only_reference:
            if one.extract is not None:
                raise CatalogError(f"the step '{one.name}' extracts: it belongs to the prediction")
        self._folds: dict[tuple[str, ...], _Folded] = {}
        shared = [one for one in both if one.text is not None]
        self.shared = self._fold(shared)
        self.reference = self._fold([*only_reference, *shared])
        # Apart, so that what both sides go through has one memory even where the prediction is unwrapped first.
        self._stages = (*self._staged(only_prediction), *self._staged(both))
        self.extracts = any(one.extract is not None for one in self.steps)

    def prediction(self, item: Item) -> str | None:
        """Return what the steps make of the prediction."""
        text = item.prediction
        found: str | None
        for stage in self._stages:
            if isinstance(stage, _Folded):
                text = stage(text)
                continue
            found = stage(text, item)
            if found is None:
                return None
            text = found
        return text

    def _fold(self, steps: Sequence[Step]) -> _Folded:
        # One memory per sequence of steps: an answer that spells the reference is not normalised a second time.
        key = tuple(one.name for one in steps)
        return self._folds.setdefault(key, _Folded(steps))

    def _staged(self, steps: Sequence[Step]) -> Iterator[_Folded | Extraction]:
        """Fold neighbouring text steps, keep extractions single."""
        run: list[Step] = []
        for one in steps:
            if one.extract is None:
                run.append(one)
                continue
            if run:
                yield self._fold(run)
                run = []
            yield one.extract
        if run:
            yield self._fold(run)


class _Folded:
    """Text steps as one function with a memory."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self._steps = tuple(one.text for one in steps if one.text is not None)
        self._remembered = functools.lru_cache(CACHED_TEXTS)(self._apply)

    def __call__(self, text: str) -> str:
        if not self._steps:
            return text
        return self._remembered(text) if len(text) <= CACHED_LENGTH else self._apply(text)

    def _apply(self, text: str) -> str:
        for apply_step in self._steps:
            text = apply_step(text)
        return text


def without_thoughts(item: Item) -> Item:
    """Return an item whose prediction holds the answer only."""
    text = item.prediction
    answer = cut_thoughts(text)
    if answer == text:
        return item
    return dataclasses.replace(item, prediction=answer)


def _ready(steps: Steps) -> tuple[Step, ...]:
    return tuple(step(spec) for spec in steps)


@functools.cache
def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        raise UsageError(f"the recipe needs the package '{distribution}': pip install {distribution}") from None
