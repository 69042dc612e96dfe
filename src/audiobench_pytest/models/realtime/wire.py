"""One question over a websocket of its own: opened, asked, read to its end, closed."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import logging
import ssl
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from audiobench_pytest.models.endpoints.client import LOOPBACK_HOSTS, Question
from audiobench_pytest.models.endpoints.reading import SHOWN, complaint, shortened, wrong_shape
from audiobench_pytest.models.endpoints.slots import Kind, Trouble
from audiobench_pytest.models.realtime.questions import PREVIEW
from audiobench_pytest.models.realtime.turn import Turn
from audiobench_pytest.types import Answer

T = TypeVar("T")

if TYPE_CHECKING:
    import httpx

_LARGEST_EVENT = 16 << 20
_CLOSE_S = 1.0

# The library writes the headers of a handshake to its log, the key among them: this one is heard by nobody.
_SILENT = logging.Logger("websockets", logging.CRITICAL + 1)


class Websockets:
    """Opens connections as the HTTP client would open its own: with its patience, its certificates and its advice."""

    async def opened(
        self,
        client: httpx.AsyncClient,
        url: str,
        path: str,
        headers: Mapping[str, str],
        advice: Callable[[int, str], str],
    ) -> Any:
        """Return a connection that stands.

        Args:
            client: The HTTP client.
            url: Base address, of HTTP.
            path: Behind it, without a slash at its beginning.
            headers: Of the handshake.
            advice: From a status and the base address to what the user could do about it, or "".

        Raises:
            Trouble: The server refused it, or was not reached.
        """
        from websockets.asyncio.client import connect
        from websockets.exceptions import InvalidHandshake, InvalidStatus

        is_local = urlsplit(url).hostname in LOOPBACK_HOSTS
        connecting = connect(
            f"ws{url[len('http') :]}/{path}",
            additional_headers=headers,
            user_agent_header=client.headers["user-agent"],
            compression=None,  # base64 of sound shrinks little and costs much
            proxy=None if is_local else True,
            open_timeout=client.timeout.connect,
            close_timeout=_CLOSE_S,
            max_size=_LARGEST_EVENT,
            logger=_SILENT,
            **({"ssl": self._certificates} if url.startswith("https") else {}),
        )
        # Redirects are not followed: the library would send the key along, in whichever header is not `authorization`.
        connecting.process_redirect = lambda exc: exc
        try:
            return await connecting
        except InvalidStatus as exc:
            found = complaint(exc.response, bytes(exc.response.body or b""))
            found.what += advice(exc.response.status_code, url)
            raise found from None
        except InvalidHandshake as exc:
            raise Trouble(Kind.FAILED, f"the connection is no websocket: {shortened(str(exc))}") from None
        except TimeoutError:
            raise Trouble(Kind.UNREACHED, f"time-out: no connection within {client.timeout.connect:g} s") from None
        except OSError as exc:
            raise Trouble(Kind.UNREACHED, f"no connection: {type(exc).__name__}: {shortened(str(exc))}") from None

    @functools.cached_property
    def _certificates(self) -> ssl.SSLContext:
        """Those that the HTTP client trusts."""
        import httpx

        context: ssl.SSLContext = httpx.create_ssl_context()
        return context


class RealtimeExchange:
    """Sends a question over a connection of its own and reads the answer.

    A session remembers what was said in it, so that a second question there would be answered in the light of the
    first. How many connections there are at once is up to the slots.
    """

    def __init__(self, dialect: str, key_header: str) -> None:
        """Say how it is spoken.

        Args:
            dialect: `questions.GA` or `questions.PREVIEW`.
            key_header: Header of the HTTP client that holds the key, and is handed on.
        """
        self._passed_on = (key_header,)
        self._own = {"OpenAI-Beta": "realtime=v1"} if dialect == PREVIEW else {}
        self._websockets = Websockets()

    async def __call__(
        self, client: httpx.AsyncClient, url: str, question: Question, *, advice: Callable[[int, str], str]
    ) -> Answer:
        """Send one question and read its answer; see `models.openai.wire.exchange`.

        The clock starts when the connection stands: of a conversation, it is the turn that is timed.

        Raises:
            Trouble: The server refused, or what it sent is no answer.
        """
        passed_on = {name: client.headers[name] for name in self._passed_on if name in client.headers}
        socket = await self._websockets.opened(client, url, question.path, {**passed_on, **self._own}, advice)
        turn = Turn(time.perf_counter(), lambda status: advice(status, url))
        return await conversed(socket, question.body, client.timeout.read, turn.take)


async def conversed(
    socket: Any, body: bytes, longest: float, take: Callable[[Mapping[str, Any]], T | None], every_s: float = 0.0
) -> T:
    """Send a question a line at a time, read events until they come to something, and close the connection.

    Args:
        socket: The connection.
        body: A message on each line.
        longest: Seconds without a message after which there is no answer.
        take: Takes an event in; returns what they come to with the last.
        every_s: Seconds between two messages.

    Raises:
        Trouble: The connection broke, nothing came, or an event is none.
    """
    from websockets.exceptions import ConnectionClosed

    try:
        # A server that hangs up in the middle of the question may have said why: that is read below.
        with contextlib.suppress(ConnectionClosed):
            for line in body.split(b"\n"):
                await socket.send(line, text=True)
                if every_s:
                    await asyncio.sleep(every_s)
        found = None
        while found is None:
            found = take(event_of(await received(socket, longest)))
    except ConnectionClosed as exc:
        raise Trouble(Kind.FAILED, f"the connection broke: {shortened(str(exc))}") from None
    except BaseException:
        socket.transport.abort()  # no more is wanted of it, and nobody waits for its farewell
        raise
    await socket.close()
    return found


async def received(socket: Any, longest: float) -> str | bytes:
    """Return the next message of a connection.

    Raises:
        Trouble: None came for so many seconds.
    """
    silence = asyncio.timeout(longest)
    try:
        async with silence:
            message: str | bytes = await socket.recv()
            return message
    except TimeoutError:
        raise Trouble(Kind.FAILED, f"time-out: nothing was sent for {longest:g} s") from None


def event_of(message: str | bytes) -> dict[str, Any]:
    """Return what a message says.

    Raises:
        Trouble: It is no JSON object.
    """
    try:
        found = json.loads(message)
    except (ValueError, RecursionError):
        shown = message if isinstance(message, str) else message[: 4 * SHOWN].decode("utf-8", "replace")
        raise Trouble(Kind.FAILED, f"an event is not JSON: {shortened(shown)}") from None
    if not isinstance(found, dict):
        raise wrong_shape("not an object", found)
    return found
