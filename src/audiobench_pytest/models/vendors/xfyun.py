"""iFLYTEK's transcription of recordings: an upload, and a result that is asked for until it is there."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import math
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from audiobench_pytest.models.endpoints.client import Question
from audiobench_pytest.models.endpoints.reading import shortened, wrong_shape
from audiobench_pytest.models.endpoints.slots import Kind, Trouble
from audiobench_pytest.models.endpoints.sounds import encoded
from audiobench_pytest.models.vendors.sending import NO_ENTRY, Account, Advice, post
from audiobench_pytest.types import Answer, Audio

if TYPE_CHECKING:
    import httpx

_DONE, _LIMITED, _NO_ENTRY = "000000", "26603", "26601"
_WRITTEN, _FAILED = 4, -1
FIRST_WAIT_S, _LONGEST_WAIT_S, _GROWTH = 1.0, 10.0, 1.5
"""Between two looks at an order; a hundred looks are allowed."""


def question_of(audio: Audio, engine: str) -> Question:
    """Return a clip to be written down.

    Args:
        audio: The clip.
        engine: What the vendor calls the language (`cn`, `en`).
    """
    file = encoded(audio, "wav")
    seconds = max(1, math.ceil(audio.duration_s))
    named = {"fileName": "clip.wav", "fileSize": len(file), "duration": seconds, "language": engine}
    return Question(f"upload?{urlencode(named)}", file, "application/json", audio.duration_s)


def signature(account: Account, timestamp: str) -> str:
    """Return what shows that an account asks at a time (seconds since 1970)."""
    told = hashlib.md5(f"{account.name}{timestamp}".encode(), usedforsecurity=False).hexdigest()
    return base64.b64encode(hmac.digest(account.secret.encode(), told.encode(), "sha1")).decode("ascii")


async def exchange(
    client: httpx.AsyncClient, url: str, question: Question, *, advice: Advice, account: Account
) -> Answer:
    """Upload one clip, wait for its text and read it; see `models.openai.wire.exchange`.

    Raises:
        Trouble: The server refused or failed, or what it sent is no answer.
    """
    started = time.perf_counter()

    async def ask(path: str, body: bytes) -> Mapping[str, Any]:
        now = str(int(time.time()))
        who = urlencode({"appId": account.name, "ts": now, "signa": signature(account, now)})
        headers = {"content-type": question.content_type}
        reply, _ = await post(client, f"{url}/{path}&{who}", body, headers, lambda status: advice(status, url))
        if reply.get("code") != _DONE:
            raise _refusal(reply, advice(NO_ENTRY, url))
        if not isinstance(content := reply.get("content"), dict):
            raise wrong_shape("no content", reply)
        return content

    order = (await ask(question.path, question.body)).get("orderId")
    wait = FIRST_WAIT_S
    while True:
        content = await ask(f"getResult?{urlencode({'orderId': order})}", b"")
        info = content.get("orderInfo")
        if not isinstance(info, dict):
            raise wrong_shape("no content.orderInfo", dict(content))
        if info.get("status") == _WRITTEN:
            break
        if info.get("status") == _FAILED:
            raise Trouble(Kind.REFUSED, f"it could not be written down (failType {info.get('failType')})")
        await asyncio.sleep(wait)
        wait = min(_LONGEST_WAIT_S, wait * _GROWTH)
    text = text_of(content.get("orderResult"))
    return Answer(text=text, timing={"latency_s": round(time.perf_counter() - started, 6)})


def text_of(result: Any) -> str:
    """Return the best text of an order's result, its sentences with a space between them.

    Raises:
        Trouble: It has not the shape of a result.
    """
    try:
        sentences = [
            "".join(word["cw"][0]["w"] for word in part["ws"])
            for lattice in json.loads(result)["lattice"]
            for part in json.loads(lattice["json_1best"])["st"]["rt"]
        ]
    except (ValueError, TypeError, LookupError):
        raise Trouble(Kind.FAILED, "content.orderResult is no result") from None
    return " ".join(sentences)


def _refusal(reply: Mapping[str, Any], advice: str) -> Trouble:
    code = str(reply.get("code"))
    what = shortened(f"code {code}: {reply.get('descInfo')}")
    if code == _LIMITED:
        return Trouble(Kind.LIMITED, what)
    return Trouble(Kind.REFUSED, what + (advice if code == _NO_ENTRY else ""))
