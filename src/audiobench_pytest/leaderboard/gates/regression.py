"""Is a value worse than its baseline's by more than is allowed?"""

from __future__ import annotations

import contextlib
import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from audiobench_pytest.errors import AudiobenchError, Red
from audiobench_pytest.leaderboard.baselines.comparability import difference, other_words
from audiobench_pytest.leaderboard.baselines.sources import Baseline
from audiobench_pytest.leaderboard.cells.evidence import imported_of
from audiobench_pytest.leaderboard.gates.schema import Limit, RegressionRule, Trade
from audiobench_pytest.leaderboard.gates.words import apart, gate, quantity_of
from audiobench_pytest.leaderboard.quantities import SPEED, title, unit_of
from audiobench_pytest.types import CellId, CellResult, GateResult, Quantity, Verdict

if TYPE_CHECKING:
    from audiobench_pytest.leaderboard.baselines.measured import Measured
    from audiobench_pytest.leaderboard.statistics.bootstrap import Columns, Values
    from audiobench_pytest.leaderboard.statistics.pairs import Pairs
    from audiobench_pytest.leaderboard.statistics.regression import Regression


@dataclass(frozen=True, slots=True)
class Allowed:
    """By how much a value may be worse, and why.

    Attributes:
        amount: In the metric's unit, or a share of the baseline's value.
        relative: Whether it is a share.
        note: What has to be said of it, with a leading `; `, or "".
    """

    amount: float
    relative: bool
    note: str = ""


def judge_regression(
    result: CellResult,
    limit: Limit,
    now: Measured,
    values: Values,
    baseline: Baseline,
    part: str = "",
    tests: int = 1,
) -> GateResult:
    """Compare a cell with its baseline on the samples that both scored.

    Args:
        result: The cell.
        limit: A limit with a `RegressionRule`.
        now: The cell's samples, of the slice only where there is one.
        values: Sums of sufficient numbers to values.
        baseline: What to compare with.
        part: The slice, as `key=name`.
        tests: How many comparisons are corrected for together: the more, the finer a p-value has to be.
    """
    from audiobench_pytest.leaderboard.baselines.measured import paired
    from audiobench_pytest.leaderboard.cells.tails import told
    from audiobench_pytest.leaderboard.statistics.bootstrap import RESAMPLES
    from audiobench_pytest.leaderboard.statistics.regression import regression

    rule = limit.rule
    assert isinstance(rule, RegressionRule)
    wanted = dataclasses.replace(result.cell, model=rule.baseline_model or result.cell.model)
    try:
        before = baseline.find(wanted)
    except AudiobenchError as exc:
        return _refused(result, limit, part, f"the baseline {rule.shown} cannot be read: {exc}")
    if before is None:
        return _refused(result, limit, part, _no_such_cell(wanted, rule, baseline))
    reason = difference(before, now)
    if reason is not None:
        message = f"not comparable with the baseline: {reason}"
        if (selection := result.evidence.selection) and not limit.judges_limited:
            return gate(result, limit, None, Verdict.SKIP, f"the {selection} samples only: {message}", part=part)
        return _refused(result, limit, part, message)
    pairs, names = paired(before, now, limit.metric)
    if not pairs.ids:
        return _refused(result, limit, part, f"the baseline {rule.shown} and this run scored no sample in common")
    allowed = _allowed(limit, rule, before, now)
    quantity = quantity_of(result, limit.metric)
    found = regression(
        pairs.second,
        pairs.first,
        values,
        quantity,
        allowed.amount,
        rule.confidence,
        relative=allowed.relative,
        # This run says what it resamples: a slice that is a cluster itself, and a run asked to, has none.
        clusters=None if now.clusters is None else pairs.clusters,
        resamples=max(RESAMPLES, math.ceil(tests / (1.0 - rule.confidence))),
    )
    same = bool(now.identity) and now.identity == before.identity and result.evidence.pinned
    # The very model of the baseline that answers as it did needs no statistics; a name on a server may be any model's.
    again = found.identical and same
    verdict = Verdict.PASS if again else Verdict(str(found.verdict))
    counts_as = _counts_as(rule, found) if verdict is Verdict.INCONCLUSIVE else None
    sentence = _Told(
        title(limit.metric), unit_of(quantity), rule, _counted(found, result, len(pairs.ids)), len(pairs.ids)
    )
    message = sentence.message(found, verdict, again) + allowed.note
    if told_from := imported_of(before.identity):
        message += f"; the baseline has its {told_from}"
    if asked := other_words(before, now):
        message += f"; {asked}"
    if allowed.relative and found.base == 0:
        message += (
            f"; {100 * allowed.amount:g} % of a baseline of 0 allows nothing at all: a number allows that many "
            f"{quantity.unit or 'units'}"
        )
    decisive = _decisive(pairs, values, quantity, found)
    message += told([names.get(one, one) for one in decisive], len(pairs.ids))
    # Within a slice the baseline's other samples are no loss.
    if pairs.only_second or (pairs.only_first and not part):
        message += f"; left out: {len(pairs.only_second)} samples scored here only"
        message += "" if part else f", {len(pairs.only_first)} in the baseline only"
    return gate(
        result,
        limit,
        found.worsening,
        verdict,
        message,
        part=part,
        bound=found.allowed if found.allowed is not None else allowed.amount,
        counts_as=counts_as,
        details={
            **_details(rule, before, found, len(pairs.ids)),
            **({"deciders": [names.get(one, one) for one in decisive]} if decisive else {}),
        },
    )


def _decisive(pairs: Pairs, values: Values, quantity: Quantity, found: Regression) -> Sequence[str]:
    """Return the samples without which the value would be on the other side of what is allowed, where they are few."""
    from audiobench_pytest.leaderboard.cells.tails import deciders, is_error_rate

    if found.allowed is None or found.identical or not is_error_rate(quantity):
        return ()

    def worsening(sums: Sequence[Columns]) -> Any:
        base, new = (values(side)[quantity.name] for side in sums)
        return new - base

    return deciders(pairs.ids, [pairs.first, pairs.second], worsening, found.allowed)


def corrected(judged: Sequence[tuple[GateResult, Limit]]) -> list[GateResult]:
    """Return the gates of comparisons that are judged together, with Holm's correction for their number.

    Of forty speakers of whom none got worse, two seem so at 95 % confidence. What fails must do so after the
    correction; what stays open is skipped in a slice of many, where it is worse by chance as often as not, unless its
    owner said otherwise.

    Args:
        judged: Each gate and its limit.
    """
    from audiobench_pytest.leaderboard.statistics.comparison import holm

    tested = [place for place, (one, _) in enumerate(judged) if one.details.get("p") is not None]
    p_values = dict(zip(tested, holm([judged[place][0].details["p"] for place in tested]), strict=True))
    return [_corrected(one, limit, p_values.get(place), len(tested)) for place, (one, limit) in enumerate(judged)]


def _corrected(one: GateResult, limit: Limit, p_holm: float | None, tests: int) -> GateResult:
    rule = limit.rule
    if not isinstance(rule, RegressionRule):
        return one
    details = {**one.details, "p_holm": p_holm, "tests": tests}
    verdict, counts_as, message = one.verdict, one.counts_as, one.message
    if verdict is Verdict.FAIL and p_holm is not None and p_holm > 1.0 - rule.confidence:
        message += f"; not after the correction for {tests} comparisons (Holm, p {p_holm:.2g})"
        verdict = Verdict.INCONCLUSIVE
        counts_as = rule.inconclusive or Verdict.SKIP
    elif verdict is Verdict.INCONCLUSIVE and limit.is_family:
        counts_as = rule.inconclusive or Verdict.SKIP
    elif verdict is Verdict.FAIL and p_holm is not None and tests > 1:
        message += f"; corrected for {tests} comparisons (Holm, p {p_holm:.2g})"
    kind = Red.REGRESSION if (counts_as or verdict) is Verdict.FAIL else None
    return dataclasses.replace(one, verdict=verdict, counts_as=counts_as, message=message, kind=kind, details=details)


def _counts_as(rule: RegressionRule, found: Regression) -> Verdict:
    """Return what an open verdict counts as: what the owner said, else whether the value itself is beyond the limit."""
    if rule.inconclusive is not None:
        return rule.inconclusive
    worse = found.worsening is not None and found.allowed is not None and found.worsening > found.allowed
    return Verdict.FAIL if worse else Verdict.SKIP


def _refused(result: CellResult, limit: Limit, part: str, message: str) -> GateResult:
    return gate(result, limit, None, Verdict.FAIL, message, kind=Red.DATA, part=part)


def _no_such_cell(wanted: CellId, rule: RegressionRule, baseline: Baseline) -> str:
    known: list[CellId] = []
    with contextlib.suppress(AudiobenchError):
        known = [one for one in baseline.cells() if (one.dataset, one.recipe) == (wanted.dataset, wanted.recipe)]
    models = sorted({one.model for one in known if one.prompt == wanted.prompt})
    prompts = sorted({one.prompt for one in known if one.model == wanted.model})
    hint = "`audiobench baseline update RUN` writes it"
    if models:
        hint = f"it has {', '.join(models)}: name one as baseline_model, or let {hint}"
    elif prompts:
        asked = ", ".join(f"prompt '{one}'" if one else "one prompt alone" for one in prompts)
        hint = f"it has it by {asked}: ask in the same (--prompt), or let {hint}"
    words = f" in prompt '{wanted.prompt}'" if wanted.prompt else ""
    return (
        f"the baseline {rule.shown} holds no result of '{wanted.dataset}' with model '{wanted.model}'{words} under "
        f"{wanted.recipe}; {hint}"
    )


def _allowed(limit: Limit, rule: RegressionRule, before: Measured, now: Measured) -> Allowed:
    """Return what is allowed: more where the trade's gain in speed is there, on the same hardware."""
    usual = Allowed(limit.value, rule.relative)
    if rule.trade is None:
        return usual
    gain, why_not = _gain(rule.trade, before, now)
    speed = title(rule.trade.speed)
    if gain is None:
        return Allowed(usual.amount, usual.relative, f"; no trade for {speed}: {why_not}")
    told = f"{speed} is {apart(gain, rule.trade.factor)[0]} times as good as the baseline's"
    if gain < rule.trade.factor:
        return Allowed(usual.amount, usual.relative, f"; no trade: {told}, {rule.trade.factor:g} times are asked for")
    bought = f"{100 * rule.trade.allow:g} %" if rule.trade.relative else f"{rule.trade.allow:g}"
    return Allowed(rule.trade.allow, rule.trade.relative, f"; {told}, for which {bought} may be lost")


def _gain(trade: Trade, before: Measured, now: Measured) -> tuple[float | None, str]:
    """Return how many times as fast this run is, or None and why that is not known."""
    for side, name in ((before, "the baseline"), (now, "this run")):
        if side.cached:
            return None, f"{name} took {side.cached} answers from the cache, and with them times of another run"
        if not side.hardware:
            return None, f"the hardware of {name} is not known"
    if before.hardware != now.hardware:
        return None, f"measured on hardware {now.hardware}, the baseline on {before.hardware}"
    old, new = before.speed.get(trade.speed), now.speed.get(trade.speed)
    if not old or not new:
        return None, "it was not measured in both"
    return (new / old if SPEED[trade.speed].higher_is_better else old / new), ""


def _counted(found: Regression, result: CellResult, samples: int) -> str:
    """Return what the verdict rests on: `60 samples`, or `1 speaker of 60 samples` where clusters are resampled."""
    if not found.clustered:
        return f"{samples} sample{'s' * (samples != 1)}"
    return f"{found.units} {result.clusters or 'cluster'}{'s' * (found.units != 1)} of {samples} samples"


@dataclass(frozen=True, slots=True)
class _Told:
    """What is said of a comparison.

    Attributes:
        name: Of the metric.
        unit: As it follows a number.
        rule: How it was compared.
        units: What the verdict rests on, in words.
        samples: Number of shared samples.
    """

    name: str
    unit: str
    rule: RegressionRule
    units: str
    samples: int

    def message(self, found: Regression, verdict: Verdict, again: bool) -> str:
        """Return the sentence of a gate.

        Args:
            found: What came of the comparison.
            verdict: What is concluded.
            again: The baseline's own model was asked once more.
        """
        if found.base is None or found.new is None or found.worsening is None or found.allowed is None:
            return f"{self.name}: nothing defines it over the {self.samples} samples shared with {self.rule.shown}"
        new, base = apart(found.new, found.base)
        moved, allowed = apart(abs(found.worsening), found.allowed)
        message = f"{self.name} {new}{self.unit}, {base}{self.unit} in {self.rule.shown}"
        if found.identical:
            return message + self._identical(verdict, again, allowed)
        way = "worse" if found.worsening > 0 else "better"
        message += f": {way} by {moved}" if found.worsening else ": no change"
        sure = f"with {100 * self.rule.confidence:g} % confidence"
        if found.low is None or found.high is None:
            few = "is" if self.units.startswith("1 ") else "are"
            return f"{message}; {self.units} {few} too few to tell whether that is more than the {allowed} allowed"
        if verdict is Verdict.FAIL:
            return f"{message}, and {sure} worse by at least {apart(found.low, found.allowed)[0]}; {allowed} is allowed"
        if verdict is Verdict.PASS:
            most = apart(found.high, found.allowed)[0]
            return f"{message}, and {sure} worse by no more than {most}; {allowed} is allowed"
        # Two ends, each one-sided: what lies between them is less sure than either.
        both = f"{200 * self.rule.confidence - 100:g} % interval {found.low:+.2f} to {found.high:+.2f} worse"
        return f"{message}; {both}: {self.units} cannot tell whether that is more than the {allowed} allowed"

    def _identical(self, verdict: Verdict, again: bool, allowed: str) -> str:
        same = f": no change, identical on all {self.samples} samples"
        if again:
            return f"{same}, answered by the baseline's own model"
        if verdict is Verdict.PASS:
            return f"{same}; {allowed} is allowed"
        return f"{same}; {self.units} cannot tell whether it is more than the {allowed} allowed elsewhere"


def _details(rule: RegressionRule, before: Measured, found: Regression, samples: int) -> Mapping[str, Any]:
    return {
        "baseline": rule.shown,
        "baseline_model": before.cell.model,
        "base": found.base,
        "new": found.new,
        "worsening": found.worsening,
        "low": found.low,
        "high": found.high,
        "allowed": found.allowed,
        "confidence": found.confidence,
        "samples": samples,
        "units": found.units,
        "effective_units": found.effective,
        "differing_units": found.differing,
        "p": found.p,
    }
