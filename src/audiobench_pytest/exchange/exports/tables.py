"""Samples or cells of a run as CSV, JSON lines or parquet."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from audiobench_pytest.errors import MissingExtraError, UsageError
from audiobench_pytest.frames import Run

if TYPE_CHECKING:
    import pandas as pd

ROWS = ("samples", "cells", "values")
"""What a row may be: a sample, a cell, one value of a cell."""


def rows_of(run: Run, rows: str) -> pd.DataFrame:
    """Return the frame whose rows are samples, cells or values.

    Raises:
        UsageError: The run holds none.
    """
    frame = {"samples": run.records, "cells": run.cells, "values": run.values}[rows]
    if frame.empty:
        raise UsageError(f"{run.path} holds no {rows} yet: nothing to export")
    return frame


def as_csv(frame: pd.DataFrame) -> bytes:
    """Return a frame as CSV with a header; lists and objects are JSON, what is missing is empty."""
    return frame.map(_flat).to_csv(index=False, lineterminator="\n").encode("utf-8", "backslashreplace")


def as_json_lines(frame: pd.DataFrame) -> bytes:
    """Return a frame as one JSON object a row, all with the same keys; what is missing is null."""
    lines = [
        json.dumps({name: _plain(value) for name, value in row.items()}, ensure_ascii=False, allow_nan=False)
        for row in frame.to_dict("records")
    ]
    # Half of a surrogate pair, written `\udcNN`, is valid JSON.
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "backslashreplace")


def as_parquet(frame: pd.DataFrame) -> bytes:
    """Return a frame as parquet; a column of lists, objects or several types is JSON text.

    Raises:
        MissingExtraError: pyarrow is not installed.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise MissingExtraError("parquet", "pyarrow", "hub") from None
    columns = {str(name): pa.array(_one_type([_plain(value) for value in frame[name]])) for name in frame.columns}
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue()


TABLES: Mapping[str, Callable[[pd.DataFrame], bytes]] = {
    "csv": as_csv,
    "jsonl": as_json_lines,
    "parquet": as_parquet,
}
"""How a table is written, by the name of its format."""


def _one_type(values: list[Any]) -> list[Any]:
    kinds = {type(value) for value in values if value is not None}
    if kinds <= {int, float} and float in kinds:
        return [None if value is None else float(value) for value in values]
    if len(kinds) > 1 or kinds & {list, dict}:
        return [None if value is None else _json(value) for value in values]
    if kinds == {str}:
        return [value and value.encode("utf-8", "backslashreplace").decode() for value in values]
    return values


def _flat(value: Any) -> Any:
    plain = _plain(value)
    return _json(plain) if isinstance(plain, list | dict) else plain


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True).encode("utf-8", "backslashreplace").decode()


def _plain(value: Any) -> Any:
    """Return a value of a frame as JSON has it; pandas says NaN where there is none."""
    if isinstance(value, str | bool | int) or value is None:
        return str(value) if isinstance(value, str) else value
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, str | bool | int):
        return value
    plain = msgspec.to_builtins(value, str_keys=True)
    return _finite(plain)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
