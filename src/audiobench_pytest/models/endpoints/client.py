"""Many questions in flight over kept-alive connections, in an event loop that has a thread of its own.

The caller's thread makes questions and takes answers; refilling a slot never waits for it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import queue
import threading
from collections.abc import Awaitable, Callable, Collection, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from audiobench_pytest.errors import ModelError
from audiobench_pytest.models.endpoints.slots import Endpoint, Kind, Manners, NoEndpointError, Slots, Trouble
from audiobench_pytest.models.endpoints.transport import PlainTransport, client_class
from audiobench_pytest.types import Answer

if TYPE_CHECKING:
    import ssl

    import httpx

T = TypeVar("T")

# Servers commonly drop a connection after 5 s of silence. We do so before, and send no question into a closing one.
_KEEP_ALIVE_S = 4.0
_JOIN_S = 10.0
_CLOSE_S = 2.0
_POLL_S = 1.0
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
LOOPBACK_HOSTS = tuple(host.strip("[]") for host in _LOOPBACK)

# Questions wait ready for a slot, as many as there are slots, unless they hold more sound than this (an hour of it is
# 230 MB as float32): a caller that is busy for a while, storing answers, then leaves no slot empty.
_AHEAD = 2
_HELD_SECONDS = 7200.0


@dataclass(frozen=True, slots=True)
class Question:
    """One HTTP request, ready to be sent as often as it takes.

    Attributes:
        path: Behind the endpoint's address, without a slash at its beginning.
        body: What is sent.
        content_type: Of the body.
        seconds: Seconds of sound it holds.
    """

    path: str
    body: bytes
    content_type: str
    seconds: float


class Exchange(Protocol):
    """Sends one question to one endpoint and reads the reply."""

    def __call__(self, client: httpx.AsyncClient, url: str, question: Question) -> Awaitable[Answer]:
        """Return the answer; raise `Trouble` for a reply that is none."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds after which an attempt is given up.

    Attributes:
        total: For the whole attempt.
        connect: Until the connection stands.
        read: Between two pieces of the reply.
    """

    total: float
    connect: float
    read: float


class HttpAsker:
    """Answers questions over HTTP; a question that cannot be answered gets an `Answer` with an error.

    Args:
        urls: Base addresses of the endpoints, without credentials.
        exchange: Sends and reads.
        manners: How hard endpoints are pressed.
        limits: Time-outs of one attempt.
        headers: Sent with everything; may hold a credential, which never leaves this object otherwise.
        redact: Applied to each error.

    Raises:
        ModelError: The event loop did not start.
    """

    def __init__(
        self,
        urls: Sequence[str],
        exchange: Exchange,
        manners: Manners,
        limits: Limits,
        headers: Mapping[str, str],
        redact: Callable[[str], str],
    ) -> None:
        self._urls, self._exchange, self._manners, self._limits = tuple(urls), exchange, manners, limits
        self._headers, self._redact = dict(headers), redact
        self._clients: list[httpx.AsyncClient] = []
        self._idle: dict[str, list[httpx.AsyncClient]] = {}
        self._died: BaseException | None = None
        self._open, self._heard_at = 0, 0.0
        self._ready: queue.SimpleQueue[BaseException | None] = queue.SimpleQueue()
        # A daemon, so that an interpreter that ends without `close` does not wait for a server.
        self._thread = threading.Thread(target=self._serve, name="audiobench-http", daemon=True)
        self._thread.start()
        failure = self._ready.get()
        if failure is not None:
            self._thread.join()
            raise ModelError(f"no HTTP client: {self._reason(failure)}")

    @property
    def endpoints(self) -> Sequence[Endpoint]:
        """The endpoints and their health, to be looked at only."""
        return self._slots.endpoints

    @property
    def silent_s(self) -> float:
        """For how many seconds no endpoint has answered anything, while there are questions; 0 where there are none.

        A question that is refused was answered. One that timed out or broke off was not, and what nobody has fetched
        from `run` yet was.
        """
        return self._loop.time() - self._heard_at if self._open else 0.0

    def start_listening(self) -> None:
        """Count from now: what is asked has just got well."""
        self._heard_at = self._loop.time()

    def run(self, items: Iterable[T], question_of: Callable[[T], Question]) -> Generator[tuple[T, Answer], None, None]:
        """Yield each item with its answer, in the order of the answers.

        Items are taken in the caller's thread, when a slot is free or about to be. Stopping early cancels what is in
        flight.

        Args:
            items: What is to be asked.
            question_of: Makes the question; what it raises is that item's error.
        """
        done: queue.SimpleQueue[tuple[T, float, Answer]] = queue.SimpleQueue()
        tasks: set[asyncio.Task[None]] = set()
        source = iter(items)
        more, held, seconds = True, 0, 0.0

        def start(item: T, question: Question) -> None:
            async def ask() -> None:
                done.put((item, question.seconds, await self._ask(question)))

            task = self._loop.create_task(ask())
            tasks.add(task)
            task.add_done_callback(tasks.discard)

        def stop() -> None:
            for task in tasks:
                task.cancel()

        try:
            while more or held:
                room = held == 0 or (held < _AHEAD * self._manners.slots and seconds < _HELD_SECONDS)
                if more and room:
                    try:
                        item = next(source)
                    except StopIteration:
                        more = False
                        continue
                    try:
                        question = question_of(item)
                    except Exception as exc:  # one item that no question can be made of fails alone
                        yield item, Answer(error=self._reason(exc))
                        continue
                    self._loop.call_soon_threadsafe(start, item, question)
                    held, seconds = held + 1, seconds + question.seconds
                finished = self._next(done, wait=not (more and room))
                if finished is not None:
                    item, length, answer = finished
                    held, seconds = held - 1, seconds - length
                    yield item, answer
        finally:
            if held:
                self._tell(stop)

    def call(self, work: Callable[[httpx.AsyncClient], Awaitable[T]]) -> T:
        """Run something with the client and wait for it."""

        async def run() -> T:
            async with self._new_client() as client:
                return await work(client)

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result()

    def close(self) -> None:
        """Cancel what is in flight, close all connections and end the thread; a second time does nothing."""
        if self._thread.is_alive():
            self._tell(self._stop.set)
            self._thread.join(_JOIN_S)

    def _tell(self, what: Callable[[], object]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended, and with it all there was to stop
            self._loop.call_soon_threadsafe(what)

    def _next(self, done: queue.SimpleQueue[Any], *, wait: bool) -> Any:
        while True:
            try:
                return done.get(timeout=_POLL_S) if wait else done.get_nowait()
            except queue.Empty:
                if not wait:
                    return None
                if not self._thread.is_alive():
                    why = "was closed" if self._died is None else f"died of {self._reason(self._died)}"
                    raise ModelError(f"the HTTP client {why} while questions were in flight") from None

    def _serve(self) -> None:
        try:
            with asyncio.Runner() as runner:
                runner.run(self._live())
        except BaseException as exc:  # told to whoever waits for the thread, at its start or for an answer
            self._died = exc
            self._ready.put(exc)

    async def _live(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        self._slots = Slots(self._urls, self._manners)
        self._certificates = self._trusted()  # 20 ms and more, so once for all
        await self._new_client().aclose()  # a proxy's address that cannot be read is told now
        self._ready.put(None)
        try:
            await self._stop.wait()
        finally:
            self._slots.close()
            others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)
            closing = asyncio.gather(*(client.aclose() for client in self._clients), return_exceptions=True)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(closing, _CLOSE_S)

    @property
    def _is_local(self) -> bool:
        import httpx

        return all(httpx.URL(url).host.strip("[]") in LOOPBACK_HOSTS for url in self._urls)

    def _trusted(self) -> ssl.SSLContext | bool:
        """Return the certificates that are trusted; none are needed where only this machine is asked, in plain.

        Raises:
            ModelError: The file or folder that the environment names cannot be read.
        """
        import httpx

        if self._is_local and all(url.lower().startswith("http://") for url in self._urls):
            return False
        try:
            context: ssl.SSLContext = httpx.create_ssl_context()
        except (OSError, ValueError) as exc:  # ssl.SSLError is an OSError
            named = [f"{name}={os.environ[name]}" for name in ("SSL_CERT_FILE", "SSL_CERT_DIR") if os.environ.get(name)]
            raise ModelError(
                f"the certificates that {' and '.join(named) or 'this machine'} names cannot be read ({exc}): correct "
                "the variable, or unset it"
            ) from None
        return context

    def _new_client(self) -> httpx.AsyncClient:
        import httpx

        limits = self._limits
        return client_class()(
            PlainTransport(_KEEP_ALIVE_S),
            self._plain_hosts(),
            headers=self._headers,
            timeout=httpx.Timeout(limits.total, connect=limits.connect, read=limits.read),
            limits=httpx.Limits(keepalive_expiry=_KEEP_ALIVE_S),
            verify=self._certificates,
            # No proxy stands between this machine and itself; where nobody else is asked none need be understood.
            mounts={f"all://{host}": None for host in _LOOPBACK},
            trust_env=not self._is_local,
        )

    def _plain_hosts(self) -> Collection[str] | None:
        """Return which hosts are asked without a proxy whatever the environment names; None: all of them."""
        import urllib.request

        # Which others are asked without the proxy that it names is for httpx to say.
        proxies = {} if self._is_local else urllib.request.getproxies()
        return LOOPBACK_HOSTS if proxies.get("http") or proxies.get("all") else None

    @contextlib.contextmanager
    def _client(self, url: str) -> Iterator[httpx.AsyncClient]:
        """Lend a client with a connection of its own, the one to this address that was used last.

        A client per question in flight, because the pool of one client looks at each of its connections whenever a
        question comes or goes, with a system call each: with 64 of them 5 ms, five times the cost of the question.
        """
        idle = self._idle.setdefault(url, [])
        if not idle:
            self._clients.append(self._new_client())
            idle.append(self._clients[-1])
        client = idle.pop()
        try:
            yield client
        finally:
            idle.append(client)

    async def _ask(self, question: Question) -> Answer:
        if self._open == 0:
            self._heard_at = self._loop.time()
        self._open += 1
        try:
            return await self._answered(question)
        finally:
            self._open -= 1

    async def _answered(self, question: Question) -> Answer:
        tries = failures = 0
        limited: float | None = None
        trouble: Trouble | None = None
        url = ""
        while True:
            try:
                endpoint = await self._slots.take(again=tries > 0)
            except NoEndpointError as exc:
                return self._error(str(exc), tries)
            started = self._loop.time()
            tries, url, trouble = tries + 1, endpoint.url, None
            try:
                answer = await self._attempt(url, question)
                endpoint.answered()
                self._heard_at = self._loop.time()
                told = {**answer.meta, "endpoint": endpoint.index, **({"tries": tries} if tries > 1 else {})}
                return replace(answer, meta=told)
            except Trouble as exc:
                trouble = exc
                endpoint.troubled(exc, started, self._loop.time())
                if exc.kind is Kind.REFUSED:
                    self._heard_at = self._loop.time()
            except Exception as exc:  # a fault in reading a reply must not cost the answers of the others
                return self._error(f"{url}: {self._reason(exc)}", tries)
            finally:
                self._slots.give_back(endpoint)
            if trouble.kind is Kind.LIMITED:
                limited = started if limited is None else limited
                final = self._loop.time() - limited > self._manners.patience
            else:
                failures += trouble.kind is Kind.FAILED
                final = trouble.kind is Kind.REFUSED or failures > self._manners.retries
            final = final or (trouble.wait or 0.0) > self._manners.patience
            if final:
                return self._error(f"{url}: {trouble.what}", tries)
            if trouble.kind is Kind.FAILED and not self._slots.others(endpoint):
                await asyncio.sleep(max(trouble.wait or 0.0, self._manners.delay(failures)))

    async def _attempt(self, url: str, question: Question) -> Answer:
        import httpx

        limits = self._limits
        try:
            async with asyncio.timeout(limits.total):
                with self._client(url) as client:
                    return await self._exchange(client, url, question)
        except TimeoutError:
            raise Trouble(Kind.FAILED, f"time-out: no complete answer within {limits.total:g} s") from None
        except httpx.ConnectTimeout:
            raise Trouble(Kind.UNREACHED, f"time-out: no connection within {limits.connect:g} s") from None
        except httpx.ConnectError as exc:
            raise Trouble(Kind.UNREACHED, f"no connection: {self._reason(exc)}") from None
        except httpx.ReadTimeout:
            raise Trouble(Kind.FAILED, f"time-out: nothing was sent for {limits.read:g} s") from None
        except httpx.TimeoutException as exc:
            raise Trouble(Kind.FAILED, f"time-out: {self._reason(exc)}") from None
        except httpx.TransportError as exc:
            raise Trouble(Kind.FAILED, f"the connection broke: {self._reason(exc)}") from None
        except httpx.DecodingError as exc:
            raise Trouble(Kind.FAILED, f"the reply cannot be decompressed: {self._reason(exc)}") from None

    def _error(self, what: str, tries: int) -> Answer:
        often = {0: "not tried", 1: "tried once", 2: "tried twice"}.get(tries, f"tried {tries} times")
        return Answer(error=self._redact(f"{what} ({often})"), meta={"tries": tries})

    def _reason(self, exc: BaseException) -> str:
        text = " ".join(str(exc).split())
        return self._redact(f"{type(exc).__name__}: {text[:300]}" if text else type(exc).__name__)
