"""The project's own JSONL dialect.

`{"id": ..., "audio": ..., "text": ..., "language": ..., "duration_s": ..., "speaker": ...}`: `audio` and `text` are
required, `audio` is relative to the manifest, a line without `id` is named by its `audio` as written, and every key not
named here is kept as meta.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from audiobench_pytest.datasets.manifests.dialect import Dialect, Row, audio_of, key_of, reference_of, seconds_of

_OWN = frozenset({"id", "audio", "text", "language", "duration_s"})


def _read(record: Mapping[str, Any], base: Path) -> Row:
    audio, bad_audio = audio_of(record, "audio", base)
    reference, bad_reference = reference_of(record, "text")
    language = record.get("language")
    return Row(
        id=key_of(record.get("id")) or key_of(record.get("audio")),
        audio=audio,
        reference=reference,
        language=language if isinstance(language, str) and language.strip() else None,
        duration_s=seconds_of(record.get("duration_s")),
        meta={key: value for key, value in record.items() if key not in _OWN},
        problems=tuple(p for p in (bad_audio, bad_reference) if p),
    )


NATIVE = Dialect("audiobench-pytest", ("audio", "text"), _read)
