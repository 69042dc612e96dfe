"""What a server of the realtime protocol sends until an answer is complete, in the names of both dialects."""

from __future__ import annotations

import base64
import binascii
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from audiobench_pytest.models.endpoints.reading import message_of, shortened, wrong_shape
from audiobench_pytest.models.endpoints.slots import Kind, Trouble
from audiobench_pytest.models.openai.replies import Reply
from audiobench_pytest.models.realtime.questions import RATE
from audiobench_pytest.types import Answer, Audio

_ENDINGS = {"max_output_tokens": "length"}
_TRY_AGAIN = re.compile(r"try again in ((?:\d+(?:\.\d+)?(?:ms|[hms]))+)", re.IGNORECASE)
_PIECE = re.compile(r"(\d+(?:\.\d+)?)(ms|[hms])", re.IGNORECASE)
_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3}
_LARGEST_SOUND = 512 << 20


@dataclass
class Turn:
    """An answer as it comes in.

    Attributes:
        started: When it was asked for, by `time.perf_counter`.
        advice: From a status to what the user could do about it, or "".
    """

    started: float
    advice: Callable[[int], str]
    _reply: Reply = field(default_factory=Reply)
    _sound: list[bytes] = field(default_factory=list)
    _size: int = 0
    _ttfa_s: float | None = None
    _full_until: float | None = None

    def take(self, event: Mapping[str, Any]) -> Answer | None:
        """Take in one event; return the answer where it was the last.

        Raises:
            Trouble: It reports an error, is none of the protocol, or says that there will be no answer.
        """
        kind = event.get("type")
        if not isinstance(kind, str):
            raise wrong_shape("no type", event)
        # General availability calls them `response.output_text.delta` and so on.
        match kind.replace("response.output_", "response."):
            case "response.text.delta":
                self._reply.say(event.get("delta"), self.started, event)
            case "response.audio_transcript.delta":
                self._speak(event)
            case "response.audio.delta":
                self._hear(event)
            case "rate_limits.updated":
                self._note_limits(event.get("rate_limits"))
            case "session.created" | "session.updated" if isinstance(event.get("session"), dict):
                self._reply.note(event["session"])
            case "error":
                raise self._refusal(event.get("error"))
            case "response.done":
                return self._answer(event)
        return None

    def _speak(self, event: Mapping[str, Any]) -> None:
        said = event.get("delta")
        if not isinstance(said, str):
            raise wrong_shape("a piece that is no text", event)
        if said and self._reply.ttft_s is None:
            self._reply.ttft_s = time.perf_counter() - self.started
        self._reply.told = True
        self._reply.spoken.append(said)

    def _hear(self, event: Mapping[str, Any]) -> None:
        try:
            piece = base64.b64decode(event["delta"], validate=True)
        except (KeyError, TypeError, ValueError, binascii.Error):
            raise Trouble(Kind.FAILED, "a piece of the spoken answer is no base64") from None
        if piece and self._ttfa_s is None:
            self._ttfa_s = time.perf_counter() - self.started
        self._reply.told = True
        self._sound.append(piece)
        self._size += len(piece)
        if self._size > _LARGEST_SOUND:
            raise Trouble(Kind.FAILED, f"the spoken answer is longer than {_LARGEST_SOUND >> 20} MiB")

    def _note_limits(self, limits: Any) -> None:
        """Note for how long there is nothing left of what the server counts (requests, tokens)."""
        resets = [
            float(one["reset_seconds"])
            for one in (limits if isinstance(limits, list) else ())
            if isinstance(one, dict) and one.get("remaining") == 0 and type(one.get("reset_seconds")) in (int, float)
        ]
        self._full_until = time.perf_counter() + max(resets) if resets else None

    def _answer(self, event: Mapping[str, Any]) -> Answer:
        response = event.get("response")
        if not isinstance(response, dict):
            raise wrong_shape("no response", event)
        details = response.get("status_details")
        details = details if isinstance(details, dict) else {}
        status, why = response.get("status"), str(details.get("reason") or "")
        if status == "failed":
            raise self._refusal(details.get("error"))
        if status not in ("completed", "incomplete"):
            told = f"{status}, {why}" if why else str(status)
            raise Trouble(Kind.FAILED, f"the server gave up in the middle of the answer ({shortened(told)})")
        reply = self._reply
        reply.note(response)
        reply.meta["finish_reason"] = shortened(_ENDINGS.get(why, why) or "stop")
        self._take_output(response.get("output"))
        if not reply.told and status == "completed":
            raise Trouble(Kind.FAILED, "the answer was completed without a text, a sound or a call")
        reply.told = True  # cut off or filtered before its first word is an answer of nothing, and says so
        answer = reply.answer(time.perf_counter() - self.started)
        return answer if not self._sound else replace(answer, speech=self._speech(), timing=self._timing(answer))

    def _take_output(self, output: Any) -> None:
        """Take in calls of tools, and what stands in the whole answer of a server that sent no pieces of it."""
        for item in output if isinstance(output, list) else ():
            if not isinstance(item, dict):
                continue
            if item.get("type") == "function_call":
                self._reply.told = True
                self._reply.called(str(item.get("name") or ""), str(item.get("arguments") or ""))
            content = item.get("content")
            for part in content if isinstance(content, list) and not self._has_words else ():
                if not isinstance(part, dict):
                    continue
                for name, into in (("text", self._reply.pieces), ("transcript", self._reply.spoken)):
                    if isinstance(part.get(name), str):
                        self._reply.told = True
                        into.append(part[name])

    @property
    def _has_words(self) -> bool:
        return bool(self._reply.pieces or self._reply.spoken)

    def _timing(self, answer: Answer) -> dict[str, float]:
        return {**answer.timing, **({} if self._ttfa_s is None else {"ttfa_s": round(self._ttfa_s, 6)})}

    def _speech(self) -> Audio:
        import numpy as np

        data = b"".join(self._sound)
        return Audio(np.frombuffer(data[: len(data) // 2 * 2], "<i2").astype(np.float32) / 32768.0, RATE)

    def _refusal(self, error: Any) -> Trouble:
        """Return what an error says of endpoint and question."""
        error = error if isinstance(error, dict) else {"message": shortened(str(error))}
        code, kind = str(error.get("code") or ""), str(error.get("type") or "")
        said = message_of({"error": error, "detail": error})
        what = f"the server reports: {said}" if not code or code in said else f"the server reports: {said} ({code})"
        what = what if code or not kind or kind in said else f"{what} ({kind})"
        if "insufficient_quota" in (code, kind):
            return Trouble(Kind.REFUSED, what)  # a bill to be paid: no wait helps
        if "rate_limit" in code or "rate_limit" in kind:
            return Trouble(Kind.LIMITED, what, self._wait(said))
        if code in ("invalid_api_key", "unauthorized"):
            return Trouble(Kind.REFUSED, what + self.advice(401))
        final = kind == "invalid_request_error" and code != "session_expired"
        return Trouble(Kind.REFUSED if final else Kind.FAILED, what)

    def _wait(self, said: str) -> float | None:
        """Return the seconds that a limit asks to wait: in its words, else until what it counts starts anew."""
        found = _TRY_AGAIN.search(said)
        if found is not None:
            return sum(float(number) * _UNITS[unit.lower()] for number, unit in _PIECE.findall(found[1]))
        return None if self._full_until is None else max(0.0, self._full_until - time.perf_counter())
