"""The session-wide collector that benchmark functions feed by assertion-style calls."""

from __future__ import annotations

import dataclasses

from audiobench_pytest.catalog.schema import RecipeSpec
from audiobench_pytest.metrics.recipes import Recipe
from audiobench_pytest.runner.shard import Runner
from audiobench_pytest.types import SCORED_STATES, CellId, Outcome, SampleScore


class Collector:
    """Scores outcomes and writes them to the run's results.

    One exists per process; nothing is kept in memory, so that what a worker collected before it died is not lost. An
    outcome that no call collects counts as missing and turns the coverage gate red.
    """

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._recipes: dict[CellId, Recipe] = {}
        self.collected = 0

    def use(self, cell: CellId, recipe: RecipeSpec) -> None:
        """Score the outcomes of a cell by a recipe from now on.

        Raises:
            CatalogError: The recipe names a step that does not exist.
        """
        self._recipes[cell] = self._runner.recipe(recipe)

    def check_error_rate(self, outcome: Outcome) -> SampleScore | None:
        """Score an answer against its reference by the cell's recipe, and record the outcome.

        A bad score is a number, not a failure: gates judge the corpus. A sample without an answer is recorded with the
        numbers of an empty one, which bound the worst case and never enter the headline value.

        Args:
            outcome: One of `audiobench.outcomes()`.

        Returns:
            The numbers that enter the corpus value; None when the sample has no answer.

        Raises:
            RecordError: It cannot be written.
        """
        score = None
        if outcome.reference.strip():
            score = self._recipes[outcome.cell].score(outcome.reference, outcome.prediction or "", outcome.language)
        self._runner.results.outcome(dataclasses.replace(outcome, score=score))
        self.collected += 1
        return score if outcome.state in SCORED_STATES else None
