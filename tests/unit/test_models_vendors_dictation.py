"""iFLYTEK's dictation against a websocket server on loopback that checks who asks and what it is sent."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import re
import threading
import time
from collections import deque
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest

pytest.importorskip("httpx")
pytest.importorskip("websockets")
import openai_models
from loopback import Loopback
from openai_models import KEY, ask, requests_of, texts
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request as Handshake
from websockets.http11 import Response

from audiobench_pytest.catalog.loader import load_catalog
from audiobench_pytest.errors import ModelError
from audiobench_pytest.models.options import checked_args
from audiobench_pytest.models.registry import adapter_class, create
from audiobench_pytest.models.vendors import dictation
from audiobench_pytest.models.vendors.sending import Account
from audiobench_pytest.types import Audio, Prompt, Request

bare_environment = openai_models.bare_environment
short_delays = openai_models.short_delays

APPLICATION, NAME = "app-5", "account-7"
VARIABLES = {"XFYUN_APP_ID": APPLICATION, "XFYUN_API_KEY": NAME, "XFYUN_API_SECRET": KEY}
SPEC = load_catalog().models.get("xfyun")


def result(text: str, status: int = 1) -> dict[str, object]:
    words = [{"bg": 0, "cw": [{"w": word, "sc": 0}, {"w": "worse", "sc": 0}]} for word in text]
    return {"code": 0, "message": "success", "data": {"result": {"ws": words, "ls": status == 2}, "status": status}}


class DictationServer(Loopback):
    """Answers with how many samples it heard, in two pieces; `script` holds what is sent at the next clips instead."""

    def __init__(self) -> None:
        self.script: deque[list[object]] = deque()
        self.asked: list[list[dict]] = []
        self.paths: list[str] = []

    async def _serve(self, ready: threading.Event) -> None:
        unheard = logging.Logger("server", logging.CRITICAL + 1)
        options = {"process_request": self._open, "max_size": None, "close_timeout": 0.2, "logger": unheard}
        async with serve(self._session, "127.0.0.1", 0, **options) as server:
            self.port = server.sockets[0].getsockname()[1]
            ready.set()
            await self._stop.wait()

    def _open(self, connection: ServerConnection, asked: Handshake) -> Response | None:
        """What its rules for signatures say, from what was sent and the secret that both sides know."""
        where = urlsplit(asked.path)
        if where.path.endswith("/models"):
            return connection.respond(404, "no")
        self.paths.append(asked.path)
        told = {name: values[0] for name, values in parse_qs(where.query, strict_parsing=True).items()}
        text = f"host: {told['host']}\ndate: {told['date']}\nGET {where.path} HTTP/1.1"
        right = base64.b64encode(hmac.new(KEY.encode(), text.encode(), hashlib.sha256).digest()).decode()
        given = base64.b64decode(told["authorization"]).decode()
        form = f'api_key="{NAME}", algorithm="hmac-sha256", headers="host date request-line", signature="{right}"'
        late = abs(time.time() - parsedate_to_datetime(told["date"]).timestamp())
        if given != form or told["host"] != asked.headers["host"] or late > 300 or where.path != "/v2/iat":
            return connection.respond(401, json.dumps({"message": "HMAC signature does not match"}))
        return None

    async def _session(self, connection: ServerConnection) -> None:
        frames: list[dict] = []
        self.asked.append(frames)
        try:
            async for message in connection:
                frames.append(json.loads(message))
                if frames[-1]["data"]["status"] == 2:
                    sound = b"".join(base64.b64decode(one["data"]["audio"]) for one in frames)
                    usual = [result(f"heard {len(sound) // 2}"), result(" samples", 2)]
                    for event in self.script.popleft() if self.script else usual:
                        if event is None:
                            await connection.close(1011, "out of order")
                        else:
                            await connection.send(event if isinstance(event, str) else json.dumps(event))
        except ConnectionClosed:
            pass  # a client that left


@pytest.fixture
def server() -> Iterator[DictationServer]:
    with DictationServer() as running:
        yield running


@pytest.fixture
def make(server, monkeypatch):
    monkeypatch.setattr(dictation, "FRAME_EVERY_S", 0.001)
    made = []

    def one(secret: str = KEY, **args: str):
        for variable, value in {**VARIABLES, "XFYUN_API_SECRET": secret}.items():
            monkeypatch.setenv(variable, value)
        made.append(create(SPEC, {"url": f"http://127.0.0.1:{server.port}/v2", "retries": "0", **args}))
        made[-1].load()
        return made[-1]

    yield one
    for adapter in made:
        adapter.close()


def test_each_clip_is_answered_with_its_own_text(make):
    assert texts(make().generate(requests_of(5))) == openai_models.all_heard(5)


def test_a_clip_is_sent_in_frames_of_which_the_first_says_what_it_is(make, server):
    samples = np.linspace(-1.2, 1.2, 10_000, dtype=np.float32)
    (answer,) = make().generate([Request("", Audio(samples, 16_000), Prompt())])
    assert answer.text == "heard 10000 samples"
    first, *others = server.asked[0]
    assert first["common"] == {"app_id": APPLICATION}
    assert first["business"] == {"domain": "iat", "language": "zh_cn", "accent": "mandarin"}
    assert all(one.keys() == {"data"} for one in others)
    assert [one["data"]["status"] for one in (first, *others)] == [0, 1, 1, 2]
    assert {(one["data"]["format"], one["data"]["encoding"]) for one in (first, *others)} == {
        ("audio/L16;rate=16000", "raw")
    }
    sound = b"".join(base64.b64decode(one["data"]["audio"]) for one in (first, *others))
    wanted = np.clip(samples, -1, 1) * 32767
    assert np.abs(np.frombuffer(sound, "<i2") - wanted).max() <= 0.5


def test_another_language_is_asked_without_an_accent(make, server):
    assert ask(make(engine="en_us")).error is None
    assert server.asked[0][0]["business"] == {"domain": "iat", "language": "en_us"}


def test_another_secret_is_refused_and_not_told(make):
    answer = ask(make(secret="sk-another-0123456789"))
    assert "HMAC signature does not match" in answer.error
    assert "sk-another" not in answer.error
    assert "the environment variable XFYUN_API_SECRET, which holds one that is not accepted" in answer.error


def test_the_secret_signs_and_is_not_sent(make, server):
    assert ask(make()).error is None
    assert KEY not in f"{server.paths} {server.asked}"


@pytest.mark.parametrize(
    ("events", "told"),
    [
        ([{"code": 10165, "message": "invalid handle", "sid": "s"}], "code 10165: invalid handle"),
        ([result("a"), {"code": 0, "message": "success"}], "not the shape of an answer .no result"),
        ([{"code": 0, "data": {"status": 1, "result": {"ws": [{"cw": []}]}}}], "no result"),
        (["<p>"], "an event is not JSON"),
        ([result("a"), None], "the connection broke"),
    ],
)
def test_what_is_no_text_is_that_samples_error(events, told, make, server):
    adapter = make()
    server.script.append(events)
    assert re.search(told, ask(adapter).error)
    assert ask(adapter).text == "heard 100 samples"


def test_silence_is_an_empty_text(make, server):
    adapter = make()
    server.script.append([{"code": 0, "message": "success", "data": {"status": 2}}])
    answer = ask(adapter)
    assert (answer.error, answer.text) == (None, "")


def test_more_than_a_minute_is_an_error_and_not_sent(make, server):
    sound = np.zeros(60 * 16_000 + 160, np.float32)
    (answer,) = make().generate([Request("", Audio(sound, 16_000), Prompt())])
    assert "lasts 60.0 s; 60 s are written down at most" in answer.error
    assert server.asked == []


def test_a_model_without_its_account_says_what_it_lacks(monkeypatch):
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    kind = adapter_class(SPEC.adapter)
    told = [how for _, how in kind.lacks(SPEC, checked_args(kind, SPEC, {}))]
    assert sorted(told) == sorted(f"the environment variable {variable}" for variable in VARIABLES)
    for missing in VARIABLES:
        for variable, value in VARIABLES.items():
            monkeypatch.setenv(variable, "" if variable == missing else value)
        with pytest.raises(ModelError, match=f"the environment variable {missing} holds nothing"):
            create(SPEC, {}).load()


def test_the_signature_is_that_of_the_vendors_rules():
    """Computed by OpenSSL from the text that its page has signed."""
    path = dictation.signed(Account("key", "secret"), "iat-api.xfyun.cn", "/v2/iat", "Wed, 10 Jul 2019 07:35:43 GMT")
    name, _, query = path.partition("?")
    told = {name: values[0] for name, values in parse_qs(query).items()}
    assert (name, told["host"], told["date"]) == ("iat", "iat-api.xfyun.cn", "Wed, 10 Jul 2019 07:35:43 GMT")
    assert base64.b64decode(told["authorization"]).decode() == (
        'api_key="key", algorithm="hmac-sha256", headers="host date request-line", '
        'signature="z4sX8/rrucc5G00uBj8+TtdKxlSnI7rBi9bzNi0pBZU="'
    )


def test_the_recogniser_is_part_of_the_identity_and_the_account_is_not(make):
    one, other = make(), make(engine="en_us")
    assert one.identity() != other.identity()
    assert not {"url", "app_env", "id_env", "key_env"} & one.identity()["args"].keys()
