"""A loopback server that speaks the OpenAI protocol, for tests without network; it can misbehave in many ways.

It answers with the number of samples it heard, so that an answer tells which question it belongs to, and keeps a record
of all that it was asked.
"""

import asyncio
import base64
import email.parser
import email.policy
import io
import json
import socket
import threading
import time
import wave
import weakref
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from loopback import Loopback


@dataclass
class Asked:
    """One request, as it came in."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    connection: int
    at_once: int = 0
    """Questions in the server when this one came, itself included."""
    started: float = 0.0
    ended: float = 0.0

    @property
    def fields(self) -> dict:
        """The JSON body, or the fields of the form: a file as its name, type and bytes, a repeated field as a list."""
        kind = self.headers.get("content-type", "")
        if kind == "application/json":
            return json.loads(self.body)
        head = f"content-type: {kind}\r\n\r\n".encode()
        form = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + self.body)
        found: dict = {}
        for part in form.iter_parts():
            name, file = part.get_param("name", header="content-disposition"), part.get_filename()
            content = part.get_payload(decode=True)
            value = content.decode() if file is None else (file, part.get_content_type(), content)
            found[name] = [found[name], value] if name in found else value
        return found

    @property
    def file(self) -> bytes:
        if self.path.endswith("transcriptions"):
            return self.fields["file"][2]
        (sound,) = [p for p in self.fields["messages"][0]["content"] if p["type"] == "input_audio"]
        return base64.b64decode(sound["input_audio"]["data"], validate=True)

    @property
    def samples(self) -> int:
        with wave.open(io.BytesIO(self.file)) as sound:
            return sound.getnframes()


@dataclass
class Reply:
    """What is sent back; `content` is JSON, text or bytes."""

    content: object = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    events: list[object] | None = None
    """Sent as server-sent events instead of `content`; a number is a pause in seconds."""
    promise: int = 0
    """Bytes promised beyond those that are sent."""
    hang: bool = False
    """Say nothing, ever."""
    drop: bool = False
    """Close the connection instead."""


def heard(asked: Asked, text: str | None = None, **more: object) -> Reply:
    """The reply of a server that works: whole or streamed, as asked."""
    text = f"heard {asked.samples} samples" if text is None else text
    told = {"model": f"served-{asked.fields['model']}", "system_fingerprint": "fp_1"}
    if asked.path.endswith("transcriptions"):
        return Reply({"text": text, "usage": {"type": "tokens", "input_tokens": 9, "output_tokens": 3}}, **more)
    usage = {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}
    if asked.fields.get("stream"):
        chunks = [
            {**told, "choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]},
            *({**told, "choices": [{"index": 0, "delta": {"content": c}}]} for c in (text[:5], text[5:])),
            {**told, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
            {**told, "choices": [], "usage": usage},
        ]
        return Reply(events=[*chunks, "[DONE]"], **more)
    return Reply(
        {**told, "choices": [{"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}]}
        | {"usage": usage},
        **more,
    )


def error(status: int, message: str = "boom", **more: object) -> Reply:
    return Reply({"error": {"message": message, "type": "test", "code": None}}, status, **more)


class OpenAIServer(Loopback):
    """Use as a context manager; without being entered, and when it was left, it refuses connections at its port.

    `script` holds replies to the next questions; after them `respond` answers. `models` is the reply to `GET /models`.
    """

    def __init__(self, respond: Callable[[Asked], Reply] = heard, port: int = 0) -> None:
        self.respond = respond
        self.port = self._reserve(port)
        self.script: deque[Reply | Callable[[Asked], Reply]] = deque()
        self.models = Reply({"object": "list", "data": [{"id": "tiny"}, {"id": "other"}]})
        self.log: list[Asked] = []
        self.at_once = self.connections = self.left_open = 0
        self.full = self.total = 0
        """Hold questions until `full` are here, then let the oldest go, and so on; all, once `total` have come."""
        self.refills: list[float] = []
        """Seconds from letting one go to the arrival of the next."""
        self._held: deque[asyncio.Event] = deque()
        self._freed: float | None = None

    def _reserve(self, port: int) -> int:
        """Bind a port without listening: no other program is given it, before the server is there or behind it."""
        held = socket.socket()
        weakref.finalize(self, held.close)
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # beside the socket that will listen
        held.bind(("127.0.0.1", port))
        return held.getsockname()[1]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def questions(self) -> list[Asked]:
        return [asked for asked in self.log if asked.method == "POST"]

    @property
    def peak(self) -> int:
        return max(asked.at_once for asked in self.questions)

    @property
    def mean(self) -> float:
        """Questions in the server, on average from the first to the last."""
        questions = [asked for asked in self.questions if asked.ended]
        span = max(a.ended for a in questions) - min(a.started for a in questions)
        return sum(a.ended - a.started for a in questions) / span

    async def _serve(self, ready: threading.Event) -> None:
        server = await asyncio.start_server(self._connected, "127.0.0.1", self.port, backlog=512)
        ready.set()
        await self._stop.wait()
        server.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.left_open += 1
        number = self.connections
        try:
            while (asked := await self._read(reader, number)) is not None:
                if not await self._handle(asked, reader, writer):
                    break
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # a client that left, or a server that is told to
        finally:
            self.left_open -= 1
            writer.close()

    async def _read(self, reader: asyncio.StreamReader, connection: int) -> Asked | None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            return None
        first, *lines = head.decode("latin-1").rstrip().split("\r\n")
        headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        return Asked(*first.split(" ")[:2], headers, body, connection)

    async def _handle(self, asked: Asked, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        self.log.append(asked)
        asked.started = time.perf_counter()
        is_question = asked.method == "POST"
        self.at_once += is_question
        asked.at_once = self.at_once
        try:
            if is_question:
                planned = self.script.popleft() if self.script else self.respond
                reply = planned if isinstance(planned, Reply) else planned(asked)
            else:
                reply = self.models
            if reply.hang:
                await reader.read()  # until the client gives up
                return False
            if is_question and self.full:
                await self._hold(asked)
            await asyncio.sleep(reply.delay)
        finally:
            self.at_once -= is_question
            asked.ended = time.perf_counter()
        if reply.drop:
            return False
        await (_send_events if reply.events is not None else _send)(reply, writer)
        return not (reply.promise or reply.events is not None)

    async def _hold(self, asked: Asked) -> None:
        if self._freed is not None:
            self.refills.append(asked.started - self._freed)
        self._held.append(asyncio.Event())
        mine = self._held[-1]
        if len(self.questions) >= self.total:
            while self._held:
                self._held.popleft().set()
        elif len(self._held) >= self.full:
            self._freed = time.perf_counter()
            self._held.popleft().set()
        await mine.wait()


async def _send(reply: Reply, writer: asyncio.StreamWriter) -> None:
    content = reply.content
    is_json = not isinstance(content, (bytes, str))
    body = json.dumps(content).encode() if is_json else content.encode() if isinstance(content, str) else content
    headers = {"content-type": "application/json" if is_json else "text/html", **reply.headers}
    headers["content-length"] = str(len(body) + reply.promise)
    writer.write(_head(reply.status, headers) + body)
    await writer.drain()


async def _send_events(reply: Reply, writer: asyncio.StreamWriter) -> None:
    headers = {"content-type": "text/event-stream; charset=utf-8", "connection": "close", **reply.headers}
    writer.write(_head(reply.status, headers))
    for event in reply.events or []:
        if isinstance(event, float):
            await writer.drain()
            await asyncio.sleep(event)
            continue
        line = event if isinstance(event, (bytes, str)) else json.dumps(event)
        writer.write(line if isinstance(line, bytes) else f"data: {line}\n\n".encode())
    await writer.drain()


def _head(status: int, headers: dict[str, str]) -> bytes:
    return "".join([f"HTTP/1.1 {status} x\r\n", *(f"{k}: {v}\r\n" for k, v in headers.items()), "\r\n"]).encode()
