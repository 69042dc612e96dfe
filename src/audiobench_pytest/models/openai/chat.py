"""Text questions to a model behind an OpenAI-compatible server: no sound, many at once; a judge is asked through it.

Slots, back-off, `Retry-After` and time-outs are those of `client`; `models.openai.adapter` is for models that listen.
"""

from __future__ import annotations

import functools
import importlib.util
import json
import os
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from audiobench_pytest.errors import MissingExtraError, ModelError, UsageError
from audiobench_pytest.models.openai import wire
from audiobench_pytest.models.openai.adapter import KEY_VARIABLE, URL_VARIABLE, _Addresses, _redactor
from audiobench_pytest.models.openai.client import HttpAsker, Limits, Question
from audiobench_pytest.models.openai.slots import Manners
from audiobench_pytest.types import Answer

T = TypeVar("T")

_PROBE_S = 10.0
_CONNECT_S = 10.0
_LONG_KEY = 8


@dataclass(frozen=True, slots=True)
class ChatServer:
    """Where a model is asked; none of it changes an answer.

    Attributes:
        url: Base address, several separated by `;`; None means the environment variable OPENAI_BASE_URL.
        key_env: Environment variable that holds the key; None means OPENAI_API_KEY, which may be unset.
        slots: Most questions at once.
        timeout_s: Seconds for one attempt at one question.
        retries: How often a question is asked again after a failure on the way (not after an odd reply).
        patience_s: Seconds without one success until a server is given up.
    """

    url: str | None = None
    key_env: str | None = None
    slots: int = 16
    timeout_s: float = 120.0
    retries: int = 4
    patience_s: float = 180.0


class ChatClient:
    """Asks; made when it is needed, closed after use.

    Args:
        server: Where.
        who: Name of what is asked, for messages (`the judge 'gpt-4o-mini'`).
        option: What the user writes to name a server (`--judge-url`), for messages.

    Raises:
        MissingExtraError: httpx is not installed.
        UsageError: No address is given or it is none, or the environment variable named holds no key.
        ModelError: No server can be reached, or the key is refused.
    """

    def __init__(self, server: ChatServer, who: str, option: str) -> None:
        if importlib.util.find_spec("httpx") is None:
            raise MissingExtraError(who, "httpx", "api")
        self.urls = _urls(server.url, who, option)
        self._key_variable = server.key_env or KEY_VARIABLE
        key = self._key(who, self._key_variable != KEY_VARIABLE)
        if len(key) >= _LONG_KEY and any(key in url for url in self.urls):
            raise UsageError(f"{option}: the address of {who} must not hold the key")
        self._redact = _redactor(key)
        # A short key (`none`) may well be a word of a reply.
        self._redact_text: Callable[[str], str] = self._redact if len(key) >= _LONG_KEY else str
        self._listed: dict[str, list[str]] = {}
        self._asker = HttpAsker(
            self.urls,
            functools.partial(wire.exchange, advice=self._advice),
            Manners(server.slots, server.retries, server.patience_s),
            Limits(server.timeout_s, min(server.timeout_s, _CONNECT_S), server.timeout_s),
            {"user-agent": "audiobench-pytest", **({"authorization": f"Bearer {key}"} if key else {})},
            self._redact,
        )
        try:
            self._probe(who, min(_PROBE_S, server.timeout_s))
        except BaseException:
            self.close()
            raise

    def run(
        self, items: Iterable[T], body_of: Callable[[T], Mapping[str, Any]]
    ) -> Generator[tuple[T, Answer], None, None]:
        """Yield each item with its answer, in the order of the answers; an answer that failed has an error.

        Stopping early cancels what is in flight.

        Args:
            items: What is to be asked; taken when a slot is free or about to be.
            body_of: Makes the JSON body: `model`, `messages` and sampling; what is None is left out.
        """

        def question(item: T) -> Question:
            body = {name: value for name, value in body_of(item).items() if value is not None}
            return Question(wire.CHAT, json.dumps(body).encode(), "application/json", 0.0)

        answers = self._asker.run(items, question)
        try:
            for item, answer in answers:
                meta = {k: self._redact(v) if isinstance(v, str) else v for k, v in answer.meta.items()}
                yield item, Answer(self._redact_text(answer.text), answer.error, meta, answer.timing)
        finally:
            answers.close()  # type: ignore[attr-defined]

    def close(self) -> None:
        """Cancel what is in flight and close all connections."""
        self._asker.close()

    def _key(self, who: str, required: bool) -> str:
        key = os.environ.get(self._key_variable, "").strip()
        if not key and required:
            raise UsageError(f"{who}: the environment variable {self._key_variable} holds no key")
        if not (key.isascii() and key.isprintable()) or " " in key:
            raise UsageError(
                f"{who}: what the environment variable {self._key_variable} holds is no key: "
                "it has characters that a header cannot have"
            )
        return key

    def _probe(self, who: str, limit: float) -> None:
        troubles = []
        for url in self.urls:
            trouble, listed = self._asker.call(
                functools.partial(wire.look_up, url=url, limit=limit, advice=self._advice)
            )
            self._listed[url] = listed
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
    where = option if given is not None else URL_VARIABLE
    text = given if given is not None else os.environ.get(URL_VARIABLE, "").strip()
    if not text:
        raise UsageError(
            f"no server is given for {who}: write {option} http://localhost:8000/v1 (OpenAI's own is "
            f"https://api.openai.com/v1) or set {URL_VARIABLE}"
        )
    return str(_Addresses(text, where)).split()
