"""Predictions as one columnar file: what a model's many small JSONL files become when a run is complete."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from audiobench_pytest.errors import RecordError
from audiobench_pytest.records.append import DAMAGED, write_atomically
from audiobench_pytest.types import Prediction

SUFFIX = ".columns"
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class _Columns:
    """One list per field of `Prediction`; errors are not kept.

    Files of versions that took no timing, or did not note when an answer came or how often it was asked for in vain,
    lack those lists. `unanswered` holds the number of failures of each key that has no answer yet.
    """

    format: int
    absorbed: list[str]
    key: list[str]
    text: list[str]
    audio_s: list[float]
    infer_s: list[float]
    decode_s: list[float]
    batch: list[int]
    meta: list[dict[str, Any]] = field(default_factory=list)
    timing: list[dict[str, float]] = field(default_factory=list)
    at: list[int] = field(default_factory=list)
    failures: list[int] = field(default_factory=list)
    unanswered: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Columnar:
    """What a columnar file holds.

    Attributes:
        answers: One per key.
        absorbed: Names of the columnar files whose content is in this one.
        unanswered: How often each key that has no answer was asked in vain.
    """

    answers: list[Prediction]
    absorbed: Sequence[str]
    unanswered: Mapping[str, int]


_decoder = msgspec.msgpack.Decoder(_Columns)
_encoder = msgspec.msgpack.Encoder()


def write_columns(
    folder: Path,
    predictions: Iterable[Prediction],
    absorbed: Iterable[str],
    unanswered: Mapping[str, int] | None = None,
) -> Path:
    """Write answers to a file named by its content; return its path. On return it survives a power loss.

    Args:
        folder: The model's folder in the cache.
        predictions: Answers, one per key.
        absorbed: Names of the columnar files whose content is in this one.
        unanswered: How often each key without an answer was asked in vain.

    Raises:
        RecordError: It cannot be written.
    """
    rows = sorted((p for p in predictions if p.error is None), key=lambda p: p.key)
    data = _encoder.encode(
        _Columns(
            _FORMAT,
            sorted(set(absorbed)),
            [p.key for p in rows],
            [p.text for p in rows],
            [p.audio_s for p in rows],
            [p.infer_s for p in rows],
            [p.decode_s for p in rows],
            [p.batch for p in rows],
            [dict(p.meta) for p in rows],
            [dict(p.timing) for p in rows],
            [p.at for p in rows],
            [p.failures for p in rows],
            dict(sorted((unanswered or {}).items())),
        )
    )
    path = folder / f"answers-{hashlib.sha256(data).hexdigest()[:24]}{SUFFIX}"
    write_atomically(path, data, durable=True)
    return path


def read_columns(path: Path) -> Columnar:
    """Return the content of a columnar file.

    Raises:
        FileNotFoundError: It has been absorbed by another one meanwhile.
        RecordError: It is damaged, or was written by a newer version.
    """
    try:
        content = _decoder.decode(path.read_bytes())
    except DAMAGED as exc:
        raise RecordError(f"{path} is damaged ({exc}): delete it, and its answers are asked again") from exc
    if content.format != _FORMAT:
        raise RecordError(f"{path} was written in format {content.format}; this version reads {_FORMAT}")
    rows = zip(
        content.key,
        content.text,
        content.audio_s,
        content.infer_s,
        content.decode_s,
        content.batch,
        content.meta,
        content.timing or [{} for _ in content.key],
        content.at or [0] * len(content.key),
        content.failures or [0] * len(content.key),
        strict=True,
    )
    answers = [
        Prediction(key, text, None, audio_s, infer_s, decode_s, batch, meta, timing, at, failures)
        for key, text, audio_s, infer_s, decode_s, batch, meta, timing, at, failures in rows
    ]
    return Columnar(answers, content.absorbed, content.unanswered)


def sync_folder(folder: Path) -> None:
    """Make names that were added to or removed from a folder survive a power loss."""
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
