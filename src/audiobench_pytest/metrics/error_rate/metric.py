"""Word, character and mixed error rates."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, cast

from audiobench_pytest.catalog.schema import LanguageRule, RecipeSpec, language_code
from audiobench_pytest.errors import CatalogError
from audiobench_pytest.metrics.base import Metric, flag, one_of, ratio, total
from audiobench_pytest.metrics.error_rate import number_words
from audiobench_pytest.metrics.error_rate.alignment import align_counts, aligned
from audiobench_pytest.metrics.error_rate.compounds import join_equal_regions, merged_counts
from audiobench_pytest.metrics.item import Item
from audiobench_pytest.metrics.references import all_references, normaliser
from audiobench_pytest.metrics.text.units import Counting, counting
from audiobench_pytest.types import Quantity, SampleScore, State

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from audiobench_pytest.metrics.base import Sums

MOSTLY_RIGHT = 0.5
"""Utterance error rate up to which an utterance counts as intelligible (Seed-TTS, URO-Bench)."""


def _main(language: str) -> str:
    """Return the language of a code without script and region: `pt` of `pt-BR`."""
    return language_code(language).partition("-")[0]


def _codes(text: str) -> frozenset[str]:
    return frozenset(_main(code) for code in text.split())


class ErrorRate(Metric):
    """Edit distance over reference length: `errors`, `units`, `substitutions`, `deletions`, `insertions` per sample.

    A reference that is empty after its steps adds the prediction's units as errors and no units of its own, unless
    `empty_reference` says otherwise. Where a rule counts two units (`character+word`), the second gives a second value
    (`wer_word`), from `second_errors` and `second_units`.

    Options:
        average: `micro` (errors of the corpus over its units, the default) or `utterance` (mean of the utterances'
            rates, also for the parts; the micro rate is then a second value, with the mean over utterances up to 50 %
            and the share above).
        compat: Samples that a source leaves out and this metric does not, so that a second value (`wer_compat`) is the
            source's: `empty-references-dropped` (how many of them were answered with words is then a value of its own),
            or `null-dropped`: answers that are the text `null`, here answers of nothing.
        references: `one` (the default) or `best`: the reference among the item's with the lowest rate, the first of
            equals; its units are the sample's weight.
        compounds: `true` where parting or joining a compound costs nothing; see `compounds.merged_counts`.
        join_regions: Languages for which regions that differ only by spaces become one unit first; see
            `compounds.join_equal_regions`.
        empty_reference: `insertions` (the default) or `data_error`: such a sample is not scored.
        ignored_reference: A sample whose reference is this text after its steps is a data error.
        fold_numbers: `true` for a second value (`wer_numbers_folded`) in which a number in digits is the number in
            words; see `number_words`. `number_errors` and `number_units` are what it has less than the headline.
        pooled: `apart` where a rate over languages counted in words and others counted in characters is called `mer`,
            with a value of each kind; without it that is a `cer`. `character_errors` and `character_units` are those of
            samples not counted in words.
    """

    options: ClassVar[Mapping[str, Callable[[str], object]]] = {
        "average": one_of("micro", "utterance"),
        "compat": one_of("empty-references-dropped", "null-dropped"),
        "references": one_of("one", "best"),
        "compounds": flag,
        "join_regions": _codes,
        "empty_reference": one_of("insertions", "data_error"),
        "ignored_reference": str,
        "fold_numbers": flag,
        "pooled": one_of("apart"),
    }
    # jiwer stands for the alignment: its counts are ours (see `align_counts`), whichever of the two computed them.
    packages = ("jiwer",)
    uses_units = True
    sees: ClassVar[tuple[str, ...]] = ()

    def __init__(self, spec: RecipeSpec) -> None:
        super().__init__(spec)
        self.utterance = self.given.get("average") == "utterance"
        self._compat = self.given.get("compat")
        self._best = self.given.get("references") == "best"
        if self.utterance and self._compat:
            raise CatalogError("the options average: utterance and compat exclude each other")
        self._seconds: set[str] = set()
        if self._best:
            self.sees = ("aliases",)  # type: ignore[misc]  # what a score depends on is the recipe's, not the class's
        self._folds = bool(self.given.get("fold_numbers"))
        self._apart = self.given.get("pooled") == "apart"
        self._join_regions = cast("frozenset[str]", self.given.get("join_regions", frozenset()))
        self._count = merged_counts if self.given.get("compounds") else align_counts

    def prepare(self, rule: LanguageRule) -> None:
        """Check the rule's unit."""
        second = counting(rule.unit).second
        if second:
            self._seconds.add(second)

    def quantities(self, languages: Iterable[str]) -> tuple[Quantity, ...]:
        """Return the rate (`wer` when each language counts words, else `cer`), its other readings, and its parts.

        The rate over a rule's second unit is among them when all the languages have the same.
        """
        used = [(counting(self.spec.rule(one).unit), self.spec.code(one)) for one in languages]
        kinds = {rule.is_words(language) for rule, language in used}
        name = "mer" if self._apart and len(kinds) == 2 else "wer" if False not in kinds else "cer"
        found = [Quantity(name)]
        if name == "mer":
            found += [Quantity("wer_words"), Quantity("cer_characters")]
        if self._folds and any(number_words.language_of(language) for _, language in used):
            found.append(Quantity(f"{name}_numbers_folded"))
        if self._compat:
            found.append(Quantity(f"{name}_compat"))
        seconds = {rule.second for rule, _ in used}
        if len(seconds) == 1 and "" not in seconds:
            found.append(Quantity(_second_name(*seconds)))
        if self.utterance:
            found += [Quantity(f"{name}_micro"), Quantity(f"{name}_below_50", maximum=100.0 * MOSTLY_RIGHT)]
            found.append(Quantity("above_50_rate", maximum=100.0))
        found += [Quantity(f"{part}_rate") for part in _PARTS]
        if self._compat == "empty-references-dropped":
            found.append(Quantity("hallucination_on_empty", unit="samples"))
        return tuple(found)

    def score(self, item: Item, reference: str, prediction: str | None, rule: LanguageRule) -> SampleScore:
        """Align units of the prediction to those of the reference."""
        state, reason = State.OK, None
        if prediction is None:
            state, reason, prediction = State.INVALID, "no text could be extracted", ""
        elif self._compat == "null-dropped" and item.prediction == "null":
            state, reason, prediction = State.EMPTY, "the text 'null' stands for no answer", ""
        how = counting(rule.unit)
        if self._best and item.aliases:
            reference = self._nearest(all_references(item, reference, rule), prediction, item, how)
        reference_units, counts = self._aligned(how, reference, prediction, item)
        unusable = self._unusable(reference, reference_units)
        if unusable:
            return SampleScore({}, reference, prediction, State.DATA_ERROR, unusable)
        substitutions, deletions, insertions = counts
        errors, units = substitutions + deletions + insertions, len(reference_units)
        numbers: dict[str, float] = {
            "errors": errors,
            "units": units,
            "substitutions": substitutions,
            "deletions": deletions,
            "insertions": insertions,
        }
        if how.split_second is not None:
            said = how.split_second(reference)
            numbers["second_errors"] = sum(align_counts(said, how.split_second(prediction)))
            numbers["second_units"] = len(said)
        if self._apart and not how.is_words(self.spec.code(item.language)):
            numbers |= {"character_errors": errors, "character_units": units}
        if self._folds and errors:
            numbers |= self._number_numbers(reference, prediction, item, rule, (errors, units))
        if self.utterance:
            numbers |= _utterance_numbers(counts, errors, units)
        if self._compat == "null-dropped" and state is State.EMPTY:
            numbers |= {"dropped_errors": errors, "dropped_units": units}
        elif self._compat == "empty-references-dropped" and not units and errors:
            numbers |= {"dropped_errors": errors, "hallucinations": 1}
        return SampleScore(numbers, reference, prediction, state, reason)

    def _aligned(
        self, how: Counting, reference: str, prediction: str, item: Item
    ) -> tuple[Sequence[str], tuple[int, int, int]]:
        """Return the reference's units, as they were aligned, and the counts."""
        reference_units: Sequence[str] = how.split(reference)
        if reference == prediction:
            return reference_units, (0, 0, 0)
        prediction_units: Sequence[str] = how.split(prediction)
        if self._join_regions and _main(self.spec.code(item.language)) in self._join_regions:
            reference_units, prediction_units = join_equal_regions(reference_units, prediction_units)
        return reference_units, self._count(reference_units, prediction_units)

    def steps(self, score: SampleScore, language: str, rule: LanguageRule) -> list[tuple[str, str, str]]:
        """Return how a scored answer was aligned; what is not `equal` sums up to its errors.

        Args:
            score: What `score` returned, with its texts.
            language: Language of the sample.
            rule: The rule of that language.
        """
        how = counting(rule.unit)
        left: Sequence[str] = how.split(score.reference)
        right: Sequence[str] = how.split(score.prediction)
        if self._join_regions and _main(self.spec.code(language)) in self._join_regions:
            left, right = join_equal_regions(left, right)
        return aligned(left, right)

    def _number_numbers(
        self, reference: str, prediction: str, item: Item, rule: LanguageRule, counted: tuple[int, int]
    ) -> dict[str, float]:
        """Return what a sample has less in errors and units where numbers in digits are those in words."""
        language = number_words.language_of(self.spec.code(item.language))
        if language is None or not any(map(str.isdecimal, reference + prediction)):
            return {}
        how, errors, units = counting(rule.unit), *counted
        normalise, spaced = normaliser(rule), how.is_words("") or how.unit == "spaced"
        said = number_words.folded(reference, prediction, language, normalise, spaced=spaced)
        answered = number_words.folded(prediction, said, language, normalise, spaced=spaced)
        reference_units, counts = self._aligned(how, said, answered, item)
        if sum(counts) >= errors:
            return {}
        return {"number_errors": errors - sum(counts), "number_units": units - len(reference_units)}

    def _nearest(self, references: Sequence[str], prediction: str, item: Item, how: Counting) -> str:
        def rate(reference: str) -> float:
            units, counts = self._aligned(how, reference, prediction, item)
            return sum(counts) / len(units) if units else float("inf")

        return min(references, key=rate, default="")

    def _unusable(self, reference: str, units: Sequence[str]) -> str | None:
        if not units and self.given.get("empty_reference") == "data_error":
            return "the reference is empty after its steps"
        if reference and reference == self.given.get("ignored_reference"):
            return f"the reference says that this segment is not to be scored: '{reference}'"
        return None

    def values(self, sums: Sums) -> dict[str, NDArray[np.float64]]:
        """Return the rates in percent."""
        errors, units = total(sums, "errors"), total(sums, "units")
        micro = ratio(errors, units)
        second = ratio(total(sums, "second_errors"), total(sums, "second_units"))
        compat = ratio(errors - total(sums, "dropped_errors"), units - total(sums, "dropped_units"))
        values = {_second_name(unit): second for unit in self._seconds}
        values["hallucination_on_empty"] = total(sums, "hallucinations")
        folded = ratio(errors - total(sums, "number_errors"), units - total(sums, "number_units"))
        signs, of_signs = total(sums, "character_errors"), total(sums, "character_units")
        rates = {"": micro, "_compat": compat, "_numbers_folded": folded}
        if self.utterance:
            n, below = total(sums, "n"), total(sums, "n_below")
            mean, mean_below = ratio(total(sums, "rate"), n), ratio(total(sums, "rate_below"), below)
            rates = {"": mean, "_micro": micro, "_below_50": mean_below}
            values["above_50_rate"] = ratio(n - below, n)
            values |= {f"{part}_rate": ratio(total(sums, f"{part}_rate"), n) for part in _PARTS}
        else:
            values |= {f"{part}_rate": ratio(total(sums, f"{part}s"), units) for part in _PARTS}
        values |= {"wer_words": ratio(errors - signs, units - of_signs), "cer_characters": ratio(signs, of_signs)}
        return values | {f"{name}{which}": rate for name in ("wer", "cer", "mer") for which, rate in rates.items()}

    def signature(self, languages: Iterable[str]) -> list[str]:
        """Return the average and any other option that the headline depends on."""
        beside = ("fold_numbers:", "pooled:")
        fields = [field for field in super().signature(languages) if not field.startswith(beside)]
        return fields if "average" in self.spec.options else ["avg:micro", *fields]

    def versions(self, languages: Iterable[str]) -> tuple[str, ...]:
        """Return the aligner, and the tokenizers that count in these languages.

        Raises:
            MissingExtraError: One is not installed; the message names the extra.
        """
        languages = list(languages)
        used = [counting(self.spec.rule(language).unit) for language in languages]
        for how in used:
            how.require()
        read = self._folds and any(number_words.language_of(self.spec.code(language)) for language in languages)
        needed = {package for how in used for package in how.packages} | ({"num2words"} if read else set())
        return (*sorted(needed), *self.packages)


def _utterance_numbers(counts: tuple[int, int, int], errors: int, units: int) -> dict[str, float]:
    rate = errors / units if units else float(errors > 0)
    numbers = {"n": 1.0, "rate": rate}
    if rate <= MOSTLY_RIGHT:
        numbers |= {"n_below": 1.0, "rate_below": rate}
    if errors:
        numbers |= {f"{part}_rate": count / (units or errors) for part, count in zip(_PARTS, counts, strict=True)}
    return numbers


def _second_name(unit: str) -> str:
    """Return what the rate over a second unit is called: `wer_word`, `cer_character`."""
    return f"{'wer' if counting(unit).is_words('') else 'cer'}_{unit}"


_PARTS = ("substitution", "deletion", "insertion")
