"""Published results as data: what papers and pages print, with the recipe and the known doubts of each cell.

`published/*.yaml` (key `tables`) describe the tables; a CSV file beside them holds the cells in long form, with the
columns `model,benchmark,metric,value`. Values are kept as printed, nothing is averaged or rounded. An empty value is a
cell that the table leaves open.
"""

from __future__ import annotations

import csv
import functools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from audiobench_pytest.catalog.entries import Entries, Kind, catalog_folders
from audiobench_pytest.catalog.schema.protocols import ExpectedRef
from audiobench_pytest.errors import CatalogError, UnknownNameError

COLUMNS = ("model", "benchmark", "metric", "value")
"""Header of every CSV file of published results."""


@dataclass(frozen=True, slots=True)
class CellRecipe:
    """Which recipe made some cells of a table.

    Attributes:
        recipe: Name of the recipe.
        metric: The cells' metric as printed (`WER`), or a pattern (`DNSMOS-*`).
        benchmark: The cells' benchmark as printed, or a pattern.
    """

    recipe: str
    metric: str = "*"
    benchmark: str = "*"


@dataclass(frozen=True, slots=True)
class CellNote:
    """What is doubtful about some cells of a table, or has to be known about them.

    Attributes:
        text: One sentence.
        model: The cells' model as printed, or a pattern.
        benchmark: As above.
        metric: As above.
    """

    text: str
    model: str = "*"
    benchmark: str = "*"
    metric: str = "*"


@dataclass(frozen=True, slots=True)
class TableSpec:
    """One published table.

    Attributes:
        name: `ultraeval-table9`.
        file: CSV file beside the YAML file.
        title: What the table shows.
        source: Paper or page, and its table.
        recipes: What made the cells; of several that fit a cell the first counts, and each cell needs one.
        publication: What the table shares with others of the same source: on a board, a model has one row per
            publication.
        date: When it was published (ISO 8601, as far as known), or "".
        notes: Doubts.
        aliases: Other names it is known by.
    """

    name: str
    file: str
    title: str
    source: str
    recipes: tuple[CellRecipe, ...]
    publication: str
    date: str = ""
    notes: tuple[CellNote, ...] = ()
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PublishedRef:
    """Names a cell of each model of a published table.

    Attributes:
        table: Name of the table.
        benchmark: As printed there.
        metric: As printed there.
        scale: Factor from what is printed there to what is meant here (100 for a share meant in percent).
    """

    table: str
    benchmark: str
    metric: str
    scale: float = 1.0


@dataclass(frozen=True, slots=True)
class PublishedValue:
    """One cell as printed.

    Attributes:
        table: Name of its table.
        model: As printed.
        benchmark: As printed.
        metric: As printed.
        printed: The digits, or "" where the table leaves the cell open.
        recipe: Name of the recipe that made it.
        notes: Doubts about it.
    """

    table: str
    model: str
    benchmark: str
    metric: str
    printed: str
    recipe: str
    notes: tuple[str, ...] = ()

    @property
    def value(self) -> float | None:
        """The number, or None where the table leaves the cell open."""
        return float(self.printed) if self.printed else None

    @property
    def tolerance(self) -> float:
        """Half a unit of the last printed digit: by how much rounding may have moved it."""
        return 0.5 * 10.0 ** -len(self.printed.partition(".")[2])


class PublishedTable:
    """The cells of one table, found by model, benchmark and metric.

    Attributes:
        spec: The catalogue entry.
    """

    def __init__(self, spec: TableSpec, cells: Mapping[tuple[str, str, str], PublishedValue]) -> None:
        self.spec = spec
        self._cells = dict(cells)

    @property
    def name(self) -> str:
        """Its name."""
        return self.spec.name

    @property
    def aliases(self) -> tuple[str, ...]:
        """Other names it is known by."""
        return self.spec.aliases

    def __iter__(self) -> Iterator[PublishedValue]:
        return iter(self._cells.values())

    def __len__(self) -> int:
        return len(self._cells)

    def models(self) -> list[str]:
        """Return the models in the order of the table."""
        return list(dict.fromkeys(model for model, _, _ in self._cells))

    def columns(self) -> list[tuple[str, str]]:
        """Return benchmark and metric of the columns in the order of the table."""
        return list(dict.fromkeys((benchmark, metric) for _, benchmark, metric in self._cells))

    def get(self, model: str, benchmark: str, metric: str) -> PublishedValue | None:
        """Return a cell, or None where the table has none of that name."""
        return self._cells.get((model, benchmark, metric))


class Published:
    """All published tables, found by name."""

    def __init__(self, tables: list[PublishedTable]) -> None:
        self._tables = {table.name: table for table in tables}
        self._names: Entries[TableSpec] = Entries("published table", (table.spec for table in tables))

    def __iter__(self) -> Iterator[PublishedTable]:
        return iter(self._tables.values())

    def table(self, name: str) -> PublishedTable:
        """Return a table.

        Raises:
            UnknownNameError: There is none of that name.
        """
        return self._tables[self._names.get(name).name]

    def check(self, ref: PublishedRef | ExpectedRef, where: str) -> None:
        """Check that a reference names a column of a table.

        Raises:
            CatalogError: There is no such table or column; the message begins with `where`.
        """
        try:
            columns = self.table(ref.table).columns()
        except UnknownNameError as exc:
            raise CatalogError(f"{where}: {exc}") from None
        if (ref.benchmark, ref.metric) not in columns:
            raise CatalogError(f"{where}: table '{ref.table}' has no column '{ref.benchmark}' with '{ref.metric}'")

    def value(self, ref: PublishedRef | ExpectedRef, model: str) -> PublishedValue | None:
        """Return what a referenced table prints for a model, or None where it has no such cell."""
        return self.table(ref.table).get(model, ref.benchmark, ref.metric)


TABLES = Kind("published table", "published", TableSpec, key="tables")


def load_published() -> Published:
    """Return the published tables: what ships with the package, and those of the user's own catalogue folders.

    Raises:
        CatalogError: A file is wrong; the message names file and line or entry.
    """
    return _load(catalog_folders())


@functools.cache
def _load(folders: tuple[Path, ...]) -> Published:
    return Published([_table(spec, folders) for spec in TABLES.load()])


def _table(spec: TableSpec, folders: tuple[Path, ...]) -> PublishedTable:
    places = [folder / "published" / spec.file for folder in reversed(folders)]
    path = next((place for place in places if place.is_file()), places[-1])
    cells: dict[tuple[str, str, str], PublishedValue] = {}
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = csv.reader(file)
            header = next(rows, [])
            if tuple(header) != COLUMNS:
                raise CatalogError(f"{path.name}: the first line must be '{','.join(COLUMNS)}', found {header}")
            for row in rows:
                value = _value(spec, row, f"{path.name}:{rows.line_num}")
                key = (value.model, value.benchmark, value.metric)
                if key in cells:
                    raise CatalogError(f"{path.name}:{rows.line_num}: {', '.join(key)} is there twice")
                cells[key] = value
    except (OSError, UnicodeDecodeError, csv.Error) as exc:
        raise CatalogError(f"published table '{spec.name}': {path}: {exc}") from exc
    for note in spec.notes:
        if not any(_fits(note, value.model, value.benchmark, value.metric) for value in cells.values()):
            raise CatalogError(f"published table '{spec.name}': no cell fits the note '{note.text}'")
    return PublishedTable(spec, cells)


def _value(spec: TableSpec, row: list[str], where: str) -> PublishedValue:
    if len(row) != len(COLUMNS) or not all(row[:3]):
        raise CatalogError(f"{where}: expected {', '.join(COLUMNS)}, found {row}")
    model, benchmark, metric, printed = row
    try:
        finite = math.isfinite(float(printed or "0"))
    except ValueError:
        finite = False
    if not finite:
        raise CatalogError(f"{where}: '{printed}' is no number")
    recipe = next(
        (r.recipe for r in spec.recipes if fnmatchcase(metric, r.metric) and fnmatchcase(benchmark, r.benchmark)), None
    )
    if recipe is None:
        raise CatalogError(f"{where}: table '{spec.name}' names no recipe for '{benchmark}' with '{metric}'")
    notes = tuple(note.text for note in spec.notes if _fits(note, model, benchmark, metric))
    return PublishedValue(spec.name, model, benchmark, metric, printed, recipe, notes)


def _fits(note: CellNote, model: str, benchmark: str, metric: str) -> bool:
    return (
        fnmatchcase(model, note.model) and fnmatchcase(benchmark, note.benchmark) and fnmatchcase(metric, note.metric)
    )
