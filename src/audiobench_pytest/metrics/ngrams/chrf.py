"""chrF and chrF++ of a corpus, from sums of n-gram counts."""

from __future__ import annotations

import string
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, ClassVar

from audiobench_pytest.catalog.schema import LanguageRule, RecipeSpec
from audiobench_pytest.metrics.base import Metric, one_of, total
from audiobench_pytest.metrics.item import Item
from audiobench_pytest.metrics.ngrams.bleu import sacrebleu_field
from audiobench_pytest.metrics.ngrams.counts import character_ngrams, matches
from audiobench_pytest.metrics.references import all_references
from audiobench_pytest.types import Quantity, SampleScore, State

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from audiobench_pytest.metrics.base import Sums

CHARACTER_ORDERS = tuple(f"char_{order}" for order in range(1, 7))
WORD_ORDERS = tuple(f"word_{order}" for order in range(1, 3))
BETA = 2
"""How many times more recall weighs than precision."""

_PUNCTUATION = frozenset(string.punctuation)


class Chrf(Metric):
    """chrF2 and chrF2++ as `sacrebleu` computes them.

    Per sample and order (`char_1` ... `char_6`, `word_1`, `word_2`): `pred_*`, `ref_*` and `match_*`, the n-grams of
    the prediction, of the reference, and those in both. Case and punctuation count, white space does not; no tokenizer
    is needed, whatever the language. Of several references the one with the highest chrF of the sample counts, for both
    values.

    Options:
        references: `one` (the default) or `all`: an item's further references count as well.

    Sources: Popovic, "chrF: character n-gram F-score for automatic MT evaluation",
    2015; "chrF++: words helping character n-grams", 2017.
    """

    options: ClassVar[Mapping[str, Callable[[str], object]]] = {"references": one_of("one", "all")}
    sees: ClassVar[tuple[str, ...]] = ()

    def __init__(self, spec: RecipeSpec) -> None:
        """Configure.

        Raises:
            CatalogError: See `Metric`.
        """
        super().__init__(spec)
        self.every_reference = self.given.get("references") == "all"
        if self.every_reference:
            self.sees = ("aliases",)  # type: ignore[misc]  # what a score depends on is the recipe's, not the class's

    def quantities(self, languages: Iterable[str]) -> tuple[Quantity, ...]:
        """Return chrF and, as `chrfpp`, chrF++; both 0 to 100."""
        return tuple(Quantity(name, unit="", higher_is_better=True, maximum=100.0) for name in ("chrf", "chrfpp"))

    def score(self, item: Item, reference: str, prediction: str | None, rule: LanguageRule) -> SampleScore:
        """Count n-grams of characters and words."""
        references = all_references(item, reference, rule) if self.every_reference else [reference]
        if not any(text.strip() for text in references):
            return SampleScore({}, reference, prediction or "", State.DATA_ERROR, "the reference is empty")
        said = _ngrams(prediction or "")
        counted = [(text, _counts(said, _ngrams(text))) for text in references]
        reference, numbers = max(counted, key=_chrf_of) if len(counted) > 1 else counted[0]
        if prediction is None:
            return SampleScore(numbers, reference, "", State.INVALID, "no answer could be extracted")
        return SampleScore(numbers, reference, prediction)

    def values(self, sums: Sums) -> dict[str, NDArray[np.float64]]:
        """Return both scores of the corpus."""
        return {
            "chrf": corpus_chrf(sums, CHARACTER_ORDERS),
            "chrfpp": corpus_chrf(sums, (*CHARACTER_ORDERS, *WORD_ORDERS)),
        }

    def signature(self, languages: Iterable[str]) -> list[str]:
        """Return sacrebleu's own signatures of the two, as fields."""
        references = "var" if self.every_reference else "1"
        return [
            sacrebleu_field(nrefs=references, case="mixed", eff="yes", nc="6", nw=order, space="no")
            for order in ("0", "2")
        ]


def _counts(said: Mapping[str, Counter[str]], wanted: Mapping[str, Counter[str]]) -> dict[str, float]:
    numbers: dict[str, float] = {}
    for name, found in said.items():
        other = wanted[name]
        # An order that the reference has no n-gram of says nothing, also of the corpus.
        numbers[f"pred_{name}"] = found.total() if other else 0
        numbers[f"ref_{name}"] = other.total()
        numbers[f"match_{name}"] = matches(found, other)
    return numbers


def _chrf_of(counted: tuple[str, Mapping[str, float]]) -> float:
    import numpy as np

    sums = {name: np.array(number, dtype=np.float64) for name, number in counted[1].items()}
    return float(corpus_chrf(sums, CHARACTER_ORDERS))


def corpus_chrf(sums: Sums, orders: Iterable[str]) -> NDArray[np.float64]:
    """Return the F-score of mean precision and mean recall over the orders that both sides have, elementwise."""
    import numpy as np

    some = total(sums, "ref_char_1")
    precision, recall, used = np.zeros_like(some), np.zeros_like(some), np.zeros_like(some)
    for name in orders:
        said, wanted, match = total(sums, f"pred_{name}"), total(sums, f"ref_{name}"), total(sums, f"match_{name}")
        both = (said > 0) & (wanted > 0)
        precision = precision + np.where(both, match / np.where(both, said, 1), 0)
        recall = recall + np.where(both, match / np.where(both, wanted, 1), 0)
        used = used + both
    used = np.where(used > 0, used, 1)
    precision, recall = precision / used, recall / used
    factor = BETA**2
    divisor = factor * precision + recall
    score = 100 * (1 + factor) * precision * recall / np.where(divisor > 0, divisor, 1)
    return np.where(some > 0, np.minimum(score, 100.0), np.nan)


def _ngrams(text: str) -> dict[str, Counter[str]]:
    letters, words = "".join(text.split()), _words(text)
    characters = {name: character_ngrams(letters, order) for order, name in enumerate(CHARACTER_ORDERS, start=1)}
    return characters | dict(zip(WORD_ORDERS, (Counter(words), Counter(map(" ".join, pairwise(words)))), strict=True))


def _words(text: str) -> list[str]:
    """Split at white space, then one punctuation mark off the end of a word, or where there is none off its front."""
    words: list[str] = []
    for word in text.split():
        if len(word) > 1 and word[-1] in _PUNCTUATION:
            words += [word[:-1], word[-1]]
        elif len(word) > 1 and word[0] in _PUNCTUATION:
            words += [word[0], word[1:]]
        else:
            words.append(word)
    return words
