"""Anybody's predictions, one JSON object a line: read, checked, and told by line what is wrong."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import msgspec

from audiobench_pytest.errors import UnknownNameError, UsageError
from audiobench_pytest.languages import known_language
from audiobench_pytest.records.append import DAMAGED
from audiobench_pytest.types import CellId, Outcome, State

KEYS = ("id", "reference", "prediction", "language", "choices", "aliases")
"""Keys with a meaning of their own; every other one is kept as the row's meta."""

_decoder = msgspec.json.Decoder(dict[str, Any])


def read_predictions(
    path: Path, cell: CellId, *, language: str | None = None, needs_reference: bool = True
) -> dict[str, Outcome]:
    """Return the rows of a file as outcomes, by sample id.

    A row without a prediction (no key, or null) is `failed`: it has no text that could be scored. A row without a
    reference is a `data_error`. A row without an id is named by its line.

    Args:
        path: The file, or `-` for standard input.
        cell: The cell that the outcomes belong to.
        language: Language of the rows that name none.
        needs_reference: Whether a row without a reference cannot be scored.

    Raises:
        UsageError: The file cannot be read, a line is no JSON object, a value is of the wrong type, a language is none,
            or an id comes twice; the message names the line.
    """
    found: dict[str, Outcome] = {}
    lines: dict[str, int] = {}
    for number, row in _rows(path):
        where = f"{path}: line {number}"
        outcome = _outcome(row, cell, language, where, number, needs_reference)
        if outcome.sample_id in found:
            first = lines[outcome.sample_id]
            raise UsageError(f"{where}: the id '{outcome.sample_id}' was used in line {first} already")
        found[outcome.sample_id], lines[outcome.sample_id] = outcome, number
    return found


def _rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        file: IO[bytes] = sys.stdin.buffer if str(path) == "-" else path.open("rb")
    except OSError as exc:
        raise UsageError(f"cannot read {path}: {exc.strerror or exc}") from exc
    with file:
        for number, line in enumerate(file, start=1):
            line = line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
            if not line.strip():
                continue
            try:
                yield number, _decoder.decode(line)
            except DAMAGED as exc:
                raise UsageError(f"{path}: line {number}: expected a JSON object: {exc}") from exc


def _outcome(
    row: dict[str, Any], cell: CellId, language: str | None, where: str, number: int, needs_reference: bool
) -> Outcome:
    reference, further = _references(row, where)
    prediction = _text(row, "prediction", where)
    spoken = _language(_text(row, "language", where) or language or "en", where)
    sample_id = row.get("id")
    if sample_id is not None and not isinstance(sample_id, str | int):
        raise UsageError(f"{where}: 'id' must be a text or a whole number, it is {sample_id!r:.60}")
    meta = {key: value for key, value in row.items() if key not in KEYS}
    for key in ("choices", "aliases"):
        if row.get(key) is not None:
            if not isinstance(row[key], list) or not all(isinstance(one, str) for one in row[key]):
                raise UsageError(f"{where}: '{key}' must be a list of texts, it is {row[key]!r:.60}")
            meta[key] = row[key]
    if further:
        meta["aliases"] = [*further, *meta.get("aliases", ())]
    if reference is None and meta.get("aliases"):
        reference = meta["aliases"][0]
    if reference is None and needs_reference:
        state, reason = State.DATA_ERROR, "the row has no reference"
    elif prediction is None:
        state, reason = State.FAILED, "the row has no prediction"
    else:
        state, reason = (State.OK if prediction.strip() else State.EMPTY), None
    return Outcome(
        cell=cell,
        sample_id=str(number) if sample_id is None else str(sample_id),
        state=state,
        reference=reference or "",
        prediction=None if state in (State.FAILED, State.DATA_ERROR) else prediction,
        reason=reason,
        language=spoken,
        audio_s=_seconds(meta),
        meta=meta,
    )


def _references(row: dict[str, Any], where: str) -> tuple[str | None, list[str]]:
    """Return the reference and those behind it in a list."""
    value = row.get("reference")
    if not isinstance(value, list):
        return _text(row, "reference", where), []
    if not all(isinstance(one, str) for one in value):
        raise UsageError(f"{where}: 'reference' must be a text or a list of texts, it is {value!r:.60}")
    return (value[0], value[1:]) if value else (None, [])


def _language(name: str, where: str) -> str:
    """Return a language's name as it is, once it is known that there is one of this name."""
    try:
        known_language(name)
    except UnknownNameError as error:
        raise UsageError(f"{where}: {error}") from None
    return name


def _seconds(meta: dict[str, Any]) -> float:
    value = meta.get("duration_s", 0.0)
    return float(value) if isinstance(value, int | float) and value >= 0 else 0.0


def _text(row: dict[str, Any], key: str, where: str) -> str | None:
    value = row.get(key)
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool | int | float) and key != "language":
        return str(value).lower() if isinstance(value, bool) else f"{value}"
    raise UsageError(f"{where}: '{key}' must be a text, it is {value!r:.60}")
