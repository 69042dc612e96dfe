"""`audiobench compare RUN_A RUN_B`: how two runs differ on the same samples."""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audiobench_pytest.cli import add_catalog

if TYPE_CHECKING:
    from audiobench_pytest.leaderboard.baselines.compared import ComparedCell
    from audiobench_pytest.leaderboard.statistics.comparison import Comparison

_DESCRIPTION = """\
Compare two runs (or lock files) on the samples that both scored, cell by cell: the difference with its paired 95 %
interval, a p-value and the same corrected for the number of cells (Holm), the smallest difference that the set can
show by that test, and the samples that flipped. What was measured on other data or by another recipe is refused. Two
runs that have no model in common are compared where each has one model.

With --fail-on-regression the exit status is 1 where RUN_B is worse, where a cell cannot be compared and where RUN_B has
lost one; else 2 where too few samples (or speakers) are shared for any result to be significant.
"""


def add(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "compare",
        help="compare two runs on the same samples",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("first", type=Path, metavar="RUN_A", help="run directory or lock file")
    parser.add_argument("second", type=Path, metavar="RUN_B", help="what is compared with it")
    parser.add_argument("--metric", metavar="NAME", help="value to compare (default: the headline of each cell)")
    parser.add_argument("--flips", type=int, default=0, metavar="N", help="list the N weightiest samples that differ")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print JSON, with all samples that differ")
    form.add_argument("--markdown", action="store_true", help="print a Markdown table, as for a comment in code review")
    parser.add_argument(
        "--fail-on-regression",
        action="store_true",
        help="exit status 1 where RUN_B is worse (corrected p <= 0.05), lost a cell or cannot be compared, 2 where no "
        "result could be significant",
    )
    add_catalog(parser)
    parser.set_defaults(run=_compare)


def _compare(given: argparse.Namespace) -> int:
    from audiobench_pytest.errors import UsageError
    from audiobench_pytest.leaderboard.baselines.compared import compare_runs, not_compared
    from audiobench_pytest.leaderboard.baselines.sources import Baseline

    first, second = (Baseline(path) for path in (given.first, given.second))
    cells = compare_runs(first, second, given.metric)
    if not cells:
        of = f" that has '{given.metric}'" if given.metric else ""
        raise UsageError(f"{given.first} and {given.second} have no cell in common{of}: {_held(first, second)}")
    if all(cell.refused for cell in cells):
        raise UsageError("; ".join(f"{cell.second}: {cell.refused}" for cell in cells))
    if given.json:
        print(json.dumps([_document(cell) for cell in cells], indent=2, ensure_ascii=False))
    elif given.markdown:
        print("\n".join(_table(cells)))
    else:
        for cell in cells:
            for line in _lines(cell, given.flips):
                print(line)
    gone = not_compared(first, second, given.metric)
    hopeless = [cell for cell in cells if cell.comparison is not None and cell.comparison.is_hopeless]
    for lost in gone:
        print(f"audiobench: {lost} ({lost.recipe}) is in {given.first} only", file=sys.stderr)
    for cell in hopeless:
        print(f"audiobench: {cell.second}: {_hopeless(cell)}", file=sys.stderr)
    for cell in cells:
        if cell.asked:
            print(f"audiobench: {cell.second}: {cell.asked}", file=sys.stderr)
    for told in dict.fromkeys(told for cell in cells for told in cell.imported):
        print(f"audiobench: {told}", file=sys.stderr)
    if not given.fail_on_regression:
        return 0
    return 1 if gone or any(cell.is_worse or cell.refused for cell in cells) else 2 if hopeless else 0


def _hopeless(cell: ComparedCell) -> str:
    found = cell.comparison
    assert found is not None
    what = "clusters" if found.units != found.samples else "samples"
    return (
        f"no result could be significant: {found.units} {what} that may differ give no corrected p below "
        f"{found.least_p:.4g}"
    )


def _held(first: Any, second: Any) -> str:
    sides = (", ".join(f"{cell} ({cell.recipe})" for cell in side.cells()) or "nothing" for side in (first, second))
    return "the one holds {}, the other {}".format(*sides)


def _document(cell: ComparedCell) -> dict[str, Any]:
    found = cell.comparison
    return {
        "dataset": cell.first.dataset,
        "recipe": cell.first.recipe,
        "prompt": cell.first.prompt,
        "models": [cell.first.model, cell.second.model],
        "refused": cell.refused,
        "imported": list(cell.imported),
        "asked": cell.asked,
        "worse": cell.is_worse,
        "comparison": None if found is None else _named(dataclasses.asdict(found), cell),
    }


def _named(document: dict[str, Any], cell: ComparedCell) -> dict[str, Any]:
    """Put sample ids where hashes stand for them, and null where there is no number: JSON has no NaN."""
    for numbers in (document, document["apart"]):
        for name, value in numbers.items():
            if isinstance(value, float) and not math.isfinite(value):
                numbers[name] = None
    for flip in document["flips"]:
        flip["id"] = cell.names.get(flip["id"], flip["id"])
    for side in ("only_first", "only_second"):
        document[side] = [cell.names.get(one, one) for one in document[side]]
    return document


def _table(cells: list[ComparedCell]) -> list[str]:
    """Return the cells as a Markdown table."""
    lines = ["| data set | model | before | now | difference | |", "| --- | --- | ---: | ---: | --- | --- |"]
    for cell in cells:
        found = cell.comparison
        names = [_escaped(cell.first.dataset), _escaped(cell.second.row)]
        if found is None:
            lines.append(f"| {' | '.join([*names, '-', '-', _escaped(cell.refused or ''), 'not comparable'])} |")
            continue
        unit = f" {found.quantity.unit}" if found.quantity.unit else ""
        values = ["-" if value is None else f"{value:.2f}{unit}" for value in (found.first, found.second)]
        verdict = "**worse**" if cell.is_worse else f"{found.better} better, {found.worse} worse, {found.equal} equal"
        lines.append(f"| {' | '.join([*names, *values, _escaped(_difference(found)), verdict])} |")
    return lines


def _escaped(text: str) -> str:
    return re.sub(r"([\\`*_<>|~\[\]])", r"\\\1", " ".join(text.split()))


def _lines(cell: ComparedCell, most: int) -> list[str]:
    models = cell.first.model if cell.first.model == cell.second.model else f"{cell.first.model} -> {cell.second.model}"
    words = f"  {cell.first.prompt}" if cell.first.prompt else ""
    head = f"{cell.first.dataset}  {models}  {cell.first.recipe}{words}"
    found = cell.comparison
    if found is None:
        return [head, f"  not comparable: {cell.refused}"]
    unit = f" {found.quantity.unit}" if found.quantity.unit else ""
    values = " -> ".join("-" if value is None else f"{value:.4f}" for value in (found.first, found.second))
    lines = [head, f"  {found.quantity.name} {values}{unit}, {_difference(found)}"]
    lines.append(
        f"  {found.samples} samples: {found.better} better, {found.worse} worse, {found.equal} equal"
        + (f"; {found.units} clusters" if found.units != found.samples else "")
    )
    shown = f"- ({found.why_not})" if found.smallest is None else f"{found.smallest:.4f}{unit} (80 % power)"
    lines.append(f"  smallest difference this set can show: {shown}")
    if found.only_first or found.only_second:
        lines.append(
            f"  left out: {len(found.only_first)} samples in RUN_A only, {len(found.only_second)} in RUN_B only"
        )
    for flip in found.flips[:most]:
        sides = " -> ".join("-" if value is None else f"{value:.2f}" for value in (flip.first, flip.second))
        way = "better" if flip.better else "worse"
        lines.append(f"    {cell.names.get(flip.id, flip.id)}  {sides}{unit}  {way}, {flip.effect:+.4f} on the whole")
    return lines


def _difference(found: Comparison) -> str:
    if found.difference is None:
        return "no difference is defined"
    text = f"difference {found.difference:+.4f}"
    if found.low is not None and found.high is not None:
        text += f" [{found.low:+.4f}, {found.high:+.4f}]"
    if found.difference:
        better = (found.difference > 0) == found.quantity.higher_is_better
        text += f" ({'better' if better else 'worse'})"
    if found.p is not None:
        text += f", p {found.p:.4f}"
    return text + (f", Holm {found.p_holm:.4f}" if found.p_holm is not None else "")
