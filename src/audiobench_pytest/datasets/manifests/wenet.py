"""WeNet's JSONL dialect, `{"key": ..., "wav": ..., "txt": ...}`, as its `data.list` of raw data is written.

`wav` is usually absolute. Where Kaldi recipes write a command instead (`sox ... |`), WeNet would run it; here a
manifest is data, and such a line is refused.
"""

from __future__ import annotations

from audiobench_pytest.datasets.manifests.dialect import Dialect

WENET = Dialect("WeNet", ("key", "wav", "txt"), "key", "wav", "txt", "lang", "duration", refuses_commands=True)
