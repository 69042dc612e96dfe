"""One kept connection over plain HTTP, for httpx to send its requests through: asyncio's own sockets under h11.

httpx's own way to the network (httpcore over anyio) locks, counts and traces what many tasks may share, and stops and
starts the socket around each piece it reads. A connection that has one question at a time needs none of it, and that is
most of what a question costs.
"""

from __future__ import annotations

import asyncio
import functools
import select
import socket
from collections.abc import Awaitable, Callable, Collection
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import h11
    import httpx

# As httpcore and anyio have them.
_LARGEST_HEAD = 100 << 10
_NEXT_ADDRESS_S = 0.25

_MOST_UNREAD = 256 << 10


@functools.cache
def client_class() -> Any:
    """Return the class of the clients, which has to be one of httpx's: that is imported when it is used."""
    import httpx

    class Client(httpx.AsyncClient):  # type: ignore[misc]
        """Sends over a transport of its own what needs neither TLS nor a proxy, and all else httpx's way.

        What httpx does around sending is left out there: cookies, redirects, hooks, credentials. We have none of them.

        Args:
            plain: The transport.
            hosts: Those that are asked over it; None: all.
            more: For httpx.
        """

        def __init__(self, plain: PlainTransport, hosts: Collection[str] | None, **more: Any) -> None:
            super().__init__(**more)
            self._plain, self._plain_hosts = plain, hosts

        async def send(self, request: httpx.Request, *, stream: bool = False, **more: Any) -> httpx.Response:
            url = request.url
            if url.scheme != "http" or (self._plain_hosts is not None and url.host not in self._plain_hosts):
                return await super().send(request, stream=stream, **more)
            response = await self._plain.handle_async_request(request)
            response.request = request
            if not stream:
                try:
                    await response.aread()
                finally:
                    await response.aclose()
            return response

        async def aclose(self) -> None:
            await self._plain.aclose()
            await super().aclose()

        async def __aexit__(self, *caught: Any) -> None:
            await self._plain.aclose()
            await super().__aexit__(*caught)

    return Client


class PlainTransport:
    """A transport of `httpx.AsyncClient` that has one connection, and so one request at a time.

    Neither TLS nor proxies: who needs them leaves the client its own transport.

    Args:
        keep_s: Seconds without a request after which the connection is not used again.
    """

    def __init__(self, keep_s: float) -> None:
        self._keep_s = keep_s
        self._line: _Line | None = None
        self._place: tuple[bytes, int | None] | None = None
        self._good_until = 0.0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and return the reply, its body still to be read.

        Raises:
            httpx.TransportError: There is no connection, or it broke, or took longer than the request allows.
        """
        import httpx

        limits = request.extensions["timeout"]
        line = await self._connected(request.url, limits["connect"])
        try:
            await line.send(request, limits["write"])
            head = await line.head(limits["read"])
        except BaseException:
            self._hang_up()
            raise
        return httpx.Response(
            head.status_code,
            headers=head.headers.raw_items(),
            stream=_body_class()(functools.partial(line.piece, limits["read"]), self._release),
            extensions={"http_version": b"HTTP/" + head.http_version, "reason_phrase": head.reason},
        )

    async def aclose(self) -> None:
        """Close the connection."""
        self._hang_up()

    async def __aenter__(self) -> PlainTransport:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._hang_up()

    async def _connected(self, url: httpx.URL, limit: float) -> _Line:
        import httpx

        if url.scheme != "http":
            raise httpx.UnsupportedProtocol(f"'{url.scheme}' is not sent in plain")
        place = (url.raw_host, url.port)
        if self._line is not None:
            in_time = asyncio.get_running_loop().time() < self._good_until
            if in_time and place == self._place and self._line.is_usable():
                return self._line
            self._hang_up()
        self._line, self._place = await _connect(url.raw_host.decode("ascii"), url.port or 80, limit), place
        return self._line

    def _release(self) -> None:
        if self._line is None:
            return
        if self._line.begin_again():
            self._good_until = asyncio.get_running_loop().time() + self._keep_s
        else:
            self._hang_up()

    def _hang_up(self) -> None:
        if self._line is not None:
            self._line.hang_up()
            self._line = None


async def _connect(host: str, port: int, limit: float) -> _Line:
    import httpx

    clock = asyncio.timeout(limit)
    try:
        async with clock:
            loop = asyncio.get_running_loop()
            _, line = await loop.create_connection(_Line, host, port, happy_eyeballs_delay=_NEXT_ADDRESS_S)
            return line
    except socket.gaierror as exc:
        raise httpx.ConnectError(str(exc)) from exc
    except OSError as exc:  # a time-out is one, ours or the system's
        if clock.expired():
            raise httpx.ConnectTimeout("") from exc
        raise httpx.ConnectError("All connection attempts failed") from exc


class _Line(asyncio.Protocol):
    """A connection: how far its HTTP has come, and what was received and is not read yet."""

    def __init__(self) -> None:
        import h11

        self._loop = asyncio.get_running_loop()
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=_LARGEST_HEAD)
        self._unread = b""
        self._ended = self._lost = self._is_full = self._is_held = False
        self._broke: Exception | None = None
        self._waiter: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the socket."""
        assert isinstance(transport, asyncio.Transport)
        self._tcp = transport

    def data_received(self, data: bytes) -> None:
        """Keep what came in, and have no more sent while nobody reads it."""
        self._unread = self._unread + data if self._unread else data
        if len(self._unread) > _MOST_UNREAD and not self._is_held:
            self._is_held = True
            self._tcp.pause_reading()
        self._wake()

    def eof_received(self) -> None:
        """Note that no more will come."""
        self._ended = True
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """Note that it is over, and why."""
        self._ended = self._lost = True
        self._broke = exc
        self._wake()

    def pause_writing(self) -> None:
        """Note that the other side reads more slowly than we send."""
        self._is_full = True

    def resume_writing(self) -> None:
        """Note that it has caught up."""
        self._is_full = False
        self._wake()

    def is_usable(self) -> bool:
        """Whether another request can be sent: the server has neither hung up nor said anything unasked."""
        if self._ended or self._unread or self._tcp.is_closing():
            return False
        # What the loop has not come to see yet: a question sent into a closing connection would be lost.
        poll = select.poll()
        poll.register(self._tcp.get_extra_info("socket").fileno(), select.POLLIN)
        return not poll.poll(0)

    def begin_again(self) -> bool:
        """Whether request and reply are complete and another may follow; if so, be ready for it."""
        import h11

        if self._http.our_state is not h11.DONE or self._http.their_state is not h11.DONE:
            return False
        self._http.start_next_cycle()
        return True

    def hang_up(self) -> None:
        """Close it at once, whatever is on its way."""
        self._tcp.abort()

    async def send(self, request: httpx.Request, limit: float) -> None:
        """Send a request.

        A server may hang up in the middle because it has said already why it wants no more: that is read afterwards.

        Raises:
            httpx.TransportError: It has headers that cannot be sent, or the server does not take it in time.
        """
        import h11
        import httpx

        try:
            head = h11.Request(method=request.method, target=request.url.raw_path, headers=request.headers.raw)
            parts = [self._http.send(head)]
            if body := request.content:
                parts.append(self._http.send(h11.Data(data=body)))
            parts.append(self._http.send(h11.EndOfMessage()))
        except h11.LocalProtocolError as exc:
            raise httpx.LocalProtocolError(str(exc)) from exc
        self._tcp.writelines([part for part in parts if part])
        while self._is_full and not self._lost:
            try:
                await self._news(limit)
            except TimeoutError:
                raise httpx.WriteTimeout("") from None

    async def head(self, limit: float) -> h11.Response:
        """Return the head of the reply.

        Raises:
            httpx.TransportError: It did not come, or is none.
        """
        import h11

        while not isinstance(event := await self._event(limit), h11.Response):
            pass  # 1xx, which announces the reply
        return event

    async def piece(self, limit: float) -> bytes | None:
        """Return some of the reply's body, or None at its end.

        Raises:
            httpx.TransportError: It did not come.
        """
        import h11

        event = await self._event(limit)
        return bytes(event.data) if isinstance(event, h11.Data) else None

    async def _event(self, limit: float) -> Any:
        import h11
        import httpx

        while True:
            try:
                event = self._http.next_event()
            except h11.RemoteProtocolError as exc:
                raise httpx.RemoteProtocolError(str(exc)) from exc
            if event is not h11.NEED_DATA:
                return event
            data = await self._received(limit)
            if not data and self._http.their_state is h11.SEND_RESPONSE:
                raise httpx.RemoteProtocolError("Server disconnected without sending a response.")
            self._http.receive_data(data)

    async def _received(self, limit: float) -> bytes:
        """Return what has come in, b"" at the end."""
        import httpx

        if not self._unread and not self._ended:
            try:
                await self._news(limit)
            except TimeoutError:
                raise httpx.ReadTimeout("") from None
        if not self._unread and self._broke is not None:
            raise httpx.ReadError("") from self._broke
        data, self._unread = self._unread, b""
        if self._is_held:
            self._is_held = False
            self._tcp.resume_reading()
        return data

    async def _news(self, limit: float) -> None:
        """Wait until something happens.

        Raises:
            TimeoutError: Nothing did for so many seconds.
        """
        waiter = self._waiter = self._loop.create_future()
        timer = self._loop.call_later(limit, _give_up, waiter)
        try:
            await waiter
        finally:
            timer.cancel()
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


def _give_up(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_exception(TimeoutError())


@functools.cache
def _body_class() -> Callable[[Callable[[], Awaitable[bytes | None]], Callable[[], None]], Any]:
    """Return the class of a reply's body, which has to be one of httpx's: that is imported when it is used."""
    import httpx

    class Body(httpx.AsyncByteStream):  # type: ignore[misc]
        def __init__(self, next_piece: Callable[[], Awaitable[bytes | None]], release: Callable[[], None]) -> None:
            self._next_piece, self._release = next_piece, release

        def __aiter__(self) -> Body:
            return self

        async def __anext__(self) -> bytes:
            piece = await self._next_piece()
            if piece is None:
                raise StopAsyncIteration
            return piece

        async def aclose(self) -> None:
            self._release()

    return Body
