"""Closed sets of labels, found in an answer as whole words (Chinese ones as parts of the text), and yes or no."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping, Sequence

from audiobench_pytest.errors import UnknownNameError
from audiobench_pytest.metrics.extraction.choices import cleaned
from audiobench_pytest.metrics.extraction.denial import is_denied
from audiobench_pytest.metrics.extraction.lazy_pattern import LazyPattern
from audiobench_pytest.metrics.extraction.phrases import Found, Phrases, words_of
from audiobench_pytest.metrics.item import Item
from audiobench_pytest.records.keys import digest

OF_ITEM = "choices"
"""Written for the name of a label set: the item's own choices are the closed set."""


class ClosedSet:
    """Labels, each with the words that stand for it.

    Attributes:
        labels: The labels, in order.

    Raises:
        ValueError: Two labels claim one phrase.
    """

    def __init__(self, synonyms: Mapping[str, Sequence[str]]) -> None:
        claimed: dict[tuple[str, ...], str] = {}
        phrases = [(label, phrase) for label, others in synonyms.items() for phrase in (label, *others)]
        for label, phrase in phrases:
            other = claimed.setdefault(words_of(phrase), label)
            if other != label:
                raise ValueError(f"'{phrase}' stands for both '{other}' and '{label}'")
        self.labels = tuple(synonyms)
        self._phrases = Phrases(phrases)

    def gold(self, reference: str) -> str | None:
        """Return the label that a reference is or stands for as a whole, or None."""
        return self._phrases.exactly(cleaned(reference))

    def found(self, text: str) -> list[Found]:
        """Return the labels that occur in a cleaned text, in order, denied or not."""
        return self._phrases.find(text)

    def named_in(self, text: str) -> str | None:
        """Return the label that an answer is, or the only one that occurs in it; None for none, two or a denied one.

        Where the words of two labels overlap, the longer ones count.
        """
        text = cleaned(text)
        whole = self._phrases.exactly(text)
        if whole is not None:
            return whole
        found = self.found(text)
        if len({one.key for one in found}) != 1 or any(is_denied(text, one.start, one.end) for one in found):
            return None
        return found[0].key


@functools.cache
def named_set(name: str) -> ClosedSet:
    """Return a label set of the catalogue.

    Raises:
        ValueError: There is none of this name, or two of its labels claim one phrase.
    """
    from audiobench_pytest.catalog.loader import load_catalog

    try:
        spec = load_catalog().labels.get(name)
    except UnknownNameError as error:
        raise ValueError(str(error)) from None
    return ClosedSet(spec.labels)


def digest_of_set(name: str) -> str:
    """Return 8 hex digits of the labels and synonyms of a set in the catalogue, for signatures.

    Raises:
        UnknownNameError: There is none of this name.
    """
    from audiobench_pytest.catalog.loader import load_catalog

    return digest(load_catalog().labels.get(name).labels)[:8]


@functools.lru_cache(maxsize=4096)
def set_of_choices(choices: tuple[str, ...]) -> ClosedSet | None:
    """Return the closed set that an item's choices are, or None where they are none.

    Choices that are exactly the labels of a set in the catalogue bring its synonyms.
    """
    from audiobench_pytest.catalog.loader import load_catalog

    spelt = {words_of(choice): choice for choice in choices}
    spelt.pop((), None)
    if not spelt:
        return None
    for spec in load_catalog().labels:
        by_words = {words_of(label): others for label, others in spec.labels.items()}
        if by_words.keys() == spelt.keys():
            return ClosedSet({choice: by_words[words] for words, choice in spelt.items()})
    return ClosedSet(dict.fromkeys(spelt.values(), ()))


def closed_set(argument: str | tuple[str, ...]) -> Callable[[Item], ClosedSet | None]:
    """Return what finds an item's closed set, from the argument of a step or option.

    Args:
        argument: Name of a set in the catalogue, `choices`, or the labels themselves.

    Raises:
        ValueError: No set has this name.
    """
    if argument == OF_ITEM:
        return lambda item: set_of_choices(item.choices)
    fixed = named_set(argument) if isinstance(argument, str) else ClosedSet(dict.fromkeys(argument, ()))
    return lambda item: fixed


def label(argument: str | tuple[str, ...]) -> Callable[[str, Item], str | None]:
    """Make the step `label`: the one label of a closed set that an answer names.

    Raises:
        ValueError: As in `closed_set`.
    """
    find = closed_set(argument)

    def extract(text: str, item: Item) -> str | None:
        labels = find(item)
        return labels.named_in(text) if labels is not None else None

    return extract


_YES = r"(?:yes|yeah|yep|true)"
_NO = r"(?:no|nope|false)"
_WORD = LazyPattern(rf"\b(?:(?P<yes>{_YES})|(?P<no>{_NO}))\b", re.IGNORECASE)
_STATED = LazyPattern(
    rf"\banswer\b[^.!?;\n]{{0,60}}?(?:\bis\b|[:=])[\s\"':,]*(?:(?P<yes>{_YES})|(?P<no>{_NO}))\b", re.IGNORECASE
)
_OPENING = LazyPattern(rf"[\"'(\[\s]*(?:(?P<yes>{_YES})|(?P<no>{_NO}))\b\s*(?:$|[.,;:!?)\]\"'\n–—-])", re.IGNORECASE)
_CHINESE_YES = r"是的?|对的?|正确|没错|有的?"
_CHINESE_NO = r"不是的?|不对|不正确|否|没有|错误?|不"
_CHINESE_END = r"\s*(?:$|[,.;:!?。、\n])"
_CHINESE = LazyPattern(
    rf"(?:^|答案(?:是|为)?\s*:?\s*|回答(?:是|为)?\s*:?\s*)[\"'“‘]?"
    rf"(?:(?P<no>{_CHINESE_NO})|(?P<yes>{_CHINESE_YES}))[\"'”’]?{_CHINESE_END}"
)


def yes_no(text: str, item: Item) -> str | None:
    """Return `yes` or `no`, whichever an answer says; None where it says neither, or both without opening with one.

    In English yes, yeah, yep, true and no, nope, false, as whole words. Where both occur, "the answer is ..." counts,
    else the word the answer opens with, unless its last line is the other one. In Chinese 是, 对, 正确, 有 and 否,
    不是, 不对, 没有, where one of them is the whole clause at the beginning or after 答案是.
    """
    text = cleaned(text)
    said = {_which(match) for match in _WORD.finditer(text)}
    if len(said) == 1:
        return said.pop()
    if not said:
        return _only({_which(match) for match in _CHINESE.finditer(text)})
    stated = {_which(match) for match in _STATED.finditer(text)}
    if stated:
        return _only(stated)
    lines = (text, text.rpartition("\n")[2])
    whole = _OPENING.fullmatch(lines[1].rstrip(".!"))
    found = {_which(match) for match in (_OPENING.match(lines[0]), whole) if match is not None}
    return _only(found)


def _which(match: re.Match[str]) -> str:
    return "yes" if match["yes"] else "no"


def _only(found: set[str]) -> str | None:
    return found.pop() if len(found) == 1 else None


EXTRACTIONS = {"yes_no": yes_no}
MADE_EXTRACTIONS = {"label": label, "labels": label}
