"""Doubao's recognition of a recording in one question (Volcano Engine, `recognize/flash`)."""

from __future__ import annotations

import base64
import json
import time
import uuid
from typing import TYPE_CHECKING

from audiobench_pytest.models.endpoints.client import Question
from audiobench_pytest.models.endpoints.reading import shortened, wrong_shape
from audiobench_pytest.models.endpoints.slots import Kind, Trouble
from audiobench_pytest.models.endpoints.sounds import encoded
from audiobench_pytest.models.vendors.sending import Account, Advice, post
from audiobench_pytest.types import Answer, Audio

if TYPE_CHECKING:
    import httpx

KEY_HEADER = "x-api-access-key"
_RESOURCE = "volc.bigasr.auc_turbo"
_DONE, _SILENT, _BUSY, _BROKEN = "20000000", "20000003", "55000031", "550"


def question_of(audio: Audio, engine: str) -> Question:
    """Return a clip to be written down.

    Args:
        audio: The clip.
        engine: What the vendor calls the model (`bigmodel`).
    """
    data = base64.b64encode(encoded(audio, "wav")).decode("ascii")
    body = {"audio": {"format": "wav", "data": data}, "request": {"model_name": engine}}
    return Question("recognize/flash", json.dumps(body).encode(), "application/json", audio.duration_s)


async def exchange(
    client: httpx.AsyncClient, url: str, question: Question, *, advice: Advice, account: Account
) -> Answer:
    """Send one clip and read its text; see `models.openai.wire.exchange`.

    Raises:
        Trouble: The server refused, or what it sent is no answer.
    """
    started = time.perf_counter()
    headers = {
        "content-type": question.content_type,
        "x-api-app-key": account.name,
        "x-api-resource-id": _RESOURCE,
        "x-api-request-id": str(uuid.uuid4()),
        "x-api-sequence": "-1",
    }
    address = f"{url}/{question.path}"
    reply, told = await post(client, address, question.body, headers, lambda status: advice(status, url))
    code = told.get("x-api-status-code", "")
    timing = {"latency_s": round(time.perf_counter() - started, 6)}
    if code == _SILENT:
        return Answer(text="", meta={"finish_reason": "silence"}, timing=timing)
    if code != _DONE:
        what = shortened(f"status {code or 'missing'}: {told.get('x-api-message', '')}")
        kind = Kind.LIMITED if code == _BUSY else Kind.FAILED if code.startswith(_BROKEN) else Kind.REFUSED
        raise Trouble(kind, what)
    result = reply.get("result")
    if not isinstance(result, dict) or not isinstance(result.get("text"), str):
        raise wrong_shape("no result.text", reply)
    return Answer(text=result["text"], timing=timing)
