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
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from audiobench_pytest.models.openai.client import Question
from audiobench_pytest.models.openai.slots import Kind, Trouble, retry_after
from audiobench_pytest.types import Answer, Audio

if TYPE_CHECKING:
    import httpx

CHAT, TRANSCRIPTIONS = "chat/completions", "audio/transcriptions"

_LARGEST_REPLY = 16 << 20
_LARGEST_COMPLAINT = 64 << 10
_SHOWN = 300
_WORTH_ANOTHER_TRY = (408, 409)


def encoded(audio: Audio, container: str) -> bytes:
    """Return a clip as a file of 16 bit; a 16-bit recording at the same rate comes out sample by sample as it was.

    Args:
        audio: The clip, `(samples,) float32`.
        container: `wav` or `flac`.
    """
    import numpy as np

    samples = np.clip(np.rint(audio.samples * 32768.0), -32768, 32767).astype("<i2")
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


def chat_question(audio: Audio, container: str, prompt: str, fields: Mapping[str, Any]) -> Question:
    """Return a chat completion request with one user message: the instruction, then the sound.

    Args:
        audio: The clip.
        container: How it is sent, `wav` or `flac`.
        prompt: The instruction; none when it is empty.
        fields: Everything else of the body; what is None is left out.
    """
    sound = {"data": base64.b64encode(encoded(audio, container)).decode("ascii"), "format": container}
    content: list[dict[str, Any]] = [{"type": "text", "text": prompt}] if prompt else []
    content.append({"type": "input_audio", "input_audio": sound})
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
        `finish_reason`, `model`, `system_fingerprint`, `tokens`, `prompt_tokens`, `refusal`.

    Raises:
        Trouble: The server refused, or what it sent is no answer.
    """
    started = time.perf_counter()
    reply = _Reply()
    async with client.stream(
        "POST", f"{url}/{question.path}", content=question.body, headers={"content-type": question.content_type}
    ) as response:
        if not response.is_success:
            found = complaint(response, await _read(response, _LARGEST_COMPLAINT))
            found.what += advice(response.status_code, url)
            raise found
        if "text/event-stream" in response.headers.get("content-type", ""):
            await _read_events(response, reply, started)
        else:
            reply.take_whole(_json(await _read(response, _LARGEST_REPLY)), question.path)
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


@dataclass
class _Reply:
    """A reply as it comes in."""

    pieces: list[str] = field(default_factory=list)
    meta: dict[str, Any] = field(default_factory=dict)
    ttft_s: float | None = None
    complete: bool = False

    def answer(self, latency_s: float) -> Answer:
        timing = {"latency_s": latency_s} | ({} if self.ttft_s is None else {"ttft_s": self.ttft_s})
        return Answer(
            text=_storable("".join(self.pieces)), meta=self.meta, timing={k: round(v, 6) for k, v in timing.items()}
        )

    def take_whole(self, reply: Any, path: str) -> None:
        _refuse_error(reply)
        self._note(reply)
        if path == TRANSCRIPTIONS:
            if not isinstance(reply.get("text"), str):
                raise _wrong_shape("no text", reply)
            self.pieces.append(reply["text"])
            return
        choice = _first_choice(reply)
        message = choice.get("message") if choice is not None else None
        if choice is None or not isinstance(message, dict) or "content" not in message:
            raise _wrong_shape("no choices[0].message.content", reply)
        self._note_choice(choice)
        self._note_refusal(message)
        self.pieces.append(_content(message["content"], reply))

    def take_event(self, event: Any, started: float) -> None:
        _refuse_error(event)
        kind = event.get("type")
        self._note(event)
        if kind == "transcript.text.delta":
            self._say(event.get("delta"), started, event)
        elif kind == "transcript.text.done":
            if not isinstance(event.get("text"), str):
                raise _wrong_shape("no text", event)
            self.pieces = [event["text"]]
            self.complete = True
        elif (choice := _first_choice(event)) is not None:
            delta = choice.get("delta")
            self._note_choice(choice)
            if isinstance(delta, dict):
                self._note_refusal(delta)
                if delta.get("content") is not None:
                    self._say(delta["content"], started, event)
            if choice.get("finish_reason") is not None:
                self.complete = True
        elif kind is None and not isinstance(event.get("choices"), list):
            raise _wrong_shape("no choices", event)

    def _say(self, text: Any, started: float, event: Any) -> None:
        if not isinstance(text, str):
            raise _wrong_shape("a piece that is no text", event)
        if text and self.ttft_s is None:
            self.ttft_s = time.perf_counter() - started
        self.pieces.append(text)

    def _note(self, reply: Mapping[str, Any]) -> None:
        for name in ("model", "system_fingerprint"):
            if isinstance(reply.get(name), str):
                self.meta[name] = shortened(reply[name])
        usage = reply.get("usage")
        if isinstance(usage, dict):
            for name, fields in _USAGE.items():
                for key in fields:
                    if type(usage.get(key)) is int:
                        self.meta[name] = usage[key]

    def _note_choice(self, choice: Mapping[str, Any]) -> None:
        if isinstance(choice.get("finish_reason"), str):
            self.meta["finish_reason"] = shortened(choice["finish_reason"])

    def _note_refusal(self, message: Mapping[str, Any]) -> None:
        if isinstance(message.get("refusal"), str) and message["refusal"]:
            self.meta["refusal"] = shortened(str(self.meta.get("refusal", "")) + message["refusal"])


_USAGE = {"tokens": ("completion_tokens", "output_tokens"), "prompt_tokens": ("prompt_tokens", "input_tokens")}


def _first_choice(reply: Mapping[str, Any]) -> dict[str, Any] | None:
    choices = reply.get("choices")
    found = isinstance(choices, list) and len(choices) > 0 and isinstance(choices[0], dict)
    return dict(reply["choices"][0]) if found else None


def _content(content: Any, reply: Any) -> str:
    """Return the text of a message: plain, in parts, or none (a refusal, or nothing to say)."""
    if content is None:
        return ""
    if isinstance(content, list) and all(isinstance(p, dict) and isinstance(p.get("text"), str) for p in content):
        return "".join(part["text"] for part in content)
    if not isinstance(content, str):
        raise _wrong_shape("a message content that is no text", reply)
    return content


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


async def _read_events(response: httpx.Response, reply: _Reply, started: float) -> None:
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
        raise _wrong_shape("not an object", found)
    return found


def _refuse_error(reply: Mapping[str, Any]) -> None:
    """Some servers send an error with status 200, or in the middle of a stream."""
    error = reply.get("error")
    if not error:
        return
    code = error.get("code") if isinstance(error, dict) else None
    final = isinstance(code, int) and 400 <= code < 500 and code not in (*_WORTH_ANOTHER_TRY, 429)
    raise Trouble(Kind.REFUSED if final else Kind.FAILED, f"the server reports: {_message(reply)}")


def _wrong_shape(lacks: str, reply: Any) -> Trouble:
    return Trouble(Kind.REFUSED, f"the reply has not the shape of an answer ({lacks}): {shortened(json.dumps(reply))}")


def complaint(response: httpx.Response, body: bytes) -> Trouble:
    """Return what a reply with an error status says of endpoint and question."""
    status = response.status_code
    wait = retry_after(response.headers)
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        content = None
    said = _message(content) if isinstance(content, dict) else _quoted(body)
    what = f"HTTP {status}: {said}" if said else f"HTTP {status}"
    if status == 429 and _code(content) == "insufficient_quota":
        return Trouble(Kind.REFUSED, what)  # a bill to be paid: no wait helps
    if status == 429 or (status == 503 and wait is not None):
        return Trouble(Kind.LIMITED, what, wait)
    if status >= 500 or status in _WORTH_ANOTHER_TRY:
        return Trouble(Kind.FAILED, what, wait)
    if status in (301, 302, 303, 307, 308):
        what += "; redirects are not followed: give the address that answers"
    return Trouble(Kind.REFUSED, what)


def _code(content: Any) -> Any:
    error = content.get("error") if isinstance(content, dict) else None
    return error.get("code") if isinstance(error, dict) else None


def _message(content: Mapping[str, Any]) -> str:
    """Return the message of an error reply: OpenAI's and SGLang's, an older vLLM's, or FastAPI's."""
    error = content.get("error")
    for found in (error.get("message") if isinstance(error, dict) else error, content.get("message")):
        if isinstance(found, str) and found:
            return shortened(found)
    return shortened(json.dumps(content.get("detail", content)))


def _quoted(body: bytes) -> str:
    return shortened(body[: 4 * _SHOWN].decode("utf-8", "replace"))


def shortened(text: str) -> str:
    """Return a server's words on one line of bounded length, without what could steer a terminal."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text[: 8 * _SHOWN]).split())
    return line if len(line) <= _SHOWN else f"{line[:_SHOWN]}..."


def _storable(text: str) -> str:
    """Join what JSON escaped as two halves of a character; a half without its other cannot be stored as UTF-8."""
    return text if text.isascii() else text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
