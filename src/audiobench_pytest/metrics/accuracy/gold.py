"""What the right answer of an item is, in the form that an extraction gives: a letter, a label, yes or no, a text."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from audiobench_pytest.catalog.schema import LanguageRule
from audiobench_pytest.metrics.extraction.choices import cleaned, options_of
from audiobench_pytest.metrics.extraction.labels import OF_ITEM, closed_set, yes_no
from audiobench_pytest.metrics.extraction.phrases import words_of
from audiobench_pytest.metrics.item import Item


@dataclass(frozen=True, slots=True)
class Gold:
    """The right answer, or why there is none.

    Attributes:
        answer: As an extraction would give it; None where the reference is unusable.
        reason: Why it is, for people.
    """

    answer: str | None
    reason: str | None = None


Finder = Callable[[Item, str], Gold]
"""Finds the gold answer of an item; the second argument is the reference after the rule's steps."""

KINDS = ("text", "choice", "label", "yes_no")
_KIND_OF_STEP = {
    **dict.fromkeys(("option", "option_letter", "voicebench_option", "first_or_second_last_letter"), "choice"),
    **{"answered_option": "choice", "answered_label": "label"},
    **{"air_bench_option": "choice", "label": "label", "labels": "label", "yes_no": "yes_no"},
}
_BRACKETS = "()[].:、 \t\n"


def finder(rule: LanguageRule, kind: str | None, labels: str | None = None) -> Finder:
    """Return what finds the gold answers under a rule.

    Args:
        rule: Its last extraction says of what kind the gold answer is, where `kind` does not.
        kind: One of `KINDS`, or None.
        labels: Name of the label set of kind `label`; None for that of the rule's step, or the item's choices.

    Raises:
        ValueError: There is no label set of this name.
    """
    last = next((step for step in reversed((*rule.prediction, *rule.steps)) if step.name in _KIND_OF_STEP), None)
    kind = kind or (_KIND_OF_STEP[last.name] if last is not None else "text")
    if kind == "choice":
        return choice_of
    if kind == "yes_no":
        return _yes_no
    if kind == "label":
        argument = last.argument if last is not None and _KIND_OF_STEP[last.name] == "label" else None
        return _label(labels or argument or OF_ITEM)
    return _text


def choice_of(item: Item, reference: str) -> Gold:
    """Read the reference as the letter of an option (`B`, `(B)`), its text, or both (`B. a cat`).

    A number is no letter: whether it counts from 0 or 1 nobody says.
    """
    options = options_of(item.choices)
    written = cleaned(item.reference)
    bare = written.strip(_BRACKETS).upper()
    by_letter = bare if bare in options.letters else None
    by_text = options.phrases.exactly(written)
    if by_letter is None and by_text is None:
        head, _, tail = written.lstrip("([").partition(" ")
        letter = head.strip(_BRACKETS).upper()
        own = options.texts[options.letters.index(letter)] if options.texts and letter in options.letters else ""
        if words_of(own) and words_of(own) == words_of(tail):
            by_letter = letter
    found = {options.same(letter) for letter in (by_letter, by_text) if letter is not None}
    if len(found) == 1:
        return Gold(found.pop())
    if found:
        return Gold(None, f"the reference {item.reference!r} is the letter of one option and the text of another")
    letters = f"the letters {options.letters[0]} to {options.letters[-1]}"
    known = ", ".join([letters, *(repr(text) for text in options.texts)])
    return Gold(None, f"the reference {item.reference!r} is neither letter nor text of an option; known: {known}")


def _yes_no(item: Item, reference: str) -> Gold:
    answer = yes_no(item.reference, item)
    return Gold(answer, None if answer else f"the reference {item.reference!r} is neither yes nor no")


def _label(argument: str | tuple[str, ...]) -> Finder:
    find = closed_set(argument)

    def gold(item: Item, reference: str) -> Gold:
        labels = find(item)
        if labels is None:
            return Gold(None, "there is no closed set of labels: the item lists no choices and the recipe names no set")
        answer = labels.gold(item.reference)
        if answer is not None:
            return Gold(answer)
        known = ", ".join(labels.labels)
        return Gold(None, f"the reference {item.reference!r} is no label of the closed set; known: {known}")

    return gold


def _text(item: Item, reference: str) -> Gold:
    if not reference.strip():
        return Gold(None, f"the reference {item.reference!r} is empty after the recipe's steps")
    return Gold(reference)
