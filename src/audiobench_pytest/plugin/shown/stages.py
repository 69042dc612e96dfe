"""What a stage that ran alone says at its end: what is kept, what is not, what comes next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from audiobench_pytest.records.runs.directory import RunDirectory
from audiobench_pytest.records.runs.lines import KeptNews
from audiobench_pytest.records.runs.plan import ShardReceipt
from audiobench_pytest.records.runs.tail import ResultTail
from audiobench_pytest.report.text import clean
from audiobench_pytest.runner.job import DERIVE, PREDICT
from audiobench_pytest.types import CellId, State

_MOST_REASONS = 3
_NEXT = {
    PREDICT: "next: the same command with --stage derive (transcribers, raters, judges), then with --stage score; or "
    "without --stage, which does both",
    DERIVE: "next: the same command with --stage score",
}


def stage_lines(run: RunDirectory, attempt: int, stage: str) -> list[str]:
    """Return what a stage did, a line per cell, and what is missing with the reasons.

    Args:
        run: Its run directory.
        attempt: Its attempt there.
        stage: `predict` or `derive`.
    """
    kept: dict[CellId, dict[str, KeptNews]] = {}
    wanted: dict[CellId, int] = {}
    for news in ResultTail(run.path, attempt).news():
        if isinstance(news, KeptNews):
            kept.setdefault(news.cell, {})[news.row] = news
        elif isinstance(news, ShardReceipt):
            wanted[news.cell] = news.total
    lines: list[str] = []
    told: set[tuple[str, str]] = set()
    for planned in run.plan():
        cell = planned.cell
        found = list(kept.get(cell, {}).values())
        if stage == PREDICT and (cell.dataset, cell.model) in told:
            continue  # a further recipe: the answers are those of the first
        told.add((cell.dataset, cell.model))
        if stage == DERIVE and not found:
            lines.append(f"{clean(str(cell))}: {clean(cell.recipe)} needs nobody to read or hear the answers")
            continue
        lines += _of_cell(cell, found, wanted.get(cell, len(found)), stage)
    if lines:
        lines.append(_NEXT[stage])
    return lines


def _of_cell(cell: CellId, found: Sequence[KeptNews], wanted: int, stage: str) -> list[str]:
    states = Counter(one.state for one in found)
    good = sum(states[state] for state in (State.OK, State.EMPTY, State.INVALID))
    what = "answered" if stage == PREDICT else f"read or heard for {clean(cell.recipe)}"
    cached = sum(one.cached for one in found if one.reason is None) if stage == PREDICT else 0
    line = f"{clean(str(cell))}: {good} of {wanted} {what}{f' ({cached} from the cache)' if cached else ''}"
    others = [f"{states[state]} {str(state).replace('_', ' ')}" for state in State if state in _LOST and states[state]]
    reached = len(found)
    if reached < wanted:
        others.append(f"{wanted - reached} not reached")
    lines = [f"{line}; {', '.join(others)}" if others else line]
    reasons = Counter(one.reason for one in found if one.reason is not None)
    lines += [f"  {number} x {clean(reason)}" for reason, number in reasons.most_common(_MOST_REASONS)]
    return lines


_LOST = (State.FAILED, State.DATA_ERROR, State.JUDGE_INVALID, State.MISSING)
