"""A conversation as the body of a chat completion request."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from audiobench_pytest.models.endpoints.client import Question
from audiobench_pytest.models.endpoints.sounds import placed
from audiobench_pytest.models.openai import wire
from audiobench_pytest.types import Call, Message, Request, Sound


def conversation_question(request: Request, container: wire.Container, fields: Mapping[str, Any]) -> Question:
    """Return a chat completion request with the turns of a prompt, text and sound in their order.

    Args:
        request: What is asked; its prompt has messages.
        container: How sound is sent.
        fields: Everything else of the body; what is None is left out.

    Raises:
        ModelError: The prompt places a sound that the request does not bring.
    """
    seconds = 0.0

    def content(message: Message) -> str | list[dict[str, Any]] | None:
        nonlocal seconds
        if not message.parts:
            return None
        if len(message.parts) == 1 and isinstance(message.parts[0], str):
            return message.parts[0]
        parts: list[dict[str, Any]] = []
        for part in message.parts:
            if isinstance(part, Sound):
                sound = placed(request, part)
                seconds += sound.duration_s
                parts.append(container.part(sound))
            else:
                parts.append({"type": "text", "text": part})
        return parts

    messages: list[dict[str, Any]] = []
    unanswered: list[str] = []
    for number, message in enumerate(request.prompt.messages):
        called = _calls(message.calls, number)
        messages.append({"role": message.role, "content": content(message), **called})
        if message.role == "tool":
            # The API wants to know which call a result is of: they come in the order of the calls.
            messages[-1]["tool_call_id"] = unanswered.pop(0) if unanswered else f"call_{number}_0"
        else:
            unanswered = [call["id"] for call in called.get("tool_calls", ())]
    body = {k: v for k, v in fields.items() if v is not None} | {"messages": messages}
    if request.prompt.tools:
        body["tools"] = [_tool(tool) for tool in request.prompt.tools]
    return Question(wire.CHAT, json.dumps(body).encode(), "application/json", seconds)


def _tool(tool: Mapping[str, Any]) -> dict[str, Any]:
    """Return a tool as the API wants it; a schema that is one already stays as it is."""
    return dict(tool) if "function" in tool else {"type": "function", "function": dict(tool)}


def _calls(calls: tuple[Call, ...], turn: int) -> dict[str, Any]:
    if not calls:
        return {}
    return {
        "tool_calls": [
            {
                "id": f"call_{turn}_{number}",
                "type": "function",
                "function": {"name": call.name, "arguments": json.dumps(dict(call.arguments), ensure_ascii=False)},
            }
            for number, call in enumerate(calls)
        ]
    }
