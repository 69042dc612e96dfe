"""Leaderboards as data: which cells a board shows, how they become one average, what others published for them.

`boards/*.yaml` (key `boards`). A column is a cell without its model: dataset, recipe, value. A number made by another
recipe is none of the column's, so that "comparable or not" is decided by data and not by eye.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from audiobench_pytest.catalog.entries import Entries, Kind
from audiobench_pytest.catalog.published import Published, PublishedRef, load_published
from audiobench_pytest.errors import CatalogError, did_you_mean


@dataclass(frozen=True, slots=True)
class ColumnSpec:
    """One column: what is measured, and where it is published.

    Attributes:
        name: Its name on the board.
        datasets: Names of the data sets; of several the unweighted mean of their values is taken, and all are needed.
        recipe: Name of the recipe that the board asks for.
        value: Which of the recipe's values, or "" for its headline. Where the recipe keeps the source's own reading
            beside it (`acc_compat` beside `acc`), that one is taken: it is what published numbers are.
        group: Task group; groups are shown apart, and taken out one at a time by `rank/lotgo`.
        error: True for an error rate: lower is better, and it enters averages as 100 - x.
        unit: What the numbers are: `%`, `points`, `MOS`, or "" for a plain number.
        scale: Factor from the recipe's value to the column's (100 for a cosine shown times 100).
        slice: `key=name` where the column is a part of the data set (`task=music`), or "".
        same_recipes: Further recipes that give the very same number on this data.
        published: Where others printed it, at most once per publication and table.
        note: What has to be known about it.
    """

    name: str
    datasets: tuple[str, ...]
    recipe: str
    value: str = ""
    group: str = ""
    error: bool = False
    unit: str = "%"
    scale: float = 1.0
    slice: str = ""
    same_recipes: tuple[str, ...] = ()
    published: tuple[PublishedRef, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class CombinedSpec:
    """A cell of an average that is made of columns: `scale` times the mean of their oriented values.

    Attributes:
        name: Its name; differs from those of the columns.
        columns: The columns.
        scale: Factor of the mean (20 makes 5 points 100).
        optional: Columns that need not be there: then the mean is over the others.
        group: Task group.
        published: Where others printed the combination itself, without its parts.
    """

    name: str
    columns: tuple[str, ...]
    scale: float = 1.0
    optional: tuple[str, ...] = ()
    group: str = ""
    published: tuple[PublishedRef, ...] = ()


@dataclass(frozen=True, slots=True)
class AverageSpec:
    """A mean over cells: columns (oriented: 100 - x for errors, else as they are) and combinations.

    Attributes:
        name: Its name.
        over: Names of columns and combinations.
        title: A few words for the table's head.
        as_printed: Average error rates as they are, not 100 - x: then lower is better. All cells must be errors.
        decimals: Digits that each cell is rounded to before the mean, or None.
        weighted: Each combination counts as often as it has columns: the mean over all columns, also where only the
            combinations are known.
        note: What has to be known about it.
    """

    name: str
    over: tuple[str, ...]
    title: str = ""
    as_printed: bool = False
    decimals: int | None = None
    weighted: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class BoardSpec:
    """One leaderboard.

    Attributes:
        name: `understanding`.
        title: One line.
        columns: Its columns, in order.
        combined: Cells made of several columns.
        averages: Its averages; models are ranked by the first that one of them has all cells of, unless another is
            asked for.
        correlation: Columns of the correlation matrix; empty for all that have a value.
        description: One sentence for `list`.
        source: Who defined the averages.
        notes: What has to be known about the board.
        aliases: Other names it is known by.
    """

    name: str
    title: str
    columns: tuple[ColumnSpec, ...]
    combined: tuple[CombinedSpec, ...] = ()
    averages: tuple[AverageSpec, ...] = ()
    correlation: tuple[str, ...] = ()
    description: str = ""
    source: str = ""
    notes: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()

    def column(self, name: str) -> ColumnSpec:
        """Return the column of a name that the board is known to have."""
        return next(column for column in self.columns if column.name == name)

    def combination(self, name: str) -> CombinedSpec | None:
        """Return the combination of a name, or None where it is a column's."""
        return next((cell for cell in self.combined if cell.name == name), None)

    def group_of(self, cell: str) -> str:
        """Return the task group of a column or combination."""
        combination = self.combination(cell)
        return combination.group if combination else self.column(cell).group

    def groups(self) -> list[str]:
        """Return the task groups of the columns in order of first appearance."""
        return list(dict.fromkeys(column.group for column in self.columns))

    def tables(self) -> list[str]:
        """Return the names of the published tables it takes cells from, in order of first appearance."""
        refs = [ref for column in self.columns for ref in column.published]
        refs += [ref for combination in self.combined for ref in combination.published]
        return list(dict.fromkeys(ref.table for ref in refs))


def load_boards() -> Entries[BoardSpec]:
    """Return the boards: what ships with the package, and those of the user's own catalogue folders.

    Raises:
        CatalogError: A file is wrong; the message names file and entry.
    """
    return BOARDS.load()


def check(board: BoardSpec, published: Published, where: str) -> None:
    """Check that all names of a board stand for something.

    Raises:
        CatalogError: One does not; the message begins with `where`.
    """
    columns = [column.name for column in board.columns]
    cells = columns + [cell.name for cell in board.combined]
    for names, what in ((cells, "cell"), ([average.name for average in board.averages], "average")):
        twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
        if twice:
            raise CatalogError(f"{where}: the {what} '{twice[0]}' is there twice")
    for column in board.columns:
        if not column.datasets:
            raise CatalogError(f"{where}: column '{column.name}' names no data set")
        if column.slice and not all(column.slice.partition("=")):
            raise CatalogError(f"{where}: column '{column.name}': slice: expected key=name, found '{column.slice}'")
    for cell in board.combined:
        _known(cell.columns, columns, f"{where}: '{cell.name}': columns")
        _known(cell.optional, cell.columns, f"{where}: '{cell.name}': optional", may_be_empty=True)
        if not set(cell.columns) - set(cell.optional):
            raise CatalogError(f"{where}: '{cell.name}': at least one column must not be optional")
    for average in board.averages:
        _known(average.over, cells, f"{where}: average '{average.name}': over")
        if average.as_printed and not all(name in columns and board.column(name).error for name in average.over):
            raise CatalogError(f"{where}: average '{average.name}': as_printed is for columns that are error rates")
    _known(board.correlation, columns, f"{where}: correlation", may_be_empty=True)
    refs = [(column.name, column.published) for column in board.columns]
    refs += [(cell.name, cell.published) for cell in board.combined]
    for name, of in refs:
        for ref in of:
            published.check(ref, f"{where}: '{name}'")


def _known(names: tuple[str, ...], known: Iterable[str], where: str, *, may_be_empty: bool = False) -> None:
    known = list(known)
    if len(set(names)) != len(names):
        raise CatalogError(f"{where}: a name is there twice")
    if not names and not may_be_empty:
        raise CatalogError(f"{where}: nothing is named")
    for name in names:
        if name not in known:
            raise CatalogError(f"{where}: there is no '{name}'{did_you_mean(name, known)}")


BOARDS = Kind("board", "boards", BoardSpec, check=lambda board, where: check(board, load_published(), where))
