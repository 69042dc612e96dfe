"""Manifests: an object per line or row, in one of the dialects."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from audiobench_pytest.catalog.schema import ColumnMap
from audiobench_pytest.datasets.fields import Needs, renamed
from audiobench_pytest.datasets.manifests.dialect import Dialect, Row, language_of
from audiobench_pytest.datasets.manifests.dialects import DIALECTS, DIALOGUE, NATIVE, URO_BENCH, WENET, opened
from audiobench_pytest.datasets.manifests.foreign import layout_of, translated
from audiobench_pytest.datasets.manifests.formats import UNNAMED, Format, format_named
from audiobench_pytest.datasets.manifests.lines import numbered_lines
from audiobench_pytest.datasets.manifests.stepeval import dialogue_row, is_dialogue
from audiobench_pytest.datasets.selection import unique_ids
from audiobench_pytest.errors import DatasetError, did_you_mean
from audiobench_pytest.records.texts import storable
from audiobench_pytest.types import Sample

_SPEECH = Needs()

_HALF_PAIR = re.compile(rb"\\u[dD][89a-fA-F]")
"""How JSON spells a surrogate, which alone is no character."""

_EMPTY = "{path}: the manifest holds no samples; it needs one JSON object per line"


def read_manifest(
    path: Path, language: str, columns: ColumnMap = (), *, needs: Needs = _SPEECH, target: str = "", layout: str = ""
) -> list[Sample]:
    """Return all samples of a manifest, in its order; no audio file is looked at.

    The first line decides the dialect, where nobody named the layout. A line that cannot be asked becomes a sample with
    a problem.

    Args:
        path: The manifest.
        language: ISO 639 code of lines that name none.
        columns: Our names of columns with those they have in this file; only those that differ.
        needs: What each line must have.
        target: Language of the answers of lines that name none, where it is not that of the sound.
        layout: Name of what each line is of (`formats.formats`), or "".

    Raises:
        DatasetError: There is no such file or layout, a line is not a JSON object in UTF-8 or not of the named layout,
            the first line lacks a required column, or there is no line at all; names file and line.
    """
    named = frozenset(theirs for _, several in columns for theirs in several)
    rows: list[tuple[int, Row]] = []
    fallback_ids: list[str] = []
    dialect: Dialect | None = None
    stated = format_named(layout)
    for number, line in numbered_lines(path, stated.lines):
        record = _parse(path, number, line, named, stated)
        record = renamed(record, columns) if columns else record
        if dialect is None:
            dialect = _dialect_of(path, number, record, needs, stated)
        rows.append((number, dialect.read(record, path.parent, needs)))
        fallback_ids.append(hashlib.sha256(line).hexdigest())
    if not rows:
        raise DatasetError(_EMPTY.format(path=path))
    ids = [storable(row.id or fallback) for (_, row), fallback in zip(rows, fallback_ids, strict=True)]
    names = unique_ids(ids, [f"line{number}" for number, _ in rows])
    samples = []
    for (number, row), own_id, (name, earlier) in zip(rows, ids, names, strict=True):
        problems = list(row.problems)
        if earlier is not None:
            problems.append(f"duplicate id '{own_id}', first seen in line {rows[earlier][0]}")
        fields = row.fields
        into, bad_target = language_of({"target_language": fields.target}, "target_language")
        if bad_target is not None:
            problems.append(bad_target)
        elif needs.target and not (into or target):
            problems.append("no 'target_language', which says what to translate into")
        samples.append(
            Sample(
                id=name,
                audio=row.audio or (path if row.problems else None),
                reference=row.reference,
                language=row.language or language,
                duration_s=row.duration_s,
                meta=fields.meta,
                sounds=row.sounds,
                aliases=fields.aliases,
                choices=fields.choices,
                text=fields.text or (row.reference if needs.says else ""),
                target=into or target,
                turns=fields.turns,
                tools=fields.tools,
                prompt=fields.prompt,
                problem=f"{path}:{number}: {'; '.join(problems)}" if problems else None,
            )
        )
    return samples


def count_lines(path: Path, layout: str = "") -> int:
    """Return the number of lines that hold something.

    Raises:
        DatasetError: There is no such file.
    """
    return sum(1 for _ in numbered_lines(path, format_named(layout).lines))


def first_line(path: Path, layout: str = "") -> Mapping[str, Any]:
    """Return the first line of a manifest, with our names for its columns.

    Raises:
        DatasetError: There is no such file, it holds no line, or its first one is no JSON object.
    """
    stated = format_named(layout)
    for number, line in numbered_lines(path, stated.lines):
        return _parse(path, number, line, stated=stated)
    raise DatasetError(_EMPTY.format(path=path))


def _parse(
    path: Path, number: int, line: bytes, named: frozenset[str] = frozenset(), stated: Format = UNNAMED
) -> Mapping[str, Any]:
    try:
        record = json.loads(line.decode())
    except UnicodeDecodeError as exc:
        raise DatasetError(f"{path}:{number}: not UTF-8 (byte {exc.start + 1} of the line); save it as UTF-8") from exc
    except json.JSONDecodeError as exc:
        form = "" if line[:1] in b'{["' else "; a manifest is JSON lines, or a table whose name ends in .csv or .tsv"
        raise DatasetError(f"{path}:{number}: not valid JSON: {exc.msg} at column {exc.colno}{form}") from exc
    except (ValueError, RecursionError) as exc:  # a number of thousands of digits, a nesting of thousands of levels
        raise DatasetError(f"{path}:{number}: not valid JSON: {exc}") from exc
    if isinstance(record, list) and is_dialogue(line):
        record = dialogue_row(record, path, number)
    if isinstance(record, dict) and _HALF_PAIR.search(line):
        # The name of a file stays what it is on disk.
        record = {k: v if k in ("audio", "wav", "sounds") else storable(v) for k, v in record.items()}
    if not isinstance(record, dict):
        raise DatasetError(f'{path}:{number}: not a JSON object; each line must be one, as {{"id": ...}}')
    row: Mapping[str, Any] = record
    if all(column in row for column in DIALOGUE) and not (_is_ours(row) or any(_fits(row, d) for d in DIALECTS)):
        try:
            row = opened(row)
        except ValueError as exc:
            raise DatasetError(f"{path}:{number}: {exc}") from exc
    layout = stated.layout
    if layout is None:
        if stated.dialect is not None or any(_fits(row, one) for one in DIALECTS):
            return row
        layout = layout_of(row, ours=_is_ours(row))
        if layout is None:
            return row
    try:
        return translated(row, layout, named)
    except (ValueError, TypeError, AttributeError) as exc:
        raise DatasetError(f"{path}:{number}: {exc}") from exc


def _fits(record: Mapping[str, Any], dialect: Dialect) -> bool:
    return all(column in record for column in dialect.required)


def _is_ours(record: Mapping[str, Any]) -> bool:
    """Whether a line names its sound as a dialect of ours does: then it is of that, whatever else it holds."""
    return any(dialect.audio in record for dialect in (NATIVE, WENET, URO_BENCH))


def _dialect_of(path: Path, number: int, record: Mapping[str, Any], needs: Needs, stated: Format) -> Dialect:
    is_wenet = "wav" in record or ("key" in record and "audio" not in record)
    added = stated.dialect or (NATIVE if stated.layout is not None else None)
    added = added or next((one for one in DIALECTS if _fits(record, one)), None)
    is_uro = "source_wav" in record and "audio" not in record and "wav" not in record
    dialect = added or (URO_BENCH if is_uro else WENET if is_wenet else NATIVE)
    free = {dialect.audio} if "audio" not in needs.sounds else set()
    free |= set() if needs.reference else {dialect.text}
    missing = [column for column in dialect.required if column not in record and column not in free]
    if missing:
        named = " and ".join(f"'{m}'{did_you_mean(m, record, show_all_below=0)}" for m in missing)
        raise DatasetError(
            f"{path}:{number}: lacks {named}, needed by a manifest of the {dialect.name} dialect; "
            f"the line has: {', '.join(record) or 'nothing'}"
        )
    return dialect
