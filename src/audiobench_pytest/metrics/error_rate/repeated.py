"""How well an answer repeats what was said: only answers that do are looked at closely."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from audiobench_pytest.catalog.schema import LanguageRule, RecipeSpec
from audiobench_pytest.metrics.base import Metric, ratio, total
from audiobench_pytest.metrics.error_rate.metric import ErrorRate
from audiobench_pytest.metrics.item import Item
from audiobench_pytest.types import Quantity, SampleScore, State

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from audiobench_pytest.metrics.base import Sums

MOST_WRONG = 0.5
"""Error rate up to which an answer counts as a repetition."""


class Repeated(Metric):
    """Share of answers that repeat what was said, times what is right in them: `n`, `repeats`, `wrong` per sample.

    An answer is a repetition where its error rate is at most a half; `wrong` is then that rate, 0 to 0.5. The score is
    the share of repetitions times one less their mean error, which is `(repeats - wrong) / n`.
    """

    packages = ErrorRate.packages
    uses_units: ClassVar = True
    sees: ClassVar[tuple[str, ...]] = ()

    def __init__(self, spec: RecipeSpec) -> None:
        super().__init__(spec)
        self._rate = ErrorRate(dataclasses.replace(spec, options={"empty_reference": "data_error"}))

    def prepare(self, rule: LanguageRule) -> None:
        """Check the rule's unit."""
        self._rate.prepare(rule)

    def quantities(self, languages: Iterable[str]) -> tuple[Quantity, ...]:
        """Return the score, and the share of repetitions."""
        return (
            Quantity("repeat_score", "points", higher_is_better=True, maximum=100.0),
            Quantity("repeat_rate", higher_is_better=True, maximum=100.0),
        )

    def score(self, item: Item, reference: str, prediction: str | None, rule: LanguageRule) -> SampleScore:
        """Align the answer to what was said."""
        found = self._rate.score(item, reference, prediction, rule)
        if found.state is State.DATA_ERROR:
            return found
        errors, units = found.numbers.get("errors", 0.0), found.numbers.get("units", 0.0)
        wrong = errors / units if units else 1.0
        numbers = {"n": 1.0} | ({"repeats": 1.0} | ({"wrong": wrong} if wrong else {}) if wrong <= MOST_WRONG else {})
        return dataclasses.replace(found, numbers=numbers)

    def values(self, sums: Sums) -> dict[str, NDArray[np.float64]]:
        """Return both, 0 to 100."""
        n, repeats = total(sums, "n"), total(sums, "repeats")
        return {"repeat_score": ratio(repeats - total(sums, "wrong"), n), "repeat_rate": ratio(repeats, n)}

    def signature(self, languages: Iterable[str]) -> list[str]:
        """Return what counts as a repetition."""
        return [f"repeated:{MOST_WRONG:g}"]
