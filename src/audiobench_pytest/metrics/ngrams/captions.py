"""Caption metrics of the COCO evaluation that need no Java: BLEU-1 to BLEU-4, ROUGE-L and CIDEr.

METEOR, SPICE and SPIDEr are not here: they need Java or a lexical database. The source cuts texts with the Penn
Treebank tokenizer (Java) and drops punctuation; the unit `caption` does the part of that which captions need. Numbers
are therefore close to those of the source and not the same, which is why the recipe has a name of its own.
"""

from __future__ import annotations

import dataclasses
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from audiobench_pytest.catalog.schema import LanguageRule
from audiobench_pytest.errors import CatalogError, did_you_mean
from audiobench_pytest.metrics.base import Metric, ratio, total
from audiobench_pytest.metrics.character_table import CharacterTable
from audiobench_pytest.metrics.item import Item
from audiobench_pytest.metrics.ngrams.counts import ORDERS, bleu_numbers, word_ngrams
from audiobench_pytest.metrics.references import all_references
from audiobench_pytest.metrics.text.units import UNITS
from audiobench_pytest.types import Quantity, SampleScore, State

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from audiobench_pytest.metrics.base import Sums

    Tokens = Sequence[str]

ROUGE_BETA = 1.2
"""How much more recall weighs than precision in ROUGE-L, as the COCO evaluation sets it."""

CIDER_SIGMA = 6.0
"""Standard deviation, in bigrams, of CIDEr's penalty on a difference in length."""

CIDER_SCALE = 10.0


class Captions(Metric):
    """CIDEr, ROUGE-L and BLEU-1 to BLEU-4 on the scale 0 to 1 (CIDEr to 10), against all references of a sample.

    Per sample: `n`; `rouge_l`; BLEU's `sys_len`, `ref_len`, `correct_1` ... `total_4`; and, once the whole set has been
    looked at (`corpus`), `cider` and `cider_n`. A set of one sample has CIDEr 0: no word of it is rarer than another. A
    sample without a reference is a `data_error`. The texts of a score are the tokens joined by spaces, one line per
    reference. A rule's `unit` is `caption` or a unit of error rates.
    """

    uses_units = True
    sees = ("aliases",)

    def prepare(self, rule: LanguageRule) -> None:
        """Check the rule's unit."""
        _splitter(rule.unit)

    def quantities(self, languages: Iterable[str]) -> tuple[Quantity, ...]:
        """Return CIDEr, ROUGE-L and the four BLEUs."""
        ones = ("rouge_l", *(f"bleu_{order}" for order in ORDERS))
        return (
            Quantity("cider", unit="", higher_is_better=True, maximum=CIDER_SCALE),
            *(Quantity(name, unit="", higher_is_better=True, maximum=1.0) for name in ones),
        )

    def score(self, item: Item, reference: str, prediction: str | None, rule: LanguageRule) -> SampleScore:
        """Compare a caption with its references, as far as that can be done without those of other samples."""
        split = _splitter(rule.unit)
        references = [tokens for text in all_references(item, reference, rule) if (tokens := split(text))]
        if not references:
            return SampleScore({}, reference, prediction or "", State.DATA_ERROR, "no reference has a word")
        said = split(prediction or "")
        numbers = {"n": 1.0, "rouge_l": rouge_l(said, references), **bleu_numbers(said, references)}
        lines = "\n".join(" ".join(tokens) for tokens in references)
        if prediction is None:
            return SampleScore(numbers, lines, "", State.INVALID, "no answer could be extracted")
        return SampleScore(numbers, lines, " ".join(said))

    def corpus(self, scores: Sequence[SampleScore]) -> Sequence[SampleScore]:
        """Return the scores with CIDEr, whose weights come from the references of all of them."""
        usable = [position for position, score in enumerate(scores) if score.numbers]
        predictions = [scores[position].prediction.split() for position in usable]
        references = [[line.split() for line in scores[position].reference.split("\n")] for position in usable]
        whole = list(scores)
        for position, cider in zip(usable, cider_scores(predictions, references), strict=True):
            numbers = {**scores[position].numbers, "cider": cider, "cider_n": 1.0}
            whole[position] = dataclasses.replace(scores[position], numbers=numbers)
        return whole

    def values(self, sums: Sums) -> dict[str, NDArray[np.float64]]:
        """Return means over the samples, and BLEU of the corpus; CIDEr is NaN before `corpus`."""
        return {
            "cider": ratio(total(sums, "cider"), total(sums, "cider_n"), scale=1.0),
            "rouge_l": ratio(total(sums, "rouge_l"), total(sums, "n"), scale=1.0),
            **corpus_bleus(sums),
        }

    def signature(self, languages: Iterable[str]) -> list[str]:
        """Return the metrics' settings, and which of the source's metrics are not computed."""
        return [
            "bleu:coco",
            f"rouge_l:beta={ROUGE_BETA:g}",
            f"cider:d,sigma={CIDER_SIGMA:g},idf=this-set",
            "without:meteor,spice,spider",
        ]


def caption(text: str) -> list[str]:
    """Split a caption into words.

    Punctuation marks are dropped and part what they stand between, except hyphens and apostrophes inside a word and the
    separators inside a number (1,000; 3.5; 12:30). A symbol ($, %, &, +) is a word of its own. The English endings n't,
    's, 're, 've, 'll, 'd and 'm are words of their own, as the Penn Treebank has it.
    """
    words: list[str] = []
    for chunk in _LONE_SEPARATOR.sub(" ", text.translate(_MARKS)).split():
        word = chunk if chunk in _ENDINGS else chunk.strip("-'")
        ending = _ENDING.search(word)
        words += (word[: ending.start()], ending.group()) if ending else (word,)
    return [word for word in words if word]


def _parted(code: int) -> int | str:
    """Turn punctuation into a space and put spaces around a symbol."""
    character = chr(code)
    kind = unicodedata.category(character)[0]
    return " " if kind == "P" else f" {character} " if kind == "S" else code


_MARKS = CharacterTable(
    _parted,
    {ord(one): one for one in "-'.,:"}
    | {ord(one): f" {one} " for one in "%&@#*"}  # punctuation to Unicode, words to the Penn Treebank
    | {ord("’"): "'", ord("´"): "'", ord("`"): " ", ord("‐"): "-", ord("‑"): "-"},
)
_LONE_SEPARATOR = re.compile(r"(?<!\d)[.,:]|[.,:](?!\d)|--+")
_ENDINGS = ("n't", "'s", "'re", "'ve", "'ll", "'d", "'m")
_ENDING = re.compile(rf"(?<=.)(?:{'|'.join(_ENDINGS)})$", re.IGNORECASE | re.DOTALL)
_SPLITTERS: Mapping[str, Callable[[str], list[str]]] = {"caption": caption, **UNITS}


def _splitter(name: str) -> Callable[[str], list[str]]:
    if name not in _SPLITTERS:
        raise CatalogError(f"unknown unit '{name}'{did_you_mean(name, _SPLITTERS)}")
    return _SPLITTERS[name]


def rouge_l(prediction: Tokens, references: Sequence[Tokens]) -> float:
    """Return ROUGE-L of one caption, 0 to 1: the F-score of its best precision and its best recall.

    Both are shares of the longest common subsequence; each is taken from the reference where it is greatest, as the
    COCO evaluation does. Source: Lin, "ROUGE: A Package for Automatic Evaluation of Summaries", 2004.
    """
    from rapidfuzz.distance import LCSseq

    if not prediction:
        return 0.0
    common = [LCSseq.similarity(prediction, reference) for reference in references]
    if not any(common):
        return 0.0
    precision = max(common) / len(prediction)
    recall = max(one / len(reference) for one, reference in zip(common, references, strict=True))
    return (1 + ROUGE_BETA**2) * precision * recall / (recall + ROUGE_BETA**2 * precision)


def corpus_bleus(sums: Sums) -> dict[str, NDArray[np.float64]]:
    """Return BLEU-1 to BLEU-4, 0 to 1, from sums of `bleu_numbers`, elementwise; NaN without any reference.

    Unlike sacrebleu's, an order without a match is next to nothing instead of half a match: BLEU-4 of a set without a
    common run of four words is about 0.
    """
    import numpy as np

    sys_len, ref_len = total(sums, "sys_len"), total(sums, "ref_len")
    length = (sys_len + _TINY) / (ref_len + _SMALL)
    penalty = np.where(length < 1, np.exp(1 - 1 / np.minimum(length, 1)), 1.0)
    product, values = np.ones_like(sys_len), {}
    for order in ORDERS:
        product = product * (total(sums, f"correct_{order}") + _TINY) / (total(sums, f"total_{order}") + _SMALL)
        values[f"bleu_{order}"] = np.where(ref_len > 0, product ** (1 / order) * penalty, np.nan)
    return values


_TINY, _SMALL = 1e-15, 1e-9
"""What the COCO evaluation adds to numerators and denominators."""


def cider_scores(predictions: Sequence[Tokens], references: Sequence[Sequence[Tokens]]) -> list[float]:
    """Return CIDEr of each caption, 0 to 10, as the COCO evaluation computes it (the variant CIDEr-D).

    An n-gram weighs by its count and by the logarithm of how few samples have it in their references. The similarity to
    a reference is the clipped cosine of the weights, less a penalty on a difference in length; it is averaged over the
    orders 1 to 4 and the references. Source: Vedantam et al., "CIDEr: Consensus-based Image Description Evaluation",
    2015.

    Args:
        predictions: Tokens of each caption.
        references: Tokens of each reference of each caption, at least one per caption.
    """
    counted = [[_counts(reference) for reference in one] for one in references]
    samples_with: Counter[tuple[str, ...]] = Counter()
    for one in counted:
        samples_with.update({ngram for orders in one for counts in orders for ngram in counts})
    rarity = {ngram: math.log(len(references)) - math.log(samples) for ngram, samples in samples_with.items()}
    unseen = math.log(len(references)) if references else 0.0
    scores = []
    for prediction, one in zip(predictions, counted, strict=True):
        said = _counts(prediction)
        similarity = sum(_similarity(said, wanted, rarity, unseen) for wanted in one)
        scores.append(min(CIDER_SCALE, CIDER_SCALE * similarity / len(one)))
    return scores


Orders = tuple[Counter[tuple[str, ...]], ...]


def _counts(tokens: Tokens) -> Orders:
    return tuple(word_ngrams(tokens, order) for order in ORDERS)


def _similarity(said: Orders, wanted: Orders, rarity: Mapping[tuple[str, ...], float], unseen: float) -> float:
    # The source takes the number of bigrams for the length.
    difference = said[1].total() - wanted[1].total()
    cosines = sum(_cosines(said, wanted, rarity, unseen))
    return cosines / len(ORDERS) * math.exp(-(difference**2) / (2 * CIDER_SIGMA**2))


def _cosines(said: Orders, wanted: Orders, rarity: Mapping[tuple[str, ...], float], unseen: float) -> Iterator[float]:
    for ours, theirs in zip(said, wanted, strict=True):
        own = {ngram: count * rarity.get(ngram, unseen) for ngram, count in ours.items()}
        other = {ngram: count * rarity[ngram] for ngram, count in theirs.items()}
        common = sum(min(weight, other[ngram]) * other[ngram] for ngram, weight in own.items() if ngram in other)
        norms = math.hypot(*own.values()) * math.hypot(*other.values())
        if norms:
            yield common / norms
