"""Asks some samples twice, to see whether a model gives the same answer to the same question."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from audiobench_pytest.datasets.selection import chosen
from audiobench_pytest.records.runs.plan import ProbedSample
from audiobench_pytest.runner.scoring.scorer import Scorer, score_outcome
from audiobench_pytest.types import Outcome, Sample


@dataclass(frozen=True, slots=True)
class Probe:
    """Which samples are asked twice.

    Attributes:
        samples: Number of samples of each data set.
        seed: Which ones.
    """

    samples: int
    seed: int

    def ids(self, samples: Sequence[Sample]) -> set[str]:
        """Return the ids of the probed samples of a data set; the same ones however it is cut into shards."""
        rows = chosen([sample.id for sample in samples], limit=None, sample=self.samples, seed=self.seed)
        return {samples[row].id for row in rows}


def compared(scorer: Scorer, answers: Sequence[Outcome], error: str | None = None) -> ProbedSample:
    """Return in what two answers to one question differ.

    Args:
        scorer: The recipe. One with a stage gives no score here: it would be the other model's flips that are counted.
        answers: The unscored outcomes of both answers, or only the first where there is no second.
        error: Why there is no second.
    """
    first = answers[0]
    if len(answers) < 2:
        return ProbedSample(first.cell, first.sample_id, False, None, error or "no second answer")
    same_text = answers[0].prediction == answers[1].prediction
    same_score: bool | None = None
    if scorer.recipe.metric.stage is None:
        same_score = same_text or _numbers(scorer, answers[0]) == _numbers(scorer, answers[1])
    return ProbedSample(first.cell, first.sample_id, same_text, same_score)


def _numbers(scorer: Scorer, outcome: Outcome) -> dict[str, float]:
    score = score_outcome(scorer, outcome).score
    return {name: number for name, number in score.numbers.items() if number} if score is not None else {}
