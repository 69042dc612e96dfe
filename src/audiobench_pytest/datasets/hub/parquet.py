"""Rows of one parquet file: only the needed columns, a few rows at a time, no row group without a wanted row."""

from __future__ import annotations

import datetime
import decimal
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from audiobench_pytest.catalog.schema import HubSource
from audiobench_pytest.errors import DatasetError, did_you_mean

_ROWS_AT_ONCE = 8
"""Rows decoded together: a clip is 10 kB to several MB, so a batch stays below some tens of MB."""

_BUFFER_BYTES = 1 << 20
"""Column chunks are read through a buffer of this size; without one, pyarrow reads all the audio of a row group before
it returns the first row (700 MB resident instead of 395 for 5 of 2,000 clips in one row group of 320 MB)."""


class DamagedFileError(DatasetError):
    """A file is not, or not to its end, what its name says."""


@dataclass(frozen=True, slots=True)
class RawRow:
    """One row as the set holds it.

    Attributes:
        key: Value of the id column, or None.
        audio: The encoded audio, or None where it was not asked for or the row has none.
        path: The path that the set gives the audio, or None.
        text: Value of the reference column, of whatever type; a class by its name.
        meta: The other columns, as JSON values.
        sounds: Bytes and path of further audio columns, by the name of the column.
    """

    key: Any
    audio: bytes | None
    path: str | None
    text: Any
    meta: Mapping[str, Any]
    sounds: Mapping[str, tuple[bytes | None, str | None]] = field(default_factory=dict)


class ParquetRows:
    """One open parquet file of a split.

    Attributes:
        rows: Number of its rows.
        dropped: Columns that are not kept, with the reason.
    """

    def __init__(self, file: Any, label: str, source: HubSource) -> None:
        """Read the footer and check the columns.

        Args:
            file: A path, or a seekable file object.
            label: What the file is called in messages.
            source: The columns.

        Raises:
            DamagedFileError: It is not a whole parquet file.
            DatasetError: A column is missing or of another type.
        """
        import pyarrow.parquet as pq

        self._label, self._source = label, source
        with reading(label):
            self._file = pq.ParquetFile(file, buffer_size=_BUFFER_BYTES, pre_buffer=False)
            self.rows = int(self._file.metadata.num_rows)
            self._schema = self._file.schema_arrow
        self._has_bytes_column, self._has_path = self._check_columns()
        self._classes = _classes(self._schema.metadata)
        others = [f for f in self._schema if f.name not in self._own]
        self._sound_columns = [f.name for f in others if _is_sound(f.type)]
        why = {f.name: _why_not_kept(f.type) for f in others if f.name not in self._sound_columns}
        self._meta_columns = [name for name, reason in why.items() if reason is None]
        self.dropped = [f"{name} ({reason})" for name, reason in why.items() if reason is not None]

    def close(self) -> None:
        """Close the file."""
        self._file.close(force=True)

    def id_columns(self) -> Iterator[tuple[Any, str | None]]:
        """Yield id column and audio path of every row, without reading any audio.

        Raises:
            DamagedFileError: The file cannot be read to its end.
        """
        columns = [self._source.id_column] if self._source.id_column else []
        if self._has_path:
            columns.append(f"{self._source.audio_column}.path")
        if not columns:
            yield from ((None, None) for _ in range(self.rows))
            return
        with reading(self._label):
            for batch in self._file.iter_batches(batch_size=1024, columns=columns, use_threads=False):
                for row in batch.to_pylist():
                    raw = self._raw(row)
                    yield raw.key, raw.path

    def read(self, rows: Sequence[int]) -> Iterator[tuple[int, RawRow]]:
        """Yield the wanted rows with their audio.

        Args:
            rows: Positions in this file, ascending.

        Raises:
            DamagedFileError: The file cannot be read as far as the last wanted row.
        """
        source = self._source
        audio = [] if source.audio_column is None else [source.audio_column]
        if audio and not self._has_bytes_column:
            audio = [f"{source.audio_column}.bytes"] + ([f"{source.audio_column}.path"] if self._has_path else [])
        more = [column for column in (source.text_column, source.id_column) if column is not None]
        columns = [*audio, *more, *self._sound_columns, *self._meta_columns]
        wanted = iter(rows)
        target = next(wanted, None)
        start = 0
        with reading(self._label):
            for group in range(self._file.metadata.num_row_groups):
                end = start + self._file.metadata.row_group(group).num_rows
                at = start
                batches = None
                while target is not None and target < end:
                    if batches is None:
                        batches = self._file.iter_batches(
                            batch_size=min(_ROWS_AT_ONCE, len(rows)),
                            row_groups=[group],
                            columns=columns,
                            use_threads=False,
                        )
                    batch = next(batches)
                    while target is not None and target < at + batch.num_rows:
                        yield target, self._raw(batch.slice(target - at, 1).to_pylist()[0])
                        target = next(wanted, None)
                    at += batch.num_rows
                start = end

    def _raw(self, row: Mapping[str, Any]) -> RawRow:
        source = self._source
        audio = row.get(source.audio_column) if source.audio_column is not None else None
        fields = audio if isinstance(audio, dict) else {"bytes": audio}
        return RawRow(
            key=row.get(source.id_column) if source.id_column else None,
            audio=fields.get("bytes"),
            path=fields.get("path"),
            text=self._named(source.text_column, row.get(source.text_column)) if source.text_column else None,
            meta={name: json_value(self._named(name, row[name])) for name in self._meta_columns if name in row},
            sounds={
                name: (sound.get("bytes"), sound.get("path"))
                for name in self._sound_columns
                if isinstance(sound := row.get(name), dict)
            },
        )

    @property
    def _own(self) -> tuple[str | None, ...]:
        return self._source.audio_column, self._source.text_column, self._source.id_column

    def _named(self, column: str, value: Any) -> Any:
        """Return a class by its name, where the file says what its numbers stand for."""
        names = self._classes.get(column)
        if names and isinstance(value, int) and not isinstance(value, bool):
            return names[value] if 0 <= value < len(names) else None
        return value

    def _check_columns(self) -> tuple[bool, bool]:
        """Return whether the audio column is plain bytes, and whether it holds paths."""
        import pyarrow.types as kinds

        source, names = self._source, list(self._schema.names)
        for what, column in (("audio", source.audio_column), ("text", source.text_column), ("id", source.id_column)):
            if column is not None and column not in names:
                raise DatasetError(
                    f"{self._label}: no column '{column}' ({what}){did_you_mean(column, names, show_all_below=0)}; "
                    f"columns: {', '.join(names)}"
                )
        if source.text_column is not None:
            text = self._schema.field(source.text_column).type
            classes = source.mapped or source.text_column in _classes(self._schema.metadata)
            if not _can_be_expected(text, classes=classes):
                raise DatasetError(
                    f"{self._label}: column '{source.text_column}' holds {text}, not text or a list of texts; "
                    f"where that is a class by its number write columns: {{text: {source.text_column}}}"
                )
        if source.audio_column is None:
            return False, False
        audio = self._schema.field(source.audio_column).type
        if _is_binary(audio):
            return True, False
        inner = {f.name: f.type for f in audio} if kinds.is_struct(audio) else {}
        if "bytes" not in inner or not _is_binary(inner["bytes"]):
            raise DatasetError(
                f"{self._label}: column '{source.audio_column}' holds {audio}, not bytes or a struct with bytes"
            )
        return False, "path" in inner


@contextmanager
def reading(label: str) -> Iterator[None]:
    """Turn what pyarrow raises over a damaged file into an error that names the file."""
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, OSError, EOFError, StopIteration, UnicodeDecodeError) as exc:
        reason = str(exc).strip().rstrip(".") or type(exc).__name__
        raise DamagedFileError(f"{label}: is not a whole parquet file: {reason}") from exc


def json_scalar(value: Any) -> Any:
    """Return a column's value as JSON can hold it; a number that is none becomes null, a date its ISO 8601 form."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    return str(value) if isinstance(value, decimal.Decimal | datetime.timedelta) else value


def json_value(value: Any) -> Any:
    """Return a column's value, nested or not, as JSON can hold it; bytes inside of it become null."""
    if isinstance(value, Mapping):
        return {str(name): json_value(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [json_value(one) for one in value]
    return None if isinstance(value, bytes | bytearray) else json_scalar(value)


def _classes(metadata: Mapping[bytes, bytes] | None) -> dict[str, list[str]]:
    """Return the names of the classes of each column, as the `datasets` library notes them in a file."""
    try:
        features = json.loads((metadata or {})[b"huggingface"])["info"]["features"]
        return {
            name: [str(one) for one in feature["names"]]
            for name, feature in features.items()
            if isinstance(feature, Mapping) and feature.get("_type") == "ClassLabel"
        }
    except (KeyError, TypeError, ValueError, AttributeError):
        return {}


def _plain(kind: Any) -> Any:
    import pyarrow.types as kinds

    return kind.value_type if kinds.is_dictionary(kind) else kind


def _can_be_expected(kind: Any, *, classes: bool) -> bool:
    import pyarrow.types as kinds

    kind = _plain(kind)
    if kinds.is_list(kind) or kinds.is_large_list(kind):
        kind = _plain(kind.value_type)
    if kinds.is_integer(kind):
        return classes
    return bool(kinds.is_string(kind) or kinds.is_large_string(kind) or kinds.is_string_view(kind))


def _is_sound(kind: Any) -> bool:
    import pyarrow.types as kinds

    inner = {f.name: f.type for f in kind} if kinds.is_struct(kind) else {}
    return set(inner) == {"bytes", "path"} and _is_binary(inner["bytes"])


def _why_not_kept(kind: Any) -> str | None:
    import pyarrow.types as kinds

    if kinds.is_null(kind):
        return "empty"
    return "bytes" if _is_binary(_plain(kind)) else None


def _is_binary(kind: Any) -> bool:
    import pyarrow.types as kinds

    return bool(
        kinds.is_binary(kind)
        or kinds.is_large_binary(kind)
        or kinds.is_binary_view(kind)
        or kinds.is_fixed_size_binary(kind)
    )
