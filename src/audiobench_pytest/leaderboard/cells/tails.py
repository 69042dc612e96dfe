"""What a mean hides: samples that went wrong altogether, and how much of an error rate is theirs."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from audiobench_pytest.leaderboard.quantities import ABOVE_50, WORST_SHARE, capped
from audiobench_pytest.leaderboard.statistics.bootstrap import STUDENTISED
from audiobench_pytest.leaderboard.statistics.exact import two_sided
from audiobench_pytest.leaderboard.statistics.intervals import intervals
from audiobench_pytest.leaderboard.statistics.quantiles import normal_quantile
from audiobench_pytest.types import MetricValue, Quantity

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from audiobench_pytest.leaderboard.statistics.bootstrap import Columns

WORST = 0.01
"""Share of the samples that count as the worst."""

_NAMED = 5
"""Samples that a message names."""


def is_error_rate(quantity: Quantity) -> bool:
    """Whether a single sample may be more than all wrong: a rate in percent without a greatest value."""
    return quantity.unit == "%" and quantity.maximum is None and not quantity.higher_is_better


def tails(
    columns: Columns, quantities: Sequence[Quantity], clusters: NDArray[np.intp] | None = None
) -> tuple[MetricValue, ...]:
    """Return what the tail of an error rate is like, with intervals; nothing of what is none.

    Args:
        columns: Sufficient numbers of the scored samples, `(samples,)` each.
        quantities: What the recipe measures, the headline first; what is among them is not given again.
        clusters: `(samples,)` cluster of each sample, or None.
    """
    if not quantities or not {"errors", "units"} <= columns.keys() or not is_error_rate(quantities[0]):
        return ()
    errors, units = (np.asarray(columns[name], np.float64) for name in ("errors", "units"))
    total = math.fsum(errors)
    if not len(errors):
        return ()
    wanted = capped(quantities[0])
    by_utterance = "rate" in columns
    weights = np.ones(len(errors)) if by_utterance else units
    own = np.minimum(np.divide(errors, units, out=(errors > 0).astype(float), where=units > 0), 1.0)
    table = {
        "above": (errors > 0.5 * units).astype(np.float64),
        "capped": own if by_utterance else np.minimum(errors, units),
        "weight": weights,
        "n": np.ones(len(errors)),
    }
    at = {wanted.name: ("capped", "weight"), ABOVE_50.name: ("above", "n")}
    ends = _ends(table, at, (wanted, ABOVE_50), clusters)
    found = [
        MetricValue(quantity, _percent(table, *at[quantity.name]), *(ends[quantity.name] or (None, None)))
        for quantity in (ABOVE_50, wanted)
    ]
    worst = np.sort(errors)[-max(1, math.ceil(WORST * len(errors))) :]
    found.append(MetricValue(WORST_SHARE, 100.0 * math.fsum(worst) / total if total else 0.0))
    known = {quantity.name for quantity in quantities}
    return tuple(one for one in found if one.quantity.name not in known)


def deciders(
    ids: Sequence[str],
    parts: Sequence[Columns],
    value: Callable[[Sequence[Columns]], NDArray[np.float64]],
    limit: float,
) -> tuple[str, ...]:
    """Return the fewest samples without which a value would lie on the other side of a limit, if they are 1 % at most.

    Args:
        ids: Of all samples.
        parts: Sufficient numbers of one run or of several, `(samples,)` each.
        value: What is limited, from sums of each run's numbers; elementwise.
        limit: On it a value is still within.

    Returns:
        Their ids, the weightiest first; nothing where it would take more.
    """
    most = math.floor(WORST * len(ids))
    if not most:
        return ()
    sums = [{name: math.fsum(column) for name, column in part.items()} for part in parts]

    def without(rows: Sequence[Mapping[str, NDArray[np.float64]]]) -> NDArray[np.float64]:
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            return np.asarray(
                value(
                    [{name: all_of[name] - row[name] for name in row} for all_of, row in zip(sums, rows, strict=True)]
                )
            )

    none = [{name: np.zeros(1) for name in part} for part in parts]
    whole = float(without(none)[0])
    beyond = whole > limit
    moves = without(parts) - whole
    moves = np.where(np.isfinite(moves), moves, 0.0) * (1.0 if beyond else -1.0)
    order = np.argsort(moves, kind="stable")[:most]
    left = without([{name: np.cumsum(column[order]) for name, column in part.items()} for part in parts])
    turned = np.flatnonzero((left > limit) != beyond)
    return tuple(ids[row] for row in order[: int(turned[0]) + 1]) if len(turned) else ()


def told(decisive: Sequence[str], samples: int) -> str:
    """Return what is said of the samples that decide a verdict, as it follows a message; empty where none do."""
    if not decisive:
        return ""
    more = f" and {len(decisive) - _NAMED} more" if len(decisive) > _NAMED else ""
    verb = "decides" if len(decisive) == 1 else "decide"
    return f"; {len(decisive)} of {samples} samples {verb} it: {', '.join(decisive[:_NAMED])}{more}"


def _ends(
    table: Columns,
    at: Mapping[str, tuple[str, str]],
    quantities: Sequence[Quantity],
    clusters: NDArray[np.intp] | None,
) -> Mapping[str, tuple[float, float] | None]:
    if clusters is None and len(table["n"]) > STUDENTISED:
        # Of so many samples the draws of a bootstrap would be normal, and take a second more.
        hits = int(table["above"].sum())
        low, high = two_sided(hits, len(table["n"]))
        return {ABOVE_50.name: (100.0 * low, 100.0 * high), quantities[0].name: _normal(table)}

    def values(sums: Columns) -> Columns:
        return {name: 100.0 * sums[top] / sums[bottom] for name, (top, bottom) in at.items()}

    return intervals(table, values, clusters, quantities=quantities)


def _normal(table: Columns) -> tuple[float, float] | None:
    total = math.fsum(table["weight"])
    if not total:
        return None
    rate = math.fsum(table["capped"]) / total
    spread = math.sqrt(math.fsum((table["capped"] - rate * table["weight"]) ** 2)) / total
    reach = normal_quantile(0.975) * spread
    low, high = max(0.0, rate - reach), min(1.0, rate + reach)
    return float(f"{100.0 * low:.12g}"), float(f"{100.0 * high:.12g}")


def _percent(table: Columns, top: str, bottom: str) -> float | None:
    whole = math.fsum(table[bottom])
    return 100.0 * math.fsum(table[top]) / whole if whole else None
