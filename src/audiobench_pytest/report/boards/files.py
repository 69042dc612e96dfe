"""A filled board as JSON and CSV, and all its files in a folder."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from audiobench_pytest.errors import UsageError
from audiobench_pytest.leaderboard.boards.cells import BoardCell
from audiobench_pytest.leaderboard.boards.fill import FilledBoard
from audiobench_pytest.leaderboard.boards.ranks import RankRange, critical
from audiobench_pytest.leaderboard.boards.rows import Average, BoardRow
from audiobench_pytest.records.append import write_atomically
from audiobench_pytest.report.boards import markdown as board_markdown
from audiobench_pytest.report.boards.heat_map import heat_map
from audiobench_pytest.report.boards.radar import radar
from audiobench_pytest.report.text import clean

SCHEMA_VERSION = 1
"""Raised when a field of the JSON changes its meaning or goes away; new fields do not raise it."""

RANGES = ("lobo", "lotgo", "altnorm")


def as_json(board: FilledBoard) -> str:
    """Return the board as JSON, ending in a newline; every number unrounded, null where there is none.

    Top level: `schema_version`, `board`, `title`, `source`, `average` (the one that ranks), `any_recipe`, `columns`,
    `combined`, `averages` (what they are), `rows` (by rank), `correlation`, `notes`.
    """
    spec = board.spec
    document = {
        "schema_version": SCHEMA_VERSION,
        "board": spec.name,
        "title": spec.title,
        "source": spec.source,
        "average": board.average.name if board.average else None,
        "any_recipe": board.any_recipe,
        "columns": [
            {
                **{name: getattr(one, name) for name in ("name", "group", "recipe", "value", "unit", "error", "slice")},
                "datasets": list(one.datasets),
            }
            for one in spec.columns
        ],
        "combined": [
            {"name": one.name, "columns": list(one.columns), "scale": one.scale, "optional": list(one.optional)}
            for one in spec.combined
        ],
        "averages": [
            {
                **{name: getattr(one, name) for name in ("name", "title", "as_printed", "decimals", "weighted")},
                "over": list(one.over),
            }
            for one in spec.averages
        ],
        "rows": [_row(board, place, row) for place, row in enumerate(board.rows)],
        "correlation": _correlation(board),
        "notes": list(board.notes),
    }
    text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def as_csv(board: FilledBoard) -> str:
    """Return a line per model: rank, name, source, averages, rank ranges, then value and state of each column."""
    spec = board.spec
    head = ["rank", "rank_low", "rank_high", "model", "source", "published", *(one.name for one in spec.averages)]
    head += [f"{name}_{end}" for name in RANGES for end in ("best", "worst")]
    head += [text for one in spec.columns for text in (one.name, f"{one.name} state")]
    rows = []
    for place, row in enumerate(board.rows):
        document = _row(board, place, row)
        interval = document["rank_interval"] or (None, None)
        fields = [document["rank"], *interval, row.model, row.source, row.published]
        fields += [row.averages[one.name].value for one in spec.averages]
        fields += [end for name in RANGES for end in (document["robustness"].get(name) or (None, None))]
        fields += [x for one in spec.columns for x in (row.columns[one.name].value, str(row.columns[one.name].state))]
        rows.append(fields)
    return _csv(head, rows)


def correlation_csv(board: FilledBoard) -> str:
    """Return a line per pair of columns: both names, rho (empty where there is none) and the number of models."""
    found = board.correlation
    if found is None:
        return _csv(["first", "second", "rho", "n"], [])
    rows = [
        [found.names[i], found.names[j], _finite(float(found.rho[i, j])), int(found.n[i, j])]
        for i in range(len(found.names))
        for j in range(i)
    ]
    return _csv(["first", "second", "rho", "n"], rows)


def write_board_files(board: FilledBoard, folder: Path) -> list[str]:
    """Write NAME.json, NAME.csv, NAME.md, NAME-radar.svg and, where it was computed, the correlation as CSV and SVG.

    Returns:
        Why a picture could not be drawn, a sentence each.

    Raises:
        RecordError: A file cannot be written.
    """
    name, said = board.spec.name, []
    files = {f"{name}.json": as_json(board), f"{name}.csv": as_csv(board), f"{name}.md": board_markdown.render(board)}
    pictures = [(f"{name}-radar.svg", radar)]
    if board.correlation is not None:
        files[f"{name}-correlation.csv"] = correlation_csv(board)
        pictures.append((f"{name}-correlation.svg", heat_map))
    for file, draw in pictures:
        try:
            files[file] = draw(board)
        except UsageError as exc:
            said.append(f"no {file}: {exc}")
    folder.mkdir(parents=True, exist_ok=True)
    for file, text in files.items():
        write_atomically(folder / file, text.encode())
    return said


def _row(board: FilledBoard, place: int, row: BoardRow) -> dict[str, Any]:
    ranks, rank = board.ranks, board.rank_of(place)
    interval: list[int] | None = None
    ranges: dict[str, list[int] | int | None] = {}
    if ranks is not None and rank is not None:
        if ranks.low is not None and ranks.high is not None:
            interval = [ranks.low[place], ranks.high[place]]
        if ranks.robustness is not None:
            ranges = {name: _range(getattr(ranks.robustness, name), place) for name in RANGES}
            ranges |= {name: int(getattr(ranks.robustness, name)[place]) for name in ("zscore", "minmax")}
    return {
        "rank": rank,
        "rank_interval": interval,
        "model": row.model,
        "source": row.source,
        "published": row.published,
        "averages": {name: _average(average) for name, average in row.averages.items()},
        "robustness": ranges,
        "rtfx": row.rtfx,
        "columns": {name: _cell(cell) for name, cell in row.columns.items()},
        "combined": {name: _cell(cell) for name, cell in row.combined.items()},
    }


def _range(one: RankRange | None, place: int) -> list[int] | None:
    return None if one is None else [int(one.best[place]), int(one.worst[place])]


def _average(average: Average) -> dict[str, Any]:
    return {
        "value": average.value,
        "partial": average.partial,
        "missing": list(average.missing),
        "of": average.of,
        "other_recipe": average.other_recipe,
    }


def _cell(cell: BoardCell) -> dict[str, Any]:
    return {
        "value": cell.value,
        "state": str(cell.state),
        "reason": cell.reason,
        "recipe": cell.recipe,
        "quantity": cell.quantity,
        "signature": cell.signature,
        "printed": cell.printed,
        "low": cell.low,
        "high": cell.high,
        "notes": list(cell.notes),
        "source": cell.source,
    }


def _correlation(board: FilledBoard) -> dict[str, Any] | None:
    found = board.correlation
    if found is None:
        return None
    counts = sorted({int(n) for n in found.n.ravel()})
    return {
        "method": "spearman",
        "columns": list(found.names),
        "rho": [[_finite(float(rho)) for rho in row] for row in found.rho],
        "n": [[int(n) for n in row] for row in found.n],
        "critical_5_percent": {str(n): critical(n) for n in counts},
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _csv(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    # A carriage return in a name would not be quoted, and end the line for many a reader.
    writer.writerow([clean(name) for name in head])
    writer.writerows([["" if value is None else clean(str(value)) for value in row] for row in rows])
    return buffer.getvalue().encode("utf-8", "backslashreplace").decode("utf-8")
