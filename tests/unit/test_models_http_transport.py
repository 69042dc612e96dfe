"""One kept connection under httpx: whatever a server does, it tells the same as httpx's own transport does."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from audiobench_pytest.models.endpoints.transport import PlainTransport, client_class

pytest.importorskip("httpx", reason="needs the extra 'api'")
import httpx

Reader, Writer = asyncio.StreamReader, asyncio.StreamWriter
Serve = Callable[[Reader, Writer], Awaitable[None]]
Ask = Callable[..., Awaitable[Any]]

WAYS = {"ours": lambda keep_s: PlainTransport(keep_s), "httpx": lambda keep_s: _theirs(keep_s)}
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
BIG = 24 << 20


def _theirs(keep_s: float) -> Any:
    return httpx.AsyncHTTPTransport(limits=httpx.Limits(keepalive_expiry=keep_s), verify=False)


@pytest.fixture(params=sorted(WAYS))
def way(request: pytest.FixtureRequest) -> Any:
    return WAYS[request.param]


def talked(way: Any, serve: Serve, talk: Callable[[Ask], Awaitable[Any]], keep_s: float = 60.0, **limits: float) -> Any:
    """What comes of a talk with a server, and how many connections it took."""
    connections = 0

    async def counted(reader: Reader, writer: Writer) -> None:
        nonlocal connections
        connections += 1
        try:
            await serve(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def everything() -> Any:
        server = await asyncio.start_server(counted, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        patience = httpx.Timeout(20.0, **limits)
        async with httpx.AsyncClient(transport=way(keep_s), timeout=patience, trust_env=False) as client:

            async def ask(body: bytes = b"", path: str = "/v1") -> Any:
                try:
                    response = await client.post(url + path, content=body)
                except httpx.TransportError as exc:
                    return type(exc).__name__, str(exc)
                return response.status_code, response.content

            found = await talk(ask)
        server.close()
        return found

    return asyncio.run(everything()), connections


async def read_question(reader: Reader) -> bytes:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
    return await reader.readexactly(length)


def saying(*pieces: bytes, then_close: bool = True) -> Serve:
    async def serve(reader: Reader, writer: Writer) -> None:
        while True:
            await read_question(reader)
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0.005)
            if then_close:
                return

    return serve


def farewell(reply: bytes) -> bytes:
    return reply.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n", 1)


async def once(ask: Ask) -> Any:
    return await ask(b"question")


async def thrice(ask: Ask) -> Any:
    return [await ask(b"question"), await ask(), await ask(b"q" * 100_000)]


CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
REPLIES = [
    ((OK,), (200, b"ok")),
    ((OK[:9], OK[9:30], OK[30:41], OK[41:]), (200, b"ok")),
    ((CHUNKED, b"3\r\nabc\r\n", b"2\r\nde\r\n0\r\n\r\n"), (200, b"abcde")),
    ((CHUNKED, b"3\r\nabc\r\n0\r\nx: trailer\r\n\r\n"), (200, b"abc")),
    ((b"HTTP/1.1 200 OK\r\n\r\nuntil", b" the end"), (200, b"until the end")),
    ((b"HTTP/1.0 200 OK\r\n\r\nold",), (200, b"old")),
    ((b"HTTP/1.1 204 No Content\r\n\r\n",), (204, b"")),
    ((b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n", OK), (200, b"ok")),
    ((b"HTTP/1.1 500 Oops\r\ncontent-length: 4\r\n\r\nfour",), (500, b"four")),
    ((), ("RemoteProtocolError", "Server disconnected without sending a response.")),
    ((b"HTTP/1.1 200",), ("RemoteProtocolError", "Server disconnected without sending a response.")),
    ((OK[:-1],), ("RemoteProtocolError", "peer closed connection without sending complete message body")),
    ((CHUNKED, b"3\r\nab"), ("RemoteProtocolError", "peer closed connection without sending complete message body")),
    ((CHUNKED, b"zz\r\n"), ("RemoteProtocolError", "illegal chunk header")),
    ((b"SSH-2.0-OpenSSH_9.6\r\n\r\n",), ("RemoteProtocolError", "illegal status line")),
    ((b"HTTP/1.1 200 OK\r\nx: " + b"y" * (1 << 18),), ("RemoteProtocolError", "Receive buffer too long")),
]


@pytest.mark.parametrize(("pieces", "expected"), REPLIES, ids=range(len(REPLIES)))
def test_a_reply_is_read_or_its_fault_is_told(way: Any, pieces: tuple[bytes, ...], expected: tuple[Any, Any]) -> None:
    (status, said), _ = talked(way, saying(*pieces), once)
    assert status == expected[0]
    assert said == expected[1] if isinstance(said, bytes) else said.startswith(expected[1])


def test_one_connection_serves_many_questions(way: Any) -> None:
    assert talked(way, saying(OK, then_close=False), thrice) == ([(200, b"ok")] * 3, 1)


def test_a_server_that_hangs_up_after_each_reply_costs_no_question(way: Any) -> None:
    assert talked(way, saying(farewell(OK), then_close=False), thrice) == ([(200, b"ok")] * 3, 3)


def test_a_server_that_has_hung_up_while_the_loop_was_busy_costs_no_question(way: Any) -> None:
    hung_up = threading.Event()

    def serve(listening: socket.socket) -> None:
        listening.settimeout(10)
        for _ in range(2):
            connection, _ = listening.accept()
            with connection:
                connection.recv(1 << 16)
                connection.sendall(OK)
                # The reply is read before it is over, so that the end comes by itself.
                hung_up.wait(0.2)
            hung_up.set()

    async def both(url: str) -> list[bytes]:
        async with httpx.AsyncClient(transport=way(60.0), trust_env=False) as client:
            first = await client.get(url)
            assert hung_up.wait(10), "this loop sees nothing meanwhile"
            return [first.content, (await client.get(url)).content]

    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = threading.Thread(target=serve, args=(listening,), daemon=True)
        server.start()
        assert asyncio.run(both(f"http://127.0.0.1:{listening.getsockname()[1]}/v1")) == [b"ok", b"ok"]
        server.join(20)


def test_what_a_server_says_unasked_is_nobody_s_answer(way: Any) -> None:
    async def patiently(ask: Ask) -> Any:
        found = [await ask(b"first")]
        await asyncio.sleep(0.1)
        return [*found, await ask(b"second")]

    late = b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\n\r\n"
    assert talked(way, saying(OK, late, then_close=False), patiently) == ([(200, b"ok")] * 2, 2)


def test_a_connection_that_was_silent_for_long_is_not_used_again(way: Any) -> None:
    async def slowly(ask: Ask) -> Any:
        found = [await ask(), await ask()]
        await asyncio.sleep(0.4)
        return [*found, await ask()]

    assert talked(way, saying(OK, then_close=False), slowly, keep_s=0.2) == ([(200, b"ok")] * 3, 2)


def test_a_question_larger_than_any_buffer_arrives_whole_and_so_does_the_reply(way: Any) -> None:
    async def serve(reader: Reader, writer: Writer) -> None:
        await asyncio.sleep(0.05)
        body = await read_question(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()

    async def large(ask: Ask) -> Any:
        body = bytes(range(256)) * (BIG >> 8)
        status, said = await ask(body)
        return status, said == body

    assert talked(way, serve, large) == ((200, True), 1)


def test_a_refusal_in_the_middle_of_a_question_is_read(way: Any) -> None:
    async def serve(reader: Reader, writer: Writer) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Too Large\r\ncontent-length: 3\r\n\r\nbig")
        await writer.drain()
        while await reader.read(1 << 20):
            pass

    async def large(ask: Ask) -> Any:
        return await ask(b"x" * BIG)

    assert talked(way, serve, large) == ((413, b"big"), 1)


async def hang(reader: Reader, writer: Writer) -> None:
    await asyncio.sleep(60)


async def reset(reader: Reader, writer: Writer) -> None:
    await read_question(reader)
    writer.write(OK[:-1])
    await writer.drain()
    await asyncio.sleep(0.05)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@pytest.mark.parametrize(
    ("serve", "body", "limits", "expected"),
    [
        (hang, b"", {"read": 0.1}, ("ReadTimeout", "")),
        (saying(OK[:-1], then_close=False), b"", {"read": 0.1}, ("ReadTimeout", "")),
        (hang, b"x" * BIG, {"write": 0.1}, ("WriteTimeout", "")),
        (reset, b"", {}, ("ReadError", "")),
    ],
)
def test_silence_and_broken_connections_have_names(
    way: Any, serve: Serve, body: bytes, limits: dict[str, float], expected: tuple[str, str]
) -> None:
    async def talk(ask: Ask) -> Any:
        return await ask(body)

    assert talked(way, serve, talk, **limits) == (expected, 1)


def test_after_a_fault_the_next_question_has_a_new_connection(way: Any) -> None:
    async def talk(ask: Ask) -> Any:
        return [(await ask())[0] for _ in range(2)]

    assert talked(way, saying(OK[:-1], then_close=False), talk, read=0.1) == (["ReadTimeout"] * 2, 2)


@pytest.mark.parametrize("limit", [20.0, 0.2])
def test_a_server_that_is_not_there_is_told_apart_from_one_that_nobody_can_name(way: Any, limit: float) -> None:
    async def asked(url: str) -> Any:
        async with httpx.AsyncClient(transport=way(4.0), timeout=limit, trust_env=False) as client:
            with pytest.raises(httpx.TransportError) as caught:
                await client.get(url)
        return type(caught.value).__name__, str(caught.value)

    with socket.socket() as bound:  # bound and not listening: nobody else gets the port
        bound.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{bound.getsockname()[1]}/v1"
        assert asyncio.run(asked(url)) == ("ConnectError", "All connection attempts failed")


def test_a_name_that_no_host_has_is_said_so(way: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)

    async def asked() -> None:
        async with httpx.AsyncClient(transport=way(4.0), trust_env=False) as client:
            await client.get("http://nowhere.invalid/v1")

    with pytest.raises(httpx.ConnectError, match="Name or service not known"):
        asyncio.run(asked())


def test_a_connection_that_does_not_come_about_in_time_is_given_up(way: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as full:  # its queue is full: the system answers no more
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(full.getsockname())

        async def asked() -> None:
            async with httpx.AsyncClient(transport=way(4.0), timeout=0.3, trust_env=False) as client:
                await client.get(f"http://127.0.0.1:{full.getsockname()[1]}/v1")

        with pytest.raises(httpx.ConnectTimeout):
            asyncio.run(asked())
        for one in waiting:
            one.close()


def test_a_reply_that_nobody_reads_waits_at_the_server() -> None:
    sent = 0

    async def serve(reader: Reader, writer: Writer) -> None:
        nonlocal sent
        await read_question(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % BIG)
        for _ in range(BIG >> 16):
            writer.write(b"z" * (1 << 16))
            await writer.drain()
            sent += 1 << 16

    async def everything() -> int:
        nonlocal sent
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with (
            httpx.AsyncClient(transport=PlainTransport(4.0), timeout=20.0) as client,
            client.stream("POST", url) as response,
        ):
            pieces = response.aiter_bytes()
            size = len(await anext(pieces))
            await asyncio.sleep(0.3)
            assert sent < BIG, "what is in our hands is bounded"
            return size + sum([len(piece) async for piece in pieces])

    assert asyncio.run(everything()) == BIG


def test_a_question_that_is_called_off_closes_its_connection() -> None:
    closed = asyncio.Event()

    async def serve(reader: Reader, writer: Writer) -> None:
        await read_question(reader)
        assert await reader.read() == b""
        closed.set()

    async def talk(ask: Ask) -> Any:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(ask(b"x"), 0.1)
        await asyncio.wait_for(closed.wait(), 10)

    talked(WAYS["ours"], serve, talk)


def test_what_needs_tls_is_not_sent_in_plain() -> None:
    async def asked() -> None:
        async with httpx.AsyncClient(transport=PlainTransport(4.0)) as client:
            await client.get("https://127.0.0.1:1/v1")

    with pytest.raises(httpx.UnsupportedProtocol, match="https"):
        asyncio.run(asked())


def test_a_client_keeps_no_cookie_follows_no_redirect_and_reads_as_httpx_does() -> None:
    heads: list[bytes] = []

    async def serve(reader: Reader, writer: Writer) -> None:
        for status in (b"200", b"307"):
            heads.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(
                b"HTTP/1.1 %s x\r\nset-cookie: a=b\r\nlocation: /other\r\ncontent-length: 2\r\n\r\nok" % status
            )

    async def everything() -> list[tuple[int, bytes]]:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        async with client_class()(PlainTransport(4.0), None, headers={"x-key": "k"}, trust_env=False) as client:
            whole = await client.get(url)
            async with client.stream("GET", url) as streamed:
                return [(whole.status_code, whole.content), (streamed.status_code, await streamed.aread())]

    assert asyncio.run(everything()) == [(200, b"ok"), (307, b"ok")]
    assert len(heads) == 2
    assert all(b"x-key: k" in head.lower() and b"cookie" not in head.lower() for head in heads)
