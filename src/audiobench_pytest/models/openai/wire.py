"""What goes over the wire to an OpenAI-compatible server: bodies of questions, and replies, streamed or not.

Chat with `input_audio` parts (`/chat/completions`) and uploads (`/audio/transcriptions`), as OpenAI's API reference has
them. Of streamed transcriptions both dialects: OpenAI's `transcript.text.*` events, and vLLM's chunks, like chat's.
"""

from __future__ import annotations

import asyncio
import base64
import io
import json
import time
import wave
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from audiobench_pytest.models.endpoints.client import Question
from audiobench_pytest.models.endpoints.slots import Kind, Trouble, retry_after
from audiobench_pytest.models.openai.replies import SHOWN, WORTH_ANOTHER_TRY, Reply, message_of, shortened, wrong_shape
from audiobench_pytest.models.openai.speech import SPEECH, read_speech
from audiobench_pytest.types import Answer, Audio

if TYPE_CHECKING:
    import httpx
    import numpy as np
    from numpy.typing import NDArray

CHAT, TRANSCRIPTIONS = "chat/completions", "audio/transcriptions"

_LARGEST_REPLY = 16 << 20
_LARGEST_COMPLAINT = 64 << 10


def samples_of_16_bit(audio: Audio) -> NDArray[np.int16]:
    """Return a clip as samples of 16 bit, little-endian; a 16-bit recording comes out sample by sample as it was."""
    import numpy as np

    samples: NDArray[np.int16] = np.clip(np.rint(audio.samples * 32768.0), -32768, 32767).astype("<i2")
    return samples


def encoded(audio: Audio, container: str) -> bytes:
    """Return a clip as a file of 16 bit; a 16-bit recording at the same rate comes out sample by sample as it was.

    Args:
        audio: The clip, `(samples,) float32`.
        container: `wav` or `flac`.
    """
    samples = samples_of_16_bit(audio)
    file = io.BytesIO()
    if container == "flac":
        import soundfile

        soundfile.write(file, samples, audio.sample_rate, format="FLAC", subtype="PCM_16")
        return file.getvalue()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(audio.sample_rate)
        out.writeframes(samples.tobytes())
    return file.getvalue()


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
            found = complaint(response, await _read(response, _LARGEST_COMPLAINT))
            found.what += advice(response.status_code, url)
            raise found
        if question.path == SPEECH:
            return await read_speech(response, started)
        if "text/event-stream" in response.headers.get("content-type", ""):
            await _read_events(response, reply, started)
        else:
            reply.take_whole(_json(await _read(response, _LARGEST_REPLY)), is_chat=question.path == CHAT)
    return reply.answer(time.perf_counter() - started)


async def look_up(
    client: httpx.AsyncClient, *, url: str, limit: float, advice: Callable[[int, str], str]
) -> tuple[str | None, list[str]]:
    """See whether a server is there.

    Args:
        client: Sends the question.
        url: Base address of the server.
        limit: Seconds; one that keeps silent for longer is busy, and there.
        advice: As for `exchange`.

    Returns:
        Why it cannot be used, or None; and the names of the models it offers, where it lists them.
    """
    import httpx

    try:
        async with asyncio.timeout(limit), client.stream("GET", f"{url}/models") as response:
            body = await _read(response, _LARGEST_REPLY)
    except httpx.ConnectTimeout:
        return "time-out: no connection", []
    except (TimeoutError, httpx.TimeoutException):
        return None, []
    except (httpx.HTTPError, Trouble) as exc:
        return f"cannot be reached: {type(exc).__name__}: {shortened(str(exc))}", []
    if response.status_code == 401:
        return complaint(response, body).what + advice(401, url), []
    try:
        entries = _json(body).get("data")
    except Trouble:
        return None, []
    found = [entry.get("id") for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
    return None, [shortened(name) for name in found if isinstance(name, str)]


async def _read(response: httpx.Response, most: int) -> bytes:
    pieces: list[bytes] = []
    size = 0
    async for piece in response.aiter_bytes():
        pieces.append(piece)
        size += len(piece)
        if size > most and response.is_success:
            raise Trouble(Kind.FAILED, f"the reply is longer than {most >> 20} MiB")
        if size > most:
            break  # enough of a complaint
    return b"".join(pieces)


async def _read_events(response: httpx.Response, reply: Reply, started: float) -> None:
    """Read server-sent events: the `data:` of each is a JSON object, or `[DONE]`."""
    rest, size = b"", 0
    async for piece in response.aiter_bytes():
        size += len(piece)
        if size > _LARGEST_REPLY:
            raise Trouble(Kind.FAILED, f"the reply is longer than {_LARGEST_REPLY >> 20} MiB")
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            if not line.startswith(b"data:"):
                continue  # a comment that keeps the connection alive, or the event's name, which `type` repeats
            data = line[5:].strip()
            if data == b"[DONE]":
                reply.complete = True
            elif data:
                reply.take_event(_json(data), started)
    if not reply.complete:
        raise Trouble(Kind.FAILED, "the stream ended before the answer did")


def _json(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise Trouble(Kind.FAILED, f"the reply is not JSON: {_quoted(body)}") from None
    if not isinstance(found, dict):
        raise wrong_shape("not an object", found)
    return found


def complaint(response: httpx.Response, body: bytes) -> Trouble:
    """Return what a reply with an error status says of endpoint and question."""
    status = response.status_code
    wait = retry_after(response.headers)
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        content = None
    said = message_of(content) if isinstance(content, dict) else _quoted(body)
    what = f"HTTP {status}: {said}" if said else f"HTTP {status}"
    if status == 429 and _code(content) == "insufficient_quota":
        return Trouble(Kind.REFUSED, what)  # a bill to be paid: no wait helps
    if status == 429 or (status == 503 and wait is not None):
        return Trouble(Kind.LIMITED, what, wait)
    if status >= 500 or status in WORTH_ANOTHER_TRY:
        return Trouble(Kind.FAILED, what, wait)
    if status in (301, 302, 303, 307, 308):
        what += "; redirects are not followed: give the address that answers"
    return Trouble(Kind.REFUSED, what)


def _code(content: Any) -> Any:
    error = content.get("error") if isinstance(content, dict) else None
    return error.get("code") if isinstance(error, dict) else None


def _quoted(body: bytes) -> str:
    return shortened(body[: 4 * SHOWN].decode("utf-8", "replace"))
