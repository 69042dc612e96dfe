"""What comes back from an endpoint, whichever protocol it speaks: bodies, JSON, complaints, and whether it is there."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from audiobench_pytest.models.endpoints.slots import Kind, Trouble, retry_after

if TYPE_CHECKING:
    import httpx

SHOWN = 300
WORTH_ANOTHER_TRY = (408, 409)

LARGEST_REPLY = 16 << 20
LARGEST_COMPLAINT = 64 << 10


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


async def read_body(response: httpx.Response, most: int) -> bytes:
    """Return a reply's body, of a complaint its beginning.

    Raises:
        Trouble: It is longer than so many bytes.
    """
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


def json_of(body: bytes) -> dict[str, Any]:
    """Return a body as the JSON object that it is.

    Raises:
        Trouble: It is none.
    """
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        raise Trouble(Kind.FAILED, f"the reply is not JSON: {_quoted(body)}") from None
    if not isinstance(found, dict):
        raise wrong_shape("not an object", found)
    return found


def wrong_shape(lacks: str, reply: Any) -> Trouble:
    """Return that a reply is no answer, and what it lacks."""
    return Trouble(Kind.REFUSED, f"the reply has not the shape of an answer ({lacks}): {shortened(json.dumps(reply))}")


def message_of(content: Mapping[str, Any]) -> str:
    """Return the message of an error reply: OpenAI's and SGLang's, an older vLLM's, or FastAPI's."""
    error = content.get("error")
    for found in (error.get("message") if isinstance(error, dict) else error, content.get("message")):
        if isinstance(found, str) and found:
            return shortened(found)
    return shortened(json.dumps(content.get("detail", content)))


def shortened(text: str) -> str:
    """Return a server's words on one line of bounded length, without what could steer a terminal."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text[: 8 * SHOWN]).split())
    return line if len(line) <= SHOWN else f"{line[:SHOWN]}..."


async def look_up(
    client: httpx.AsyncClient, *, url: str, limit: float, advice: Callable[[int, str], str]
) -> tuple[str | None, list[str]]:
    """See whether a server is there.

    Args:
        client: Sends the question.
        url: Base address of the server.
        limit: Seconds; one that keeps silent for longer is busy, and there.
        advice: From a status and the base address to what the user could do about it, or "".

    Returns:
        Why it cannot be used, or None; and the names of the models it offers, where it lists them.
    """
    import httpx

    try:
        async with asyncio.timeout(limit), client.stream("GET", f"{url}/models") as response:
            body = await read_body(response, LARGEST_REPLY)
    except httpx.ConnectTimeout:
        return "time-out: no connection", []
    except (TimeoutError, httpx.TimeoutException):
        return None, []
    except (httpx.HTTPError, Trouble) as exc:
        return f"cannot be reached: {type(exc).__name__}: {shortened(str(exc))}", []
    if response.status_code == 401:
        return complaint(response, body).what + advice(401, url), []
    try:
        entries = json_of(body).get("data")
    except Trouble:
        return None, []
    found = [entry.get("id") for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
    return None, [shortened(name) for name in found if isinstance(name, str)]
