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
`dialogue`, a list of such lines: what the model answers in one round is part of what it is asked in the next.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from audiobench_pytest.datasets.manifests.dialect import Dialect
from audiobench_pytest.types import MAIN_SOUND, ROUNDS

NATIVE = Dialect("audiobench-pytest", ("audio", "text"), "id", "audio", "text", "language", "duration_s", prompt=True)

WENET = Dialect("WeNet", ("key", "wav", "txt"), "key", "wav", "txt", "lang", "duration", refuses_commands=True)

URO_BENCH = Dialect(
    "URO-Bench", ("source_wav",), "id", "source_wav", "target_text", "language", "duration", question="source_text"
)

DIALOGUE = ("num_round", "dialogue")
"""Columns of a dialogue of several rounds."""


def opened(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a dialogue of several rounds as a line of one sample, whose conversation has open turns of the model.

    Raises:
        ValueError: It is no such dialogue.
    """
    rounds = record[DIALOGUE[1]]
    if not isinstance(rounds, list) or not rounds or not all(isinstance(one, Mapping) for one in rounds):
        raise ValueError(f"'{DIALOGUE[1]}' is not a list of rounds")
    if record[DIALOGUE[0]] != len(rounds):
        raise ValueError(
            f"'{DIALOGUE[0]}' is {record[DIALOGUE[0]]!r:.20}, but '{DIALOGUE[1]}' holds {len(rounds)} rounds"
        )
    first, *others = [one.get(URO_BENCH.audio) for one in rounds]
    turns = [turn for _ in rounds for turn in ({"role": "user", "content": "<audio>"}, {"role": "assistant"})]
    told = [{"question": one.get(URO_BENCH.question), "expected": one.get(URO_BENCH.text)} for one in rounds]
    found = {name: value for name, value in record.items() if name != DIALOGUE[1]}
    return {
        **found,
        URO_BENCH.audio: first,
        "sounds": {f"{MAIN_SOUND}{number}": sound for number, sound in enumerate(others, 2)},
        "messages": turns[:-1],
        ROUNDS: [{name: _one(value) for name, value in one.items()} for one in told],
    }


def _one(value: Any) -> str:
    """Return what is said or expected as one text; of several that would do, all of them."""
    return " / ".join(map(str, value)) if isinstance(value, list) else str(value or "")


DIALECTS: list[Dialect] = []
"""Those that others added; one is taken where a line has all the columns it requires."""
