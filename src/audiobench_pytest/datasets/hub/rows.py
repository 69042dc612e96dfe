"""Raw rows of the hub become records: id, reference, stored audio, and what is wrong with the row."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from typing import Any

from audiobench_pytest.datasets.fields import as_class, expected_of
from audiobench_pytest.datasets.hub.prepared import Record
from audiobench_pytest.records.sounds import AudioStore


def row_id(key: Any, path: str | None) -> str | None:
    """Return the id of a row as far as it shows without its audio: its key, else its audio's path, else None."""
    if key is not None and str(key).strip():
        return str(key)
    return path or None


def content_id(audio: bytes | None, text: Any) -> str:
    """Return the id of a row that has neither key nor path: its audio's SHA-256, without audio its text's."""
    return hashlib.sha256(audio or str(text).encode("utf-8", "surrogatepass")).hexdigest()


def make_record(
    row: int,
    *,
    key: Any,
    path: str | None,
    audio: bytes | None,
    text: Any,
    meta: Mapping[str, Any],
    store: AudioStore,
    sounds: Mapping[str, tuple[bytes | None, str | None]] | None = None,
    reference: bool = True,
) -> Record:
    """Store a row's audio and return what is known about the row.

    Args:
        row: Position in the split.
        key: Value of the id column, or None.
        path: Path that the set gives the audio, or None.
        audio: Encoded bytes, or None.
        text: Value of the reference column.
        meta: Other columns, as JSON values.
        store: Where the audio goes.
        sounds: Bytes and path of further audio columns.
        reference: Whether the set has a column of references.
    """
    problems = []
    if not audio:
        what = "holds no audio" if audio is None else "its audio is empty (0 bytes)"
        problems.append(what + (f" (path '{path}')" if path else ""))
    first, aliases, other = expected_of(as_class(text))
    if reference and other is not None:
        problems.append("its reference is missing" if text is None else f"its reference is {other}, not text")
    elif reference and not first.strip():
        problems.append("empty reference")
    return Record(
        row=row,
        id=row_id(key, path) or content_id(audio, text),
        text=first,
        aliases=aliases,
        sounds={name: store.add(data, hint) for name, (data, hint) in (sounds or {}).items() if data},
        audio=store.add(audio, path) if audio else None,
        duration_s=_seconds(audio) if audio else None,
        meta=meta,
        problems=tuple(problems),
    )


def _seconds(audio: bytes) -> float | None:
    """Return the length that the header states, or None where it cannot be read; decoding will say why."""
    import soundfile

    try:
        info = soundfile.info(io.BytesIO(audio))
    except (soundfile.SoundFileError, TypeError):
        return None
    seconds = info.frames / info.samplerate
    return seconds if 0 < seconds < 1e9 else None
