"""Accuracy of answers that are compared with the reference as a whole, not by what was extracted from them."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import ClassVar

from audiobench_pytest.catalog.schema import LanguageRule, RecipeSpec
from audiobench_pytest.errors import CatalogError
from audiobench_pytest.metrics.accuracy.gold import choice_of
from audiobench_pytest.metrics.accuracy.metric import Accuracy
from audiobench_pytest.metrics.base import one_of
from audiobench_pytest.metrics.extraction.choices import options_of
from audiobench_pytest.metrics.extraction.labels import OF_ITEM, closed_set
from audiobench_pytest.metrics.extraction.phrases import words_of
from audiobench_pytest.metrics.extraction.published_options import starts_with_label
from audiobench_pytest.metrics.fairness.answers import names_short_answer, short_answer
from audiobench_pytest.metrics.item import Item
from audiobench_pytest.types import SampleScore, State

_WORD = re.compile(r"\b\w+\b")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)
_ASCII_TOKEN = re.compile(r"[0-9A-Za-z]+|[!-/:-@\[-`{-~]")
_SEPARATOR = "\x1f"  # a control character: no token holds one


class Match(Accuracy):
    """Share of answers that match the reference by one of these rules.

    Options:
        rule: `mmau-tokens`: every word of the reference is in the answer, and no word that only wrong options have.
            `qa-exist`: the tokens of the reference or an alias stand in the answer in a row. `exist`: the reference or
            an alias is part of the answer, case apart. `em`: the answer is the reference or an alias, as a number where
            that is one. `prefix`: the one label of the closed set that occurs in the answer is the reference, and as
            `acc_compat` whether the answer begins with the reference. `named`: the answer names the reference or an
            alias in whole words and does not deny it; case, articles, accents and number words do not count.
        labels: The closed set of `prefix`: a label set of the catalogue, or `choices` (the default). Where an item
            lists no choices, the answer has to begin with the words of the reference.
        confusion, mean_over: As in `Accuracy`.
    """

    options: ClassVar[Mapping[str, Callable[[str], object]]] = {
        **{name: Accuracy.options[name] for name in ("labels", "confusion", "mean_over")},
        "rule": one_of("mmau-tokens", "qa-exist", "exist", "em", "prefix", "named"),
    }

    def __init__(self, spec: RecipeSpec) -> None:
        super().__init__(spec)
        if "rule" not in self.given:
            raise CatalogError("the metric 'match' needs the option 'rule'")
        self._rule = str(self.given["rule"])
        self.can_be_invalid = self._rule not in ("qa-exist", "exist", "named")
        self._compare = {
            "mmau-tokens": self._mmau_tokens,
            "qa-exist": self._qa_exist,
            "exist": self._exist,
            "em": self._em,
            "prefix": self._prefix,
            "named": self._named,
        }[self._rule]
        try:
            self._closed_set = closed_set(str(self.given.get("labels", OF_ITEM)))
        except ValueError as error:
            raise CatalogError(f"option labels: {error}") from None

    def prepare(self, rule: LanguageRule) -> None:
        """Check nothing: the rules of this metric look at the raw reference."""

    def has_compat(self) -> bool:
        """Tell whether the source reads the answers otherwise than we do."""
        return self._rule == "prefix"

    def signature(self, languages: Iterable[str]) -> list[str]:
        """Return the options and the source's reading that stands beside ours."""
        return [*(["compat:prefix-match"] if self.has_compat() else []), *super().signature(languages)]

    def score(self, item: Item, reference: str, prediction: str | None, rule: LanguageRule) -> SampleScore:
        """Compare the whole texts."""
        return self._compare(item, reference, prediction or "")

    def _mmau_tokens(self, item: Item, reference: str, prediction: str) -> SampleScore:
        reference = _text_of_letter(item) or reference
        answer, said = _words(reference), _words(prediction)
        if not answer or not item.choices:
            what = "the item lists no choices" if answer else f"the reference {reference!r} has no word"
            return SampleScore({}, reference, prediction, State.DATA_ERROR, what)
        choices = [_words(choice) for choice in item.choices]
        wrong = frozenset().union(*(choice - answer for choice in choices if choice != answer))
        right = bool(said) and answer <= said and not said & wrong
        names_one = right or any(choice and choice <= said for choice in choices)
        return self.scored(item, reference, prediction if names_one else None, right)

    def _qa_exist(self, item: Item, reference: str, prediction: str) -> SampleScore:
        wanted = [tokens for text in (reference, *item.aliases) if (tokens := qa_tokens(text))]
        if not wanted:
            return _no_reference(reference, prediction)
        said = qa_tokens(prediction)
        return self.scored(item, reference, prediction, any(tokens in said for tokens in wanted))

    def _exist(self, item: Item, reference: str, prediction: str) -> SampleScore:
        wanted = [text.strip().lower() for text in (reference, *item.aliases) if text.strip()]
        if not wanted:
            return _no_reference(reference, prediction)
        said = prediction.strip().lower()
        return self.scored(item, reference, prediction, any(text in said for text in wanted))

    def _em(self, item: Item, reference: str, prediction: str) -> SampleScore:
        wanted = [text.strip() for text in (reference, *item.aliases) if text.strip()]
        if not wanted:
            return _no_reference(reference, prediction)
        said = prediction.strip()
        number = _number(said)
        right = any(said == text if _number(text) is None else number == _number(text) for text in wanted)
        no_number = number is None and all(_number(text) is not None for text in wanted)
        return self.scored(item, wanted[0], None if no_number else said, right)

    def _named(self, item: Item, reference: str, prediction: str) -> SampleScore:
        wanted = [text for text in (reference, *item.aliases) if short_answer(text)]
        if not wanted:
            return _no_reference(reference, prediction)
        right = any(names_short_answer(prediction, text) for text in wanted)
        return self.scored(item, reference, prediction, right)

    def _prefix(self, item: Item, reference: str, prediction: str) -> SampleScore:
        if not reference.strip():
            return _no_reference(reference, prediction)
        references = [reference, *(alias for alias in item.aliases if alias.strip())]
        compat = (1.0, float(any(starts_with_label(prediction, text) for text in references)))
        labels = self._closed_set(item)
        if labels is None:
            said = words_of(prediction)
            right = any(said[: len(wanted)] == wanted for text in references if (wanted := words_of(text)))
            return self.scored(item, reference, prediction, right, compat)
        gold = labels.gold(reference)
        if gold is None:
            reason = f"the reference {reference!r} is no label of the closed set; known: {', '.join(labels.labels)}"
            return SampleScore({}, reference, prediction, State.DATA_ERROR, reason)
        named = labels.named_in(prediction)
        right = named is not None and named in map(labels.gold, references)
        return self.scored(item, gold, named, right, compat)


def qa_tokens(text: str) -> str:
    """Return the tokens of open question answering, each ended and all begun by a separator; "" where there is none.

    After NFD, a token is a run of letters, digits and marks, or any other single character that is no separator and no
    control character; lower case. Source: the answer check of dense passage retrieval, as UltraEval-Audio has it.
    """
    return _joined_tokens(text) if len(text) <= 256 else _joined_tokens.__wrapped__(text)


@functools.lru_cache(maxsize=2**15)
def _joined_tokens(text: str) -> str:
    found = [token.lower() for token in _qa_split(unicodedata.normalize("NFD", text))]
    return _SEPARATOR + "".join(token + _SEPARATOR for token in found) if found else ""


def _qa_split(text: str) -> Iterator[str]:
    if text.isascii():
        yield from _ASCII_TOKEN.findall(text)
        return
    start: int | None = None
    for i, char in enumerate(text):
        kind = unicodedata.category(char)[0]
        if kind in "LNM":
            start = i if start is None else start
            continue
        if start is not None:
            yield text[start:i]
            start = None
        if kind not in "ZC":
            yield char
    if start is not None:
        yield text[start:]


def _text_of_letter(item: Item) -> str | None:
    """Return the text of the option whose letter the reference is (`B`, `(B) a cat`), or None where it is none's.

    The published set writes texts; a row that writes a letter would else be compared with that letter.
    """
    if any(_words(choice) == _words(item.reference) for choice in item.choices):
        return None
    letter = choice_of(item, item.reference).answer
    return item.choices[options_of(item.choices).letters.index(letter)] if item.choices and letter else None


def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text.lower()))


def _number(text: str) -> float | None:
    return float(text) if _NUMBER.fullmatch(text) else None


def _no_reference(reference: str, prediction: str) -> SampleScore:
    return SampleScore({}, reference, prediction, State.DATA_ERROR, "the reference and all its aliases are empty")
