"""A server that is asked: its addresses, its key and who never sees it, and whether it is there.

Models that listen and judges alike ask through a `Connection`; what is said over it is a `Protocol`.
"""

from __future__ import annotations

import functools
import math
import os
import re
from collections.abc import Awaitable, Callable, Generator, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit

from audiobench_pytest.errors import ModelError, UsageError
from audiobench_pytest.models.endpoints.client import HttpAsker, Limits, Question
from audiobench_pytest.models.endpoints.reading import look_up
from audiobench_pytest.models.endpoints.slots import Manners
from audiobench_pytest.types import Answer, Call

T = TypeVar("T")

URL_VARIABLE, KEY_VARIABLE = "OPENAI_BASE_URL", "OPENAI_API_KEY"

_PROBE_S = 10.0
_LONG_KEY = 8


class Addresses(str):
    """Base addresses, one or several; what is refused is not repeated, since it may hold a password."""

    __slots__ = ()

    def __new__(cls, text: str, where: str = "--model-args: url") -> Self:
        """Read and check them.

        Args:
            text: What the user wrote: addresses separated by `;` or blanks.
            where: Where it was written, for messages.

        Raises:
            UsageError: There is none, one is no address, or one holds what must not be written to a run's files.
        """
        urls = [part.rstrip("/") for part in re.split(r"[;\s]+", text) if part]
        if not urls:
            raise UsageError(f"{where} is empty; write for example http://localhost:8000/v1")
        for number, url in enumerate(urls, start=1):
            which = where if len(urls) == 1 else f"{where}, address {number}"
            try:
                parts = urlsplit(url)
                wrong = parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0
            except ValueError:
                wrong = True
            if wrong or not url.isprintable():
                raise UsageError(f"{which} is no address; write for example http://localhost:8000/v1")
            if "@" in parts.netloc or parts.query or parts.fragment:
                raise UsageError(
                    f"{which} must hold neither a user, a password nor parameters: it is written to the run's files; "
                    f"a key goes into the environment variable {KEY_VARIABLE}"
                )
        return super().__new__(cls, " ".join(dict.fromkeys(urls)))


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """Where a server is and how hard it is asked; none of it changes an answer.

    Attributes:
        url: Base address, several separated by `;`; None means the environment variable OPENAI_BASE_URL.
        key_env: Environment variable that holds the key; None means OPENAI_API_KEY, which may be unset.
        concurrency: Most questions at once.
        timeout_s: Seconds for one attempt at one question.
        retries: How often a question is asked again after a failure on the way: a time-out, a broken connection, 5xx.
        patience_s: Seconds without one success until a server is given up.
        connect_s: Seconds until a connection must stand.
        read_s: Longest silence in seconds; None means the whole time-out.
        longest_delay_s: Most seconds between two attempts to reach a server; None leaves it to `Manners`.
        has_key: Whether it may want a key; a server of our own is told none.

    Raises:
        UsageError: A value out of its range.
    """

    url: str | None = None
    key_env: str | None = None
    concurrency: int = 16
    timeout_s: float = 120.0
    retries: int = 4
    patience_s: float = 180.0
    connect_s: float = 10.0
    read_s: float | None = None
    longest_delay_s: float | None = None
    has_key: bool = True

    def __post_init__(self) -> None:
        for name, least in (("concurrency", 1), ("retries", 0)):
            if getattr(self, name) < least:
                raise UsageError(f"{name} must be at least {least}")
        for name in ("timeout_s", "patience_s", "connect_s", "read_s"):
            if (seconds := getattr(self, name)) is not None and not 0 < seconds < math.inf:
                raise UsageError(f"{name} must be more than 0 seconds")


@dataclass(frozen=True, slots=True)
class Protocol:
    """How a kind of servers is spoken to.

    Attributes:
        exchange: Sends a question and reads the reply, see `models.openai.wire.exchange`.
        key_header: Header that holds the key, or "" where it is not sent: it signs.
        key_prefix: What stands before it there.
    """

    exchange: Callable[..., Awaitable[Answer]]
    key_header: str
    key_prefix: str = ""


class Connection:
    """Asks a server, or several that serve the same; made when it is needed, closed after use.

    Attributes:
        urls: Base addresses.
    """

    def __init__(self, settings: ServerSettings, who: str, option: str, protocol: Protocol) -> None:
        """Open the client and see whether a server is there, by `GET /models`; one without that route will do.

        Args:
            settings: Where, and how hard.
            who: Name of what is asked, for messages (`the judge 'gpt-4o-mini'`).
            option: What the user writes before an address to name a server (`--judge-url `), for messages.
            protocol: How it is spoken to.

        Raises:
            UsageError: No address is given or it is none, or the environment variable named holds no key.
            ModelError: No server can be reached, or the key is refused.
        """
        self.urls = _urls(settings.url, who, option)
        self._key_variable = settings.key_env or KEY_VARIABLE
        required = settings.key_env not in (None, KEY_VARIABLE)
        key = _key(self._key_variable, who, required) if settings.has_key else ""
        if len(key) >= _LONG_KEY and any(key in url for url in self.urls):
            raise UsageError(f"{who}: the address of the server must not hold the key")
        self._redact = _redactor(key)
        # A short key (`none`) may well be a word of a reply.
        self._redact_text: Callable[[str], str] = self._redact if len(key) >= _LONG_KEY else str
        self._listed: dict[str, list[str]] = {}
        timeout = settings.timeout_s
        self._asker = HttpAsker(
            self.urls,
            functools.partial(protocol.exchange, advice=self._advice),
            Manners(
                settings.concurrency,
                settings.retries,
                settings.patience_s,
                **({} if settings.longest_delay_s is None else {"longest_delay": settings.longest_delay_s}),
            ),
            Limits(timeout, min(timeout, settings.connect_s), settings.read_s or timeout),
            {
                "user-agent": "audiobench-pytest",
                **({protocol.key_header: f"{protocol.key_prefix}{key}"} if key and protocol.key_header else {}),
            },
            self._redact,
        )
        try:
            self._probe(who, min(_PROBE_S, timeout))
        except BaseException:
            self.close()
            raise

    def run(self, items: Iterable[T], question_of: Callable[[T], Question]) -> Generator[tuple[T, Answer], None, None]:
        """Yield each item with its answer, in the order of the answers; an answer that failed has an error.

        Stopping early cancels what is in flight.

        Args:
            items: What is to be asked; taken when a slot is free or about to be.
            question_of: Makes the question; what it raises is that item's error.
        """
        answers = self._asker.run(items, question_of)
        text_of = self._redact_text
        try:
            for item, answer in answers:
                meta = {k: self._redact(v) if isinstance(v, str) else v for k, v in answer.meta.items()}
                calls = tuple(Call(_redacted(c.name, text_of), _redacted(c.arguments, text_of)) for c in answer.calls)
                yield item, replace(answer, text=text_of(answer.text), meta=meta, calls=calls)
        finally:
            answers.close()

    @property
    def silent_s(self) -> float:
        """For how many seconds nobody has answered while there are questions; see `HttpAsker.silent_s`."""
        return self._asker.silent_s

    def start_listening(self) -> None:
        """Count these seconds from now."""
        self._asker.start_listening()

    def close(self) -> None:
        """Cancel what is in flight and close all connections."""
        self._asker.close()

    def _probe(self, who: str, limit: float) -> None:
        troubles = []
        for url in self.urls:
            look = functools.partial(look_up, url=url, limit=limit, advice=self._advice)
            trouble, self._listed[url] = self._asker.call(look)
            if trouble is not None:
                troubles.append(f"{url}: {trouble}")
        if len(troubles) == len(self.urls):
            raise ModelError(self._redact(f"{who}: {'; '.join(troubles)}"))

    def _advice(self, status: int, url: str) -> str:
        if status in (401, 403):
            held = "holds one that is not accepted" if os.environ.get(self._key_variable, "").strip() else "is not set"
            return f"; the key must be in the environment variable {self._key_variable}, which {held}"
        if status == 404 and (listed := self._listed.get(url)):
            return f"; it serves {', '.join(listed[:5])}{', ...' if len(listed) > 5 else ''}"
        return ""


def _urls(given: str | None, who: str, option: str) -> list[str]:
    text = given if given is not None else os.environ.get(URL_VARIABLE, "").strip()
    if not text and given is None:
        raise UsageError(
            f"no server is given for {who}: write {option}http://localhost:8000/v1 (OpenAI's own is "
            f"https://api.openai.com/v1) or set {URL_VARIABLE}"
        )
    return Addresses(text, f"{who}: {URL_VARIABLE if given is None else option.rstrip(' =')}").split()


def _key(variable: str, who: str, required: bool) -> str:
    key = os.environ.get(variable, "").strip()
    if not key and required:
        raise UsageError(f"{who}: the environment variable {variable} holds no key")
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise UsageError(
            f"{who}: what the environment variable {variable} holds is no key: it has characters that a header cannot "
            "have"
        )
    return key


def _redactor(key: str) -> Callable[[str], str]:
    """Return what takes the key out of a text; a short one (`none`, `EMPTY`) only where it stands as a word."""
    if not key:
        return str
    word = re.escape(key) if len(key) >= _LONG_KEY else rf"(?<!\w){re.escape(key)}(?!\w)"
    pattern = re.compile(word)
    return lambda text: pattern.sub("[key]", text)


def _redacted(value: Any, redact: Callable[[str], str]) -> Any:
    """Return a JSON value with the key taken out of all its texts."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping):
        return {redact(name): _redacted(one, redact) for name, one in value.items()}
    return [_redacted(one, redact) for one in value] if isinstance(value, list) else value
