"""The adapter of OpenAI-compatible servers: what is asked, what is understood, what is kept and what never is."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from audiobench_pytest.types import Call, Prompt

pytest.importorskip("httpx")
import openai_models
from openai_models import RATE, Make, ask, request_of
from openai_server import Asked, OpenAIServer, Reply, heard

bare_environment = openai_models.bare_environment
server = openai_models.server
adapter = openai_models.adapter_with(retries="0")


def test_every_request_gets_its_own_answer_in_the_order_of_the_batch(
    adapter: Make,
) -> None:
    batch = [request_of(100 + n) for n in range(40)]
    assert [a.text for a in adapter().generate(batch)] == [f"heard {100 + n} samples" for n in range(40)]


def test_streamed_requests_come_back_once_each_with_their_answer(adapter: Make, server: OpenAIServer) -> None:
    server.respond = lambda asked: heard(asked, delay=0.02 * (asked.samples % 3))
    requests = [request_of(100 + n) for n in range(60)]
    found = {id(r): a.text for r, a in adapter(slots="8").stream(iter(requests))}
    assert found == {id(r): f"heard {100 + n} samples" for n, r in enumerate(requests)}
    assert 2 <= server.peak <= 8


def test_chat_sends_the_instruction_and_the_sound_sample_by_sample(adapter: Make, server: OpenAIServer) -> None:
    steps = np.array([-32768, -1, 0, 1, 32767, 12345], np.int16)
    sound = np.append(steps / np.float32(32768), np.float32([1.5, -2.0])).astype(np.float32)
    ask(adapter(max_tokens="64", seed="7", prompt="Write it down."), request_of(sound=sound))
    (asked,) = server.questions
    body = asked.fields
    (message,) = body.pop("messages")
    assert body == {"model": "lab/tiny", "temperature": 0.0, "max_tokens": 64, "seed": 7}
    assert message["role"] == "user"
    assert [p["type"] for p in message["content"]] == ["text", "input_audio"]
    assert message["content"][0]["text"] == "Write it down."
    assert message["content"][1]["input_audio"]["format"] == "wav"
    samples, rate = soundfile.read(io.BytesIO(asked.file), dtype="int16")
    assert rate == RATE
    assert samples.tolist() == [*steps.tolist(), 32767, -32768]


def test_flac_holds_the_same_samples(adapter: Make, server: OpenAIServer) -> None:
    server.respond = lambda asked: heard(asked, "said")
    sound = (np.arange(-800, 800) * 20 / 32768).astype(np.float32)
    assert ask(adapter(audio_format="flac"), request_of(sound=sound)).text == "said"
    samples, _ = soundfile.read(io.BytesIO(server.questions[0].file), dtype="float32")
    assert np.array_equal(samples, sound)


def test_a_benchmarks_prompt_goes_before_the_users_and_an_empty_one_is_not_sent(
    adapter: Make, server: OpenAIServer, tmp_path: Path
) -> None:
    (tmp_path / "prompt.txt").write_text("Transcribe, please.\n")
    told = adapter(prompt=f"@{tmp_path / 'prompt.txt'}")
    ask(told)
    ask(told, request_of(prompt=Prompt(text="Which emotion?")))
    ask(adapter(prompt=""))
    contents = [asked.fields["messages"][0]["content"] for asked in server.questions]
    assert [[p["text"] for p in content if p["type"] == "text"] for content in contents] == [
        ["Transcribe, please."],
        ["Which emotion?"],
        [],
    ]


def test_extra_body_adds_replaces_and_takes_out_fields(adapter: Make, server: OpenAIServer, tmp_path: Path) -> None:
    (tmp_path / "body.json").write_text('{"top_k": 1, "temperature": null, "modalities": ["text"]}')
    ask(adapter(extra_body=f"@{tmp_path / 'body.json'}"))
    fields = server.questions[0].fields
    assert {k: v for k, v in fields.items() if k != "messages"} == {
        "model": "lab/tiny",
        "top_k": 1,
        "modalities": ["text"],
    }


def test_transcriptions_upload_a_file_and_tell_the_language_of_the_prompt(adapter: Make, server: OpenAIServer) -> None:
    recogniser = adapter(api="transcriptions", prompt="Names: Ada", extra_body='{"hotwords": ["a", "b"], "n": 1}')
    assert recogniser.takes_language_hint
    answer = ask(recogniser, request_of(1234, Prompt(language="zh-Hant")))
    assert answer.text == "heard 1234 samples"
    assert (answer.meta["tokens"], answer.meta["prompt_tokens"]) == (3, 9)
    (asked,) = server.questions
    assert asked.path == "/v1/audio/transcriptions"
    fields = asked.fields
    assert fields.pop("file")[:2] == ("audio.wav", "audio/wav")
    assert fields == {
        "model": "lab/tiny",
        "temperature": "0.0",
        "response_format": "json",
        "prompt": "Names: Ada",
        "language": "zh",
        "hotwords": ["a", "b"],
        "n": "1",
    }


@pytest.mark.parametrize(("language", "sent"), [("de", "de"), ("auto", None)])
def test_a_language_that_is_given_replaces_the_hint(
    adapter: Make, server: OpenAIServer, language: str, sent: str | None
) -> None:
    recogniser = adapter(api="transcriptions", language=language)
    assert not recogniser.takes_language_hint
    ask(recogniser)
    assert server.questions[0].fields.get("language") == sent


def test_chat_takes_no_language_hint(adapter: Make) -> None:
    assert not adapter().takes_language_hint


def test_meta_tells_what_the_server_said_of_itself(adapter: Make) -> None:
    told = adapter()
    answer = ask(told)
    assert list(answer.timing) == ["latency_s"]
    assert 0 < answer.timing["latency_s"] < 10
    assert answer.meta == {
        "model": "served-lab/tiny",
        "system_fingerprint": "fp_1",
        "finish_reason": "stop",
        "tokens": 3,
        "prompt_tokens": 9,
        "endpoint": 0,
    }
    assert told.describe()["served_model"] == ["served-lab/tiny"]


def test_streaming_joins_the_pieces_and_tells_the_time_to_the_first(adapter: Make, server: OpenAIServer) -> None:
    def slowly(asked: Asked) -> Reply:
        reply = heard(asked)
        first, said, *rest = reply.events or []
        return Reply(events=[b": waiting\n\n", first, 0.1, said, 0.1, *rest])

    server.respond = slowly
    answer = ask(adapter(stream="yes"))
    assert answer.text == "heard 100 samples"
    assert answer.timing["ttft_s"] >= 0.1
    assert answer.timing["latency_s"] >= answer.timing["ttft_s"] + 0.05
    assert (answer.meta["tokens"], answer.meta["finish_reason"]) == (3, "stop")
    assert server.questions[0].fields["stream_options"] == {"include_usage": True}


@pytest.mark.parametrize(
    "events",
    [
        [
            {"type": "transcript.text.delta", "delta": "so it"},
            {"type": "transcript.text.done", "text": "so it goes", "usage": {"output_tokens": 4}},
        ],
        [
            {"object": "transcription.chunk", "choices": [{"delta": {"content": "so it "}}]},
            {"choices": [{"delta": {"content": "goes"}, "finish_reason": "stop"}]},
            {"choices": [], "usage": {"completion_tokens": 4}},
            "[DONE]",
        ],
    ],
    ids=["openai", "vllm"],
)
def test_both_dialects_of_streamed_transcriptions_are_understood(
    adapter: Make, server: OpenAIServer, events: list[object]
) -> None:
    server.respond = lambda asked: Reply(events=events)
    answer = ask(adapter(api="transcriptions", stream="yes"))
    assert (answer.text, answer.error, answer.meta["tokens"]) == ("so it goes", None, 4)
    assert server.questions[0].fields["stream"] == "true"


def test_a_server_that_does_not_stream_although_asked_to_is_understood(adapter: Make, server: OpenAIServer) -> None:
    server.respond = lambda asked: Reply({"text": "whole"})
    assert ask(adapter(api="transcriptions", stream="yes")).text == "whole"


def one_choice(message: dict[str, Any], finish: str | None) -> Reply:
    return Reply({"choices": [{"message": {"role": "assistant", **message}, "finish_reason": finish}]})


@pytest.mark.parametrize(
    ("reply", "text", "meta"),
    [
        (one_choice({"content": ""}, "stop"), "", {"finish_reason": "stop"}),
        (one_choice({"content": "so f"}, "length"), "so f", {"finish_reason": "length"}),
        (one_choice({"content": None}, "content_filter"), "", {"finish_reason": "content_filter"}),
        (
            one_choice({"content": None, "refusal": "I would \x1b[31mrather not."}, "stop"),
            "",
            {"refusal": "I would [31mrather not.", "finish_reason": "stop"},
        ),
        (one_choice({"content": [{"type": "text", "text": "in "}, {"text": "parts"}]}, None), "in parts", {}),
        (Reply(b'{"choices":[{"message":{"content":"\\ud83d\\ude00 \\ud83d"}}]}'), "\U0001f600 \ufffd", {}),
    ],
    ids=["empty", "cut", "filtered", "refused", "parts", "halves of a character"],
)
def test_what_a_server_may_answer_is_an_answer(
    adapter: Make, server: OpenAIServer, reply: Reply, text: str, meta: dict[str, Any]
) -> None:
    server.respond = lambda asked: reply
    answer = ask(adapter())
    assert (answer.text, answer.error) == (text, None)
    assert {k: v for k, v in answer.meta.items() if k != "endpoint"} == meta
    json.dumps(dict(answer.meta))
    answer.text.encode()


def called(name: str, arguments: str, **more: Any) -> dict[str, Any]:
    return {"id": "c", "type": "function", "function": {"name": name, "arguments": arguments}, **more}


@pytest.mark.parametrize(
    ("arguments", "found"),
    [('{"room": "hall"}', {"room": "hall"}), ("", {}), ("{half", {"": "{half"}), ("[1]", {"": "[1]"})],
)
def test_calls_of_tools_are_answers(adapter: Make, server: OpenAIServer, arguments: str, found: dict[str, Any]) -> None:
    server.respond = lambda asked: one_choice(
        {"content": None, "tool_calls": [called("light", arguments)]}, "tool_calls"
    )
    answer = ask(adapter())
    assert (answer.text, answer.calls) == ("", (Call("light", found),))


def test_calls_in_a_stream_are_joined(adapter: Make, server: OpenAIServer) -> None:
    deltas = [
        {"tool_calls": [called("light", '{"ro', index=0)]},
        {"tool_calls": [{"index": 0, "function": {"arguments": 'om": 1}'}}]},
        {"tool_calls": [called("door", "{}", index=1)]},
    ]
    server.respond = lambda asked: Reply(events=[*({"choices": [{"delta": d}]} for d in deltas), "[DONE]"])
    assert ask(adapter(stream="yes")).calls == (Call("light", {"room": 1}), Call("door", {}))


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
def test_thoughts_are_kept_beside_the_answer(adapter: Make, server: OpenAIServer, name: str) -> None:
    server.respond = lambda asked: one_choice({"content": "yes", name: "hm, hm"}, "stop")
    answer = ask(adapter())
    assert (answer.text, answer.meta["thoughts"]) == ("yes", "hm, hm")
    pieces = [{name: "hm, "}, {name: "hm"}, {"content": "yes"}]
    server.respond = lambda asked: Reply(events=[*({"choices": [{"delta": d}]} for d in pieces), "[DONE]"])
    assert ask(adapter(stream="yes")).meta["thoughts"] == "hm, hm"


def test_a_transcript_stands_for_content_that_is_null(adapter: Make, server: OpenAIServer) -> None:
    spoken = {"content": None, "audio": {"id": "a", "data": "", "transcript": "good morning"}}
    server.respond = lambda asked: one_choice(spoken, "stop")
    assert ask(adapter()).text == "good morning"
    server.respond = lambda asked: one_choice({**spoken, "content": "written"}, "stop")
    assert ask(adapter()).text == "written"


def test_a_stream_of_whole_messages_is_understood(adapter: Make, server: OpenAIServer) -> None:
    events = [{"choices": [{"message": {"content": text}}]} for text in ("so", "so it goes")]
    server.respond = lambda asked: Reply(events=[*events, "[DONE]"])
    assert ask(adapter(stream="yes")).text == "so it goes"


def test_a_stream_without_any_piece_is_no_empty_answer(adapter: Make, server: OpenAIServer) -> None:
    server.respond = lambda asked: Reply(events=[{"choices": [{"finish_reason": "stop"}]}, "[DONE]"])
    assert "held no piece of an answer" in str(ask(adapter(stream="yes")).error)


def test_an_answer_that_the_server_broke_off_is_asked_again(adapter: Make, server: OpenAIServer) -> None:
    server.script.append(one_choice({"content": "so f"}, "abort"))
    assert ask(adapter(retries="1")).text == "heard 100 samples"
    server.respond = lambda asked: one_choice({"content": "so f"}, "abort")
    assert "gave up in the middle of the answer (finish_reason abort)" in str(ask(adapter(retries="0")).error)
