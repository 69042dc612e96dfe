"""Arguments, identity and credentials of models behind a server: what is refused, and what is never written."""

from __future__ import annotations

import json
import logging
import socket
import subprocess
import sys
from typing import Any

import pytest

from audiobench_pytest.catalog.loader import load_catalog
from audiobench_pytest.errors import ModelError, UsageError
from audiobench_pytest.models.options import checked_args
from audiobench_pytest.models.registry import adapter_class, create, spec_from
from audiobench_pytest.runner.lacking import model_lacks

pytest.importorskip("httpx")
import openai_models
from openai_models import KEY, Make, ask, requests_of
from openai_server import Asked, OpenAIServer, Reply, error, heard

bare_environment = openai_models.bare_environment
server = openai_models.server
adapter = openai_models.adapter_with(retries="0")


def test_identity_holds_what_is_asked_and_neither_server_nor_speed() -> None:
    def identity(**args: str) -> dict[str, Any]:
        return create(spec_from("openai:lab/tiny"), args).identity()

    plain = identity()
    assert plain["model"] == "lab/tiny"
    assert plain["args"]["prompt"] is None
    same = {"url": "http://10.0.0.1/v1", "slots": "3", "timeout": "9", "retries": "1", "stream": "yes"}
    assert identity(**same, key_env="OTHER_KEY", patience="5", connect_timeout="1", read_timeout="2") == plain
    for name, value in {"prompt": "x", "temperature": "1", "seed": "1", "api": "transcriptions"}.items():
        assert identity(**{name: value}) != plain
    assert identity(extra_body='{"top_k": 1}')["args"]["extra_body"] == {"top_k": 1}
    json.dumps(plain)


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ({"url": "localhost:8000"}, "url is no address"),
        ({"url": " ; "}, "url is empty"),
        ({"url": "ftp://host/v1"}, "no address"),
        ({"url": "http://host:99999/v1"}, "no address"),
        ({"url": "http://a/v1;http://"}, "address 2 is no address"),
        ({"url": f"http://me:{KEY}@host/v1"}, "neither a user, a password nor parameters"),
        ({"url": f"http://host/v1?key={KEY}"}, "neither a user"),
        ({"key_env": KEY}, "name of an environment variable"),
        ({"extra_body": "{top_k: 1}"}, "extra_body is not JSON"),
        ({"extra_body": "[1]"}, "must be a JSON object"),
        ({"extra_body": '{"messages": []}'}, "must not set messages"),
        ({"prompt": "@no/such/file"}, "no/such/file"),
        ({"api": "completions"}, "must be one of chat, transcriptions"),
        ({"language": "de"}, "say it in the prompt"),
        ({"api": "transcriptions", "max_tokens": "5"}, "no such argument"),
        ({"slots": "0"}, "at least 1"),
        ({"timeout": "0"}, "more than 0"),
        ({"timeout": "nan"}, "more than 0"),
        ({"temperature": "-1"}, "at least 0"),
    ],
)
def test_wrong_arguments_are_refused_without_repeating_a_secret(args: dict[str, str], said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        create(spec_from("openai:tiny"), args)
    assert KEY not in str(caught.value)


def test_the_address_may_come_from_the_environment_and_without_one_loading_says_what_to_do(
    server: OpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = create(spec_from("openai:tiny"), {})
    with pytest.raises(ModelError, match=r"--model-args url=.*or set OPENAI_BASE_URL"):
        model.load()
    monkeypatch.setenv("OPENAI_BASE_URL", f"http://me:{KEY}@host/v1")
    with pytest.raises(ModelError, match="OPENAI_BASE_URL must hold neither") as caught:
        model.load()
    assert KEY not in str(caught.value)
    monkeypatch.setenv("OPENAI_BASE_URL", f"{server.url}/")
    model.load()
    assert [a.text for a in model.generate(requests_of(1))] == ["heard 100 samples"]
    model.close()


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("voxtral-mini-served", "http://HOST:PORT/v1"),
        ("gpt-4o-audio-azure", "https://RESOURCE.openai.azure.com/openai/v1"),
        ("gpt-4o-realtime-azure", "https://RESOURCE.openai.azure.com/openai,deployment=NAME"),
    ],
)
def test_an_address_that_nobody_has_given_is_asked_for_in_the_form_of_its_vendor(
    name: str, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    spec = load_catalog().models.get(name)
    lacking = model_lacks(spec, checked_args(adapter_class(spec.adapter), spec, {}))
    commands = [command for what, command in lacking if what.startswith("the address of a server")]
    assert commands == [f"--model-args url={address}, or OPENAI_BASE_URL"]


def test_no_proxy_is_asked_for_a_server_on_this_machine(adapter: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "")
    assert ask(adapter()).error is None


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "all_proxy"])
def test_a_server_elsewhere_is_asked_through_the_proxy_that_the_environment_names(
    adapter: Make, server: OpenAIServer, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, f"http://127.0.0.1:{server.port}")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    assert ask(adapter(url="http://models.example/v1")).error is None
    assert [asked.path for asked in server.questions] == ["http://models.example/v1/chat/completions"]


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"HTTPS_PROXY": "http://127.0.0.1:9"},
        {"HTTP_PROXY": "http://127.0.0.1:9", "NO_PROXY": "models.example"},
        {"ALL_PROXY": "http://127.0.0.1:9", "NO_PROXY": "*"},
    ],
)
def test_a_server_elsewhere_that_no_proxy_is_for_is_asked_directly(
    adapter: Make, server: OpenAIServer, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    real = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *more, **named: real("127.0.0.1", *more, **named))
    assert ask(adapter(url=f"http://models.example:{server.port}/v1")).error is None
    assert [asked.path for asked in server.questions] == ["/v1/chat/completions"]
    assert server.questions[0].headers["host"] == f"models.example:{server.port}"


def test_the_key_is_sent_and_never_written(
    adapter: Make,
    server: OpenAIServer,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("MY_KEY", f"{KEY}\n")
    caplog.set_level(logging.DEBUG)
    model = adapter(key_env="MY_KEY", retries="1")

    def echo(asked: Asked) -> Reply:  # a server that repeats all it was told wherever it can
        sent = asked.headers["authorization"]
        whole = heard(asked, f"you sent {sent}")
        assert isinstance(whole.content, dict)
        choice = {"message": {"content": f"you sent {sent}", "refusal": sent}, "finish_reason": sent}
        return Reply({**whole.content, "model": sent, "system_fingerprint": sent, "choices": [choice]})

    server.script.extend(
        [
            echo,
            lambda asked: error(401, f"wrong key: {asked.headers['authorization']}"),
            lambda asked: Reply(f"<p>{asked.headers['authorization']}</p>".encode()),
            lambda asked: Reply({"odd": asked.headers["authorization"]}),
            lambda asked: Reply({"error": {"message": asked.headers["authorization"], "code": 400}}),
        ]
    )
    answers = [ask(model) for _ in range(4)]
    assert server.questions[0].headers["authorization"] == f"Bearer {KEY}"
    assert answers[0].text == "you sent Bearer [key]"
    assert [a.error is None for a in answers] == [True, False, False, False]
    assert "[key]" in str(answers[1].error)
    written = [repr(answers), repr(model), str(vars(model)), repr(model.args), json.dumps(model.identity())]
    written += [json.dumps(model.describe()), caplog.text, *capfd.readouterr()]
    assert not [text for text in written if KEY in text]


def test_a_short_key_is_taken_out_of_errors_and_leaves_answers_alone(
    adapter: Make, server: OpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "the")
    server.script.extend([error(400, "the key: the"), lambda asked: heard(asked, "the other")])
    model = adapter()
    assert "400: [key] key: [key] (" in str(ask(model).error)
    assert ask(model).text == "the other"


@pytest.mark.parametrize(("key", "said"), [("", "MY_KEY holds no key"), ("a\tb c", "MY_KEY holds is no key")])
def test_a_variable_without_a_usable_key_is_named(
    adapter: Make, monkeypatch: pytest.MonkeyPatch, key: str, said: str
) -> None:
    monkeypatch.setenv("MY_KEY", key)
    with pytest.raises(ModelError, match=said):
        adapter(key_env="MY_KEY")


def test_no_key_sends_no_authorization(adapter: Make, server: OpenAIServer) -> None:
    ask(adapter())
    assert all("authorization" not in asked.headers for asked in server.log)


@pytest.mark.parametrize(
    ("text", "name", "source"),
    [
        ("openai:gpt-4o-audio-preview", "gpt-4o-audio-preview", "gpt-4o-audio-preview"),
        ("openai:Qwen/Qwen2-Audio-7B-Instruct", "Qwen2-Audio-7B-Instruct", "Qwen/Qwen2-Audio-7B-Instruct"),
        (" openai:qwen2-audio:7b ", "qwen2-audio-7b", "qwen2-audio:7b"),
        ("openai:/models/tiny/", "tiny", "/models/tiny/"),
    ],
)
def test_models_of_a_server_have_readable_names(text: str, name: str, source: str) -> None:
    spec = spec_from(text)
    assert (spec.name, spec.source, spec.adapter, spec.revision) == (name, source, "openai", None)


@pytest.mark.parametrize("text", ["openai:", "openai:a b", "openai:a\x00b", f"openai:http://u:{KEY}@host/v1"])
def test_what_is_no_name_of_a_model_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="openai:") as caught:
        spec_from(text)
    assert KEY not in str(caught.value)


def test_importing_the_adapter_imports_neither_client_nor_numpy() -> None:
    code = (
        "import sys\n"
        "from audiobench_pytest.models.registry import create, spec_from\n"
        "create(spec_from('openai:tiny'), {}).identity()\n"
        "heavy = {'httpx', 'numpy', 'soundfile', 'openai', 'anyio'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
