"""URO-Bench's lines, `{"id", "source_wav", "source_text", "target_text"}`, in `{basic,pro}/<set>/test.jsonl`.

`source_wav` is relative to the file. `source_text` is what is said, which a judge is shown and a model never is;
`target_text`, a text or several, is what is expected where the set expects something. A dialogue of several rounds has
`num_round` and `dialogue`, a list of such lines.
"""

from __future__ import annotations

from audiobench_pytest.datasets.manifests.dialect import Dialect

URO_BENCH = Dialect(
    "URO-Bench", ("source_wav",), "id", "source_wav", "target_text", "language", "duration", question="source_text"
)

ROUNDS = ("num_round", "dialogue")
"""Columns of a dialogue of several rounds."""
