"""A loopback server of OpenAI's realtime protocol: the library's own websocket server in a thread, which can misbehave.

It checks what it is sent against the protocol and answers with the number of samples it heard. `GET /models` is
answered as a server without that route would.
"""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from loopback import Loopback
from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request as Handshake
from websockets.http11 import Response

DROP, HANG, ABORT = "drop", "hang", "abort"
USAGE = {
    "input_tokens": 130,
    "output_tokens": 25,
    "input_token_details": {"audio_tokens": 100, "text_tokens": 30},
    "output_token_details": {"audio_tokens": 0, "text_tokens": 25},
}
TONE = (np.sin(np.arange(4800) / 5) * 8000).astype("<i2")


@dataclass
class Asked:
    """One session: how it was opened, and what was said in it until an answer was wished for."""

    path: str
    headers: Headers
    at_once: int
    events: list[dict[str, Any]] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    started: float = 0.0
    ended: float = 0.0

    @property
    def session(self) -> dict[str, Any]:
        return self.events[0]["session"]

    @property
    def items(self) -> list[dict[str, Any]]:
        return [event["item"] for event in self.events if event["type"] == "conversation.item.create"]

    @property
    def parts(self) -> list[dict[str, Any]]:
        return [part for item in self.items for part in item.get("content", ())]

    @property
    def sounds(self) -> list[np.ndarray]:
        sent = [part["audio"] for part in self.parts if part["type"] == "input_audio"]
        return [np.frombuffer(base64.b64decode(one, validate=True), "<i2") for one in sent]

    @property
    def samples(self) -> int:
        return sum(len(one) for one in self.sounds)

    @property
    def words(self) -> list[str]:
        return [part["text"] for part in self.parts if "text" in part]

    @property
    def is_ga(self) -> bool:
        return "OpenAI-Beta" not in self.headers

    @property
    def aloud(self) -> bool:
        return "audio" in self.session["output_modalities" if self.is_ga else "modalities"]


Script = list[object]
"""What is sent, an event after the other: JSON, a text as it stands, a number of seconds to wait, or what to do."""


def limits(seconds: float, remaining: int = 0) -> dict[str, Any]:
    counted = {"name": "tokens", "limit": 20000, "remaining": remaining, "reset_seconds": seconds}
    return {"type": "rate_limits.updated", "rate_limits": [counted, {"name": "requests", "remaining": 5}]}


def done(status: str = "completed", **more: Any) -> dict[str, Any]:
    details = {name: more.pop(name) for name in ("reason", "error") if name in more}
    response = {"id": "r", "status": status, "usage": USAGE, "output": [], **more}
    return {"type": "response.done", "response": response | ({"status_details": details} if details else {})}


def failed(**error: Any) -> dict[str, Any]:
    return done("failed", error=error)


def error(**fields: Any) -> dict[str, Any]:
    return {"type": "error", "event_id": "e", "error": {"type": "invalid_request_error", "message": "boom", **fields}}


def said(asked: Asked, text: str | None = None, *, pause: float = 0.0) -> Script:
    """An answer as a server that works gives it: in text or in speech, in the names of the dialect."""
    text = f"heard {asked.samples} samples" if text is None else text
    output = "output_" if asked.is_ga else ""
    pieces = [text[:5], text[5:]]
    events: Script = [limits(0.1, 9000), {"type": "response.created", "response": {"status": "in_progress"}}, pause]
    if asked.aloud:
        half = TONE.tobytes()[:4001]  # a sample may be cut in two
        for sound, words in zip((half, TONE.tobytes()[4001:]), pieces, strict=True):
            events.append({"type": f"response.{output}audio_transcript.delta", "delta": words})
            events.append(pause)
            delta = base64.b64encode(sound).decode()
            events.append({"type": f"response.{output}audio.delta", "delta": delta})
    else:
        events += [{"type": f"response.{output}text.delta", "delta": words} for words in pieces]
    usage = USAGE | ({"output_token_details": {"audio_tokens": 20, "text_tokens": 5}} if asked.aloud else {})
    return [*events, pause, done(usage=usage)]


def refused(status: int, body: object = None, **headers: str) -> Response:
    """What an upgrade may be answered with instead."""
    content = json.dumps({"error": {"message": "boom", "code": None}} if body is None else body).encode()
    told = {"content-type": "application/json", "content-length": str(len(content)), **headers}
    return Response(status, "x", Headers(told), content)


class RealtimeServer(Loopback):
    """Use as a context manager; `script` holds replies to the next questions, after them `respond` answers.

    `opening` holds what the next upgrades are answered with instead of a websocket.
    """

    def __init__(self, respond: Callable[[Asked], Script] = said, certificate: tuple[Path, Path] | None = None) -> None:
        self.respond, self.certificate = respond, certificate
        self.script: deque[Script | Callable[[Asked], Script]] = deque()
        self.opening: deque[Response] = deque()
        self.log: list[Asked] = []
        self.at_once = self.peak = self.left_open = 0

    @property
    def url(self) -> str:
        return f"http{'s' * (self.certificate is not None)}://127.0.0.1:{self.port}/v1"

    @property
    def questions(self) -> list[Asked]:
        """Sessions in which an answer was wished for, or that were refused before."""
        return [asked for asked in self.log if asked.started]

    @property
    def wrong(self) -> list[str]:
        """What was sent and is not of the protocol."""
        return [what for asked in self.log for what in asked.wrong]

    async def _serve(self, ready: threading.Event) -> None:
        unheard = logging.Logger("server", logging.CRITICAL + 1)  # what it writes of headers is not what is tested
        options = {"process_request": self._open, "max_size": None, "close_timeout": 0.2, "logger": unheard}
        tls = None
        if self.certificate is not None:
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            tls.load_cert_chain(*self.certificate)
        async with serve(self._session, "127.0.0.1", 0, ssl=tls, **options) as server:
            self.port = server.sockets[0].getsockname()[1]
            ready.set()
            await self._stop.wait()

    def _open(self, connection: ServerConnection, asked: Handshake) -> Response | None:
        if asked.path.endswith("/models"):
            return refused(404)
        if self.opening:
            self.log.append(Asked(asked.path, asked.headers, 0, started=time.perf_counter()))
            return self.opening.popleft()
        return None

    async def _session(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        self.at_once += 1
        self.left_open += 1
        self.peak = max(self.peak, self.at_once)
        asked = Asked(connection.request.path, connection.request.headers, self.at_once)
        self.log.append(asked)
        try:
            await connection.send(json.dumps({"type": "session.created", "session": {"model": "served-tiny"}}))
            async for message in connection:
                asked.events.append(json.loads(message))
                asked.wrong += wrongs(asked, message)
                if asked.events[-1]["type"] == "response.create":
                    asked.started = time.perf_counter()
                    planned = self.script.popleft() if self.script else self.respond
                    await self._reply(connection, planned if isinstance(planned, list) else planned(asked))
                    asked.ended = time.perf_counter()
        except ConnectionClosed:
            pass  # a client that left
        finally:
            self.at_once -= 1
            self.left_open -= 1

    async def _reply(self, connection: ServerConnection, script: Script) -> None:
        for event in script:
            if isinstance(event, float):
                await asyncio.sleep(event)
            elif event == DROP:
                await connection.close(1011, "out of order")
            elif event == ABORT:
                connection.transport.abort()
            elif event == HANG:
                await connection.wait_closed()
            else:
                await connection.send(event if isinstance(event, str | bytes) else json.dumps(event))


def wrongs(asked: Asked, message: str | bytes) -> list[str]:
    """Return what a real server would not take in an event."""
    event, found = asked.events[-1], []
    if not isinstance(message, str):
        found.append("a frame of bytes where text belongs")
    if len(asked.events) == 1:
        told = event.get("session", {})
        detection = (told.get("audio", {}).get("input", {}) if asked.is_ga else told).get("turn_detection", "left out")
        known = _OF_GA if asked.is_ga else _OF_PREVIEW
        found += [f"unknown parameter: session.{name}" for name in told if name not in known]
        if event["type"] != "session.update":
            found.append(f"{event['type']} before session.update")
        if asked.is_ga and told.get("type") != "realtime":
            found.append("missing session.type")
        if detection is not None:
            found.append(f"turn_detection {detection}")
        return found
    if event["type"] not in ("conversation.item.create", "response.create"):
        found.append(event["type"])
    for part in event.get("item", {}).get("content", ()):
        role = event["item"]["role"]
        own = ("output_text" if asked.is_ga else "text",)
        if part["type"] not in (own if role == "assistant" else ("input_text", "input_audio")):
            found.append(f"{part['type']} of {role}")
    return found


_OF_GA = {"type", "output_modalities", "audio", "instructions", "max_output_tokens", "tools", "tool_choice"}
_OF_PREVIEW = {
    "modalities",
    "voice",
    "input_audio_format",
    "output_audio_format",
    "turn_detection",
    "instructions",
    "max_response_output_tokens",
    "temperature",
    "tools",
}
