"""The adapter of OpenAI's realtime protocol: what is said in a session, what is understood, what is kept."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

pytest.importorskip("httpx", reason="needs the extra 'realtime'")
pytest.importorskip("websockets", reason="needs the extra 'realtime'")
import openai_models
import realtime_models
from openai_models import KEY, all_heard, texts
from realtime_models import ALOUD, Make, ask, request_of, requests_of
from realtime_server import TONE, RealtimeServer, Script, done, error, refused, said

from audiobench_pytest.catalog.loader import load_catalog
from audiobench_pytest.catalog.prices import cost_of
from audiobench_pytest.errors import MissingExtraError, ModelError, UsageError
from audiobench_pytest.models import base
from audiobench_pytest.models.options import checked_args
from audiobench_pytest.models.realtime.adapter import RealtimeAdapter
from audiobench_pytest.models.registry import create, spec_from
from audiobench_pytest.runner.asking.questions import ending_of
from audiobench_pytest.types import Audio, Call, Message, Prediction, Prompt, Request, Sound

bare_environment = openai_models.bare_environment
short_delays = openai_models.short_delays
server = realtime_models.server
adapter = realtime_models.adapter_with(retries="0")

BOTH = pytest.mark.parametrize("dialect", ["ga", "preview"])


def test_every_request_gets_its_own_answer_in_the_order_of_the_batch(adapter: Make, server: RealtimeServer) -> None:
    server.respond = lambda asked: said(asked, pause=0.02 * (asked.samples % 3))
    assert texts(adapter(slots="6").generate(requests_of(40))) == all_heard(40)
    assert 2 <= server.peak <= 6
    assert len(server.log) == 40, "a session remembers, so each question has one of its own"


def test_streamed_requests_come_back_once_each_with_their_answer(adapter: Make, server: RealtimeServer) -> None:
    server.respond = lambda asked: said(asked, pause=0.02 * (asked.samples % 3))
    requests = requests_of(30)
    found = {id(request): answer.text for request, answer in adapter(slots="4").stream(iter(requests))}
    assert found == {id(request): text for request, text in zip(requests, all_heard(30), strict=True)}
    assert server.peak <= 4


@BOTH
def test_the_question_is_the_instruction_and_the_sound_sample_by_sample(
    adapter: Make, server: RealtimeServer, dialect: str
) -> None:
    steps = np.array([-32768, -1, 0, 1, 32767, 12345], np.int16)
    sound = np.append(steps / np.float32(32768), np.float32([1.5, -2.0])).astype(np.float32)
    model = adapter(dialect=dialect, prompt="Write it down.", max_tokens="64", instructions="Be brief.")
    assert ask(model, request_of(sound=sound)).text == "heard 8 samples"
    (asked,) = server.questions
    assert asked.path == "/v1/realtime?model=lab%2Ftiny"
    assert asked.headers.get("OpenAI-Beta") == (None if dialect == "ga" else "realtime=v1")
    common = {"instructions": "Be brief."}
    pcm = {"type": "audio/pcm", "rate": 24000}
    assert asked.session == common | (
        {
            "type": "realtime",
            "output_modalities": ["text"],
            "max_output_tokens": 64,
            "audio": {"input": {"format": pcm, "turn_detection": None}},
        }
        if dialect == "ga"
        else {
            "modalities": ["text"],
            "max_response_output_tokens": 64,
            "input_audio_format": "pcm16",
            "turn_detection": None,
        }
    )
    assert asked.words == ["Write it down."]
    assert [part["type"] for part in asked.parts] == ["input_text", "input_audio"]
    assert asked.sounds[0].tolist() == [*steps.tolist(), 32767, -32768]
    assert asked.events[-1] == {"type": "response.create"}
    assert model.sample_rate == 24_000


@BOTH
def test_a_spoken_answer_is_its_sound_its_transcript_and_when_it_began(
    adapter: Make, server: RealtimeServer, dialect: str
) -> None:
    server.respond = lambda asked: said(asked, pause=0.1)
    answer = ask(adapter(dialect=dialect, voice="marin"), request_of(100, ALOUD))
    told = server.questions[0].session
    if dialect == "ga":
        assert told["output_modalities"] == ["audio"]
        assert told["audio"]["output"] == {"format": {"type": "audio/pcm", "rate": 24000}, "voice": "marin"}
    else:
        assert (told["modalities"], told["voice"]) == (["audio", "text"], "marin")
    assert (answer.text, answer.error) == ("heard 100 samples", None)
    assert answer.speech is not None
    assert answer.speech.sample_rate == 24_000
    assert (answer.speech.samples * 32768).astype(np.int16).tolist() == TONE.tolist()
    timing = answer.timing
    assert 0.1 <= timing["ttft_s"] < timing["ttfa_s"] < timing["latency_s"]
    assert timing["ttfa_s"] >= 0.2


def test_speech_for_a_text_is_its_transcript_and_keeps_no_sound(adapter: Make, server: RealtimeServer) -> None:
    answer = ask(adapter(modality="speech"))
    assert server.questions[0].aloud
    assert (answer.text, answer.speech) == ("heard 100 samples", None)
    assert answer.timing["ttfa_s"] > 0


def test_what_was_counted_is_kept_and_paid(adapter: Make, server: RealtimeServer) -> None:
    model = adapter()
    written, spoken = ask(model), ask(model, request_of(100, ALOUD))
    common = {"model": "served-tiny", "finish_reason": "stop", "tokens": 25, "prompt_tokens": 130, "audio_tokens": 100}
    assert written.meta == {**common, "endpoint": 0}
    assert spoken.meta == {**common, "endpoint": 0, "spoken_tokens": 20}
    assert model.describe()["served_model"] == ["served-tiny"]
    price = load_catalog().models.get("gpt-realtime").price
    heard = (100 * 32 + 30 * 4) / 1e6
    assert cost_of(price, 9.0, "", "", written.meta) == pytest.approx(heard + 25 * 16 / 1e6)
    assert cost_of(price, 9.0, "", "", spoken.meta) == pytest.approx(heard + (5 * 16 + 20 * 64) / 1e6)


@BOTH
def test_a_conversation_is_told_in_its_order(adapter: Make, server: RealtimeServer, dialect: str) -> None:
    turns = (
        Message("system", ("Be brief.",)),
        Message("user", (Sound(), "What is this?", Sound("more"))),
        Message("assistant", ("A tone.",), (Call("light", {"room": "hall"}), Call("door"))),
        Message("tool", ("on",)),
        Message("tool", ("shut",)),
        Message("user", ("And now?",)),
    )
    tool = {"name": "light", "description": "d", "parameters": {"type": "object"}}
    prompt = Prompt(messages=turns, tools=(tool, {"type": "function", "function": {"name": "door"}}))
    more = Audio(np.zeros(7, np.float32), 24_000)
    request = Request("s", Audio(np.zeros(100, np.float32), 24_000), prompt, sounds={"more": more})
    model = adapter(dialect=dialect)
    assert model.refuses(prompt) is None
    assert ask(model, request).text == "heard 107 samples"
    (asked,) = server.questions
    assert asked.session["tools"] == [{"type": "function", **tool}, {"type": "function", "name": "door"}]
    kinds = [item.get("role", item["type"]) for item in asked.items]
    calls, results = ["function_call"] * 2, ["function_call_output"] * 2
    assert kinds == ["system", "user", "assistant", *calls, *results, "user"]
    assert [part["type"] for part in asked.items[1]["content"]] == ["input_audio", "input_text", "input_audio"]
    assert [item["call_id"] for item in asked.items[3:7]] == ["call_2_0", "call_2_1"] * 2
    assert (asked.items[3]["name"], json.loads(asked.items[3]["arguments"])) == ("light", {"room": "hall"})
    assert [item["output"] for item in asked.items[5:7]] == ["on", "shut"]


def test_calls_of_tools_are_answers(adapter: Make, server: RealtimeServer) -> None:
    output = [
        {"type": "function_call", "name": "light", "arguments": '{"room": "hall"}'},
        {"type": "function_call", "name": "door", "arguments": "{half"},
    ]
    server.respond = lambda asked: [done(output=output)]
    answer = ask(adapter())
    assert (answer.text, answer.calls) == ("", (Call("light", {"room": "hall"}), Call("door", {"": "{half"})))


def test_an_answer_that_came_in_no_pieces_is_read_whole(adapter: Make, server: RealtimeServer) -> None:
    written = {"type": "message", "content": [{"type": "output_text", "text": "so it goes"}]}
    server.respond = lambda asked: [done(output=[written])]
    assert ask(adapter()).text == "so it goes"
    spoken = {"type": "message", "content": [{"type": "output_audio", "transcript": "so it went"}]}
    server.respond = lambda asked: [done(output=[spoken])]
    assert ask(adapter()).text == "so it went"


@pytest.mark.parametrize(
    ("reason", "text", "finish", "ending"),
    [
        ("max_output_tokens", "so f", "length", ""),
        ("max_output_tokens", "", "length", "length"),
        ("content_filter", "", "content_filter", "filter"),
    ],
)
def test_an_incomplete_answer_says_how_it_ended(
    adapter: Make, server: RealtimeServer, reason: str, text: str, finish: str, ending: str
) -> None:
    piece: Script = [{"type": "response.output_text.delta", "delta": text}] if text else []
    server.respond = lambda asked: [*piece, done("incomplete", reason=reason)]
    answer = ask(adapter())
    assert (answer.text, answer.error, answer.meta["finish_reason"]) == (text, None, finish)
    found = ending_of(Prediction("k", answer.text, None, 1.0, 1.0, meta=answer.meta))
    assert found == (ending or "length")


def test_azure_is_asked_at_both_of_its_addresses_with_its_own_header(
    adapter: Make, server: RealtimeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", KEY)
    azure = {"key_header": "api-key", "key_env": "AZURE_OPENAI_API_KEY"}
    old = {"url": server.url.replace("/v1", "/openai"), "dialect": "preview", "api_version": "2024-10-01-preview"}
    assert ask(adapter(**azure, **old, deployment="my rt")).text == "heard 100 samples"
    assert ask(adapter(**azure, url=server.url.replace("/v1", "/openai/v1"))).text == "heard 100 samples"
    first, second = server.questions
    assert first.path == "/openai/realtime?api-version=2024-10-01-preview&deployment=my+rt"
    assert second.path == "/openai/v1/realtime?model=lab%2Ftiny"
    assert [asked.headers["api-key"] for asked in (first, second)] == [KEY, KEY]
    assert not [asked for asked in server.log if "authorization" in asked.headers]


def test_the_key_is_sent_and_never_written(
    adapter: Make,
    server: RealtimeServer,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("MY_KEY", f"{KEY}\n")
    caplog.set_level(logging.DEBUG)
    model = adapter(key_env="MY_KEY")
    server.script.extend(
        [
            lambda asked: said(asked, f"you sent {asked.headers['authorization']}"),
            [error(message=f"wrong key {KEY}", code="invalid_api_key")],
            [f"<{KEY}>"],
            [error(code=KEY), done()],
        ]
    )
    answers = [ask(model) for _ in range(4)]
    assert server.questions[0].headers["authorization"] == f"Bearer {KEY}"
    assert answers[0].text == "you sent Bearer [key]"
    server.opening.append(refused(401, {"error": {"message": f"{KEY} is no key"}}))
    answers.append(ask(model))
    assert [answer.error is None for answer in answers] == [True, False, False, False, False]
    advice = "the key must be in the environment variable MY_KEY, which holds one that is not accepted"
    assert advice in str(answers[1].error)
    assert advice in str(answers[4].error)
    written = [repr(answers), repr(model), str(vars(model)), repr(model.args), json.dumps(model.identity())]
    written += [json.dumps(model.describe()), caplog.text, *capfd.readouterr()]
    assert not [text for text in written if KEY in text]


def test_a_redirect_is_not_followed_with_the_key(
    adapter: Make, server: RealtimeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with RealtimeServer() as elsewhere:
        server.opening.append(refused(307, location=f"{elsewhere.url.replace('http', 'ws')}/realtime"))
        answer = ask(adapter(key_header="api-key"))
        assert "HTTP 307" in str(answer.error)
        assert "redirects are not followed" in str(answer.error)
        assert elsewhere.log == []


def identity(**args: str) -> dict[str, Any]:
    return create(spec_from("openai-realtime:lab/tiny"), args).identity()


def test_identity_tells_model_modality_and_voice_and_neither_server_nor_speed() -> None:
    plain = identity()
    assert (plain["model"], plain["adapter"]) == ("lab/tiny", "openai-realtime")
    assert (plain["args"]["modality"], plain["args"]["voice"]) == ("asked", "alloy")
    same = {"url": "http://10.0.0.1/v1", "slots": "3", "timeout": "9", "retries": "1", "deployment": "mine"}
    assert identity(**same, key_env="OTHER", key_header="api-key", patience="5") == plain
    for name, value in {"voice": "ash", "modality": "speech", "dialect": "preview", "instructions": "x"}.items():
        assert identity(**{name: value}) != plain
    assert identity(revision="2024-10-01") != plain


def test_every_draw_may_differ() -> None:
    spec = spec_from("openai-realtime:tiny")
    assert spec is not None
    assert RealtimeAdapter.varies(spec, checked_args(RealtimeAdapter, spec, {}))


@pytest.mark.parametrize(
    ("args", "told"),
    [
        ({"temperature": "0.8"}, "temperature=0.8 .*the dialect 'ga' has none"),
        ({"api_version": "2024-10-01-preview"}, "write dialect=preview"),
        ({"dialect": "beta"}, "must be one of ga, preview"),
        ({"modality": "text"}, "must be one of asked, speech"),
        ({"url": f"wss://{KEY}@host/v1"}, "is no address"),
        ({"slots": "0"}, "at least 1"),
        ({"seed": "3"}, "takes no argument 'seed'"),
    ],
)
def test_arguments_that_cannot_be_are_refused(args: dict[str, str], told: str) -> None:
    with pytest.raises(UsageError, match=told) as caught:
        create(spec_from("openai-realtime:tiny"), args)
    assert KEY not in str(caught.value)


def test_more_fields_of_the_session_are_laid_over_and_null_takes_one_out(adapter: Make, server: RealtimeServer) -> None:
    body = '{"input_audio_format": null, "voice": "verse"}'
    ask(adapter(dialect="preview", temperature="0.6", extra_body=body))
    assert server.questions[0].session == {
        "modalities": ["text"],
        "temperature": 0.6,
        "voice": "verse",
        "turn_detection": None,
    }


def test_a_package_that_is_missing_is_told_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = spec_from("openai-realtime:tiny")
    assert spec is not None
    find = base.importlib.util.find_spec
    monkeypatch.setattr(base.importlib.util, "find_spec", lambda name: None if name == "websockets" else find(name))
    with pytest.raises(MissingExtraError, match=r"websockets.*audiobench-pytest\[realtime\]"):
        create(spec, {})
    lacks = RealtimeAdapter.lacks(spec, checked_args(RealtimeAdapter, spec, {"url": "http://h/v1"}))
    assert lacks == [("the package 'websockets'", "pip install 'audiobench-pytest[realtime]'")]


def test_importing_the_adapter_imports_neither_client_nor_numpy() -> None:
    code = (
        "import sys\n"
        "from audiobench_pytest.models.registry import create, spec_from\n"
        "create(spec_from('openai-realtime:tiny'), {}).identity()\n"
        "heavy = {'httpx', 'websockets', 'numpy', 'soundfile', 'openai', 'anyio'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_asked_before_it_was_loaded_and_after_it_was_closed(adapter: Make) -> None:
    with pytest.raises(ModelError, match="before it was loaded"):
        ask(create(spec_from("openai-realtime:tiny"), {"url": "http://h/v1"}))
    model = adapter()
    model.close()
    with pytest.raises(ModelError, match="before it was loaded"):
        ask(model)
    model.load()
    assert ask(model).error is None


NAMES = {
    "gpt4o_audio": ("gpt-4o-realtime", "asked", "OPENAI_API_KEY"),
    "gpt4o_speech": ("gpt-4o-realtime-speech", "speech", "OPENAI_API_KEY"),
    "gpt4o_audio_ms": ("gpt-4o-realtime-azure", "asked", "AZURE_OPENAI_API_KEY"),
    "gpt4o_speech_ms": ("gpt-4o-realtime-azure-speech", "speech", "AZURE_OPENAI_API_KEY"),
}


@pytest.mark.parametrize("name", NAMES)
def test_the_names_of_ultraeval_are_realtime_models(
    name: str, server: RealtimeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = load_catalog().models.get(name)
    model, modality, key = NAMES[name]
    monkeypatch.setenv(key, KEY)
    assert (spec.name, spec.source, spec.verified) == (model, "gpt-4o-realtime-preview-2024-10-01", False)
    asked = create(spec, {"url": server.url})
    asked.load()
    try:
        assert asked.args["modality"] == modality
        assert ask(asked).text == "heard 100 samples"
        (question,) = server.questions
        is_azure = name.endswith("_ms")
        wanted = "realtime?api-version=2024-10-01-preview&deployment=" if is_azure else "realtime?model="
        assert f"/{wanted}gpt-4o-realtime-preview-2024-10-01" in question.path
        assert question.headers["api-key" if is_azure else "authorization"].endswith(KEY)
        assert not question.is_ga
    finally:
        asked.close()
