"""Accuracy: the extracted answer is the gold one, or is not."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from audiobench_pytest.catalog.schema import LanguageRule, RecipeSpec
from audiobench_pytest.errors import CatalogError
from audiobench_pytest.metrics.accuracy.confusion import NOTHING, count_of, macro_f1
from audiobench_pytest.metrics.accuracy.gold import KINDS, Finder, finder
from audiobench_pytest.metrics.base import Metric, flag, one_of, ratio, total
from audiobench_pytest.metrics.extraction import published_options as published
from audiobench_pytest.metrics.extraction.choices import options_of
from audiobench_pytest.metrics.extraction.labels import MADE_EXTRACTIONS, OF_ITEM, digest_of_set
from audiobench_pytest.metrics.item import Item
from audiobench_pytest.metrics.references import all_references
from audiobench_pytest.types import Quantity, SampleScore, State

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from audiobench_pytest.metrics.base import Sums

FOUR_OPTIONS = 4
"""Options VoiceBench draws from when it finds no answer."""

Compat = Callable[[Item, str], tuple[float, float]]
"""A source's own reading of an answer, given the gold letter: what it adds to the denominator and to the right ones."""


class Accuracy(Metric):
    """Share of samples whose prediction, after the steps, is the gold answer: `n`, `correct`, `invalid` per sample.

    Where a step could extract nothing the sample is wrong and `invalid`, counted in a rate of its own; an answer that
    is empty is wrong and not `invalid`. A reference that is no possible answer makes the sample a `data_error`.

    Options:
        gold: How the reference is read: `choice` (letter or text of an option), `label`, `yes_no`, or `text` (the
            reference and the item's further references after the steps). By default what the rule's last extraction
            gives.
        labels: Label set of the gold answers, where no step `label` names it; `choices` for the item's own.
        confusion: `true` counts which label was answered with which (`cm:gold>predicted`) and adds `macro_f1`.
        mean_over: Key of the row's meta (`task_name`); adds `acc_<key>_mean`, the plain mean of the accuracies of its
            values, under a name without `_name`.
        compat: A source's own accuracy on the same answers beside ours, `acc_compat`; see `COMPAT`.
    """

    options: ClassVar[Mapping[str, Callable[[str], object]]] = {
        "gold": one_of(*KINDS),
        "labels": str,
        "confusion": flag,
        "mean_over": str,
        "compat": lambda text: one_of(*COMPAT)(text),
    }
    sees = ("choices", "aliases", "meta")
    can_be_invalid = True
    """Whether an answer can be without what is looked for."""

    def __init__(self, spec: RecipeSpec) -> None:
        super().__init__(spec)
        self._finders: dict[LanguageRule, Finder] = {}
        self._confusion = bool(self.given.get("confusion"))
        self._mean_over = str(self.given.get("mean_over", ""))
        self._compat = COMPAT.get(str(self.given.get("compat", "")))

    def prepare(self, rule: LanguageRule) -> None:
        """Find out what the gold answers of a rule are.

        Raises:
            CatalogError: The option `labels` names no label set.
        """
        kind, labels = self.given.get("gold"), self.given.get("labels")
        try:
            self._finders[rule] = finder(rule, str(kind) if kind else None, str(labels) if labels else None)
        except ValueError as error:
            raise CatalogError(f"option labels: {error}") from None

    def quantities(self, languages: Iterable[str]) -> tuple[Quantity, ...]:
        """Return accuracy, the other readings that the options ask for, and the rate of answers that named nothing."""
        names = ["acc"]
        names += [self._mean_name()] if self._mean_over else []
        names += ["macro_f1"] if self._confusion else []
        names += ["acc_compat"] if self.has_compat() else []
        rate = (Quantity("invalid_rate", maximum=100.0),) if self.can_be_invalid else ()
        return (*(Quantity(name, higher_is_better=True, maximum=100.0) for name in names), *rate)

    def has_compat(self) -> bool:
        """Tell whether the source reads the answers otherwise than we do."""
        return self._compat is not None

    def score(self, item: Item, reference: str, prediction: str | None, rule: LanguageRule) -> SampleScore:
        """Compare."""
        gold = self._finders[rule](item, reference)
        if gold.answer is None:
            return SampleScore({}, reference, prediction or "", State.DATA_ERROR, gold.reason)
        right = prediction == gold.answer
        if prediction is not None and not right and item.aliases:
            right = prediction in self._golds_of_aliases(item, rule)
        compat = self._compat(item, gold.answer) if self._compat is not None else None
        return self.scored(item, gold.answer, prediction, right, compat)

    def _golds_of_aliases(self, item: Item, rule: LanguageRule) -> Iterator[str | None]:
        """Yield what the further references are, read as the first one is: a letter, a label, yes or no, a text."""
        for alias in item.aliases:
            alone = replace(item, reference=alias, aliases=(alias,))
            for text in all_references(alone, "", rule):
                yield self._finders[rule](alone, text).answer

    def scored(
        self,
        item: Item,
        gold: str,
        prediction: str | None,
        right: bool,
        compat: tuple[float, float] | None = None,
    ) -> SampleScore:
        """Return the score of an answer that was compared.

        Args:
            item: The item.
            gold: The gold answer.
            prediction: What was extracted, or None.
            right: Whether that is right.
            compat: The source's own reading, as a `Compat` gives it.
        """
        empty = not item.prediction.strip()
        invalid = prediction is None and not empty
        numbers: dict[str, float] = {"n": 1, "correct": float(right), "invalid": float(invalid)}
        if self._confusion:
            numbers[count_of(gold, prediction or NOTHING)] = 1
        if compat is not None:
            numbers |= {"n_compat": compat[0], "correct_compat": compat[1]}
        if self._mean_over and item.meta.get(self._mean_over) is not None:
            group = str(item.meta[self._mean_over])
            numbers |= {f"n@{group}": 1, f"correct@{group}": float(right)}
        numbers = {name: number for name, number in numbers.items() if number or name == "n"}
        if invalid:
            return SampleScore(numbers, gold, "", State.INVALID, "no answer could be extracted")
        return SampleScore(numbers, gold, prediction or "")

    def values(self, sums: Sums) -> dict[str, NDArray[np.float64]]:
        """Return shares in percent."""
        n = total(sums, "n")
        values = {"acc": ratio(total(sums, "correct"), n), "invalid_rate": ratio(total(sums, "invalid"), n)}
        if self.has_compat():
            values["acc_compat"] = ratio(total(sums, "correct_compat"), total(sums, "n_compat"))
        if self._confusion:
            values["macro_f1"] = macro_f1(sums)
        if self._mean_over:
            values[self._mean_name()] = _mean_of_groups(sums)
        return values

    def signature(self, languages: Iterable[str]) -> list[str]:
        """Return the options, and the label sets of the catalogue that are looked for, with a digest of their words."""
        rules = [self.spec.rule(language) for language in languages]
        steps = [step for rule in rules for step in (*rule.prediction, *rule.steps) if step.name in MADE_EXTRACTIONS]
        names = {str(self.given.get("labels", OF_ITEM)), *(s.argument for s in steps if isinstance(s.argument, str))}
        sets = sorted(names - {OF_ITEM})
        return [*super().signature(languages), *(f"labels:{name}#{digest_of_set(name)}" for name in sets)]

    def _mean_name(self) -> str:
        return f"acc_{self._mean_over.removesuffix('_name')}_mean"


def _mean_of_groups(sums: Sums) -> NDArray[np.float64]:
    """Return the mean of the groups' accuracies in percent; a draw without a sample of a group leaves the group out."""
    import numpy as np

    shape = np.shape(total(sums, "n"))
    summed, groups = np.zeros(shape), np.zeros(shape)
    for name in sums:
        if name.startswith("n@"):
            share = ratio(total(sums, f"correct@{name.removeprefix('n@')}"), sums[name])
            summed, groups = summed + np.nan_to_num(share), groups + (sums[name] > 0)
    return ratio(summed, groups, scale=1.0)


def _is_gold(item: Item, letter: str | None, gold: str) -> float:
    options = options_of(item.choices)
    return float(letter is not None and letter in options.letters and options.same(letter) == gold)


def _voicebench(item: Item, gold: str) -> tuple[float, float]:
    letter = published.voicebench_option(item.prediction, item)
    return 1.0, _is_gold(item, letter, gold) if letter is not None else 1.0 / FOUR_OPTIONS


def _first_option(item: Item, gold: str) -> tuple[float, float]:
    return 1.0, _is_gold(item, published.first_option(item.prediction) or "A", gold)


def _unparsed_dropped(item: Item, gold: str) -> tuple[float, float]:
    letter = published.first_or_second_last_letter(item.prediction, item)
    return (0.0, 0.0) if letter is None else (1.0, _is_gold(item, letter, gold))


def _unparsed_wrong(item: Item, gold: str) -> tuple[float, float]:
    return 1.0, _is_gold(item, published.first_or_second_last_letter(item.prediction, item), gold)


def _air_bench(item: Item, gold: str) -> tuple[float, float]:
    letter = published.air_bench_option(item.prediction, item)
    return (0.0, 0.0) if letter is None else (1.0, _is_gold(item, letter, gold))


COMPAT: Mapping[str, Compat] = {
    "voicebench-none-is-1/4": _voicebench,
    "first-option-default-A": _first_option,
    "second-to-last-unparsed-dropped": _unparsed_dropped,
    "second-to-last-unparsed-wrong": _unparsed_wrong,
    "air-bench-unparsed-dropped": _air_bench,
}
"""A source's own accuracy by the name that stands in the recipe and in its signature.

`voicebench-none-is-1/4`: its templates; an answer they do not match adds 1/4, the expected value of its random draw.
`first-option-default-A`: its regular expressions, A where none matches, the empty answer included.
`second-to-last-unparsed-dropped`: first character, else second to last; an answer without one leaves the denominator.
`second-to-last-unparsed-wrong`: the same, but such an answer is wrong.
`air-bench-unparsed-dropped`: as `second-to-last-unparsed-dropped`, for the letters A to D, line ends left out.
"""
