"""The stage that asks a judge: a language model that reads the answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from audiobench_pytest.metrics.item import Item
from audiobench_pytest.metrics.recipes import Recipe
from audiobench_pytest.records.answers.cache import PredictionCache
from audiobench_pytest.runner.scoring.judge_check import calibration, has_calibration
from audiobench_pytest.runner.scoring.judge_record import JudgeRecord, JudgeSettings
from audiobench_pytest.runner.scoring.judging import judge_of, judge_scores
from audiobench_pytest.runner.scoring.scorer import item_of, with_score
from audiobench_pytest.runner.scoring.stages import Checked, Stage
from audiobench_pytest.types import Outcome


class JudgeStage(Stage):
    """Asks a judge about each answer.

    Attributes:
        record: What became of it.
    """

    name = "judge"

    def __init__(self, recipe: Recipe, settings: JudgeSettings | None) -> None:
        """Prepare; `None` asks the rubric's own judge where the environment says.

        Raises:
            UsageError: The recipe needs no judge.
        """
        self._recipe, self._settings, self._judge = recipe, settings or JudgeSettings(), judge_of(recipe)
        self.record = JudgeRecord()

    def scored(self, outcomes: Sequence[Outcome], cache: PredictionCache | None) -> Iterator[Outcome]:
        """Yield outcomes with their verdicts; see `Stage.scored` and `judge_scores`."""
        answered: dict[int, Outcome] = {}
        items: list[Item] = []
        unanswered: list[Outcome] = []
        for outcome in outcomes:
            if outcome.prediction is None:
                unanswered.append(outcome)
                continue
            items.append(item_of(outcome))
            answered[id(items[-1])] = outcome
        scores = judge_scores(self._recipe, items, self._settings, cache, record=self.record)
        for outcome in unanswered:
            yield with_score(outcome, self._judge.unasked(item_of(outcome), self._reference(outcome), ""))
        for item, score in scores:
            yield with_score(answered[id(item)], score)

    def signature(self) -> list[str]:
        """Return the judge that replied: two values with different judges never compare."""
        return self.record.signature_fields()

    def check(self, cache: PredictionCache | None) -> Checked | None:
        """Have the rubric's clear cases judged, and say what came of it."""
        if not has_calibration(self._recipe):
            return None
        found = calibration(self._recipe, self._settings, cache)
        return Checked(found.message, is_trusted=not found.drifted)

    def _reference(self, outcome: Outcome) -> str:
        return self._recipe.texts(item_of(outcome))[0]


class ListeningStage(JudgeStage):
    """Asks a judge that hears each answer."""

    name = "listening"
