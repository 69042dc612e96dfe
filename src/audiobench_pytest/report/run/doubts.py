"""What has to be known of a value beside its interval: what that resamples, and what a mean hides."""

from __future__ import annotations

from audiobench_pytest.leaderboard.conclusion import Conclusion
from audiobench_pytest.leaderboard.quantities import ABOVE_50, LEAST_EFFECTIVE, MOST_OF_ONE, WORST_SHARE, heading
from audiobench_pytest.report import numbers
from audiobench_pytest.report.text import clean
from audiobench_pytest.types import CLIP, CellResult


def cluster_lines(board: Conclusion) -> list[str]:
    """Return what each data set's intervals resample, and what is weak about it, once where its cells agree."""
    lines: dict[str, None] = {}
    for result in board.results:
        if result.scored and result.without_cluster:
            told = f"no sample says its {clean(result.without_cluster)}: the intervals are over single samples"
            lines[f"{clean(result.cell.dataset)}: {told}"] = None
        elif result.n_clusters:
            lines[_cluster_line(result, result.n_clusters)] = None
    return list(lines)


def _cluster_line(result: CellResult, count: int) -> str:
    name, key = clean(result.cell.dataset), clean(result.clusters)
    if count == 1 and result.clusters != CLIP:
        return f"{name}: one {key} only, which tells nothing of others: --cluster none looks at its samples"
    effective, largest = result.effective_clusters or 0.0, result.largest_cluster or 0.0
    line = f"{name}: intervals over {count} values of {key}, effectively {effective:.1f}"
    if result.draws is not None and result.clusters == CLIP:
        line = f"{name}: intervals over {count} clips x {result.draws.draws} draws, each clip with all of its draws"
    doubts = []
    if effective < LEAST_EFFECTIVE:
        doubts.append(f"below {LEAST_EFFECTIVE:g} an interval is a rough guess")
    if largest > MOST_OF_ONE:
        doubts.append(f"one has {100 * largest:.0f} % of the samples")
    return f"{line}; {' and '.join(doubts)}" if doubts else line


def tail_lines(board: Conclusion) -> list[str]:
    """Return a line per cell on what its error rate hides; none where nothing was wrong."""
    lines = []
    for result in board.results:
        found = {one.quantity.name: one for one in result.tails if one.value is not None}
        if WORST_SHARE.name not in found or not found[WORST_SHARE.name].value:
            continue
        parts = []
        above = found.get(ABOVE_50.name) or result.named(ABOVE_50.name)
        if above is not None and above.value is not None:
            parts.append(f"{numbers.percent(above.value)} % of the samples are more than half wrong")
        for name, one in found.items():
            if name.endswith("_capped"):
                title = heading(result.headline.quantity.name)
                parts.append(f"{title} {numbers.percent(one.value)} % with none of them more than all wrong")
        share = found[WORST_SHARE.name].value
        parts.append(f"the worst 1 % make {numbers.percent(share)} % of the errors")
        lines.append(f"{clean(str(result.cell))}: {'; '.join(parts)}")
    return lines
