"""Samples of a run with their errors word by word, for a terminal: `{said|heard}`, `[-left out-]`, `{+put in+}`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from audiobench_pytest.records.runs.cells import CellData
from audiobench_pytest.report.html.samples import worst_of
from audiobench_pytest.report.text import Span, clean

_MARKUP: Mapping[str, dict[str, bool]] = {
    "replace": {"yellow": True},
    "delete": {"red": True},
    "insert": {"green": True},
    "equal": {},
}


def sample_lines(row: Mapping[str, Any]) -> Iterator[list[Span]]:
    """Yield the lines of a sample, as the pages hold it: what it is and how wrong, then the two texts aligned."""
    rate = "" if row["rate"] is None else f", {row['rate']:.1f} %"
    wrong = f", {row['errors']:g} of {row['units']:g} wrong{rate}" if row["units"] else ""
    was = "" if row["before"] is None else f", {row['before']['errors']:g} before"
    yield [(f"{clean(row['id'])}  {row['state']}{wrong}{was}", {})]
    if row["reason"]:
        yield [(f"  {clean(row['reason'])}", {})]
    if row["steps"]:
        spaced = any(len(left or right) > 1 for _, left, right in row["steps"])
        line: list[Span] = [("  ", {})]
        for what, left, right in row["steps"]:
            line += [_step(what, left, right), (" " if spaced else "", {})]
        yield line[:-1]
    else:
        yield [(f"  reference: {clean(row['reference'])}", {})]
        yield [(f"  answer: {clean(row['prediction']) if row['prediction'] is not None else '-'}", {})]


def worst_lines(cells: Sequence[CellData], each: int, most: int) -> list[list[Span]]:
    """Return the worst samples of the cells that have any with errors; an empty list where none has.

    Args:
        cells: The cells of a run.
        each: Samples of each cell.
        most: Samples of all cells; those of later cells are counted and left out.
    """
    lines: list[list[Span]] = []
    left_out = 0
    for data in cells:
        rows = worst_of(data, each)
        shown, rows = rows[: max(0, most)], rows[max(0, most) :]
        most, left_out = most - len(shown), left_out + len(rows)
        if shown:
            lines.append([(f"  {clean(str(data.plan.cell))}", {})])
        lines += [[("    ", {}), *line] for row in shown for line in sample_lines(row)]
    if left_out:
        lines.append([(f"  and {left_out} more of other cells", {})])
    return [[("worst samples: {said|heard} [-left out-] {+put in+}", {"bold": True})], *lines] if lines else []


def _step(what: str, left: str, right: str) -> Span:
    left, right = clean(left), clean(right)
    texts = {"equal": left, "replace": f"{{{left}|{right}}}", "delete": f"[-{left}-]", "insert": f"{{+{right}+}}"}
    return texts[what], dict(_MARKUP[what])
