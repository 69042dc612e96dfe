"""What goes over the wire to an OpenAI-compatible server: bodies of questions, and replies, streamed or not.

Chat with `input_audio` parts (`/chat/completions`) and uploads (`/audio/transcriptions`), as OpenAI's API reference has
them. Of streamed transcriptions both dialects: OpenAI's `transcript.text.*` events, and vLLM's chunks, like chat's.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from audiobench_pytest.models.endpoints.client import Question
from audiobench_pytest.models.endpoints.connection import Protocol
from audiobench_pytest.models.endpoints.reading import LARGEST_COMPLAINT, LARGEST_REPLY, complaint, json_of, read_body
from audiobench_pytest.models.endpoints.slots import Kind, Trouble
from audiobench_pytest.models.endpoints.sounds import encoded
from audiobench_pytest.models.openai.replies import Reply
from audiobench_pytest.models.openai.speech import SPEECH, read_speech
from audiobench_pytest.types import Answer, Audio

if TYPE_CHECKING:
    import httpx

CHAT, TRANSCRIPTIONS = "chat/completions", "audio/transcriptions"


@dataclass(frozen=True, slots=True)
class Container:
    """How sound is sent in a chat.

    Attributes:
        format: `wav` or `flac`.
        as_address: As a `data:` address instead of the bare base64.
    """

    format: str
    as_address: bool = False

    def part(self, audio: Audio) -> dict[str, Any]:
        """Return a clip as a part of a message."""
        data = base64.b64encode(encoded(audio, self.format)).decode("ascii")
        data = f"data:audio/{self.format};base64,{data}" if self.as_address else data
        return {"type": "input_audio", "input_audio": {"data": data, "format": self.format}}


def chat_question(audio: Audio, container: Container, prompt: str, fields: Mapping[str, Any]) -> Question:
    """Return a chat completion request with one user message: the instruction, then the sound.

    Args:
        audio: The clip.
        container: How it is sent.
        prompt: The instruction; none when it is empty.
        fields: Everything else of the body; what is None is left out.
    """
    content: list[dict[str, Any]] = [{"type": "text", "text": prompt}] if prompt else []
    content.append(container.part(audio))
    body = {k: v for k, v in fields.items() if v is not None} | {"messages": [{"role": "user", "content": content}]}
    return Question(CHAT, json.dumps(body).encode(), "application/json", audio.duration_s)


def transcription_question(audio: Audio, container: str, fields: Mapping[str, Any]) -> Question:
    """Return an upload to be transcribed, as multipart form data.

    Args:
        audio: The clip.
        container: How it is sent, `wav` or `flac`.
        fields: Everything else of the form; what is None is left out, a list is a field given several times.
    """
    import httpx

    form = {k: _form_value(v) for k, v in fields.items() if v is not None}
    file = (f"audio.{container}", encoded(audio, container), f"audio/{container}")
    # httpx knows how to write the form; where it goes is decided later, and perhaps more than once.
    request = httpx.Request("POST", "http://localhost", data=form, files={"file": file})
    return Question(TRANSCRIPTIONS, request.read(), request.headers["content-type"], audio.duration_s)


def _form_value(value: Any) -> str | list[str]:
    if isinstance(value, list):
        return [str(_form_value(one)) for one in value]
    return value if isinstance(value, str) else json.dumps(value)


async def exchange(
    client: httpx.AsyncClient, url: str, question: Question, *, advice: Callable[[int, str], str]
) -> Answer:
    """Send one question and read its reply.

    Args:
        client: Sends it.
        url: Base address of the server.
        question: What is asked.
        advice: From a status and the base address to what the user could do about it, or "".

    Returns:
        The answer; its timing has `latency_s` and, where it was streamed, `ttft_s`; its meta, where the server tells:
        `finish_reason`, `model`, `system_fingerprint`, `tokens`, `prompt_tokens`, `audio_tokens` (of these),
        `spoken_tokens` (of those of the answer), `refusal`, `thoughts`.

    Raises:
        Trouble: The server refused, or what it sent is no answer.
    """
    started = time.perf_counter()
    reply = Reply()
    async with client.stream(
        "POST", f"{url}/{question.path}", content=question.body, headers={"content-type": question.content_type}
    ) as response:
        if not response.is_success:
            found = complaint(response, await read_body(response, LARGEST_COMPLAINT))
            found.what += advice(response.status_code, url)
            raise found
        if question.path == SPEECH:
            return await read_speech(response, started)
        if "text/event-stream" in response.headers.get("content-type", ""):
            await _read_events(response, reply, started)
        else:
            reply.take_whole(json_of(await read_body(response, LARGEST_REPLY)), is_chat=question.path == CHAT)
    return reply.answer(time.perf_counter() - started)


async def _read_events(response: httpx.Response, reply: Reply, started: float) -> None:
    """Read server-sent events: the `data:` of each is a JSON object, or `[DONE]`."""
    rest, size = b"", 0
    async for piece in response.aiter_bytes():
        size += len(piece)
        if size > LARGEST_REPLY:
            raise Trouble(Kind.FAILED, f"the reply is longer than {LARGEST_REPLY >> 20} MiB")
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            if not line.startswith(b"data:"):
                continue  # a comment that keeps the connection alive, or the event's name, which `type` repeats
            data = line[5:].strip()
            if data == b"[DONE]":
                reply.complete = True
            elif data:
                reply.take_event(json_of(data), started)
    if not reply.complete:
        raise Trouble(Kind.FAILED, "the stream ended before the answer did")


OPENAI = Protocol(exchange, "authorization", "Bearer ")
AZURE = Protocol(exchange, "api-key")
