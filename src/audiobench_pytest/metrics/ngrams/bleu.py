"""BLEU of a corpus, from sums of n-gram counts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, ClassVar

from audiobench_pytest.catalog.schema import LanguageRule, RecipeSpec
from audiobench_pytest.metrics.base import Metric, one_of, total
from audiobench_pytest.metrics.item import Item
from audiobench_pytest.metrics.ngrams.counts import ORDERS, bleu_numbers
from audiobench_pytest.metrics.references import all_references
from audiobench_pytest.metrics.text.tokenizers import known, packages, tokenizer, tokenizer_signature
from audiobench_pytest.types import Quantity, SampleScore, State

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from audiobench_pytest.metrics.base import Sums

_COMPAT = "compat_"


class Bleu(Metric):
    """BLEU as `sacrebleu` computes it: `sys_len`, `ref_len`, `correct_1` ... `total_4` per sample.

    Case counts, a precision without a match is smoothed exponentially, the corpus is one text. A rule's `unit` is the
    tokenizer. A sample whose reference is empty after the steps is a `data_error`; an empty prediction counts as the
    empty text that it is.

    Options:
        references: `one` (the default) or `all`: an item's further references count as well, as in sacrebleu.
        compat_empty: The text that a source puts in the place of an empty prediction; a second value, `bleu_compat`,
            is then computed with it, from numbers called `compat_*` that such samples have.
    """

    options: ClassVar[Mapping[str, Callable[[str], object]]] = {
        "references": one_of("one", "all"),
        "compat_empty": str,
    }
    uses_units = True
    sees = ("aliases",)

    def __init__(self, spec: RecipeSpec) -> None:
        super().__init__(spec)
        self.every_reference = self.given.get("references") == "all"
        self.compat_empty = str(self.given.get("compat_empty", ""))

    def prepare(self, rule: LanguageRule) -> None:
        """Check the rule's tokenizer; it is loaded with the first sample of its language."""
        known(rule.unit)

    def quantities(self, languages: Iterable[str]) -> tuple[Quantity, ...]:
        """Return BLEU, 0 to 100, and the source's own value where it treats empty predictions otherwise."""
        names = ("bleu", "bleu_compat") if self.compat_empty else ("bleu",)
        return tuple(Quantity(name, unit="", higher_is_better=True, maximum=100.0) for name in names)

    def score(self, item: Item, reference: str, prediction: str | None, rule: LanguageRule) -> SampleScore:
        """Count the n-grams of the prediction and those that a reference has."""
        references = all_references(item, reference, rule) if self.every_reference else [reference]
        if not references or not references[0].strip():
            return SampleScore({}, reference, prediction or "", State.DATA_ERROR, "the reference is empty")
        cut = tokenizer(rule.unit)
        wanted = [cut(text) for text in references]
        said = prediction or ""
        numbers = bleu_numbers(cut(said), wanted)
        if self.compat_empty and not said.strip():
            # The rest of the sums is shared: an empty prediction adds nothing to them but the reference's length.
            instead = bleu_numbers(cut(self.compat_empty), wanted)
            numbers |= {_COMPAT + name: number - numbers[name] for name, number in instead.items()}
        if prediction is None:
            return SampleScore(numbers, reference, "", State.INVALID, "no answer could be extracted")
        return SampleScore(numbers, reference, prediction)

    def values(self, sums: Sums) -> dict[str, NDArray[np.float64]]:
        """Return BLEU of the corpus."""
        values = {"bleu": corpus_bleu(sums)}
        if self.compat_empty:
            names = ("sys_len", "ref_len", *(f"{kind}_{order}" for kind in ("correct", "total") for order in ORDERS))
            values["bleu_compat"] = corpus_bleu(
                {name: total(sums, name) + total(sums, _COMPAT + name) for name in names}
            )
        return values

    def signature(self, languages: Iterable[str]) -> list[str]:
        """Return sacrebleu's own signature as one field per tokenizer, with `=` and `,` for its `:` and `|`."""
        fields = [
            sacrebleu_field(
                nrefs="var" if self.every_reference else "1",
                case="mixed",
                eff="no",
                tok=tokenizer_signature(name),
                smooth="exp",
            )
            for name in self._tokenizers(languages)
        ]
        return [*fields, f"compat:empty-answer-as-{self.compat_empty}"] if self.compat_empty else fields

    def versions(self, languages: Iterable[str]) -> tuple[str, ...]:
        """Return the tokenizers' packages; sacrebleu's version stands in its own field."""
        return tuple(sorted({package for name in self._tokenizers(languages) for package in packages(name)}))

    def _tokenizers(self, languages: Iterable[str]) -> list[str]:
        return sorted({self.spec.rule(language).unit for language in languages})


def corpus_bleu(sums: Sums) -> NDArray[np.float64]:
    """Return BLEU from sums of `bleu_numbers`, elementwise: the formula and smoothing (`exp`) of sacrebleu.

    Source: Post, "A Call for Clarity in Reporting BLEU Scores", 2018; the smoothing is that of mteval-v13a: the k-th
    order without a match counts as 1 / 2**k of a match. Without any match, or without an n-gram of the highest order,
    BLEU is 0; without any text it is NaN.
    """
    import numpy as np

    sys_len, ref_len = total(sums, "sys_len"), total(sums, "ref_len")
    share, logs = np.ones_like(sys_len), np.zeros_like(sys_len)
    some_match, all_orders = np.zeros_like(sys_len, dtype=bool), np.ones_like(sys_len, dtype=bool)
    for order in ORDERS:
        correct, count = total(sums, f"correct_{order}"), total(sums, f"total_{order}")
        missed = (correct == 0) & (count > 0)
        share = np.where(missed, share * 2, share)
        shown = np.where(missed, 1 / share, correct)
        logs = logs + np.log(np.where(shown > 0, 100 * shown / np.where(count > 0, count, 1), 1))
        some_match, all_orders = some_match | (correct > 0), all_orders & (count > 0)
    penalty = np.where(sys_len < ref_len, np.exp(1 - ref_len / np.where(sys_len > 0, sys_len, 1)), 1.0)
    bleu = np.minimum(penalty * np.exp(logs / len(ORDERS)), 100.0)
    return np.where(sys_len + ref_len > 0, np.where(some_match & all_orders, bleu, 0.0), np.nan)


def sacrebleu_field(**pairs: str) -> str:
    """Return sacrebleu's signature as one field of ours: `sacrebleu:nrefs=1,case=mixed,...,version=2.6.0`."""
    from importlib.metadata import version

    own = {**pairs, "version": version("sacrebleu")}
    return f"sacrebleu:{','.join(f'{name}={value}' for name, value in own.items())}"
