"""Realtime servers that drop, limit, lie or keep silent: a question ends in an answer or in an error that says why."""

from __future__ import annotations

import shutil
import socket
import subprocess
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("httpx", reason="needs the extra 'realtime'")
pytest.importorskip("websockets", reason="needs the extra 'realtime'")
import openai_models
import realtime_models
from openai_models import all_heard, closes_promptly, texts
from realtime_models import ALOUD, Make, ask, request_of, requests_of
from realtime_server import ABORT, DROP, HANG, Asked, RealtimeServer, Script, done, error, failed, limits, refused, said
from waiting import until
from websockets.http11 import Response

from audiobench_pytest.errors import ModelError
from audiobench_pytest.types import Audio, Message, Prompt, Request, Sound

bare_environment = openai_models.bare_environment
short_delays = openai_models.short_delays
server = realtime_models.server
adapter = realtime_models.adapter_with(timeout="60")

HALF = {"type": "response.output_text.delta", "delta": "half"}
LIMIT = {"type": "tokens", "code": "rate_limit_exceeded"}


@pytest.mark.parametrize(
    "trouble",
    [
        [DROP],
        [ABORT],
        [HALF, DROP],
        [HALF, "{garbled"],
        [HALF, b"\xff\xfe"],
        [error(type="server_error")],
        [error(code="session_expired")],
        [HALF, failed(type="server_error", message="boom")],
        [HALF, done("cancelled", reason="turn_detected")],
        [done()],
        [{"type": "response.output_audio.delta", "delta": "no base64"}],
        [error(**LIMIT)],
        [failed(**LIMIT)],
    ],
)
def test_what_may_pass_is_asked_again_until_it_has(adapter: Make, server: RealtimeServer, trouble: Script) -> None:
    server.script.extend([trouble, trouble])
    answer = ask(adapter(retries="2"))
    assert (answer.text, answer.error) == ("heard 100 samples", None)
    assert answer.meta["tries"] == len(server.questions) == 3


@pytest.mark.parametrize("reply", [refused(500), refused(503, **{"retry-after": "0.02"}), refused(429), refused(408)])
def test_an_upgrade_that_is_refused_for_now_is_asked_for_again(
    adapter: Make, server: RealtimeServer, reply: Response
) -> None:
    server.opening.extend([reply, reply])
    answer = ask(adapter(retries="2"))
    assert (answer.text, answer.meta["tries"]) == ("heard 100 samples", 3)


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        ([DROP], "the connection broke: received 1011 (internal error) out of order"),
        ([HALF, ABORT], "the connection broke: no close frame received"),
        (["<html>Oops</html>"], "an event is not JSON: <html>Oops</html>"),
        ([HALF, HANG], "time-out: nothing was sent for 0.5 s"),
        ([done()], "the answer was completed without a text, a sound or a call"),
        ([failed(type="server_error", code="x", message="CUDA\x1b[2J out")], "the server reports: CUDA [2J out (x)"),
        ([failed()], "the server reports: {}"),
        (
            [done("cancelled", reason="client_cancelled")],
            "the server gave up in the middle of the answer (cancelled, client_",
        ),
        ([done("in_progress")], "the server gave up in the middle of the answer (in_progress)"),
    ],
)
def test_what_does_not_pass_is_an_error_that_names_endpoint_reason_and_tries(
    adapter: Make, server: RealtimeServer, trouble: Script, said: str
) -> None:
    server.respond = lambda asked: trouble
    answer = ask(adapter(retries="1", read_timeout="0.5" if HANG in trouble else "60"))
    assert answer.text == ""
    assert answer.speech is None
    assert f"{server.url}: {said}" in str(answer.error)
    assert str(answer.error).endswith("(tried twice)")
    assert len(server.questions) == 2


def test_an_answer_that_never_ends_is_a_time_out_and_no_empty_answer(adapter: Make, server: RealtimeServer) -> None:
    def dribbles(asked: Asked) -> Script:
        return [piece for _ in range(100) for piece in (HALF, 0.05)]

    server.respond = dribbles
    answer = ask(adapter(retries="0", timeout="0.5"))
    assert (answer.text, answer.error) == (
        "",
        f"{server.url}: time-out: no complete answer within 0.5 s (tried once)",
    )
    assert until(lambda: server.left_open == 0)


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        ([error(message="no such model", code="model_not_found")], "the server reports: no such model (model_not_"),
        ([failed(code="insufficient_quota", message="pay")], "the server reports: pay (insufficient_quota)"),
        ([error(code="invalid_api_key")], "the key must be in the environment variable OPENAI_API_KEY, which is not"),
        ([["a list"]], "not the shape of an answer (not an object)"),
        ([{"no": "type"}], "not the shape of an answer (no type)"),
        ([{"type": "response.done"}], "not the shape of an answer (no response)"),
        ([{"type": "response.text.delta", "delta": 5}], "not the shape of an answer (a piece that is no text)"),
        ([{"type": "response.audio_transcript.delta"}], "not the shape of an answer (a piece that is no text)"),
    ],
)
def test_what_would_not_pass_is_asked_once_and_quoted(
    adapter: Make, server: RealtimeServer, trouble: Script, said: str
) -> None:
    server.respond = lambda asked: trouble
    answer = ask(adapter())
    assert answer.text == ""
    assert said in str(answer.error)
    assert str(answer.error).endswith("(tried once)")
    assert len(server.questions) == 1


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (refused(401), "HTTP 401: boom; the key must be in the environment variable OPENAI_API_KEY, which is not set"),
        (refused(404), "HTTP 404: boom"),
        (refused(429, {"error": {"message": "pay", "code": "insufficient_quota"}}), "HTTP 429: pay"),
        (refused(200, {}), "HTTP 200"),
    ],
)
def test_an_upgrade_that_is_refused_is_asked_for_once(
    adapter: Make, server: RealtimeServer, reply: Response, said: str
) -> None:
    server.opening.append(reply)
    answer = ask(adapter())
    assert f"{server.url}: {said}" in str(answer.error)
    assert len(server.questions) == 1


@pytest.mark.parametrize(
    ("limited", "least"),
    [
        ([failed(**LIMIT, message="Rate limit reached. Please try again in 0.3s. Visit")], 0.3),
        ([failed(**LIMIT, message="Please try again in 0h0m300ms.")], 0.3),
        ([limits(0.3), failed(**LIMIT, message="slow down")], 0.3),
        ([limits(600.0, remaining=7), limits(0.3), error(**LIMIT)], 0.3),
    ],
    ids=["in words", "in long words", "as counted", "as counted last"],
)
def test_a_limit_is_given_the_time_it_asks_for(
    adapter: Make, server: RealtimeServer, limited: Script, least: float
) -> None:
    model = adapter(slots="1", retries="0")
    server.script.append(limited)
    assert texts(model.generate(requests_of(3))) == all_heard(3)
    first, second = server.questions[:2]
    assert second.started - first.started >= least, "the next question waits, too"


def test_a_wait_longer_than_the_patience_is_an_error_at_once(adapter: Make, server: RealtimeServer) -> None:
    server.respond = lambda asked: [failed(**LIMIT, message="Please try again in 23h59m1.5s")]
    answers = adapter(slots="2").generate(requests_of(10))
    assert all("try again in 23h59m1.5s (rate_limit_exceeded)" in str(answer.error) for answer in answers)
    assert len(server.questions) <= 2


def test_a_server_that_limits_is_asked_less_at_once_and_answers_all(adapter: Make, server: RealtimeServer) -> None:
    def at_most_three(asked: Asked) -> Script:
        return said(asked, pause=0.01) if asked.at_once <= 3 else [failed(**LIMIT)]

    server.respond = at_most_three
    assert texts(adapter(slots="12", retries="0").generate(requests_of(60))) == all_heard(60)
    assert server.peak > 3
    assert len(server.questions) < 200


def test_one_bad_question_fails_alone(adapter: Make, server: RealtimeServer) -> None:
    def respond(asked: Asked) -> Script:
        return [error(message="cannot be read")] if asked.samples == 107 else said(asked)

    server.respond = respond
    answers = adapter(slots="4").generate(requests_of(20))
    assert [n for n, answer in enumerate(answers) if answer.error] == [7]
    assert texts(answers[:7] + answers[8:]) == all_heard(20)[:7] + all_heard(20)[8:]


def test_what_cannot_be_sent_is_not(adapter: Make, server: RealtimeServer) -> None:
    model = adapter()
    nan = np.full(9, np.nan, np.float32)
    place = Prompt(messages=(Message("user", (Sound("other"), "What is this?")),))
    for request, why in (
        (Request("deaf", None, Prompt()), "was handed no sound"),
        (request_of(sound=nan), "values that are no numbers"),
        (Request("slow", Audio(nan * 0, 16_000), Prompt()), "wants sound of 24000 Hz, got 16000 Hz"),
        (request_of(9, place), "a place for the sound 'other', which was not handed over"),
    ):
        assert why in str(ask(model, request).error)
    assert server.questions == []


def test_text_alone_where_speech_was_asked_for_has_no_speech(adapter: Make, server: RealtimeServer) -> None:
    server.respond = lambda asked: [HALF, done()]
    answer = ask(adapter(), request_of(100, ALOUD))
    assert (answer.text, answer.speech, answer.error) == ("half", None, None)


def test_nobody_at_the_address_is_told(adapter: Make, server: RealtimeServer) -> None:
    with RealtimeServer() as gone:
        model = adapter(url=gone.url, patience="0.3")
        assert ask(model).error is None
    answers = model.generate(requests_of(20))
    assert all(f"{gone.url}: no connection" in str(answer.error) for answer in answers)
    with pytest.raises(ModelError, match="cannot be reached"):
        adapter(url=gone.url)


def test_who_takes_the_call_and_never_opens_is_not_reached(adapter: Make) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:  # the kernel takes the call, and nobody says a word
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}/v1"
        model = adapter(url=url, timeout="1", connect_timeout="0.2", retries="0", patience="0.1")
        assert f"{url}: time-out: no connection within 0.2 s" in str(ask(model).error)


def test_what_opens_as_no_websocket_is_told(adapter: Make, server: RealtimeServer) -> None:
    server.opening.append(refused(101, {}, **{"upgrade": "tea"}))
    assert "the connection is no websocket: " in str(ask(adapter(retries="0")).error)
    assert ask(adapter()).error is None


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl to make a certificate with")
def test_a_secured_address_is_asked_where_its_certificate_is_trusted(
    adapter: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    made = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    made += ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2"]
    subprocess.run([*made, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    with RealtimeServer(certificate=(certificate, key)) as secured:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        model = adapter(url=secured.url, retries="0", patience="1")
        assert texts(model.generate(requests_of(3))) == all_heard(3)
        assert secured.questions[0].headers["host"] == f"127.0.0.1:{secured.port}"
        monkeypatch.delenv("SSL_CERT_FILE")
        with pytest.raises(ModelError, match="CERTIFICATE_VERIFY_FAILED"):
            adapter(url=secured.url)
        model.close()
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        model.load()
        monkeypatch.delenv("SSL_CERT_FILE")
        assert "CERTIFICATE_VERIFY_FAILED" in str(ask(model).error), "the websocket looks for itself"


def test_two_servers_share_the_questions(adapter: Make, server: RealtimeServer) -> None:
    with RealtimeServer(lambda asked: said(asked, pause=0.02)) as second:
        server.respond = second.respond
        answers = adapter(url=f"{server.url};{second.url}", slots="4").generate(requests_of(20))
        assert texts(answers) == all_heard(20)
        assert server.peak <= 2
        assert second.peak <= 2
        assert sum(answer.meta["endpoint"] for answer in answers) == len(second.questions) > 0


def test_closing_is_prompt_while_nothing_answers_and_leaves_nothing_open(adapter: Make, server: RealtimeServer) -> None:
    server.respond = lambda asked: [HANG]
    closes_promptly(adapter(slots="4", timeout="600"), 4, server, requests_of(9))


def test_leaving_a_stream_early_cancels_it_and_the_next_one_works(adapter: Make, server: RealtimeServer) -> None:
    server.script.extend([said, *([HANG] for _ in range(7))])
    model = adapter(slots="4", timeout="600")
    stream = model.stream(iter(requests_of(8)))
    next(stream)
    stream.close()
    server.script.clear()
    assert texts(model.generate(requests_of(6))) == all_heard(6)
