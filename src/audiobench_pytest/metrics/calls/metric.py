"""Whether a model calls the right tool when it should, and none when it should not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from audiobench_pytest.catalog.schema import LanguageRule
from audiobench_pytest.metrics.base import Metric, ratio, total
from audiobench_pytest.metrics.calls.compared import same_arguments
from audiobench_pytest.metrics.fairness.replies import cut_thoughts
from audiobench_pytest.metrics.item import Item
from audiobench_pytest.tool_calls.spelt import calls_in, is_malformed, spelt, stated_call
from audiobench_pytest.types import Call, Quantity, SampleScore, State

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from audiobench_pytest.metrics.base import Sums

GIVEN = "calls"
"""Key of an item's `given` that holds the calls of an answer, as plain values."""


@dataclass(frozen=True, slots=True)
class Called:
    """What an answer called, beside what was expected.

    Attributes:
        positive: Whether the tool that the row is about is to be called.
        tool: That tool; "" where the row is about none in particular.
        expected: The call that is expected, or None.
        calls: What was called, in order.
    """

    positive: bool
    tool: str
    expected: Call | None
    calls: tuple[Call, ...]

    @property
    def right(self) -> Call | None:
        """The first call of the right tool, or None."""
        return next((call for call in self.calls if call.name == self.tool), None)

    @property
    def falsely(self) -> bool:
        """Whether the tool was called that the row is about; any, where it is about none."""
        return any(call.name == self.tool or not self.tool for call in self.calls)

    @property
    def takes_arguments(self) -> bool:
        """Whether the expected call has any, so that they can be right or wrong."""
        return self.expected is not None and bool(self.expected.arguments)


class ToolCalls(Metric):
    """How often a tool was called when it was to be called, which one, and with what.

    A row is *positive* where its tool is to be called, else *negative* (`trigger`, or what follows from the expected
    call). Per positive sample: `positives`; `called` where any tool was called; `right_tool` where it was the right
    one; of those whose expected call has arguments `argued`, and `right_arguments`. Per negative sample: `negatives`;
    `falsely` where the listed tool was called, `falsely_any` where any was. `n` and `malformed` of both: a call whose
    arguments are no JSON object is a call, with wrong arguments.
    """

    sees: ClassVar[tuple[str, ...]] = ("meta", "given")
    needs_reference: ClassVar = False

    def quantities(self, languages: Iterable[str]) -> tuple[Quantity, ...]:
        """Return F1 of the trigger, and what it is made of."""
        names = ("trigger_f1", "trigger_precision", "trigger_recall", "type_acc", "param_acc")
        return (
            *(Quantity(name, higher_is_better=True, maximum=100.0) for name in names),
            Quantity("trigger_precision_any", higher_is_better=True, maximum=100.0),
            Quantity("malformed_rate", maximum=100.0),
        )

    def score(self, item: Item, reference: str, prediction: str | None, rule: LanguageRule) -> SampleScore:
        """Count."""
        found = called(item)
        if isinstance(found, str):
            return SampleScore({}, item.reference, "", State.DATA_ERROR, found)
        numbers = triggers(found)
        if found.positive and found.right is not None and found.takes_arguments:
            numbers["argued"] = 1.0
            assert found.expected is not None
            if not is_malformed(found.right) and same_arguments(found.right.arguments, found.expected.arguments):
                numbers["right_arguments"] = 1.0
        return SampleScore(numbers, shown_expected(found), shown(found.calls))

    def values(self, sums: Sums) -> dict[str, NDArray[np.float64]]:
        """Return shares in percent."""
        return shares(sums)

    def signature(self, languages: Iterable[str]) -> list[str]:
        """Return how a call counts and arguments are compared."""
        return ["positives:any-tool", "negatives:listed-tool", "arguments:folded"]


def called(item: Item) -> Called | str:
    """Return what an answer called beside what was expected, or why that cannot be told."""
    try:
        expected = stated_call(item.reference)
    except ValueError as exc:
        return str(exc)
    tool, trigger = str(item.meta.get("tool") or ""), item.meta.get("trigger")
    positive = trigger == "positive" if trigger else expected is not None and tool in ("", expected.name)
    tool = tool or (expected.name if expected is not None and positive else "")
    if positive and not tool:
        return "nothing says which tool is to be called ('tool', or 'call')"
    if expected is not None and positive and expected.name != tool:
        expected = None  # the row's own answer is none of its tool: which tool is right is known, its arguments are not
    return Called(positive, tool, expected, calls_of(item))


def calls_of(item: Item) -> tuple[Call, ...]:
    """Return the calls of an answer: as they came beside its text, or as it spells them there."""
    given: Iterable[Mapping[str, Any]] = item.given.get(GIVEN) or ()
    told = tuple(Call(str(one.get("name", "")), dict(one.get("arguments") or {})) for one in given)
    return told or calls_in(cut_thoughts(item.prediction))[1]


def triggers(found: Called) -> dict[str, float]:
    """Return the numbers of an answer that say which tool was called, without those that are 0."""
    numbers = {"n": 1.0, "malformed": float(any(map(is_malformed, found.calls)))}
    if found.positive:
        numbers |= {"positives": 1.0, "called": float(bool(found.calls)), "right_tool": float(found.right is not None)}
    else:
        numbers |= {"negatives": 1.0, "falsely": float(found.falsely), "falsely_any": float(bool(found.calls))}
    return {name: number for name, number in numbers.items() if number}


def shares(sums: Sums) -> dict[str, NDArray[np.float64]]:
    """Return the values of sums, in percent."""
    hits, positives = total(sums, "called"), total(sums, "positives")
    falsely = total(sums, "falsely")
    return {
        "trigger_f1": ratio(2 * hits, hits + falsely + positives),
        "trigger_precision": ratio(hits, hits + falsely),
        "trigger_recall": ratio(hits, positives),
        "type_acc": ratio(total(sums, "right_tool"), hits),
        "param_acc": ratio(total(sums, "right_arguments"), total(sums, "argued")),
        "trigger_precision_any": ratio(hits, hits + total(sums, "falsely_any")),
        "malformed_rate": ratio(total(sums, "malformed"), total(sums, "n")),
    }


def shown_expected(found: Called) -> str:
    """Return what was expected, for people."""
    if not found.positive:
        return f"no call of {found.tool}" if found.tool else "no call"
    return spelt(found.expected) if found.expected is not None else f"a call of {found.tool}"


def shown(calls: Iterable[Call]) -> str:
    """Return calls, for people and judges."""
    return "; ".join(map(spelt, calls))
