"""Vendors' own protocols against a loopback server: Gemini's generateContent, Azure's key, DashScope's addresses."""

from __future__ import annotations

import base64
import io
import wave
from dataclasses import replace

import pytest

from audiobench_pytest.types import Message, Prompt, Sound

pytest.importorskip("httpx")
import openai_models
from openai_models import KEY, ask, request_of, requests_of, texts
from openai_server import Reply, heard

from audiobench_pytest.catalog.loader import load_catalog
from audiobench_pytest.catalog.schema import ModelSpec
from audiobench_pytest.errors import ModelError
from audiobench_pytest.models.base import drawn_seed
from audiobench_pytest.models.options import checked_args
from audiobench_pytest.models.registry import adapter_class, create
from audiobench_pytest.models.ways import ways_of

bare_environment = openai_models.bare_environment
short_delays = openai_models.short_delays
server = openai_models.server
adapter = openai_models.adapter_with(retries="0")

USAGE = {
    "promptTokenCount": 40,
    "candidatesTokenCount": 5,
    "thoughtsTokenCount": 7,
    "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 8}, {"modality": "AUDIO", "tokenCount": 32}],
}


def sound_of(part: dict) -> int:
    assert part["inlineData"]["mimeType"] == "audio/wav"
    with wave.open(io.BytesIO(base64.b64decode(part["inlineData"]["data"], validate=True))) as file:
        return file.getnframes()


def gemini_reply(asked, text: str | None = None, **more) -> Reply:
    parts = [part for turn in asked.fields["contents"] for part in turn["parts"]]
    counted = [sound_of(part) for part in parts if "inlineData" in part]
    said = [{"text": "hm", "thought": True}, {"text": text or f"heard {counted} samples"}]
    candidate = {"content": {"role": "model", "parts": said}, "finishReason": "STOP"}
    return Reply({"candidates": [candidate], "usageMetadata": USAGE, "modelVersion": "gemini-x-001"}, **more)


@pytest.fixture
def gemini(server, monkeypatch):
    monkeypatch.setenv("GEMINI_API_KEY", KEY)
    server.respond = gemini_reply
    made = []

    def make(**args: str):
        url = server.url.removesuffix("/v1") + "/v1beta"
        spec = ModelSpec("gemini-x", "gemini", source="gemini-x", args={"key_env": "GEMINI_API_KEY"})
        made.append(create(spec, {"url": url, "retries": "0", **args}))
        made[-1].load()
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_gemini_is_asked_by_its_own_protocol(gemini, server):
    answer = ask(gemini(max_tokens="64", seed="3"), request_of(1600, Prompt("Write it down.")))
    (asked,) = server.questions
    assert asked.path == "/v1beta/models/gemini-x:generateContent"
    assert asked.headers["x-goog-api-key"] == KEY
    assert "authorization" not in asked.headers
    body = asked.fields
    assert body["generationConfig"] == {"temperature": 0.0, "maxOutputTokens": 64, "seed": 3}
    ((turn),) = body["contents"]
    assert turn["role"] == "user"
    assert turn["parts"][0] == {"text": "Write it down."}
    assert sound_of(turn["parts"][1]) == 1600
    assert answer.text == "heard [1600] samples"
    assert answer.meta["thoughts"] == "hm"
    told = {name: answer.meta[name] for name in ("tokens", "prompt_tokens", "audio_tokens", "model", "finish_reason")}
    expected = {"tokens": 12, "prompt_tokens": 40, "audio_tokens": 32, "model": "gemini-x-001"}
    assert told == {**expected, "finish_reason": "STOP"}


def test_each_draw_of_gemini_has_a_seed_of_its_own(gemini, server):
    drawing = gemini(temperature="1", seed="3")
    request = request_of(1600, Prompt("Write it down."))
    for draw in (0, 1, 2):
        ask(drawing, replace(request, draw=draw))
    first, *others = (asked.fields["generationConfig"]["seed"] for asked in server.questions)
    assert first == 3
    assert others == [drawn_seed(3, 1), drawn_seed(3, 2)]
    # What was kept of further draws before was drawn from the first one's seed.
    assert drawing.identity() != drawing.base_identity()
    assert gemini(temperature="1").identity() == gemini(temperature="1").base_identity()


def test_gemini_hears_a_conversation_in_its_order(gemini, server):
    turns = (
        Message("system", ("Be brief.",)),
        Message("user", (Sound(), "What is this?")),
        Message("assistant", ("A tone.",)),
        Message("user", ("And now?", Sound())),
    )
    ask(gemini(extra_body='{"safetySettings": []}'), request_of(800, Prompt(messages=turns)))
    body = server.questions[0].fields
    assert body["systemInstruction"] == {"parts": [{"text": "Be brief."}]}
    assert body["safetySettings"] == []
    assert [turn["role"] for turn in body["contents"]] == ["user", "model", "user"]
    assert [list(part) for part in body["contents"][0]["parts"]] == [["inlineData"], ["text"]]
    assert [list(part) for part in body["contents"][2]["parts"]] == [["text"], ["inlineData"]]


def test_a_sound_that_is_placed_and_not_handed_over_is_that_questions_error(gemini, adapter, server):
    prompt = Prompt(messages=(Message("user", (Sound("other"), "What is this?")),))
    for model in (gemini(), adapter()):
        answer = ask(model, request_of(800, prompt))
        assert "the question has a place for the sound 'other', which was not handed over" in str(answer.error)
    assert server.questions == []


def test_gemini_keeps_order_over_many(gemini, server):
    assert texts(gemini(slots="8").generate(requests_of(30))) == [f"heard [{100 + n}] samples" for n in range(30)]
    assert server.peak <= 8


def limited(details: list[dict], **headers: str) -> Reply:
    error = {"code": 429, "message": "slow down", "status": "RESOURCE_EXHAUSTED", "details": details}
    return Reply({"error": error}, 429, headers=headers)


@pytest.mark.parametrize(
    "reply",
    [
        limited([{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "0.2s"}]),
        limited([], **{"retry-after": "0.2"}),
    ],
    ids=["in the body", "in a header"],
)
def test_gemini_is_given_the_time_it_asks_for(gemini, server, reply):
    server.script.append(reply)
    answer = ask(gemini())
    assert answer.error is None
    first, second = server.questions
    assert second.started - first.ended >= 0.2
    assert answer.meta["tries"] == 2


@pytest.mark.parametrize(
    ("content", "finish"),
    [
        ({"promptFeedback": {"blockReason": "SAFETY"}}, "SAFETY"),
        ({"candidates": [{"finishReason": "MAX_TOKENS", "content": {"role": "model"}}]}, "MAX_TOKENS"),
    ],
)
def test_gemini_may_answer_with_nothing(gemini, server, content, finish):
    server.script.append(Reply(content))
    answer = ask(gemini())
    assert (answer.text, answer.error, answer.meta["finish_reason"]) == ("", None, finish)


@pytest.mark.parametrize("content", [{}, [], {"candidates": []}, {"candidates": ["x"]}, b"<html>"])
def test_what_is_no_answer_of_gemini_is_an_error(gemini, server, content):
    server.script.append(Reply(content))
    assert ask(gemini()).error


def test_a_key_that_gemini_refuses_is_never_shown(gemini, server):
    server.script.append(Reply({"error": {"code": 403, "message": f"API key {KEY} is not valid"}}, 403))
    error = ask(gemini()).error
    assert "GEMINI_API_KEY" in error
    assert KEY not in error


def test_gemini_without_a_key_is_refused(gemini, monkeypatch):
    monkeypatch.delenv("GEMINI_API_KEY")
    with pytest.raises(ModelError, match="GEMINI_API_KEY holds no key"):
        gemini()


def test_the_catalogue_has_both_ways_to_gemini():
    ways = ways_of(load_catalog().models.get("gemini-2.5-pro"))
    assert list(ways) == ["api", "gemini"]
    assert ways["gemini"].price == ways["api"].price is not None


def test_azure_wants_its_key_in_a_header_of_its_own(adapter, server, monkeypatch):
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", KEY)
    answer = ask(adapter(key_header="api-key", key_env="AZURE_OPENAI_API_KEY"))
    assert answer.text == "heard 100 samples"
    assert all(asked.headers["api-key"] == KEY and "authorization" not in asked.headers for asked in server.log)


def test_dashscope_wants_sound_as_an_address_and_answers_in_a_stream(adapter, server):
    server.respond = lambda asked: heard(asked, "ni hao")
    answer = ask(adapter(data_url="true", stream="true"))
    assert answer.text == "ni hao"
    (part,) = [p for p in server.questions[0].fields["messages"][0]["content"] if p["type"] == "input_audio"]
    assert part["input_audio"]["data"].startswith("data:audio/wav;base64,UklGR")
    spec = load_catalog().models.get("qwen-omni-turbo")
    assert spec.args["data_url"] == "true"


@pytest.mark.parametrize("adapter", ["openai", "openai-speech", "gemini"])
@pytest.mark.parametrize(
    ("body", "varies"),
    [(None, True), ('{"top_p": 0.9}', True), ('{"seed": null}', True), ('{"seed": 7}', False)],
)
def test_a_seed_that_is_laid_over_every_draw_makes_them_one(adapter, body, varies):
    kind = adapter_class(adapter)
    spec = ModelSpec("m", adapter, source="m")
    args = checked_args(kind, spec, {"temperature": "0.7"} if "temperature" in kind.options else {})
    assert kind.varies(spec, {**args, "extra_body": body}) is varies
    if adapter == "gemini" and body:
        assert kind.varies(spec, {**args, "extra_body": f'{{"generationConfig": {body}}}'}) is varies
