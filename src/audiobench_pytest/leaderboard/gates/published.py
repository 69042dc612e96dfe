"""Does a value reproduce the one that others published?"""

from __future__ import annotations

from audiobench_pytest.errors import Red
from audiobench_pytest.leaderboard.gates.published_values import Target, other_channel, same_recipe, target_of, targets
from audiobench_pytest.leaderboard.gates.schema import Limit, PublishedRule
from audiobench_pytest.leaderboard.gates.words import apart, gate, incomplete, quantity_of
from audiobench_pytest.leaderboard.quantities import title, unit_of
from audiobench_pytest.types import CellResult, GateResult, Verdict

_COMPAT = "_compat"


def compared_metric(names: set[str], metric: str) -> str:
    """Return the source's own reading of a metric where the recipe keeps one, since that is what was published."""
    return f"{metric}{_COMPAT}" if f"{metric}{_COMPAT}" in names else metric


def judge_published(result: CellResult, limit: Limit, value: float, metric: str, part: str = "") -> GateResult:
    """Compare a value with the published one; off in either direction is off: it was then not the same that was done.

    Args:
        result: The cell.
        limit: A limit with a `PublishedRule`.
        value: What was measured.
        metric: Which reading of the limit's metric that is, see `compared_metric`.
        part: The slice, as `key=name`.
    """
    rule = limit.rule
    assert isinstance(rule, PublishedRule)
    target = _target(result, limit, rule, part)
    if isinstance(target, GateResult):
        return target
    tolerance = limit.value * abs(target.value) if rule.relative else limit.value
    off = value - target.value
    reproduced = abs(off) <= tolerance + target.rounding * (1.0 + 1e-9)
    unit = unit_of(quantity_of(result, limit.metric))
    one, other = apart(value, target.value)
    message = f"{title(metric)} {one}{unit}, published {other}{unit} in {target}: {_signed(off)}"
    message += f", {tolerance:.2f} either way is allowed" + (" beside its rounding" if target.rounding else "")
    message += "".join(f"; note: {note}" for note in target.printed.notes) if not reproduced else ""
    return gate(
        result,
        limit,
        abs(off),
        Verdict.PASS if reproduced else Verdict.FAIL,
        message + incomplete(result),
        part=part,
        bound=tolerance,
        details={
            "metric": metric,
            "new": value,
            "published": target.value,
            "rounding": target.rounding,
            "table": target.printed.table,
            "model": target.printed.model,
            "benchmark": target.printed.benchmark,
            "recipe": target.printed.recipe,
        },
    )


def _target(result: CellResult, limit: Limit, rule: PublishedRule, part: str) -> Target | GateResult:
    """Return the published value, or what comes of the limit where there is none that can be compared with."""
    recipe = result.cell.recipe
    if rule.cell is not None:
        named = target_of(rule.cell)
        assert named is not None, "checked when the gates file was read"
        known = [named]
    else:
        known = targets(result.cell, part)
    found = [one for one in known if same_recipe(one.printed.recipe, recipe)]
    if found and len({one.value for one in found}) > 1:
        printed = ", ".join(map(str, found))
        what = f"several values are published: {printed}; name one with published = {{table, model, benchmark}}"
        return gate(result, limit, None, Verdict.FAIL, what, kind=Red.DATA, part=part)
    if found:
        return found[0]
    if known:
        other = known[0]
        mend = "--answer, since one is spoken" if other_channel(other.printed.recipe, recipe) else "--recipe"
        what = f"published is {other}, scored by {other.printed.recipe}, not by {recipe}: give {mend}, or another cell"
        return gate(result, limit, None, Verdict.FAIL, what, kind=Red.DATA, part=part)
    what = f"nothing is published for '{result.cell.dataset}' with model '{result.cell.model}'"
    if limit.scope != result.cell.dataset or limit.model is None:
        return gate(result, limit, None, Verdict.SKIP, what, part=part)
    what += "; name a cell with published = {table, model, benchmark}"
    return gate(result, limit, None, Verdict.FAIL, what, kind=Red.DATA, part=part)


def _signed(number: float) -> str:
    return f"off by {number:+.2f}"
