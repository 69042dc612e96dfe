"""The dialects of JSONL manifests that are read as they are: the project's own, WeNet's and URO-Bench's.

**Ours** is `{"id": ..., "audio": ..., "text": ..., "language": ..., "duration_s": ..., "speaker": ...}`: `audio` and
`text` are required, `audio` is relative to the manifest, a line without `id` is named by its `audio` as written, and
every key not named here is kept as meta. `choices`, `aliases`, `input`, `target_language`, `prompt` (the line's own
instruction), `messages`, `tools` and `sounds` are read where a line has them, see `catalog.schema.data.ColumnMap`;
`call`, `tool` and `trigger` of a line whose answer is a call of a tool: `expected_calls.py`.

**WeNet**'s is `{"key": ..., "wav": ..., "txt": ...}`, as its `data.list` of raw data is written. `wav` is usually
absolute. Where Kaldi recipes write a command instead (`sox ... |`), WeNet would run it; here a manifest is data, and
such a line is refused.

**URO-Bench**'s is `{"id", "source_wav", "source_text", "target_text"}`, in `{basic,pro}/<set>/test.jsonl`. `source_wav`
is relative to the file. `source_text` is what is said, which a judge is shown and a model never is; `target_text`, a
text or several, is what is expected where the set expects something. A dialogue of several rounds has `num_round` and
`dialogue`, a list of such lines.
"""

from __future__ import annotations

from audiobench_pytest.datasets.manifests.dialect import Dialect

NATIVE = Dialect("audiobench-pytest", ("audio", "text"), "id", "audio", "text", "language", "duration_s", prompt=True)

WENET = Dialect("WeNet", ("key", "wav", "txt"), "key", "wav", "txt", "lang", "duration", refuses_commands=True)

URO_BENCH = Dialect(
    "URO-Bench", ("source_wav",), "id", "source_wav", "target_text", "language", "duration", question="source_text"
)

ROUNDS = ("num_round", "dialogue")
"""Columns of a dialogue of several rounds."""

DIALECTS: list[Dialect] = []
"""Those that others added; one is taken where a line has all the columns it requires."""
