"""Means of what a rater says of spoken answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, ClassVar

from audiobench_pytest.catalog.schema import LanguageRule, RecipeSpec
from audiobench_pytest.errors import CatalogError, did_you_mean
from audiobench_pytest.metrics.base import Metric, ratio, total
from audiobench_pytest.metrics.item import Item
from audiobench_pytest.metrics.speech.ratings import RATINGS
from audiobench_pytest.types import Quantity, SampleScore, State

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from audiobench_pytest.metrics.base import Sums


class Rated(Metric):
    """The mean over answers of each rating: `<name>` and `<name>_n` per sample.

    An answer of nothing has the least rating there is, where the rating has one; else it is not rated.

    Options:
        rater: Who rates, see `metrics.speech.ratings.RATINGS`.
        against: Name of the sample's sound that the answer is compared with, for raters that compare.
        headline: Which rating is the value; the rater's first one where none is named.
    """

    options: ClassVar[Mapping[str, Callable[[str], object]]] = {"rater": str, "against": str, "headline": str}
    stage: ClassVar = "rating"
    sees: ClassVar = ("given",)
    needs_reference: ClassVar = False

    def __init__(self, spec: RecipeSpec) -> None:
        super().__init__(spec)
        self.rater = str(self.given.get("rater", ""))
        if self.rater not in RATINGS:
            raise CatalogError(f"option rater: there is no rater '{self.rater}'{did_you_mean(self.rater, RATINGS)}")
        self.against = str(self.given.get("against", ""))
        found = RATINGS[self.rater]
        first = str(self.given.get("headline", found[0].name))
        if first not in {one.name for one in found}:
            raise CatalogError(f"option headline: '{self.rater}' gives {', '.join(one.name for one in found)}")
        self.ratings = sorted(found, key=lambda one: one.name != first)

    def quantities(self, languages: Iterable[str]) -> tuple[Quantity, ...]:
        """Return the ratings, the headline first."""
        return tuple(
            Quantity(one.name, one.unit, one.higher_is_better, one.minimum, one.maximum) for one in self.ratings
        )

    def score(self, item: Item, reference: str, prediction: str | None, rule: LanguageRule) -> SampleScore:
        """Take the ratings, or those of an answer of nothing."""
        rated = item.given.get("rating")
        if rated is None:
            least = {one.name: one.minimum if one.higher_is_better else one.maximum for one in self.ratings}
            known = {name: value for name, value in least.items() if value is not None}
            if self.ratings[0].name not in known:
                return SampleScore({}, "", "", State.JUDGE_INVALID, "there is no sound to be rated")
            return SampleScore(_numbers(known), "", "")
        return SampleScore(_numbers({one.name: rated[one.name] for one in self.ratings if one.name in rated}), "", "")

    def values(self, sums: Sums) -> dict[str, NDArray[np.float64]]:
        """Return the means."""
        return {one.name: ratio(total(sums, one.name), total(sums, f"{one.name}_n"), 1.0) for one in self.ratings}


def _numbers(values: Mapping[str, float]) -> dict[str, float]:
    return {**{name: float(value) for name, value in values.items()}, **{f"{name}_n": 1.0 for name in values}}
