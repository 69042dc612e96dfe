"""Models of the loopback server in `openai_server`: what the tests of the adapter make, ask and expect."""

from __future__ import annotations

import functools
import gc
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from openai_server import OpenAIServer
from waiting import HANGS_S, until

from audiobench_pytest.errors import ModelError
from audiobench_pytest.models.endpoints import connection
from audiobench_pytest.models.endpoints.slots import Manners
from audiobench_pytest.models.openai.adapter import OpenAIAdapter
from audiobench_pytest.models.registry import create, spec_from
from audiobench_pytest.types import Answer, Audio, Prompt, Request

Make = Callable[..., OpenAIAdapter]
KEY = "sk-test-0123456789abcdef"
RATE = 16_000


@contextmanager
def models_of(url: str, name: str = "openai:lab/tiny", **defaults: str) -> Iterator[Callable[..., Any]]:
    """A function that makes and loads a model of that server; all of them are closed at the end."""
    made: list[OpenAIAdapter] = []

    def make(**args: str) -> OpenAIAdapter:
        one = create(spec_from(name), {"url": url, **defaults, **args})
        assert isinstance(one, OpenAIAdapter)
        made.append(one)
        one.load()
        return one

    try:
        yield make
    finally:
        for one in made:
            one.close()


def request_of(samples: int = 1600, prompt: Prompt | None = None, sound: Any = None) -> Request:
    sound = np.zeros(samples, np.float32) if sound is None else sound
    return Request(f"s{samples}", Audio(sound, RATE), prompt or Prompt())


def requests_of(number: int) -> list[Request]:
    """Requests of 100, 101, ... samples."""
    return [request_of(100 + n) for n in range(number)]


def all_heard(number: int) -> list[str]:
    """What a server that works answers to them."""
    return [f"heard {100 + n} samples" for n in range(number)]


def ask(adapter: OpenAIAdapter, request: Request | None = None) -> Answer:
    (answer,) = adapter.generate([request or requests_of(1)[0]])
    return answer


def texts(answers: list[Answer]) -> list[str]:
    return [answer.text for answer in answers]


def closes_promptly(model: OpenAIAdapter, slots: int, server: Any, requests: list[Request]) -> None:
    """Close a model while all of its slots wait for a server that never answers."""
    stream = model.stream(iter(requests))
    told: list[str] = []

    def wait() -> None:
        with pytest.raises(ModelError, match="was closed while questions were in flight"):
            next(stream)
        told.append("closed")

    waiter = threading.Thread(target=wait)
    waiter.start()
    assert until(lambda: len(server.questions) == slots)
    before = time.monotonic()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.close()
        gc.collect()
    assert time.monotonic() - before < HANGS_S, "the answers would take ten minutes"
    waiter.join(HANGS_S)
    assert told == ["closed"]
    assert until(lambda: server.left_open == 0)


# Fixtures, for a module of tests to take over by assignment (`server = openai_models.server`).


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True)
def short_delays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "Manners", functools.partial(Manners, first_delay=0.01, longest_delay=0.04))


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    with OpenAIServer() as running:
        yield running


def adapter_with(**defaults: str) -> Any:
    """A fixture that makes models of the fixture `server`, with these arguments unless a test says otherwise."""

    @pytest.fixture
    def adapter(server: OpenAIServer) -> Iterator[Make]:
        with models_of(server.url, **defaults) as make:
            yield make

    return adapter
