"""How surely an answer is said in the emotion that was asked for, as far as it says what it was to say."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, ClassVar

from audiobench_pytest.catalog.schema import LanguageRule, RecipeSpec
from audiobench_pytest.errors import CatalogError, did_you_mean
from audiobench_pytest.metrics.base import Metric, ratio, total
from audiobench_pytest.metrics.error_rate.metric import ErrorRate
from audiobench_pytest.metrics.item import Item
from audiobench_pytest.metrics.speech.ratings import RATINGS
from audiobench_pytest.metrics.speech.transcribed import by_language, who_writes
from audiobench_pytest.types import Quantity, SampleScore, State

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from audiobench_pytest.metrics.base import Sums


class Felt(Metric):
    """Mean over answers of the probability of the emotion asked for, times what is right in the words.

    `n`, `felt` (that probability), `wrong` (the error rate of what was heard, 1 at most) and `points` (their product,
    with one less the error) per sample. An answer of nothing has none of it.

    Attributes:
        rater: Who tells emotions apart.

    Options:
        rater: Name of the rater, see `metrics.speech.ratings.RATINGS`.
        transcriber: Who writes down what was said, by language, as in `Transcribed`.
        wanted: Key of the row that names the emotion; `emotion` unless given.
    """

    options: ClassVar[Mapping[str, Callable[[str], object]]] = {"rater": str, "transcriber": by_language, "wanted": str}
    packages = ErrorRate.packages
    uses_units: ClassVar = True
    stage: ClassVar = "felt"
    sees: ClassVar = ("given", "meta")

    def __init__(self, spec: RecipeSpec) -> None:
        super().__init__(spec)
        if "transcriber" not in self.given:
            raise CatalogError("the option 'transcriber' is missing")
        self.rater = str(self.given.get("rater", ""))
        if self.rater not in RATINGS:
            raise CatalogError(f"option rater: there is no rater '{self.rater}'{did_you_mean(self.rater, RATINGS)}")
        self._emotions = tuple(one.name for one in RATINGS[self.rater])
        self._transcribers: Mapping[str, str] = self.given["transcriber"]  # type: ignore[assignment]
        self._wanted = str(self.given.get("wanted", "emotion"))
        self._rate = ErrorRate(dataclasses.replace(spec, options={"empty_reference": "data_error"}))

    def transcriber(self, language: str) -> str:
        """Return who writes down answers in a language, or "" where nobody is named."""
        return who_writes(self._transcribers, language)

    def prepare(self, rule: LanguageRule) -> None:
        """Check the rule's unit."""
        self._rate.prepare(rule)

    def quantities(self, languages: Iterable[str]) -> tuple[Quantity, ...]:
        """Return the score, the mean probability, and the mean error rate of the words."""
        return (
            Quantity("emotion_score", "points", higher_is_better=True, maximum=100.0),
            Quantity("emotion_probability", higher_is_better=True, maximum=100.0),
            Quantity("words_wrong", maximum=100.0),
        )

    def score(self, item: Item, reference: str, prediction: str | None, rule: LanguageRule) -> SampleScore:
        """Take the probability of the emotion asked for, and align the words."""
        wanted = str(item.meta.get(self._wanted) or "").strip().lower()
        if wanted not in self._emotions:
            why = f"the row asks for no emotion that {self.rater} knows ('{self._wanted}': '{wanted}')"
            return SampleScore({}, reference, prediction or "", State.DATA_ERROR, why)
        found = self._rate.score(item, reference, prediction, rule)
        if found.state is State.DATA_ERROR:
            return found
        errors, units = found.numbers.get("errors", 0.0), found.numbers.get("units", 0.0)
        wrong = min(errors / units, 1.0) if units else 1.0
        rating = item.given.get("rating")
        if rating is None:  # nothing was said
            return dataclasses.replace(found, numbers={"n": 1.0, "wrong": 1.0})
        if wanted not in rating:
            why = f"{self.rater} gave no probability of '{wanted}'"
            return dataclasses.replace(found, numbers={}, state=State.JUDGE_INVALID, reason=why)
        felt = float(rating[wanted])
        numbers = {"n": 1.0, "felt": felt, "wrong": wrong, "points": felt * (1.0 - wrong)}
        return dataclasses.replace(found, numbers={name: value for name, value in numbers.items() if value})

    def values(self, sums: Sums) -> dict[str, NDArray[np.float64]]:
        """Return means over answers, 0 to 100."""
        n = total(sums, "n")
        return {
            "emotion_score": ratio(total(sums, "points"), n),
            "emotion_probability": ratio(total(sums, "felt"), n),
            "words_wrong": ratio(total(sums, "wrong"), n),
        }

    def signature(self, languages: Iterable[str]) -> list[str]:
        """Return what is taken of what; who rated and who wrote down is added when they have."""
        return ["felt:probability*(1-error)", f"wanted:{self._wanted}"]
