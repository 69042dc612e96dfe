"""The session-wide collector that benchmark functions feed by assertion-style calls."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from audiobench_pytest.catalog.schema import RecipeSpec
from audiobench_pytest.runner.asking.resources import Runner
from audiobench_pytest.runner.job import DERIVE, PREDICT
from audiobench_pytest.runner.scoring.scorer import Scorer, item_of, score_outcome
from audiobench_pytest.runner.scoring.stages import Helpers, score_all
from audiobench_pytest.types import SCORED_STATES, CellId, Outcome, SampleScore


class Collector:
    """Scores outcomes and writes them to the run's results.

    One exists per process; nothing is kept in memory, so that what a worker collected before it died is not lost. An
    outcome that no call collects counts as missing and turns the coverage gate red.
    """

    def __init__(self, runner: Runner, helpers: Helpers | None = None, stage: str = "") -> None:
        """Collect what a runner's shards yield.

        Args:
            runner: What the shards share.
            helpers: Who is asked by recipes that have a stage.
            stage: The one that runs alone (`predict`, `derive`, `score`), or "".
        """
        self._runner, self._helpers, self._stage = runner, helpers, stage
        self._scorers: dict[CellId, tuple[Scorer, ...]] = {}
        # What another model is to be asked about: many at once, when the shard's answers are all there.
        self._held: dict[CellId, list[Outcome]] = {}
        self.collected = 0

    def use(self, cell: CellId, recipes: Sequence[RecipeSpec]) -> None:
        """Score the outcomes of a cell by these recipes from now on, the first under the cell's own id.

        Raises:
            CatalogError: A recipe names a step that does not exist.
        """
        self._scorers[cell] = tuple(self._runner.scorer(recipe) for recipe in recipes)

    def check(self, outcome: Outcome) -> SampleScore | None:
        """Score an answer by the cell's recipes, and record the outcome.

        A bad score is a number, not a failure: gates judge the corpus. A sample without an answer is recorded with the
        numbers of an empty one, which bound the worst case and never enter the headline value.

        Args:
            outcome: One of `audiobench.outcomes()`.

        Returns:
            The numbers that enter the corpus value of the first recipe; None when the sample has no score, or when a
            stage gives it, whose model is asked when the benchmark function has ended.

        Raises:
            RecordError: It cannot be written.
        """
        item = item_of(outcome)
        first: SampleScore | None = None
        if self._stage == PREDICT:
            self._runner.results.kept(outcome)
            self.collected += 1
            return None
        for number, scorer in enumerate(self._scorers[outcome.cell]):
            own = outcome
            if number:
                cell = dataclasses.replace(outcome.cell, recipe=scorer.recipe.spec.name)
                own = dataclasses.replace(outcome, cell=cell)
            if scorer.recipe.metric.stage is not None:
                self._held.setdefault(own.cell, []).append(own)
                continue
            if self._stage == DERIVE:  # nothing is derived for it
                continue
            scored = score_outcome(scorer, own, item)
            self._runner.results.outcome(scored)
            if not number and scored.state in SCORED_STATES:
                first = scored.score
        self.collected += 1
        return first

    def finish(self, cell: CellId) -> None:
        """Have the stages of a cell's recipes score what was held for them, and record it.

        Raises:
            UsageError: Nobody was named that a stage could ask.
            ModelError: Who is asked cannot be reached; the answers are kept, and the next run asks again.
            RecordError: It cannot be written.
        """
        for scorer in self._scorers.get(cell, ()):
            own = dataclasses.replace(cell, recipe=scorer.recipe.spec.name)
            held = self._held.pop(own, None)
            if held:
                languages = {outcome.language for outcome in held}
                scored = score_all(
                    scorer.recipe,
                    held,
                    languages,
                    caches=self._runner.cache.folders,
                    helpers=self._helpers,
                    check=False,  # once per run, by the controller
                )
                keep = self._runner.results.kept if self._stage == DERIVE else self._runner.results.outcome
                for outcome in scored.outcomes:
                    keep(outcome)
                self._runner.sign(own, scored.signature)

    check_error_rate = check
    """The name under which benchmarks of speech recognition call `check`."""
