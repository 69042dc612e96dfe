"""Servers that fail, limit, lie or keep silent: each question ends in an answer or in an error that says why."""

from __future__ import annotations

import re

import pytest

from audiobench_pytest.types import Prompt, Request

pytest.importorskip("httpx")
import openai_models
from openai_models import Make, all_heard, ask, requests_of, texts
from openai_server import Asked, OpenAIServer, Reply, error, heard

bare_environment = openai_models.bare_environment
short_delays = openai_models.short_delays
server = openai_models.server
adapter = openai_models.adapter_with(timeout="60")


@pytest.mark.parametrize(
    "trouble",
    [
        error(500),
        error(502),
        error(408),
        error(409),
        error(429),
        error(429, headers={"retry-after": "0.02"}),
        error(503, headers={"retry-after-ms": "20"}),
        Reply(drop=True),
        Reply(b"{", promise=100),
        Reply(b"<html>Bad gateway</html>"),
        Reply({"error": {"message": "engine died", "code": 500}}),
        Reply(b"", headers={"content-encoding": "gzip", "content-type": "application/json"}),
        Reply(b"not gzip at all", headers={"content-encoding": "gzip", "content-type": "application/json"}),
    ],
)
def test_what_may_pass_is_asked_again_until_it_has(adapter: Make, server: OpenAIServer, trouble: Reply) -> None:
    server.script.extend([trouble, trouble])
    answer = ask(adapter(retries="2"))
    assert (answer.text, answer.error) == ("heard 100 samples", None)
    assert answer.meta["tries"] == len(server.questions) == 3


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        (error(500, "CUDA\x1b[2J out of\nmemory"), "HTTP 500: CUDA [2J out of memory"),
        (Reply(drop=True), "the connection broke: RemoteProtocolError: Server disconnected"),
        (Reply(b"half", promise=9), "the connection broke: RemoteProtocolError: peer closed"),
        (Reply(b"<html>Oops</html>"), "the reply is not JSON: <html>Oops</html>"),
        (Reply(b"\xff\xfe\x00"), "the reply is not JSON"),
        (Reply(b"no", headers={"content-encoding": "gzip"}), "the reply cannot be decompressed"),
        (Reply(hang=True), "time-out: no complete answer within 1 s"),
    ],
)
def test_what_does_not_pass_is_an_error_that_names_endpoint_reason_and_tries(
    adapter: Make, server: OpenAIServer, trouble: Reply, said: str
) -> None:
    server.respond = lambda asked: trouble
    answer = ask(adapter(retries="1", timeout="1" if trouble.hang else "60"))
    assert answer.text == ""
    assert f"{server.url}: {said}" in str(answer.error)
    assert str(answer.error).endswith("(tried twice)")
    assert len(server.questions) == 2


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        (error(400, "audio too " + "long " * 200), r"HTTP 400: audio too long long .{250,}\.\.\. \(tried once\)"),
        (Reply({"detail": [{"msg": "field required"}]}, 422), "HTTP 422: .*field required"),
        (Reply({"message": "no such thing"}, 410), "HTTP 410: no such thing"),
        (Reply(b"", 413), r"HTTP 413 \(tried once\)"),
        (error(404), "HTTP 404: boom; it serves tiny, other"),
        (error(401), "HTTP 401: boom; the key must be in the environment variable OPENAI_API_KEY, which is not set"),
        (error(403), "HTTP 403: .*OPENAI_API_KEY"),
        (Reply(b"", 307, {"location": "http://127.0.0.1:9/"}), "HTTP 307; redirects are not followed"),
        (Reply({"error": {"message": "pay", "code": "insufficient_quota"}}, 429), "HTTP 429: pay"),
        (Reply({"error": {"message": "no audio", "code": 400}}), "the server reports: no audio"),
        (Reply({}), r"not the shape of an answer \(no choices\[0\].message.content\): {}"),
        (Reply({"choices": []}), "not the shape"),
        (Reply({"choices": [{"text": "old api"}]}), "not the shape.*old api"),
        (Reply({"choices": [{"message": {"content": 5}}]}), "a message content that is no text"),
        (Reply([1]), r"not the shape of an answer \(not an object\)"),
    ],
)
def test_what_would_not_pass_is_asked_once_and_quoted(
    adapter: Make, server: OpenAIServer, trouble: Reply, said: str
) -> None:
    server.respond = lambda asked: trouble
    answer = ask(adapter())
    assert answer.text == ""
    assert re.search(said, str(answer.error))
    assert len(str(answer.error)) < 400
    assert len(server.questions) == 1


@pytest.mark.parametrize(
    ("events", "said"),
    [
        ([{"choices": [{"delta": {"content": "half an ans"}}]}], "the stream ended before the answer did"),
        ([], "the stream ended before"),
        (["{half", "[DONE]"], "the reply is not JSON: {half"),
        ([{"choices": [{"delta": {"content": 7}}]}, "[DONE]"], "a piece that is no text"),
        ([{"strange": 1}, "[DONE]"], "not the shape"),
        ([{"error": {"message": "engine died"}}, "[DONE]"], "the server reports: engine died"),
        ([{"choices": [{"delta": {"content": "a"}}]}, 600.0], "time-out: nothing was sent for 0.2 s"),
    ],
)
def test_a_broken_stream_is_an_error_and_never_half_an_answer(
    adapter: Make, server: OpenAIServer, events: list[object], said: str
) -> None:
    server.respond = lambda asked: Reply(events=events)
    answer = ask(adapter(stream="yes", retries="0", read_timeout="0.2" if "0.2 s" in said else "60"))
    assert answer.text == ""
    assert said in str(answer.error)


def test_a_stream_that_broke_is_asked_again_from_its_beginning(adapter: Make, server: OpenAIServer) -> None:
    server.script.append(Reply(events=[{"choices": [{"delta": {"content": "half"}}]}]))
    assert ask(adapter(stream="yes")).text == "heard 100 samples"


def test_one_bad_question_fails_alone(adapter: Make, server: OpenAIServer) -> None:
    server.respond = lambda asked: error(500) if asked.samples == 107 else heard(asked)
    answers = adapter(retries="1").generate(requests_of(20))
    assert [n for n, answer in enumerate(answers) if answer.error] == [7]
    assert texts(answers[:7] + answers[8:]) == all_heard(20)[:7] + all_heard(20)[8:]


def test_a_request_without_sound_fails_alone(adapter: Make) -> None:
    good, bad = requests_of(1)[0], Request("deaf", None, Prompt())
    found = {request.sample_id: answer for request, answer in adapter().stream(iter([good, bad]))}
    assert "handed no sound" in str(found["deaf"].error)
    assert found[good.sample_id].text == "heard 100 samples"


def test_a_server_that_limits_is_asked_less_at_once_and_answers_all(adapter: Make, server: OpenAIServer) -> None:
    def at_most_four(asked: Asked) -> Reply:
        return heard(asked, delay=0.01) if asked.at_once <= 4 else error(429)

    server.respond = at_most_four
    answers = adapter(slots="32", retries="0").generate(requests_of(300))
    assert texts(answers) == all_heard(300)
    assert server.peak > 4
    # Asked as much as before each time, it would have to refuse more than a thousand times.
    assert len(server.questions) < 800


def test_a_pause_that_is_asked_for_is_kept_by_all_questions(adapter: Make, server: OpenAIServer) -> None:
    model = adapter(slots="1")
    server.script.append(error(429, headers={"retry-after": "0.4"}))
    assert texts(model.generate(requests_of(3))) == all_heard(3)
    first, second = server.questions[:2]
    assert second.started - first.ended >= 0.4


def test_an_endless_limit_ends_in_errors_after_the_patience(adapter: Make, server: OpenAIServer) -> None:
    server.respond = lambda asked: error(429, "come back later")
    answers = adapter(slots="4", patience="0.2").generate(requests_of(40))
    assert all(answer.text == "" and "HTTP 429: come back later" in str(answer.error) for answer in answers)
    assert len(server.questions) < 60


@pytest.mark.parametrize(("status", "most"), [(429, 2), (503, 2), (500, 10)])
def test_a_pause_longer_than_the_patience_is_an_error_at_once(
    adapter: Make, server: OpenAIServer, status: int, most: int
) -> None:
    server.respond = lambda asked: error(status, "tomorrow", headers={"retry-after": "86400"})
    answers = adapter(slots="2").generate(requests_of(10))
    assert all("tomorrow" in str(answer.error) for answer in answers)
    assert len(server.questions) <= most
