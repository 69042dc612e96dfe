"""Calls of tools whose arguments a judge reads."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar

from audiobench_pytest.catalog.schema import RecipeSpec
from audiobench_pytest.metrics.base import ratio, total
from audiobench_pytest.metrics.calls.metric import called, shares, shown, shown_expected, triggers
from audiobench_pytest.metrics.item import Item
from audiobench_pytest.metrics.judge.metric import Judge
from audiobench_pytest.metrics.judge.prompts import Shown
from audiobench_pytest.metrics.judge.replies import JudgeReply
from audiobench_pytest.tool_calls.spelt import is_malformed, spelt
from audiobench_pytest.types import Quantity, SampleScore, State

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from audiobench_pytest.metrics.base import Sums


class JudgedToolCalls(Judge):
    """As `ToolCalls`, but that a judge says whether the arguments of a right call are reasonable.

    It is asked where the right tool was called, the expected call has arguments, and the model's are a JSON object. A
    sample whose judge said nothing usable has `judge_invalid` instead of all others.
    """

    sees: ClassVar[tuple[str, ...]] = ("meta", "given")

    def __init__(self, spec: RecipeSpec) -> None:
        super().__init__(spec)
        self.needs_reference = False  # type: ignore[misc]  # a row that expects no call has none

    def quantities(self, languages: Iterable[str]) -> tuple[Quantity, ...]:
        """Return those of `ToolCalls`, and how often the judge said nothing."""
        names = ("trigger_f1", "trigger_precision", "trigger_recall", "type_acc", "param_acc", "trigger_precision_any")
        return (
            *(Quantity(name, higher_is_better=True, maximum=100.0) for name in names),
            Quantity("malformed_rate", maximum=100.0),
            Quantity("judge_invalid_rate", maximum=100.0),
        )

    def unasked(self, item: Item, reference: str, prediction: str | None) -> SampleScore | None:
        """Return the score that needs no judge, or None where arguments have to be read."""
        found = called(item)
        if isinstance(found, str):
            return SampleScore({}, item.reference, "", State.DATA_ERROR, found)
        numbers = triggers(found)
        asked = found.positive and found.right is not None and found.takes_arguments
        if asked and found.right is not None and not is_malformed(found.right):
            lacks = self.template.missing(self._shown(item, reference, prediction or "", True))
            return None if lacks is None else SampleScore({}, reference, "", State.DATA_ERROR, lacks)
        if asked:
            numbers["argued"] = 1.0
        return SampleScore(numbers, shown_expected(found), shown(found.calls))

    def score_replies(
        self, item: Item, reference: str, prediction: str | None, replies: Sequence[Sequence[JudgeReply]]
    ) -> SampleScore:
        """Return the score of one answer; see `Judge.score_replies`."""
        verdict = super().score_replies(item, reference, prediction, replies)
        found = called(item)
        if isinstance(found, str) or not replies:
            return verdict
        wanted, got = shown_expected(found), shown(found.calls)
        if verdict.state is State.JUDGE_INVALID:
            return dataclasses.replace(verdict, reference=wanted, prediction=got)
        numbers = triggers(found) | {"argued": 1.0, "right_arguments": verdict.numbers["points"]}
        return SampleScore({name: number for name, number in numbers.items() if number}, wanted, got)

    def level(self, score: SampleScore) -> float | None:
        """Return 1 for arguments that the judge found reasonable, 0 for others, None where it was not asked."""
        return score.numbers.get("right_arguments", 0.0) if score.numbers.get("argued") else None

    def values(self, sums: Sums) -> dict[str, NDArray[np.float64]]:
        """Return shares in percent."""
        invalid = total(sums, "judge_invalid")
        return shares(sums) | {"judge_invalid_rate": ratio(invalid, total(sums, "n") + invalid)}

    def _shown(self, item: Item, reference: str, prediction: str, answer_first: bool) -> Shown:
        found = called(item)
        if isinstance(found, str) or found.right is None:
            return super()._shown(item, reference, prediction, answer_first)
        expected = spelt(found.expected) if found.expected is not None else ""
        return super()._shown(item, expected, spelt(found.right), answer_first)
