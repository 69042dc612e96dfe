"""Which number belongs into a column of a board: what a run measured or a table prints, and whether it compares."""

from __future__ import annotations

import enum
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from audiobench_pytest.catalog.boards import ColumnSpec
from audiobench_pytest.catalog.loader import Catalog, Entries
from audiobench_pytest.catalog.published import Published, PublishedRef
from audiobench_pytest.errors import folded
from audiobench_pytest.types import CellResult, MetricValue

if TYPE_CHECKING:
    from audiobench_pytest.records.runs.cells import CellData

COMPAT = "_compat"
"""Ends the name of a source's own reading of the answers, which is what it published."""


class CellState(enum.StrEnum):
    """Whether a number of a board may be averaged and ranked."""

    OK = "ok"
    OTHER_RECIPE = "other recipe"
    """Made by another recipe than the board's: shown with a mark, averaged only when the user asks for it."""
    INCOMPLETE = "incomplete"
    """Not of the whole data set: samples failed, or were not selected. Shown, never averaged."""
    MISSING = "missing"
    """There is no number."""


_ORDER = list(CellState)


@dataclass(frozen=True, slots=True)
class RunCell:
    """One cell of a run.

    Attributes:
        result: Its numbers.
        run: The run directory, as it is shown to people.
        asked: How many samples the run selected at most, or None where it took the whole set.
        data: The samples, where ranks are to have intervals.
    """

    result: CellResult
    run: str
    asked: int | None = None
    data: CellData | None = None


@dataclass(frozen=True, slots=True)
class BoardCell:
    """What stands in one column for one model.

    Attributes:
        value: In the column's unit, or None.
        state: Whether it may be averaged.
        reason: Why the state is not `ok`, else "".
        recipe: Name of the recipe that made it.
        quantity: Which of the recipe's values it is (`acc_compat`), or the metric as printed.
        signature: Signature of the score; "" for a published value, which has none.
        printed: The digits of a published value.
        low: Lower end of the 95 % interval, or None.
        high: Upper end, or None.
        notes: Doubts about a published value.
        source: Run directory, or published table.
        data: Digest of the data that a run read, or "".
        parts: The run's cells it comes from, each with the name of its value.
    """

    value: float | None = None
    state: CellState = CellState.MISSING
    reason: str = ""
    recipe: str = ""
    quantity: str = ""
    signature: str = ""
    printed: str = ""
    low: float | None = None
    high: float | None = None
    notes: tuple[str, ...] = ()
    source: str = ""
    data: str = ""
    parts: tuple[tuple[RunCell, str], ...] = ()

    def usable(self, any_recipe: bool) -> bool:
        """Tell whether it may be averaged; with `any_recipe` also when another recipe made it."""
        return self.state is CellState.OK or (any_recipe and self.state is CellState.OTHER_RECIPE)


def published_cell(
    refs: Sequence[PublishedRef],
    published: Published,
    publication: str,
    model: str,
    recipes: Sequence[str],
    catalog: Catalog,
) -> BoardCell:
    """Return what the tables of one publication print for a model in a column.

    Args:
        refs: Where the column is printed.
        published: All tables.
        publication: Which publication.
        model: Name as printed.
        recipes: Recipes whose numbers the column takes; empty where the board does not say.
        catalog: For other names of recipes.
    """
    for ref in refs:
        found = published.value(ref, model) if published.table(ref.table).spec.publication == publication else None
        if found is None:
            continue
        common: dict[str, Any] = {"recipe": found.recipe, "quantity": found.metric, "printed": found.printed}
        common |= {"notes": found.notes, "source": found.table}
        if found.value is None:
            return BoardCell(reason="the table leaves it open", **common)
        value = found.value * ref.scale
        if recipes and not any(_same(found.recipe, recipe, catalog.recipes) for recipe in recipes):
            reason = f"made by {found.recipe}, not by {recipes[0]}"
            return BoardCell(value, CellState.OTHER_RECIPE, reason, **common)
        return BoardCell(value, CellState.OK, **common)
    return BoardCell(reason="not published")


def run_cell(column: ColumnSpec, cells: Sequence[RunCell], catalog: Catalog) -> BoardCell:
    """Return what runs measured of a column: all cells are of one model, later ones win.

    A score under the board's recipe is preferred to any other; of a column with several data sets the mean is taken.
    """
    parts = []
    for dataset in column.datasets:
        found = [cell for cell in cells if _same(cell.result.cell.dataset, dataset, catalog.datasets)]
        own = [cell for cell in found if _takes(column, cell.result.cell.recipe, catalog)]
        chosen = (own or found)[-1:]
        parts += [_measured(column, cell, catalog) for cell in chosen] or [BoardCell(reason=f"not measured: {dataset}")]
    return parts[0] if len(parts) == 1 else _mean(parts)


def belongs(column: ColumnSpec, result: CellResult, catalog: Catalog) -> bool:
    """Tell whether a result is of a column's data, by whatever recipe."""
    return any(_same(result.cell.dataset, dataset, catalog.datasets) for dataset in column.datasets)


def _takes(column: ColumnSpec, recipe: str, catalog: Catalog) -> bool:
    return any(_same(recipe, name, catalog.recipes) for name in (column.recipe, *column.same_recipes))


def _same(one: str, other: str, entries: Entries[Any]) -> bool:
    names = [entries.get(name).name if name in entries else name for name in (one, other)]
    return folded(names[0]) == folded(names[1])


def _measured(column: ColumnSpec, cell: RunCell, catalog: Catalog) -> BoardCell:
    result = cell.result
    own = _takes(column, result.cell.recipe, catalog)
    common: dict[str, Any] = {
        "recipe": result.cell.recipe,
        "signature": result.signature,
        "source": cell.run,
        "data": str(result.data.get("digest") or ""),
    }
    values = _values(column, result)
    if values is None:
        key = column.slice.partition("=")[0]
        reason = f"the run has no slice {column.slice}: run it again with slices by {key}"
        return BoardCell(reason=reason, **common)
    value = _reading(column, values, own)
    if value is None:
        return BoardCell(reason=f"{result.cell.recipe} gives no value '{column.value}'", **common)
    common |= {"quantity": value.quantity.name, "parts": ((cell, value.quantity.name),)}
    if value.quantity.higher_is_better == column.error:
        way = "higher" if value.quantity.higher_is_better else "lower"
        return BoardCell(reason=f"of '{value.quantity.name}' the {way} is better, unlike the board's", **common)
    if value.value is None:
        return BoardCell(reason="nothing could be scored", **common)
    low, high = (None if end is None else end * column.scale for end in (value.low, value.high))
    common |= {"low": low, "high": high}
    reasons = [] if own else [f"made by {result.cell.recipe}, not by {column.recipe}"]
    lacks = _lacks(cell, catalog)
    state = CellState.INCOMPLETE if lacks else CellState.OK if own else CellState.OTHER_RECIPE
    return BoardCell(value.value * column.scale, state, "; ".join([*lacks, *reasons]), **common)


def _values(column: ColumnSpec, result: CellResult) -> Mapping[str, MetricValue] | None:
    """Return the values by name, the headline first; None where the slice was not computed."""
    values: Sequence[MetricValue] | None = result.values
    if column.slice:
        key, _, name = column.slice.partition("=")
        values = next((part.values for part in result.slices if (part.key, part.name) == (key, name)), None)
    return None if values is None else {value.quantity.name: value for value in values}


def _reading(column: ColumnSpec, values: Mapping[str, MetricValue], own: bool) -> MetricValue | None:
    headline = next(iter(values))
    name = column.value or headline
    if name not in values and not own:
        name = headline  # another recipe's words for it
    return values.get(f"{name}{COMPAT}", values.get(name))


def _lacks(cell: RunCell, catalog: Catalog) -> list[str]:
    """Return why the result is not one of the whole data set."""
    result, found = cell.result, []
    if result.coverage < 1.0:
        found.append(f"coverage {math.floor(result.coverage * 1e4) / 1e4:.4f}")
    known = catalog.datasets.get(result.cell.dataset).samples if result.cell.dataset in catalog.datasets else None
    if known is not None and result.selected not in (None, known):
        found.append(f"{result.selected} samples selected, the set has {known}")
    elif known is None and cell.asked is not None and (result.selected or 0) >= cell.asked:
        found.append(f"at most {cell.asked} samples selected")
    return found


def _mean(parts: Sequence[BoardCell]) -> BoardCell:
    """Return the unweighted mean of several data sets; without one of them there is none."""
    state = max((part.state for part in parts), key=_ORDER.index)
    reason = "; ".join(dict.fromkeys(part.reason for part in parts if part.reason))
    values = [part.value for part in parts if part.value is not None]
    whole = len(values) == len(parts)
    return BoardCell(
        value=math.fsum(values) / len(values) if whole else None,
        state=state,
        reason=reason,
        recipe=" & ".join(dict.fromkeys(part.recipe for part in parts if part.recipe)),
        quantity=" & ".join(dict.fromkeys(part.quantity for part in parts if part.quantity)),
        signature=" & ".join(sorted({part.signature for part in parts if part.signature})),
        source=", ".join(dict.fromkeys(part.source for part in parts if part.source)),
        data=" ".join(part.data for part in parts),
        parts=tuple(one for part in parts for one in part.parts),
    )
