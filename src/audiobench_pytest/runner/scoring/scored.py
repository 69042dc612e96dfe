"""Many outcomes under one recipe, whether it computes or asks a judge."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from audiobench_pytest.metrics.judge.metric import Judge
from audiobench_pytest.metrics.recipes import Recipe
from audiobench_pytest.records.answers.cache import PredictionCache
from audiobench_pytest.runner.scoring.judge_record import JudgeRecord, JudgeSettings
from audiobench_pytest.runner.scoring.scorer import Scorer, language_of, score_outcome
from audiobench_pytest.types import Outcome


@dataclass(frozen=True, slots=True)
class Scored:
    """Outcomes with their numbers.

    Attributes:
        outcomes: One per outcome given, in no particular order.
        signature: The recipe's, with the name of the judge as its server gave it.
        notes: What people should know: that a judge drifted, what it was asked.
    """

    outcomes: Sequence[Outcome]
    signature: str
    notes: Sequence[str] = field(default_factory=tuple)


def needs_judge(recipe: Recipe) -> bool:
    """Whether a recipe asks a judge."""
    return isinstance(recipe.metric, Judge)


def score_all(
    recipe: Recipe,
    outcomes: Iterable[Outcome],
    languages: Iterable[str],
    *,
    caches: Sequence[Path] = (),
    judge: JudgeSettings | None = None,
    calibrate: bool = True,
) -> Scored:
    """Return outcomes with their numbers under a recipe.

    Args:
        recipe: The recipe.
        outcomes: Unscored outcomes.
        languages: Their languages; for the signature where there is no outcome.
        caches: Folders of the cache, the first one is written; empty for none.
        judge: Which judge to ask, for a recipe that needs one.
        calibrate: Whether the judge's frozen calibration set is judged first.

    Raises:
        UsageError: The recipe needs a judge and none can be asked.
        ModelError: The judge cannot be reached.
        RecordError: The cache cannot be written.
    """
    outcomes = list(outcomes)
    languages = {language_of(outcome.language, outcome.meta) for outcome in outcomes} or set(languages)
    if not needs_judge(recipe):
        scorer = Scorer(recipe, caches, writer="score")
        found = [score_outcome(scorer, outcome) for outcome in outcomes]
        scorer.close()
        return Scored(found, recipe.signature(languages))
    from audiobench_pytest.runner.scoring.judge_check import calibration, has_calibration
    from audiobench_pytest.runner.scoring.judging import judge_outcomes, judged_signature

    settings, record = judge or JudgeSettings(), JudgeRecord()
    cache = PredictionCache(caches) if caches else None
    notes = []
    if calibrate and has_calibration(recipe):
        notes.append(calibration(recipe, settings, cache).message)
    found = list(judge_outcomes(recipe, outcomes, settings, cache, record=record))
    return Scored(found, judged_signature(recipe, languages, record), notes)
