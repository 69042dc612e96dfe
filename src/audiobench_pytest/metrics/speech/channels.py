"""Which recipes read answers in text and which read answers in speech, and what becomes of one in the other channel."""

from __future__ import annotations

from collections.abc import Iterable

from audiobench_pytest.catalog.loader import Catalog, is_of_sounds
from audiobench_pytest.catalog.schema import RecipeSpec, TaskSpec
from audiobench_pytest.catalog.schema.protocols import SPEECH, TEXT
from audiobench_pytest.errors import UsageError
from audiobench_pytest.metrics.registry import metric_class


def channel_of(task: TaskSpec) -> str:
    """Return the channel that a task is answered in where nobody asks for another."""
    return SPEECH if task.answer == SPEECH else TEXT


def read_in(
    channel: str, catalog: Catalog, recipes: Iterable[RecipeSpec], *, answers: str, mend: str
) -> tuple[RecipeSpec, ...]:
    """Return recipes as they read answers in a channel: one of texts reads what was heard in an answer in speech.

    Args:
        channel: `text` or `speech`.
        catalog: Where the recipes of transcripts are.
        recipes: As they were named.
        answers: Which answers they are, for the error: `asr (speech recognition) is answered`.
        mend: What to do, likewise.

    Raises:
        UsageError: One needs the sound of an answer, and there is none.
    """
    found = tuple(recipes)
    if channel == SPEECH:
        return tuple(one if _hears(one) else catalog.spoken(one) for one in found)
    for one in found:
        if is_of_sounds(one):
            raise UsageError(f"recipe {one.name} scores the sound of an answer, and {answers} in text: {mend}")
    return found


def _hears(recipe: RecipeSpec) -> bool:
    """Whether a recipe has no need of a transcript; a metric of somebody else says so by what it looks at."""
    return is_of_sounds(recipe) or "given" in metric_class(recipe.score).sees
