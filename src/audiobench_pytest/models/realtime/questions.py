"""A question as the events that a client of the realtime protocol sends: session, turns, the wish for an answer.

Two dialects: that of the preview (`OpenAI-Beta: realtime=v1`, and Azure's dated versions), and that of general
availability, which tells the same in other places.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from audiobench_pytest.errors import ModelError
from audiobench_pytest.models.endpoints.client import Question
from audiobench_pytest.models.endpoints.sounds import placed, samples_of_16_bit
from audiobench_pytest.types import Audio, Message, Request, Sound

RATE = 24_000
"""Hz of the sound that the protocol takes and gives: samples of 16 bit, one channel, little-endian."""

GA, PREVIEW = "ga", "preview"
EVENTS = "application/x-ndjson"
"""The body of a question: an event a line."""


@dataclass(frozen=True, slots=True)
class Session:
    """How a model is to answer.

    Attributes:
        dialect: `GA` or `PREVIEW`.
        voice: Who speaks, where it speaks.
        instructions: What it is told beside the question; None leaves it to the server, which has words of its own.
        temperature: Of the preview's dialect; None is not sent.
        max_tokens: Most tokens of an answer; None is not sent.
        more: Further fields, laid over the others at last; null takes a field out.
    """

    dialect: str
    voice: str
    instructions: str | None = None
    temperature: float | None = None
    max_tokens: int | None = None
    more: Mapping[str, Any] = field(default_factory=dict)

    def fields(self, *, aloud: bool, tools: tuple[Mapping[str, Any], ...]) -> dict[str, Any]:
        """Return what `session.update` says.

        Args:
            aloud: Whether it is to speak.
            tools: JSON schemas of the tools that it may call.
        """
        told: dict[str, Any] = {"instructions": self.instructions, "temperature": self.temperature}
        # Nobody waits for the speaker to fall silent: the whole clip is there, and the question says when to answer.
        if self.dialect == GA:
            sound = {"type": "audio/pcm", "rate": RATE}
            told |= {"type": "realtime", "output_modalities": ["audio" if aloud else "text"]}
            told["max_output_tokens"] = self.max_tokens
            told["audio"] = {"input": {"format": sound, "turn_detection": None}}
            if aloud:
                told["audio"]["output"] = {"format": sound, "voice": self.voice}
        else:
            told |= {"modalities": ["audio", "text"] if aloud else ["text"], "input_audio_format": "pcm16"}
            told["max_response_output_tokens"] = self.max_tokens
            if aloud:
                told |= {"output_audio_format": "pcm16", "voice": self.voice}
        told["tools"] = [_tool(tool) for tool in tools] or None
        told = {name: value for name, value in told.items() if value is not None}
        if self.dialect == PREVIEW:
            told["turn_detection"] = None  # here null is what is meant
        removed = {name for name, value in self.more.items() if value is None}
        return {name: value for name, value in {**told, **self.more}.items() if name not in removed}


def question_of(request: Request, path: str, session: Session, prompt: str | None, *, aloud: bool) -> Question:
    """Return a question: the turns of a prompt, or one instruction and the sound.

    Args:
        request: What is asked.
        path: Where, behind the server's address.
        session: How it is to be answered.
        prompt: The instruction where the prompt has no turns.
        aloud: Whether the answer is to be spoken.

    Raises:
        ModelError: The prompt places a sound that the request does not bring, or one that cannot be sent.
    """
    messages = request.prompt.messages
    if not messages:
        messages = (Message("user", (*((prompt,) if prompt else ()), Sound())),)
    seconds = 0.0
    items: list[dict[str, Any]] = []
    unanswered: list[str] = []
    for number, message in enumerate(messages):
        if message.role == "tool":
            # The protocol wants to know which call a result is of: they come in the order of the calls.
            call = unanswered.pop(0) if unanswered else f"call_{number}_0"
            items.append({"type": "function_call_output", "call_id": call, "output": _words(message)})
            continue
        content = []
        for part in message.parts:
            if isinstance(part, Sound):
                sound = placed(request, part)
                seconds += sound.duration_s
                content.append({"type": "input_audio", "audio": _pcm(sound)})
            else:
                content.append({"type": _text_type(message.role, session.dialect), "text": part})
        if content:
            items.append({"type": "message", "role": message.role, "content": content})
        unanswered = [f"call_{number}_{place}" for place, _ in enumerate(message.calls)]
        for call, called in zip(unanswered, message.calls, strict=True):
            arguments = json.dumps(dict(called.arguments), ensure_ascii=False)
            items.append({"type": "function_call", "call_id": call, "name": called.name, "arguments": arguments})
    events = [
        {"type": "session.update", "session": session.fields(aloud=aloud, tools=request.prompt.tools)},
        *({"type": "conversation.item.create", "item": item} for item in items),
        {"type": "response.create"},
    ]
    return Question(path, "\n".join(map(json.dumps, events)).encode(), EVENTS, seconds)


def _pcm(sound: Audio) -> str:
    import numpy as np

    if sound.sample_rate != RATE:
        raise ModelError(f"the realtime protocol wants sound of {RATE} Hz, got {sound.sample_rate} Hz")
    if not np.isfinite(sound.samples).all():
        raise ModelError("the sound holds values that are no numbers (NaN or infinite)")
    return base64.b64encode(samples_of_16_bit(sound).tobytes()).decode("ascii")


def _text_type(role: str, dialect: str) -> str:
    if role != "assistant":
        return "input_text"
    return "output_text" if dialect == GA else "text"


def _words(message: Message) -> str:
    return "".join(part for part in message.parts if isinstance(part, str))


def _tool(tool: Mapping[str, Any]) -> dict[str, Any]:
    """Return a tool as the protocol wants it: its schema beside the type, not inside `function`."""
    inner = tool.get("function")
    return {"type": "function", **(inner if isinstance(inner, Mapping) else tool)}
