"""Two runs, or lock files, cell by cell."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from audiobench_pytest.catalog.loader import load_catalog
from audiobench_pytest.errors import RecordError, UnknownNameError
from audiobench_pytest.leaderboard.baselines.comparability import difference, other_words
from audiobench_pytest.leaderboard.baselines.measured import Measured, paired
from audiobench_pytest.leaderboard.baselines.sources import Baseline
from audiobench_pytest.leaderboard.cells.evidence import imported_of
from audiobench_pytest.leaderboard.statistics.comparison import Comparison, compare, correct
from audiobench_pytest.leaderboard.statistics.power import LEVEL
from audiobench_pytest.metrics.recipes import Recipe
from audiobench_pytest.types import CellId


@dataclass(frozen=True, slots=True)
class ComparedCell:
    """What came of comparing a cell of one run with a cell of another.

    Attributes:
        first: The cell of the first run.
        second: The cell of the second run; another model where the runs have no model in common.
        comparison: Second against first, or None.
        refused: Why they are not compared, or None.
        names: Sample ids by the hashes that stand for them in the comparison, where a side knows them.
        imported: Whose result files the answers of a side were read from, a sentence per side that has them from one.
        asked: That the sides were asked in different words, or "".
    """

    first: CellId
    second: CellId
    comparison: Comparison | None = None
    refused: str | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    imported: tuple[str, ...] = ()
    asked: str = ""

    @property
    def is_worse(self) -> bool:
        """Whether the second is worse, by more than chance among all that were compared."""
        found = self.comparison
        if found is None or found.difference is None or found.p_holm is None or found.p_holm > LEVEL:
            return False
        return found.difference != 0 and (found.difference > 0) != found.quantity.higher_is_better


def compare_runs(first: Baseline, second: Baseline, metric: str | None = None) -> list[ComparedCell]:
    """Compare the cells that two runs have in common; p-values are corrected for their number.

    Cells are of one data set, recipe, prompt and model; where the models differ and each run has just one of them,
    those two are compared.

    Args:
        first: One run or lock file.
        second: The other.
        metric: The value to compare; None for the headline of each. Cells without it are left out.

    Raises:
        RecordError: A run or lock file cannot be read.
    """
    found = []
    for ours, theirs in _common(first.cells(), second.cells()):
        one, other = first.find(ours), second.find(theirs)
        assert one is not None
        assert other is not None
        cell = _compared(one, other, metric)
        if cell is not None:
            found.append(cell)
    corrected = iter(correct([cell.comparison for cell in found if cell.comparison is not None]))
    return [
        cell if cell.comparison is None else dataclasses.replace(cell, comparison=next(corrected)) for cell in found
    ]


def not_compared(first: Baseline, second: Baseline, metric: str | None = None) -> list[CellId]:
    """Return the cells of the first run that have no counterpart in the second.

    Args:
        first: One run or lock file.
        second: The other.
        metric: Pass over the cells that are not measured in it; None for all.

    Raises:
        RecordError: A run or lock file cannot be read.
    """
    paired_off = {ours for ours, _ in _common(first.cells(), second.cells())}
    gone = [cell for cell in first.cells() if cell not in paired_off]
    if metric is None:
        return gone
    return [cell for cell in gone if (found := first.find(cell)) and metric in {one.name for one in found.quantities}]


def _common(first: Sequence[CellId], second: Sequence[CellId]) -> list[tuple[CellId, CellId]]:
    pairs = []
    for cell in first:
        if cell in second:
            pairs.append((cell, cell))
            continue
        ours, theirs = (
            [one for one in cells if (one.dataset, one.recipe, one.prompt) == (cell.dataset, cell.recipe, cell.prompt)]
            for cells in (first, second)
        )
        if len(ours) == len(theirs) == 1:
            pairs.append((cell, theirs[0]))
    return pairs


def _compared(first: Measured, second: Measured, metric: str | None) -> ComparedCell | None:
    quantities = second.quantities or first.quantities
    quantity = next((one for one in quantities if metric in (None, one.name)), None)
    if quantity is None:
        return None
    told = tuple(f"{side.where}: {text}" for side in (first, second) if (text := imported_of(side.identity)))
    reason = difference(first, second)
    if reason is not None:
        return ComparedCell(first.cell, second.cell, refused=reason, imported=told)
    pairs, names = paired(first, second, quantity.name)
    if not pairs.ids:
        return ComparedCell(first.cell, second.cell, refused="they scored no sample in common", imported=told)
    recipe = second.recipe or first.recipe or _recipe(first.cell.recipe)
    comparison = compare(pairs, recipe.values, quantity)
    asked = other_words(first, second)
    return ComparedCell(first.cell, second.cell, comparison, names=names, imported=told, asked=asked)


def _recipe(name: str) -> Recipe:
    try:
        return Recipe(load_catalog().recipes.get(name))
    except UnknownNameError as exc:
        raise RecordError(f"a lock file holds numbers only, and this version cannot put them together: {exc}") from exc
