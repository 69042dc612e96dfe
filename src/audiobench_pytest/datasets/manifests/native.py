"""The project's own JSONL dialect.

`{"id": ..., "audio": ..., "text": ..., "language": ..., "duration_s": ..., "speaker": ...}`: `audio` and `text` are
required, `audio` is relative to the manifest, a line without `id` is named by its `audio` as written, and every key not
named here is kept as meta. `choices`, `aliases`, `input`, `target_language`, `prompt` (the line's own instruction),
`messages`, `tools` and `sounds` are read where a line has them, see `catalog.schema.data.ColumnMap`; `call`, `tool` and
`trigger` of a line whose answer is a call of a tool: `expected_calls.py`.
"""

from __future__ import annotations

from audiobench_pytest.datasets.manifests.dialect import Dialect

NATIVE = Dialect("audiobench-pytest", ("audio", "text"), "id", "audio", "text", "language", "duration_s", prompt=True)
