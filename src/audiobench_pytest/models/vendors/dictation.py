"""iFLYTEK's dictation over a websocket: a clip of a minute at most, sent as if it was being spoken."""

from __future__ import annotations

import base64
import hmac
import json
import time
from collections.abc import Mapping
from email.utils import formatdate
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from audiobench_pytest.models.endpoints.client import Question
from audiobench_pytest.models.endpoints.reading import shortened, wrong_shape
from audiobench_pytest.models.endpoints.slots import Kind, Trouble
from audiobench_pytest.models.realtime.wire import Websockets, conversed
from audiobench_pytest.models.vendors.sending import Account, Advice
from audiobench_pytest.types import Answer, Audio

if TYPE_CHECKING:
    import httpx
    import numpy as np
    from numpy.typing import NDArray

RATE = 16_000
_LONGEST_S = 60.0
_FRAME = 8000
"""Bytes of one frame: a quarter of a second."""

FRAME_EVERY_S = 0.04
"""Between two frames."""

_FIRST, _NEXT, _LAST = 0, 1, 2


def question_of(audio: Audio, engine: str, application: str) -> Question:
    """Return a clip to be written down, a frame on each line.

    Args:
        audio: The clip, at 16 kHz.
        engine: What the vendor calls the language (`zh_cn`, `en_us`).
        application: The application's id, which is no secret.

    Raises:
        Trouble: It is longer than is written down.
    """
    import numpy as np

    samples: NDArray[np.int16] = np.rint(np.clip(audio.samples, -1.0, 1.0) * 32767.0).astype("<i2")
    sound = samples.tobytes()
    pieces = [sound[start : start + _FRAME] for start in range(0, len(sound), _FRAME)] or [b""]
    frames: list[dict[str, Any]] = [{"data": _data(_NEXT, piece)} for piece in pieces]
    frames[0]["data"]["status"] = _FIRST
    accent = {"accent": "mandarin"} if engine == "zh_cn" else {}
    frames[0] |= {"common": {"app_id": application}, "business": {"domain": "iat", "language": engine, **accent}}
    frames.append({"data": _data(_LAST, b"")})
    body = "\n".join(json.dumps(frame) for frame in frames).encode()
    return Question("iat", body, "application/json", audio.duration_s)


def _data(status: int, piece: bytes) -> dict[str, Any]:
    told = base64.b64encode(piece).decode("ascii")
    return {"status": status, "format": f"audio/L16;rate={RATE}", "encoding": "raw", "audio": told}


def signed(account: Account, host: str, path: str, date: str) -> str:
    """Return the path of a connection with what shows who opens it.

    Args:
        account: API key and API secret.
        host: Of the server, with its port where that is not the usual one.
        path: Of the request, from its slash on.
        date: Now, as HTTP writes it.
    """
    asked = f"host: {host}\ndate: {date}\nGET {path} HTTP/1.1"
    signature = base64.b64encode(hmac.digest(account.secret.encode(), asked.encode(), "sha256")).decode("ascii")
    who = (
        f'api_key="{account.name}", algorithm="hmac-sha256", headers="host date request-line", signature="{signature}"'
    )
    told = {"authorization": base64.b64encode(who.encode()).decode("ascii"), "date": date, "host": host}
    return f"{path.rsplit('/', 1)[-1]}?{urlencode(told)}"


class DictationExchange:
    """Sends a clip over a connection of its own and reads its text."""

    def __init__(self) -> None:
        self._websockets = Websockets()

    async def __call__(
        self, client: httpx.AsyncClient, url: str, question: Question, *, advice: Advice, account: Account
    ) -> Answer:
        """Send one clip and read its text; see `models.openai.wire.exchange`.

        Raises:
            Trouble: The server refused, or what it sent is no text.
        """
        if question.seconds > _LONGEST_S:
            raise Trouble(Kind.REFUSED, f"lasts {question.seconds:.1f} s; {_LONGEST_S:g} s are written down at most")
        parts = urlsplit(url)
        path = signed(account, parts.netloc, f"{parts.path}/{question.path}", formatdate(usegmt=True))
        started = time.perf_counter()
        socket = await self._websockets.opened(client, url, path, {}, advice)
        words: list[str] = []

        def take(event: Mapping[str, Any]) -> list[str] | None:
            return words if _ended(event, words) else None

        await conversed(socket, question.body, client.timeout.read, take, FRAME_EVERY_S)
        return Answer(text="".join(words), timing={"latency_s": round(time.perf_counter() - started, 6)})


def _ended(event: Mapping[str, Any], words: list[str]) -> bool:
    """Take in what a message adds to the text; return whether it was the last.

    Raises:
        Trouble: It reports an error, or has not the shape of a result.
    """
    if event.get("code") != 0:
        raise Trouble(Kind.REFUSED, shortened(f"code {event.get('code')}: {event.get('message')}"))
    try:
        data = event["data"]
        words += [word["cw"][0]["w"] for word in (data.get("result") or {}).get("ws", ())]
        return bool(data["status"] == _LAST)
    except (LookupError, TypeError, AttributeError):
        raise wrong_shape("no result", dict(event)) from None
