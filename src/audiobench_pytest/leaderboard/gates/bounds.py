"""Absolute limits: coverage, any value of the recipe, of a slice, of speed, of a probe."""

from __future__ import annotations

import dataclasses

from audiobench_pytest.errors import Red
from audiobench_pytest.leaderboard.cells.losses import kind_of_loss, lost
from audiobench_pytest.leaderboard.gates.schema import Limit
from audiobench_pytest.leaderboard.gates.words import apart, first_reason, gate, incomplete, quantity_of
from audiobench_pytest.leaderboard.quantities import ATTEMPTS, DRAW_SD, FLIPS, LISTENED, SPEED, title, unit_of
from audiobench_pytest.types import CellResult, GateResult, Percentile, Verdict

_SIDES = {"max": ("within the maximum", "above the maximum"), "min": ("not below the minimum", "below the minimum")}

_OF_THE_JUDGE = ("judge_invalid_rate", "order_agreement")
"""What is measured of a judge and not of the model."""


def judge_coverage(result: CellResult, limit: Limit) -> GateResult:
    """Judge the share of the samples that were scored; a run that scored nothing is never green."""
    if result.expected is None:
        message = "no sample was reached: none of the cell's shards started"
    elif not result.expected:
        message = "no sample was selected"
    else:
        of = f" of the {result.evidence.selection} samples" if result.evidence.selection else ""
        message = f"{result.scored} of {result.expected} answered{of}"
        if missing := lost(result):
            message += f": {missing}{first_reason(result)}"
        if limit.value != 1.0:
            message += f"; the minimum is {100 * limit.value:g} %"
    passed = result.scored > 0 and result.coverage >= limit.value
    verdict = Verdict.PASS if passed else Verdict.FAIL
    return gate(result, limit, result.coverage, verdict, message, kind=kind_of_loss(result))


def judge_value(result: CellResult, limit: Limit) -> GateResult:
    """Judge a value of the whole cell: one of the recipe's, of a probe, or of speed."""
    if limit.metric in SPEED:
        return _speed(result, limit)
    known = result.named(limit.metric)
    # Before the first shard has started nobody knows what is measured: then nothing was scored, and that is said.
    if known is None and limit.metric in ATTEMPTS and result.scored:
        return bounded(result, limit, 0.0)
    if known is None and limit.metric in FLIPS:
        return gate(result, limit, None, Verdict.SKIP, f"no {limit.metric}: the run asked nothing twice (--probe K)")
    if known is None and limit.metric == DRAW_SD.name:
        return gate(result, limit, None, Verdict.SKIP, f"no {limit.metric}: each clip was answered once (--repeats K)")
    if known is None and limit.metric in LISTENED:
        return gate(result, limit, None, Verdict.SKIP, f"no {limit.metric}: nobody has listened (audiobench listen)")
    if known is None and result.signature:
        measured = ", ".join(dict.fromkeys(title(one.quantity.name) for one in result.values))
        message = f"this dataset is measured in {measured}: limit that, not {title(limit.metric)}"
        return gate(result, limit, None, Verdict.FAIL, message, kind=Red.HARNESS)
    value = known.value if known is not None else None
    if value is None:
        return no_value(result, limit)
    return bounded(result, limit, value, worst=known.worst if known is not None else None)


def no_value(result: CellResult, limit: Limit, part: str = "") -> GateResult:
    """Return the red of a limit on a value that does not exist."""
    reason, kind = "nothing was scored", kind_of_loss(result)
    if result.scored and limit.metric in SPEED:
        reason, kind = "no time of inference was recorded", Red.HARNESS
    elif result.scored:
        reason, kind = "nothing defines it over these samples", Red.DATA
    message = f"no {title(limit.metric)}: {reason}"
    return gate(result, limit, None, Verdict.FAIL, message, kind=kind, part=part)


def bounded(
    result: CellResult, limit: Limit, value: float, *, worst: float | None = None, part: str = "", of: str = ""
) -> GateResult:
    """Judge a value against a maximum or a minimum.

    Args:
        result: The cell.
        limit: The limit; on it a value still passes.
        value: What was measured.
        worst: The value had the samples without a score been answered with nothing.
        part: The slice, as `key=name`.
        of: What the value is of, as it follows the metric's name.
    """
    quantity = quantity_of(result, limit.metric)
    unit, name = unit_of(quantity), title(limit.metric)
    missed = _is_beyond(value, limit)
    one, other = apart(value, limit.value)
    message = f"{name}{of} {one}{unit} is {_SIDES[limit.bound][missed]} of {other}{unit}"
    if quantity.name not in (*FLIPS, *LISTENED) and (note := incomplete(result)):
        message += note
        if not missed and worst is not None and _is_beyond(worst, limit):
            message += f"; {name} {apart(worst, limit.value)[0]}{unit} had the others been answered with nothing"
    kind = Red.HARNESS if limit.metric in _OF_THE_JUDGE else Red.REGRESSION
    return gate(result, limit, value, Verdict.FAIL if missed else Verdict.PASS, message, kind=kind, part=part)


def other_hardware(here: str, cached: int, total: int, wanted: str) -> str | None:
    """Return why times do not belong to the wanted hardware, or None where they do.

    Args:
        here: Fingerprint of the hardware that was asked, or "".
        cached: Answers whose times were taken in another run.
        total: All answers.
        wanted: The fingerprint asked for.
    """
    if here == wanted and not cached:
        return None
    if here and here != wanted:
        return f"measured on hardware {here}, the limit is for {wanted}"
    if cached:
        return (
            f"{cached} of {total} answers came from the cache: on which hardware their times were taken is not "
            f"known, the limit is for {wanted}"
        )
    return f"on which hardware it was measured is not known, the limit is for {wanted}"


def _speed(result: CellResult, limit: Limit) -> GateResult:
    value = result.rtfx if limit.metric == "rtfx" else result.speed.get(limit.metric)
    evidence = result.evidence
    earlier = result.cached if evidence.reused is None else evidence.reused
    if evidence.imported:
        message = f"nothing was timed here: {evidence.imported}"
        verdict = limit.on_other_hardware if limit.hardware else Verdict.SKIP
        return gate(result, limit, value, verdict, message, kind=Red.HARNESS)
    if earlier and not evidence.remeasured and limit.metric != "load_s":
        message = (
            f"{earlier} of {result.scored} answers came from the cache, and with them the times of another run: "
            "--audiobench-remeasure K asks K of them afresh, an empty --audiobench-cache all"
        )
        verdict = limit.on_other_hardware if limit.hardware else Verdict.SKIP
        return gate(result, limit, value, verdict, message, kind=Red.HARNESS)
    here = result.model.get("hardware")
    if limit.hardware and result.scored:
        fingerprint = here if isinstance(here, str) else ""
        cached = 0 if evidence.remeasured else result.cached
        reason = other_hardware(fingerprint, cached, result.scored, limit.hardware)
        if reason is not None:
            return gate(result, limit, value, limit.on_other_hardware, reason, kind=Red.HARNESS)
    if value is None:
        return no_value(result, limit)
    judged = bounded(result, limit, value)
    if evidence.remeasured:
        judged = dataclasses.replace(judged, message=f"{judged.message}; {evidence.remeasured} samples asked afresh")
    percentile = result.percentiles.get(limit.metric)
    return judged if percentile is None or limit.bound != "max" else _surely_within(judged, limit, percentile)


def _surely_within(judged: GateResult, limit: Limit, percentile: Percentile) -> GateResult:
    """Let a percentile pass only where its 99 % bound is within the maximum, too."""
    from audiobench_pytest.leaderboard.statistics.exact import PERCENTILE_CONFIDENCE, least_size

    details = {"samples": percentile.samples, "high": percentile.high, "confidence": PERCENTILE_CONFIDENCE}
    judged = dataclasses.replace(judged, details=details)
    if judged.verdict is not Verdict.PASS:
        return judged
    sure = f"with {100 * PERCENTILE_CONFIDENCE:g} % confidence"
    times = f"{percentile.samples} time{'s' * (percentile.samples != 1)}"
    if percentile.high is None:
        needed = least_size(percentile.percent)
        message = f"{judged.message}, but {times} cannot tell {sure}: it takes {needed}, none of them above"
    elif percentile.high > limit.value:
        message = f"{judged.message}, but {times} tell {sure} only that it is at most {percentile.high:.3g} s"
    else:
        return dataclasses.replace(judged, message=f"{judged.message}, {sure} at most {percentile.high:.3g} s")
    counts_as = limit.inconclusive or Verdict.SKIP
    kind = Red.REGRESSION if counts_as is Verdict.FAIL else None
    return dataclasses.replace(judged, verdict=Verdict.INCONCLUSIVE, message=message, counts_as=counts_as, kind=kind)


def _is_beyond(value: float, limit: Limit) -> bool:
    return value > limit.value if limit.bound == "max" else value < limit.value
