"""WeNet's JSONL dialect, `{"key": ..., "wav": ..., "txt": ...}`, as its `data.list` of raw data is written.

`wav` is usually absolute. Where Kaldi recipes write a command instead (`sox ... |`), WeNet would run it; here a
manifest is data, and such a line is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from audiobench_pytest.datasets.manifests.dialect import Dialect, Row, audio_of, key_of, reference_of, seconds_of

_OWN = frozenset({"key", "wav", "txt", "lang", "duration"})


def _read(record: Mapping[str, Any], base: Path) -> Row:
    wav = record.get("wav")
    audio: Path | None
    if isinstance(wav, str) and wav.rstrip().endswith("|"):
        audio = None
        bad_audio: str | None = f"'wav' is a command ({wav.strip()}), which is not run: write its output to a file"
    else:
        audio, bad_audio = audio_of(record, "wav", base)
    reference, bad_reference = reference_of(record, "txt")
    language = record.get("lang")
    return Row(
        id=key_of(record.get("key")) or key_of(wav),
        audio=audio,
        reference=reference,
        language=language if isinstance(language, str) and language.strip() else None,
        duration_s=seconds_of(record.get("duration")),
        meta={key: value for key, value in record.items() if key not in _OWN},
        problems=tuple(p for p in (bad_audio, bad_reference) if p),
    )


WENET = Dialect("WeNet", ("key", "wav", "txt"), _read)
