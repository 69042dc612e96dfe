"""Models of the loopback server in `realtime_server`: what the tests of the adapter make, ask and expect."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from openai_models import models_of
from realtime_server import RealtimeServer

from audiobench_pytest.models.realtime.adapter import RealtimeAdapter
from audiobench_pytest.models.realtime.questions import RATE
from audiobench_pytest.types import Answer, Audio, Prompt, Request

Make = Callable[..., RealtimeAdapter]
ALOUD = Prompt("Say it again.", answer="speech")


def request_of(samples: int = 2400, prompt: Prompt | None = None, sound: Any = None) -> Request:
    sound = np.zeros(samples, np.float32) if sound is None else sound
    return Request(f"s{samples}", Audio(sound, RATE), prompt or Prompt())


def requests_of(number: int, prompt: Prompt | None = None) -> list[Request]:
    """Requests of 100, 101, ... samples."""
    return [request_of(100 + n, prompt) for n in range(number)]


def ask(adapter: RealtimeAdapter, request: Request | None = None) -> Answer:
    (answer,) = adapter.generate([request or request_of(100)])
    return answer


@pytest.fixture
def server() -> Iterator[RealtimeServer]:
    """A server that is told nothing that is not of the protocol, or the test fails."""
    with RealtimeServer() as running:
        yield running
        assert running.wrong == []


def adapter_with(**defaults: str) -> Any:
    """A fixture that makes models of the fixture `server`, with these arguments unless a test says otherwise."""

    @pytest.fixture
    def adapter(server: RealtimeServer) -> Iterator[Make]:
        with models_of(server.url, "openai-realtime:lab/tiny", **defaults) as make:
            yield make

    return adapter
