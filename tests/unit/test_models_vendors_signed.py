"""Recognisers by their vendors' own protocols against a loopback server that checks who asks."""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import json
import re
import time
import wave
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest

pytest.importorskip("httpx")
import openai_models
from openai_models import KEY, all_heard, ask, requests_of, texts
from openai_server import Asked, OpenAIServer, Reply

from audiobench_pytest.catalog.loader import load_catalog
from audiobench_pytest.errors import ModelError
from audiobench_pytest.models.options import checked_args
from audiobench_pytest.models.registry import adapter_class, create
from audiobench_pytest.models.vendors import tencent, xfyun
from audiobench_pytest.models.vendors.sending import Account

bare_environment = openai_models.bare_environment
short_delays = openai_models.short_delays
server = openai_models.server

NAME = "account-7"
VENDORS = {
    "tencent-zh": ("TENCENTCLOUD_SECRET_ID", "TENCENTCLOUD_SECRET_KEY", ""),
    "xfyun-offline-en": ("XFYUN_APP_ID", "XFYUN_SECRET_KEY", "/v2/api"),
    "doubao-llm-asr": ("DOUBAO_APP_ID", "DOUBAO_ACCESS_KEY", "/api/v3/auc/bigmodel"),
}


def heard(file: bytes) -> str:
    with wave.open(io.BytesIO(file)) as sound:
        assert (sound.getframerate(), sound.getnchannels(), sound.getsampwidth()) == (16_000, 1, 2)
        return f"heard {sound.getnframes()} samples"


def chained(key: bytes, *parts: str) -> bytes:
    for part in parts:
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key


def by_tencent(asked: Asked) -> Reply:
    """What its rules for signatures say, from what was sent and the secret that both sides know."""
    head, body = asked.headers, asked.fields
    stamp = head["x-tc-timestamp"]
    day = time.strftime("%Y-%m-%d", time.gmtime(int(stamp)))
    form = rf"TC3-HMAC-SHA256 Credential={NAME}/{day}/asr/tc3_request, SignedHeaders=content-type;host, Signature=(\w+)"
    given = re.fullmatch(form, head["authorization"])
    signed = f"content-type:{head['content-type']}\nhost:{head['host']}\n\ncontent-type;host"
    canonical = f"POST\n{asked.path}\n\n{signed}\n{hashlib.sha256(asked.body).hexdigest()}"
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    text = f"TC3-HMAC-SHA256\n{stamp}\n{day}/asr/tc3_request\n{digest}"
    right = chained(b"TC3" + KEY.encode(), day, "asr", "tc3_request", text).hex()
    if given is None or given[1] != right or abs(time.time() - int(stamp)) > 300:
        return Reply({"Response": {"Error": {"Code": "AuthFailure.SignatureFailure", "Message": "no"}}})
    assert (head["x-tc-action"], head["x-tc-version"]) == ("SentenceRecognition", "2019-06-14")
    file = base64.b64decode(body.pop("Data"), validate=True)
    assert body == {"EngSerViceType": "16k_zh", "SourceType": 1, "VoiceFormat": "wav", "DataLen": len(file)}
    return Reply({"Response": {"Result": heard(file), "AudioDuration": 1, "RequestId": "r"}})


class Orders:
    """What iFLYTEK does: an order has its text at the second look."""

    def __init__(self) -> None:
        self.files: list[bytes] = []
        self.looks: list[str] = []

    def __call__(self, asked: Asked) -> Reply:
        where = urlsplit(asked.path)
        told = {name: values[0] for name, values in parse_qs(where.query, strict_parsing=True).items()}
        digest = hashlib.md5((told["appId"] + told["ts"]).encode()).hexdigest().encode()
        right = base64.b64encode(hmac.new(KEY.encode(), digest, hashlib.sha1).digest()).decode()
        if told["appId"] != NAME or told["signa"] != right or abs(time.time() - int(told["ts"])) > 300:
            return Reply({"code": "26601", "descInfo": "no", "content": {}})
        if where.path == "/v2/api/upload":
            assert (told["fileSize"], told["language"]) == (str(len(asked.body)), "en")
            assert told["fileName"].endswith(".wav")
            assert told["duration"] == "1"
            self.files.append(asked.body)
            return Reply({"code": "000000", "content": {"orderId": f"order {len(self.files) - 1}"}})
        assert where.path == "/v2/api/getResult"
        order = told["orderId"]
        self.looks.append(order)
        if self.looks.count(order) == 1:
            return Reply({"code": "000000", "content": {"orderInfo": {"status": 3}, "orderResult": ""}})
        words = heard(self.files[int(order.split()[1])]).split()
        ws = [{"cw": [{"w": word if n == 0 else f" {word}"}, {"w": "worse"}]} for n, word in enumerate(words[:2])]
        parts = [{"ws": ws}, {"ws": [{"cw": [{"w": words[2]}]}]}]
        lattice = [{"json_1best": json.dumps({"st": {"rt": parts}})}]
        content = {"orderInfo": {"status": 4}, "orderResult": json.dumps({"lattice": lattice})}
        return Reply({"code": "000000", "content": content})


def by_doubao(asked: Asked) -> Reply:
    head, body = asked.headers, asked.fields
    assert asked.path == "/api/v3/auc/bigmodel/recognize/flash"
    if (head["x-api-app-key"], head["x-api-access-key"]) != (NAME, KEY):
        return Reply({"error": {"message": "no"}}, 403)
    assert (head["x-api-resource-id"], head["x-api-sequence"]) == ("volc.bigasr.auc_turbo", "-1")
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", head["x-api-request-id"])
    assert body["request"] == {"model_name": "bigmodel"}
    text = heard(base64.b64decode(body["audio"]["data"], validate=True))
    return Reply({"result": {"text": text}}, headers={"x-api-status-code": "20000000"})


@pytest.fixture
def make(server: OpenAIServer, monkeypatch: pytest.MonkeyPatch) -> Iterator:
    monkeypatch.setattr(xfyun, "FIRST_WAIT_S", 0.01)
    made = []

    def one(vendor: str, secret: str = KEY, **args: str):
        name_variable, secret_variable, path = VENDORS[vendor]
        monkeypatch.setenv(name_variable, NAME)
        monkeypatch.setenv(secret_variable, secret)
        server.respond = {"tencent-zh": by_tencent, "doubao-llm-asr": by_doubao}.get(vendor) or Orders()
        url = server.url.removesuffix("/v1") + path
        made.append(create(load_catalog().models.get(vendor), {"url": url, "retries": "0", **args}))
        made[-1].load()
        return made[-1]

    yield one
    for adapter in made:
        adapter.close()


@pytest.mark.parametrize("vendor", VENDORS)
def test_each_clip_is_answered_with_its_own_text(vendor, make):
    assert texts(make(vendor).generate(requests_of(5))) == all_heard(5)


@pytest.mark.parametrize("vendor", VENDORS)
def test_another_secret_is_refused_and_not_told(vendor, make):
    answer = ask(make(vendor, secret="sk-another-0123456789"))
    assert "sk-another" not in answer.error
    assert f"the environment variable {VENDORS[vendor][1]}, which holds one that is not accepted" in answer.error


@pytest.mark.parametrize("vendor", ["tencent-zh", "xfyun-offline-en"])
def test_a_secret_that_signs_is_not_sent(vendor, make, server):
    assert ask(make(vendor)).error is None
    for asked in server.log:
        assert KEY not in f"{asked.path} {asked.headers} {asked.body!r}"


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_model_without_its_account_says_what_it_lacks(vendor, monkeypatch):
    spec = load_catalog().models.get(vendor)
    variables = VENDORS[vendor][:2]
    for variable in variables:
        monkeypatch.delenv(variable, raising=False)
    kind = adapter_class(spec.adapter)
    told = [how for _, how in kind.lacks(spec, checked_args(kind, spec, {}))]
    assert sorted(told) == sorted(f"the environment variable {variable}" for variable in variables)
    assert not kind.follows(spec, {})
    for missing, there in (variables, variables[::-1]):
        monkeypatch.delenv(missing, raising=False)
        monkeypatch.setenv(there, "there")
        with pytest.raises(ModelError, match=f"the environment variable {missing} holds nothing"):
            create(spec, {}).load()


LIMITED = {
    "tencent-zh": Reply({"Response": {"Error": {"Code": "RequestLimitExceeded.UinLimit", "Message": "slower"}}}),
    "xfyun-offline-en": Reply({"code": "26603", "descInfo": "slower"}),
    "doubao-llm-asr": Reply({}, headers={"x-api-status-code": "55000031"}),
}


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_vendor_that_asks_for_patience_is_asked_again(vendor, make, server):
    adapter = make(vendor)
    server.script.append(LIMITED[vendor])
    assert ask(adapter).text == "heard 100 samples"


FAULTS = [
    (
        "tencent-zh",
        {"Response": {"Error": {"Code": "InvalidParameterValue.X", "Message": "long"}}},
        {},
        "Value.X: long",
    ),
    ("tencent-zh", {"Response": {"Error": {"Code": "InternalError", "Message": "oh"}}}, {}, "InternalError: oh"),
    ("tencent-zh", {"Response": {}}, {}, "not the shape of an answer .no Response.Result"),
    ("tencent-zh", {}, {}, "not the shape of an answer .no Response."),
    ("tencent-zh", "<p>", {}, "the reply is not JSON"),
    ("xfyun-offline-en", {"code": "26625", "descInfo": "no hours left"}, {}, "code 26625: no hours left"),
    ("xfyun-offline-en", {"code": "000000"}, {}, "not the shape of an answer .no content"),
    ("doubao-llm-asr", {}, {"x-api-status-code": "45000151", "x-api-message": "format"}, "status 45000151: format"),
    ("doubao-llm-asr", {}, {}, "status missing"),
    ("doubao-llm-asr", {}, {"x-api-status-code": "20000000"}, "not the shape of an answer .no result.text"),
]


@pytest.mark.parametrize(("vendor", "content", "headers", "told"), FAULTS)
def test_what_is_no_answer_is_that_samples_error(vendor, content, headers, told, make, server):
    adapter = make(vendor)
    server.script.append(Reply(content, headers=headers))
    assert re.search(told, ask(adapter).error)
    assert ask(adapter).text == "heard 100 samples"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ({"orderInfo": {"status": -1, "failType": 6}}, "could not be written down .failType 6"),
        ({"orderInfo": {"status": 4}, "orderResult": "{}"}, "content.orderResult is no result"),
        ({}, "no content.orderInfo"),
    ],
)
def test_an_order_that_failed_is_that_samples_error(content, told, make, server):
    adapter = make("xfyun-offline-en")
    server.script += [
        Reply({"code": "000000", "content": {"orderId": "o"}}),
        Reply({"code": "000000", "content": content}),
    ]
    assert re.search(told, ask(adapter).error)


def test_silence_is_an_empty_answer_of_doubao(make, server):
    adapter = make("doubao-llm-asr")
    server.script.append(Reply({}, headers={"x-api-status-code": "20000003"}))
    answer = ask(adapter)
    assert (answer.error, answer.text, answer.meta["finish_reason"]) == (None, "", "silence")


def test_the_signature_is_that_of_the_vendors_own_client():
    """As tencentcloud-sdk-python 3.1.195 signs this body."""
    headers = tencent.signed(Account("AKIDname", "secretkey"), "asr.tencentcloudapi.com", b'{"a": 1}', 1732777777)
    assert headers["authorization"].endswith(
        "Signature=77e50c29bb87a70f83320856c2cd2669214f1e60c426549be1440d107adb8a96"
    )


def test_a_secret_is_not_shown():
    assert KEY not in repr(Account(NAME, KEY))


def test_the_recogniser_is_part_of_the_identity_and_the_account_is_not(make):
    one, other = make("tencent-zh"), make("tencent-zh", engine="16k_zh_dialect")
    assert one.identity() != other.identity()
    assert not {"url", "id_env", "key_env"} & one.identity()["args"].keys()
