"""What a prediction is keyed by: all the answer depends on, and nothing else.

Dataset name, manifest, reference and position are not in it: a corrected reference costs no inference, and the same
clip from two sets is answered once. An adapter that *sees* reference, choices or sample id has them in its key.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from audiobench_pytest.types import MAIN_SOUND, Message, Prompt, Sound

# Made once: `json.dumps` makes one per call, which takes as long as writing a key.
_encoder = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def canonical(value: Any) -> str:
    """Return the one JSON text of a plain value: sorted keys, no spaces, no NaN.

    Raises:
        TypeError: The value is not made of plain JSON types.
        ValueError: The value holds a NaN or an infinity.
    """
    return _encoder.encode(value)


def digest(value: Any) -> str:
    """Return 32 hex digits (128 bits) of SHA-256 over `canonical(value)`."""
    # "surrogatepass": JSON can spell half of a surrogate pair, and a text that holds one has a key of its own too.
    return hashlib.sha256(canonical(value).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def prediction_key(
    identity: str,
    prompt: Prompt,
    audio: str,
    *,
    sees: Mapping[str, str | None] | None = None,
    repeat: int = 0,
    sounds: Mapping[str, str] | None = None,
    draw: int = 0,
) -> str:
    """Return the cache key of one answer.

    A conversation is in it turn by turn, with the content of each sound where it stands: two prompts that differ in the
    order of sound and text alone are two questions.

    Args:
        identity: `digest` of the adapter's identity.
        prompt: What was asked.
        audio: SHA-256 of the encoded audio file; "" where there is none.
        sees: What else the adapter declared to see, with its values (`reference`, `choices`, `sample_id`).
        repeat: Index of the repetition when one question is asked several times, from the same seed.
        sounds: SHA-256 of further encoded audio files, by the name of the sound.
        draw: Which of several answers is wanted, each drawn from a seed of its own; the first has the key of a question
            that is answered once.
    """
    asked: list[Any]
    if prompt.messages or prompt.tools:
        files = {MAIN_SOUND: audio, **(sounds or {})}
        spoken: list[Any] = [_said(message, files) for message in prompt.messages] or [prompt.text, audio]
        # A list where a plain question has its text: the two can never be one.
        asked = [identity, spoken, prompt.language, [dict(tool) for tool in prompt.tools], repeat]
    else:
        asked = [identity, prompt.text, prompt.language, audio, repeat]
    if sees:
        asked.append(dict(sees))
    if prompt.answer != "text":
        asked.append({"answer": prompt.answer})
    if prompt.voice_text:
        asked.append({"voice_text": prompt.voice_text})
    if prompt.style:
        asked.append({"style": prompt.style})
    if draw:
        asked.append({"draw": draw})
    return digest(asked)


def prompt_digest(prompt: Prompt) -> str:
    """Return 16 hex digits of what a prompt says, sounds by name; "" for one that says nothing.

    By this a record of an answer names the words that were sent, which stand once per run in `prompts.jsonl`.
    """
    said = words_of(prompt)
    return digest(said)[:16] if said else ""


def words_of(prompt: Prompt) -> dict[str, Any]:
    """Return what a prompt says as plain values, with the name of each sound where it stands."""
    if prompt.messages:
        names = {name: name for name in prompt.sounds}
        said: dict[str, Any] = {"messages": [_said(message, names) for message in prompt.messages]}
    else:
        said = {} if prompt.text is None else {"text": prompt.text}
    return said | ({"tools": [dict(tool) for tool in prompt.tools]} if prompt.tools else {})


def _said(message: Message, sounds: Mapping[str, str]) -> list[Any]:
    """Return a turn as plain values, with what stands for each of its sounds."""
    parts = [["sound", sounds.get(part.name, "")] if isinstance(part, Sound) else part for part in message.parts]
    return [message.role, parts, [[call.name, dict(call.arguments)] for call in message.calls]]
