"""The lines of a manifest, whatever it is written in: JSON lines, one JSON list, CSV, TSV, a list; plain or by gzip."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import json
import zlib
from collections.abc import Iterator
from pathlib import Path

from audiobench_pytest.datasets.manifests.stepeval import is_dialogue
from audiobench_pytest.datasets.manifests.tables import scp_rows, seed_tts_rows
from audiobench_pytest.errors import DatasetError

SUFFIXES = (".jsonl", ".json", ".ndjson", ".list", ".csv", ".tsv", ".scp", ".lst", ".gz")
"""How the names of manifests end."""

_File = io.BufferedReader | gzip.GzipFile

_TABLES = {"csv": ",", "tsv": "\t"}
_LARGEST_FIELD = 1 << 27

_OTHERS = (
    (b"PK\x03\x04", "a ZIP archive or an office document: unpack it, or save it as CSV"),
    (b"PAR1", "a Parquet file: write its rows as JSON lines (pandas: to_json(orient='records', lines=True))"),
    (b"\x28\xb5\x2f\xfd", "compressed by zstd: unpack it (zstd -d)"),
    (b"BZh", "compressed by bzip2: unpack it (bunzip2)"),
    (b"\xfd7zXZ", "compressed by xz: unpack it (unxz)"),
    (b"\xff\xfe", "UTF-16: save it as UTF-8"),
    (b"\xfe\xff", "UTF-16: save it as UTF-8"),
    (b"RIFF", "a sound, not a manifest of sounds"),
    (b"fLaC", "a sound, not a manifest of sounds"),
    (b"OggS", "a sound, not a manifest of sounds"),
    (b"ID3", "a sound, not a manifest of sounds"),
    (b"SQLite format 3", "an SQLite database: write its rows as JSON lines"),
    (b"version https://git-lfs", "a pointer of Git LFS, whose file was not fetched: git lfs pull"),
    (b"<", "HTML or XML, such as the page of an error"),
)
"""What other files begin with, and what they are."""


def numbered_lines(path: Path, cut: str = "") -> Iterator[tuple[int, bytes]]:
    """Yield the number and the JSON of each line or row that holds something.

    A row of CSV or TSV is an object of texts under the names of the first row; an element of a list has its position
    as its number.

    Args:
        path: The manifest.
        cut: How it is cut into rows (`csv`, `tsv`, `scp`, `lst`); "" as its name and its beginning say.

    Raises:
        DatasetError: There is no such file, or it is nothing of the kind; names what it is.
    """
    try:
        with path.open("rb") as raw:
            begin = raw.read(64)
            raw.seek(0)
            if begin[:2] == b"\x1f\x8b":
                with gzip.open(raw) as file:
                    yield from _lines(path.with_suffix("") if path.suffix == ".gz" else path, path, file, cut)
            else:
                yield from _lines(path, path, raw, cut)
    except FileNotFoundError as exc:
        raise DatasetError(f"{path}: no such manifest") from exc
    except (EOFError, zlib.error, gzip.BadGzipFile) as exc:
        raise DatasetError(
            f"{path}: cut short or damaged, its gzip stream does not end: fetch it again ({exc})"
        ) from exc
    except OSError as exc:
        raise DatasetError(f"{path}: the manifest cannot be read: {exc.strerror or exc}") from exc


def _lines(named: Path, path: Path, file: _File, cut: str) -> Iterator[tuple[int, bytes]]:
    begin = file.peek(64)[:64].removeprefix(codecs.BOM_UTF8)
    for magic, what in _OTHERS:
        if begin.startswith(magic):
            raise DatasetError(f"{path}: is {what}")
    by_name = "" if cut else named.suffix.casefold().removeprefix(".")
    if (delimiter := _TABLES.get(cut or by_name)) is not None:
        yield from _rows(path, file, delimiter)
    elif "scp" in (cut, by_name):
        yield from scp_rows(path, file)
    elif cut == "lst" or (by_name == "lst" and begin.lstrip()[:1] not in (b"{", b"[")):
        yield from seed_tts_rows(path, file)
    elif begin.lstrip()[:1] == b"[":
        yield from _elements(path, file)
    else:
        for number, line in enumerate(file, 1):
            stripped = (line.removeprefix(codecs.BOM_UTF8) if number == 1 else line).strip()
            if stripped:
                yield number, stripped


def _rows(path: Path, file: _File, delimiter: str) -> Iterator[tuple[int, bytes]]:
    csv.field_size_limit(_LARGEST_FIELD)
    text = io.TextIOWrapper(file, "utf-8-sig", newline="")
    rows = csv.reader(
        text, delimiter=delimiter, strict=True, quoting=csv.QUOTE_NONE if delimiter == "\t" else csv.QUOTE_MINIMAL
    )
    try:
        names = next(rows, [])
        if len(set(names)) < len(names):
            raise DatasetError(f"{path}:1: two columns have one name: {', '.join(names)}")
        for row in rows:
            if not any(row):
                continue
            if len(row) != len(names):
                raise DatasetError(f"{path}:{rows.line_num}: has {len(row)} columns, the first row names {len(names)}")
            # A field that is left empty says nothing, as a key that is left out.
            record = {name: value for name, value in zip(names, row, strict=True) if value or name in ("audio", "text")}
            yield rows.line_num, json.dumps(record, ensure_ascii=False).encode()
    except csv.Error as exc:
        raise DatasetError(f"{path}:{rows.line_num}: not valid as a table: {exc}") from exc
    except UnicodeDecodeError as exc:
        raise DatasetError(f"{path}:{rows.line_num + 1}: not UTF-8; save it as UTF-8") from exc


def _elements(path: Path, file: _File) -> Iterator[tuple[int, bytes]]:
    data = file.read().removeprefix(codecs.BOM_UTF8)
    if is_dialogue(data.partition(b"\n")[0].strip()):  # a list of turns a line, not one list of rows
        yield from ((n, line.strip()) for n, line in enumerate(data.splitlines(), 1) if line.strip())
        return
    try:
        found = json.loads(data.decode())
    except UnicodeDecodeError as exc:
        raise DatasetError(f"{path}: not UTF-8 (byte {exc.start + 1}); save it as UTF-8") from exc
    except json.JSONDecodeError as exc:
        if exc.msg == "Extra data":  # lines that are lists, not one list
            raise DatasetError(f'{path}:1: not a JSON object; each line must be one, as {{"id": ...}}') from exc
        raise DatasetError(f"{path}:{exc.lineno}: not valid JSON: {exc.msg} at column {exc.colno}") from exc
    except (ValueError, RecursionError) as exc:
        raise DatasetError(f"{path}: not valid JSON: {exc}") from exc
    for number, element in enumerate(found, 1):
        yield number, json.dumps(element).encode()
