"""Tencent Cloud's recognition of a sentence (`SentenceRecognition`, at most 60 seconds), signed by TC3-HMAC-SHA256."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from audiobench_pytest.models.endpoints.client import Question
from audiobench_pytest.models.endpoints.reading import shortened, wrong_shape
from audiobench_pytest.models.endpoints.slots import Kind, Trouble
from audiobench_pytest.models.endpoints.sounds import encoded
from audiobench_pytest.models.vendors.sending import NO_ENTRY, Account, Advice, post
from audiobench_pytest.types import Answer, Audio

if TYPE_CHECKING:
    import httpx

_SERVICE, _ACTION, _VERSION = "asr", "SentenceRecognition", "2019-06-14"
_JSON = "application/json"


def question_of(audio: Audio, engine: str) -> Question:
    """Return a clip to be written down.

    Args:
        audio: The clip.
        engine: What the vendor calls the recogniser of a language (`16k_zh`).
    """
    file = encoded(audio, "wav")
    body = {
        "EngSerViceType": engine,
        "SourceType": 1,
        "VoiceFormat": "wav",
        "Data": base64.b64encode(file).decode("ascii"),
        "DataLen": len(file),
    }
    return Question("", json.dumps(body).encode(), _JSON, audio.duration_s)


def signed(account: Account, host: str, body: bytes, timestamp: int) -> dict[str, str]:
    """Return the headers of a question.

    Args:
        account: Whose key signs it.
        host: Of the server, with its port where that is not the usual one.
        body: What is sent.
        timestamp: Seconds since 1970.
    """
    day = datetime.fromtimestamp(timestamp, UTC).strftime("%Y-%m-%d")
    asked = f"POST\n/\n\ncontent-type:{_JSON}\nhost:{host}\n\ncontent-type;host\n{hashlib.sha256(body).hexdigest()}"
    scope = f"{day}/{_SERVICE}/tc3_request"
    text = f"TC3-HMAC-SHA256\n{timestamp}\n{scope}\n{hashlib.sha256(asked.encode()).hexdigest()}"
    key = f"TC3{account.secret}".encode()
    for part in (day, _SERVICE, "tc3_request", text):
        key = hmac.digest(key, part.encode(), "sha256")
    return {
        "content-type": _JSON,
        "host": host,
        "x-tc-action": _ACTION,
        "x-tc-version": _VERSION,
        "x-tc-timestamp": str(timestamp),
        "authorization": f"TC3-HMAC-SHA256 Credential={account.name}/{scope}, SignedHeaders=content-type;host, "
        f"Signature={key.hex()}",
    }


async def exchange(
    client: httpx.AsyncClient, url: str, question: Question, *, advice: Advice, account: Account
) -> Answer:
    """Send one clip and read its text; see `models.openai.wire.exchange`.

    Raises:
        Trouble: The server refused, or what it sent is no answer.
    """
    import httpx

    started = time.perf_counter()
    headers = signed(account, httpx.URL(url).netloc.decode("ascii"), question.body, int(time.time()))
    found, _ = await post(client, f"{url}/", question.body, headers, lambda status: advice(status, url))
    reply = found.get("Response")
    if not isinstance(reply, dict):
        raise wrong_shape("no Response", found)
    if isinstance(error := reply.get("Error"), dict):
        raise _refusal(error, advice(NO_ENTRY, url))
    if not isinstance(reply.get("Result"), str):
        raise wrong_shape("no Response.Result", found)
    return Answer(text=reply["Result"], timing={"latency_s": round(time.perf_counter() - started, 6)})


def _refusal(error: Mapping[str, Any], advice: str) -> Trouble:
    code = str(error.get("Code"))
    what = shortened(f"{code}: {error.get('Message')}")
    if code.startswith("RequestLimitExceeded"):
        return Trouble(Kind.LIMITED, what)
    if code.startswith("InternalError"):
        return Trouble(Kind.FAILED, what)
    return Trouble(Kind.REFUSED, what + (advice if code.startswith("AuthFailure") else ""))
