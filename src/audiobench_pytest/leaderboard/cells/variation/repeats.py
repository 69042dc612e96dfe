"""How often a model gives another answer to the same question."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np

from audiobench_pytest.leaderboard.quantities import FLIPS
from audiobench_pytest.leaderboard.statistics import exact
from audiobench_pytest.leaderboard.statistics.intervals import intervals
from audiobench_pytest.types import MetricValue, Quantity

if TYPE_CHECKING:
    from audiobench_pytest.leaderboard.statistics.bootstrap import Columns
    from audiobench_pytest.records.runs.cells import CellData
    from audiobench_pytest.records.runs.plan import ProbedSample


_SHARE = Quantity("share", maximum=100.0)


def flip_rates(probes: Mapping[str, ProbedSample]) -> tuple[MetricValue, ...]:
    """Return the shares of probed samples whose second answer, and whose second score, is another; none unprobed.

    A sample without a second answer is in neither. The intervals are those of a share of samples.
    """
    found = []
    answered = [probe for _, probe in sorted(probes.items()) if probe.error is None]
    flips = {
        "flip_rate": [not probe.same_text for probe in answered],
        "score_flip_rate": [not probe.same_score for probe in answered if probe.same_score is not None],
    }
    for name, flipped in flips.items():
        if not flipped:
            continue
        columns = {"n": np.ones(len(flipped)), "flipped": np.array(flipped, dtype=np.float64)}
        spread = intervals(columns, _share, quantities=[_SHARE])["share"] or (None, None)
        found.append(MetricValue(FLIPS[name], 100.0 * sum(flipped) / len(flipped), *spread))
    return tuple(found)


def probe_notes(cells: Iterable[CellData]) -> Iterator[str]:
    """Yield a sentence per cell whose samples were asked twice."""
    for data in cells:
        answered = [probe for probe in data.probes.values() if probe.error is None]
        if not data.probes:
            continue
        texts = sum(not probe.same_text for probe in answered)
        scores = [probe.same_score for probe in answered if probe.same_score is not None]
        told = f"{data.plan.cell}: {len(answered)} samples asked twice, "
        told += f"{texts} with another answer{_share_told(texts, len(answered))}"
        others = scores.count(False)
        told += (
            f", {others} with another score{_share_told(others, len(scores))}"
            if scores
            else "; a judge's scores are not compared"
        )
        missing = len(data.probes) - len(answered)
        yield told + (f"; {missing} without a second answer" if missing else "")


def _share_told(hits: int, size: int) -> str:
    """Return how many that may be of all samples: an interval, or the one end that the rule of three gives."""
    if not size:
        return ""
    if not hits:
        return f" (at most {100 * exact.upper(0, size, exact.RULE_OF_THREE):.1f} % of all, by the rule of three)"
    low, high = exact.two_sided(hits, size)
    return f" ({100 * hits / size:.1f} % [{100 * low:.1f}, {100 * high:.1f}])"


def _share(sums: Columns) -> Columns:
    return {"share": 100.0 * sums["flipped"] / sums["n"]}
