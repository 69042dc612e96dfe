"""A recipe put to work: text steps, unit and alignment of each language, and the signature of the score."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from importlib.metadata import version

from audiobench_pytest.catalog.schema import LanguageRule, RecipeSpec
from audiobench_pytest.errors import CatalogError, did_you_mean
from audiobench_pytest.metrics.error_rate import align_counts
from audiobench_pytest.metrics.steps import PACKAGES, step
from audiobench_pytest.metrics.units import unit
from audiobench_pytest.types import SampleScore

METRICS = ("wer",)
"""Metrics a recipe can name."""

CACHED_TEXTS = 2**15
"""Normalised texts kept per language rule: the references of a large set, met again with each model and recipe."""

CACHED_LENGTH = 4096
"""Longest text kept, in characters, so that the memory of the kept texts is bounded."""


class Recipe:
    """A recipe of the catalogue, checked and ready to score.

    Attributes:
        spec: The catalogue entry.

    Raises:
        CatalogError: The entry names an unknown metric, step or unit.
    """

    def __init__(self, spec: RecipeSpec) -> None:
        if spec.metric not in METRICS:
            hint = did_you_mean(spec.metric, METRICS)
            raise CatalogError(f"recipe '{spec.name}': unknown metric '{spec.metric}'{hint}")
        self.spec = spec
        self._normalisers: dict[LanguageRule, _Normaliser] = {}
        self._of_language: dict[str, _Normaliser] = {}
        for where, rule in (("default", spec.default), *spec.languages.items()):
            try:
                self._normalisers.setdefault(rule, _Normaliser(rule))
            except CatalogError as error:
                raise CatalogError(f"recipe '{spec.name}', rule '{where}': {error}") from None

    def normalise(self, text: str, language: str) -> str:
        """Apply the text steps of a language, in order.

        Args:
            text: Reference or prediction as it is written.
            language: ISO 639 code, with or without a region (`zh`, `zh-CN`).
        """
        return self._normaliser(language)(text)

    def score(self, reference: str, prediction: str, language: str) -> SampleScore:
        """Score one prediction.

        A reference that is empty once normalised adds the prediction's units as errors and no units of its own.

        Args:
            reference: What was said, as the test set writes it.
            prediction: What the model answered; an empty one deletes all of the reference.
            language: ISO 639 code of the sample.
        """
        normalise = self._normaliser(language)
        reference, prediction = normalise(reference), normalise(prediction)
        reference_units = normalise.split(reference)
        substitutions, deletions, insertions = align_counts(reference_units, normalise.split(prediction))
        return SampleScore(
            errors=substitutions + deletions + insertions,
            units=len(reference_units),
            substitutions=substitutions,
            deletions=deletions,
            insertions=insertions,
            reference=reference,
            prediction=prediction,
        )

    def metric_name(self, languages: Iterable[str]) -> str:
        """Return what the score of these languages is called: `wer` when each counts words, else `cer`."""
        return "wer" if all(self.spec.rule(language).unit == "word" for language in languages) else "cer"

    def signature(self, languages: Iterable[str]) -> str:
        """Return what two scores must share to be comparable.

        The fields are the recipe, then languages, steps and unit of each rule used, then the average and the versions
        of the packages that decide the numbers: `wer/audiobench-pytest@1|lang:en|steps:whisper_english|unit:word|
        avg:micro|whisper-normalizer:0.1.15|jiwer:4.0.0`. It depends neither on the order of the languages nor on
        repetitions.
        """
        used: dict[LanguageRule, list[str]] = {}
        for language in sorted({_code(language) for language in languages}):
            used.setdefault(self.spec.rule(language), []).append(language)
        fields = [self.spec.name]
        packages: set[str] = set()
        for rule, codes in used.items():
            fields += [f"lang:{','.join(codes)}", f"steps:{','.join(rule.steps)}", f"unit:{rule.unit}"]
            packages.update(package for name in rule.steps for package in PACKAGES.get(name, ()))
        # jiwer stands for the alignment: its counts are ours (see `align_counts`), whichever of the two computed them.
        return "|".join([*fields, "avg:micro", *(f"{name}:{version(name)}" for name in (*sorted(packages), "jiwer"))])

    def _normaliser(self, language: str) -> _Normaliser:
        normaliser = self._of_language.get(language)
        if normaliser is None:
            normaliser = self._of_language[language] = self._normalisers[self.spec.rule(language)]
        return normaliser


class _Normaliser:
    """The steps of one rule as one function with a memory, and the rule's unit."""

    def __init__(self, rule: LanguageRule) -> None:
        self._steps = tuple(step(name) for name in rule.steps)
        self.split = unit(rule.unit)
        self._remembered = functools.lru_cache(CACHED_TEXTS)(self._apply)

    def __call__(self, text: str) -> str:
        return self._remembered(text) if len(text) <= CACHED_LENGTH else self._apply(text)

    def _apply(self, text: str) -> str:
        for apply_step in self._steps:
            text = apply_step(text)
        return text


def _code(language: str) -> str:
    return language.casefold().replace("_", "-")
