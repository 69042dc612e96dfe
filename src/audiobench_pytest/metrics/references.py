"""All references of an item, for the metrics that compare with several."""

from __future__ import annotations

import functools

from audiobench_pytest.catalog.schema import LanguageRule
from audiobench_pytest.metrics.item import Item
from audiobench_pytest.metrics.steps import TextStep, step


def all_references(item: Item, reference: str, rule: LanguageRule) -> list[str]:
    """Return the reference and the item's further ones after the same steps, without those that are empty then.

    Args:
        item: The item, whose `aliases` are the further references.
        reference: Its reference after the rule's steps.
        rule: The rule.
    """
    steps = _reference_steps(rule)
    found = [reference]
    for alias in item.aliases:
        for apply_step in steps:
            alias = apply_step(alias)
        found.append(alias)
    return [text for text in found if text.strip()]


def normaliser(rule: LanguageRule) -> TextStep:
    """Return the text steps of a rule that both sides go through, as one function."""
    ready = [one.text for one in map(step, rule.steps) if one.text is not None]

    def normalise(text: str) -> str:
        for apply_step in ready:
            text = apply_step(text)
        return text

    return normalise


@functools.lru_cache(256)
def _reference_steps(rule: LanguageRule) -> tuple[TextStep, ...]:
    ready = (step(spec) for spec in (*rule.reference, *rule.steps))
    return tuple(one.text for one in ready if one.text is not None)
