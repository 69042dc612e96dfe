"""What scoring asks of other models, as stages; who scores many answers need not know which stages a recipe has."""

from __future__ import annotations

import abc
import importlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from audiobench_pytest.metrics.recipes import Recipe
from audiobench_pytest.records.answers.cache import PredictionCache
from audiobench_pytest.runner.scoring.scorer import Scorer, language_of, score_outcome
from audiobench_pytest.types import Outcome

Helpers = Mapping[str, Any]
"""Who is asked, by the name of a stage: the settings that its class takes (`{"judge": JudgeSettings(...)}`)."""

STAGES: dict[str, str] = {
    "judge": "audiobench_pytest.runner.scoring.judge_stage:JudgeStage",
    "transcript": "audiobench_pytest.runner.hearing.stages:TranscriptStage",
    "rating": "audiobench_pytest.runner.hearing.stages:RatingStage",
    "felt": "audiobench_pytest.runner.hearing.stages:FeltStage",
    "listening": "audiobench_pytest.runner.scoring.judge_stage:ListeningStage",
}
"""`module:Class` by the name that a metric asks for it by, see `metrics.base.Metric.stage`."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What a stage's model made of cases whose answer is known.

    Attributes:
        note: A sentence for people.
        is_trusted: Whether scores that rest on it may be judged.
    """

    note: str
    is_trusted: bool = True


class Stage(abc.ABC):
    """One model asked about the answers of another: what it is asked, and what its replies are worth, is a recipe's.

    A stage takes many answers at once, since that is how its model is fast. It keeps every reply before it yields what
    came of it, under a key of all that the reply depends on, so that a scoring that is stopped loses nothing and two
    recipes that ask the same share the reply.

    Attributes:
        name: What a metric asks for it by.
    """

    name: str

    @abc.abstractmethod
    def __init__(self, recipe: Recipe, settings: Any) -> None:
        """Prepare; nothing is asked.

        Args:
            recipe: A recipe whose metric asks for this stage.
            settings: Who is asked, or None for what the recipe itself says.

        Raises:
            UsageError: Nobody is named that could be asked.
        """

    @abc.abstractmethod
    def scored(self, outcomes: Sequence[Outcome], cache: PredictionCache | None) -> Iterator[Outcome]:
        """Yield each outcome with its numbers, in the order in which they are known.

        An outcome without an answer gets the numbers of an empty one, and is not asked about.

        Args:
            outcomes: Unscored ones.
            cache: Where replies are found and kept, or None to keep nothing.

        Raises:
            ModelError: Who is asked cannot be reached.
            RecordError: A reply cannot be kept.
        """

    @abc.abstractmethod
    def signature(self) -> list[str]:
        """Return what the stage adds to the recipe's signature, once it has asked: who replied."""

    def with_helpers(self, helpers: Helpers) -> None:  # noqa: B027 - optional to override
        """Take who is asked by stages behind this one: a judge that reads what a transcriber wrote down.

        Raises:
            UsageError: Nobody is named that could be asked.
        """

    def check(self, cache: PredictionCache | None) -> Checked | None:
        """Ask about cases whose answer is known, once per run; return what came of it, or None without any.

        Raises:
            AudiobenchError: They could not be asked.
        """
        return None


def stage_of(recipe: Recipe, helpers: Helpers | None = None) -> Stage | None:
    """Return the stage that a recipe needs, or None where it computes its scores by itself.

    Raises:
        UsageError: Nobody is named that could be asked.
    """
    name = recipe.metric.stage
    if name is None:
        return None
    module, _, attribute = STAGES[name].partition(":")
    found: type[Stage] = getattr(importlib.import_module(module), attribute)
    made = found(recipe, (helpers or {}).get(name))
    made.with_helpers(helpers or {})
    return made


@dataclass(frozen=True, slots=True)
class Scored:
    """Outcomes with their numbers.

    Attributes:
        outcomes: One per outcome given, in no particular order.
        signature: The recipe's, with what its stage adds.
        notes: What people should know.
        is_trusted: Whether the stage got its known cases right, so that the scores may be judged.
    """

    outcomes: Sequence[Outcome]
    signature: str
    notes: Sequence[str] = field(default_factory=tuple)
    is_trusted: bool = True


def score_all(
    recipe: Recipe,
    outcomes: Iterable[Outcome],
    languages: Iterable[str],
    *,
    caches: Sequence[Path] = (),
    helpers: Helpers | None = None,
    check: bool = True,
) -> Scored:
    """Return outcomes with their numbers under a recipe.

    Args:
        recipe: The recipe.
        outcomes: Unscored outcomes.
        languages: Their languages; for the signature where there is no outcome.
        caches: Folders of the cache, the first one is written; empty for none.
        helpers: Who is asked, for a recipe that has a stage.
        check: Whether the stage's known cases are asked first.

    Raises:
        UsageError: The recipe has a stage and nobody can be asked.
        ModelError: Who is asked cannot be reached.
        RecordError: The cache cannot be written.
    """
    outcomes = list(outcomes)
    languages = {language_of(outcome.language, outcome.meta) for outcome in outcomes} or set(languages)
    stage = stage_of(recipe, helpers)
    if stage is None:
        scorer = Scorer(recipe, caches, writer="score")
        found = [score_outcome(scorer, outcome) for outcome in outcomes]
        scorer.close()
        return Scored(found, recipe.signature(languages))
    cache = PredictionCache(caches) if caches else None
    checked = stage.check(cache) if check else None
    found = list(stage.scored(outcomes, cache))
    signature = "|".join([recipe.signature(languages), *stage.signature()])
    return Scored(found, signature, () if checked is None else (checked.note,), checked is None or checked.is_trusted)
