"""StepEval-Audio-Toolcall's dialogues: a list of turns a line, in files called `{tool}_{positive|negative}.jsonl`.

A turn is `{"session_id", "turn_idx", "from": "Human" | "Assistant" | "Input", "text", "value"}`; `value` is
`{"type": "wav", "value": <path beside the file>}` for what is spoken, else the text itself. `Input` is what a tool
returned. The last turn is the assistant's: what is expected. Earlier turns of the assistant are shown as text.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from audiobench_pytest.datasets.manifests.expected_calls import TOOL, TRIGGER, TRIGGERS
from audiobench_pytest.tool_calls.spelt import calls_in

TOOLS = "stepeval-audio-toolcall"
"""Name of the catalogue's set of the tools that may be called."""

_ROLES = {"Human": "user", "Assistant": "assistant", "Input": "tool"}
_FILES = {"timbre": "timbre_rag"}
"""Tools that a file is called otherwise than."""


def is_dialogue(line: bytes) -> bool:
    """Whether a line is one of the dialogues."""
    # A list of rows may be a file of one line: it is read once, where it cannot be a dialogue.
    if not line.startswith(b"[") or b'"turn_idx"' not in line:
        return False
    try:
        turns = json.loads(line)
    except (ValueError, RecursionError):
        return False
    return bool(turns) and all(isinstance(turn, dict) and {"from", "turn_idx"} <= turn.keys() for turn in turns)


def dialogue_row(turns: Sequence[Mapping[str, Any]], path: Path, number: int) -> dict[str, Any]:
    """Return a dialogue under our names.

    Args:
        turns: The line.
        path: The file, whose name tells the tool.
        number: Number of the line.
    """
    *shown, last = turns if turns[-1].get("from") == "Assistant" else [*turns, {}]
    tool, _, trigger = path.name.partition(".")[0].rpartition("_")
    expected = calls_in(str(last.get("text") or ""))[1]
    row: dict[str, Any] = {
        # As the recordings are called that belong to it.
        "id": f"{path.name.partition('.')[0]}-{number - 1}",
        "task": "toolcall",
        "language": "zh",
        "audio": [turn["value"]["value"] for turn in shown if _is_heard(turn)],
        "messages": [_message(turn) for turn in shown],
        "tools": TOOLS,
        "call": {"name": expected[0].name, "arguments": dict(expected[0].arguments)} if expected else None,
        "dialogue": "\n".join(f"{_ROLES.get(str(t.get('from')), '?')}: {t.get('text', '')}" for t in shown),
        "session_id": str(turns[0].get("session_id", "")),
    }
    return row | ({TOOL: _FILES.get(tool, tool), TRIGGER: trigger} if trigger in TRIGGERS else {})


def _is_heard(turn: Mapping[str, Any]) -> bool:
    value = turn.get("value")
    return turn.get("from") == "Human" and isinstance(value, dict) and isinstance(value.get("value"), str)


def _message(turn: Mapping[str, Any]) -> dict[str, Any]:
    role = _ROLES.get(str(turn.get("from")), turn.get("from"))
    if role == "user":
        # What is no sound is told as that by whoever reads turns.
        return {"role": role, "content": "<audio>" if _is_heard(turn) else [{"value": turn.get("value")}]}
    text, calls = calls_in(str(turn.get("text") or ""))
    if role == "tool" or not calls:
        return {"role": role, "content": str(turn.get("text") or "")}
    called = [{"name": call.name, "arguments": dict(call.arguments)} for call in calls]
    return {"role": role, "content": text, "tool_calls": called}
