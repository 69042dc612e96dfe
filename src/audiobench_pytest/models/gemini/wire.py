"""What goes over the wire to Gemini's `generateContent`: bodies of questions, and replies."""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from audiobench_pytest.models.endpoints.client import Question
from audiobench_pytest.models.endpoints.reading import complaint, shortened, wrong_shape
from audiobench_pytest.models.endpoints.slots import Kind, Trouble
from audiobench_pytest.models.endpoints.sounds import encoded, placed
from audiobench_pytest.types import Answer, Audio, Request, Sound

if TYPE_CHECKING:
    import httpx

_USAGE = {"promptTokenCount": "prompt_tokens", "candidatesTokenCount": "tokens"}
_DELAY = re.compile(r"(\d+(?:\.\d+)?)s")


def question_of(
    request: Request,
    model: str,
    prompt: str | None,
    container: str,
    generation: Mapping[str, Any],
    more: Mapping[str, Any],
) -> Question:
    """Return a question: the turns of a prompt, or one instruction and the sound.

    Args:
        request: What is asked.
        model: What the server calls the model.
        prompt: The instruction where the prompt has no turns.
        container: How sound is sent, `wav` or `flac`.
        generation: `generationConfig`; what is None is left out.
        more: Further fields of the body, laid over it at last.

    Raises:
        ModelError: The prompt places a sound that the request does not bring.
    """
    seconds = 0.0

    def part(piece: str | Sound) -> dict[str, Any]:
        nonlocal seconds
        if isinstance(piece, str):
            return {"text": piece}
        sound = placed(request, piece)
        seconds += sound.duration_s
        return _heard(sound, container)

    body: dict[str, Any] = {"generationConfig": {k: v for k, v in generation.items() if v is not None}}
    contents = []
    for message in request.prompt.messages:
        parts = [part(piece) for piece in message.parts]
        if message.role == "system":
            body["systemInstruction"] = {"parts": parts}
        else:
            contents.append({"role": "model" if message.role == "assistant" else "user", "parts": parts})
    if not contents:
        instruction: Sequence[str | Sound] = (prompt,) if prompt else ()
        contents.append({"role": "user", "parts": [part(piece) for piece in (*instruction, Sound())]})
    body = {**body, "contents": contents, **more}
    return Question(f"models/{model}:generateContent", json.dumps(body).encode(), "application/json", seconds)


def _heard(sound: Audio, container: str) -> dict[str, Any]:
    data = base64.b64encode(encoded(sound, container)).decode("ascii")
    return {"inlineData": {"mimeType": f"audio/{container}", "data": data}}


async def exchange(
    client: httpx.AsyncClient, url: str, question: Question, *, advice: Callable[[int, str], str]
) -> Answer:
    """Send one question and read its reply; see `models.openai.wire.exchange`.

    Raises:
        Trouble: The server refused, or what it sent is no answer.
    """
    started = time.perf_counter()
    response = await client.post(
        f"{url}/{question.path}", content=question.body, headers={"content-type": question.content_type}
    )
    if not response.is_success:
        found = complaint(response, response.content)
        if found.kind is Kind.LIMITED and found.wait is None:
            found.wait = _asked_to_wait(response.content)
        found.what += advice(response.status_code, url)
        raise found
    try:
        reply = json.loads(response.content)
    except ValueError:
        raise Trouble(Kind.FAILED, "the reply is not JSON") from None
    return answer_of(reply, time.perf_counter() - started)


def answer_of(reply: Any, latency_s: float) -> Answer:
    """Return a reply as an answer that took so many seconds.

    A question that was withheld is answered with nothing, and its `finish_reason` says why.

    Raises:
        Trouble: It has not the shape of an answer.
    """
    if not isinstance(reply, dict):
        raise wrong_shape("not an object", reply)
    meta = _told(reply)
    candidates = reply.get("candidates")
    blocked = (reply.get("promptFeedback") or {}).get("blockReason")
    if blocked and not candidates:
        return Answer(meta={**meta, "finish_reason": shortened(str(blocked))}, timing={"latency_s": latency_s})
    first = candidates[0] if isinstance(candidates, list) and candidates else None
    if not isinstance(first, dict):
        raise wrong_shape("no candidates[0]", reply)
    if isinstance(first.get("finishReason"), str):
        meta["finish_reason"] = shortened(first["finishReason"])
    content = first.get("content")
    parts = content.get("parts", []) if isinstance(content, dict) else []
    texts = [part for part in parts if isinstance(part, dict) and isinstance(part.get("text"), str)]
    if thoughts := "".join(part["text"] for part in texts if part.get("thought")):
        meta["thoughts"] = thoughts
    text = "".join(part["text"] for part in texts if not part.get("thought"))
    return Answer(text=text, meta=meta, timing={"latency_s": round(latency_s, 6)})


def _told(reply: Mapping[str, Any]) -> dict[str, Any]:
    meta: dict[str, Any] = {}
    if isinstance(reply.get("modelVersion"), str):
        meta["model"] = shortened(reply["modelVersion"])
    usage = reply.get("usageMetadata")
    if not isinstance(usage, dict):
        return meta
    meta |= {ours: usage[theirs] for theirs, ours in _USAGE.items() if type(usage.get(theirs)) is int}
    if type(usage.get("thoughtsTokenCount")) is int:  # paid as the answer is
        meta["tokens"] = meta.get("tokens", 0) + usage["thoughtsTokenCount"]
    details = usage.get("promptTokensDetails")
    for one in details if isinstance(details, list) else ():
        if isinstance(one, dict) and one.get("modality") == "AUDIO" and type(one.get("tokenCount")) is int:
            meta["audio_tokens"] = one["tokenCount"]
    return meta


def _asked_to_wait(body: bytes) -> float | None:
    """Return the seconds that `google.rpc.RetryInfo` in an error asks to wait, or None."""
    try:
        details = json.loads(body)["error"]["details"]
        delays = [str(one["retryDelay"]) for one in details if "retryDelay" in one]
    except (ValueError, KeyError, TypeError):
        return None
    match = _DELAY.fullmatch(delays[0]) if delays else None
    return float(match[1]) if match else None
