"""What a server's reply says: text, calls of tools, thoughts, and how it ended; whole or in pieces."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from audiobench_pytest.models.endpoints.reading import WORTH_ANOTHER_TRY, message_of, shortened, wrong_shape
from audiobench_pytest.models.endpoints.slots import Kind, Trouble
from audiobench_pytest.types import Answer, Call


@dataclass
class Reply:
    """A reply as it comes in.

    Attributes:
        pieces: Of its text.
        spoken: Of the transcript of what it says aloud, which is its answer where it writes none.
        thoughts: Of what it thought first, where the server tells that apart: kept aside, no part of the answer.
        meta: What the server tells of it.
        ttft_s: Seconds to the first piece of text, of a stream.
        complete: Whether a stream came to its end.
        told: Whether anything came that could be an answer, be it an empty one.
    """

    pieces: list[str] = field(default_factory=list)
    spoken: list[str] = field(default_factory=list)
    thoughts: list[str] = field(default_factory=list)
    meta: dict[str, Any] = field(default_factory=dict)
    ttft_s: float | None = None
    complete: bool = False
    told: bool = False
    _calls: dict[int, list[str]] = field(default_factory=dict)

    def answer(self, latency_s: float) -> Answer:
        """Return it as an answer that took so many seconds.

        Raises:
            Trouble: The server ended it before the model did, or nothing in it could be an answer.
        """
        ended = self.meta.get("finish_reason")
        if ended in _GIVEN_UP:
            raise Trouble(Kind.FAILED, f"the server gave up in the middle of the answer (finish_reason {ended})")
        if not self.told:
            raise Trouble(Kind.REFUSED, "the stream held no piece of an answer (no choices[0].delta, message or text)")
        timing = {"latency_s": latency_s} | ({} if self.ttft_s is None else {"ttft_s": self.ttft_s})
        text, thoughts = "".join(self.pieces), _storable("".join(self.thoughts))
        return Answer(
            text=_storable(text if text.strip() else "".join(self.spoken) or text),
            meta={**self.meta, **({"thoughts": thoughts} if thoughts else {})},
            timing={k: round(v, 6) for k, v in timing.items()},
            calls=tuple(_call(name, arguments) for _, (name, arguments) in sorted(self._calls.items())),
        )

    def take_whole(self, reply: Any, *, is_chat: bool) -> None:
        """Take in a reply that came in one piece.

        Raises:
            Trouble: It reports an error, or has not the shape of an answer.
        """
        _refuse_error(reply)
        self.note(reply)
        if not is_chat:
            if not isinstance(reply.get("text"), str):
                raise wrong_shape("no text", reply)
            self.told = True
            self.pieces.append(reply["text"])
            return
        choice = _first_choice(reply)
        message = choice.get("message") if choice is not None else None
        says = isinstance(message, dict) and ("content" in message or any(map(message.get, _ASIDE)))
        if choice is None or not isinstance(message, dict) or not says:
            raise wrong_shape("no choices[0].message.content", reply)
        self._note_choice(choice)
        self._take_message(message, reply)

    def take_event(self, event: Any, started: float) -> None:
        """Take in one event of a stream that began at that time.

        Raises:
            Trouble: As for `take_whole`.
        """
        _refuse_error(event)
        kind = event.get("type")
        self.note(event)
        if kind == "transcript.text.delta":
            self.say(event.get("delta"), started, event)
        elif kind == "transcript.text.done":
            if not isinstance(event.get("text"), str):
                raise wrong_shape("no text", event)
            self.pieces, self.told = [event["text"]], True
            self.complete = True
        elif (choice := _first_choice(event)) is not None:
            self._note_choice(choice)
            self._take_piece(choice, started, event)
            if choice.get("finish_reason") is not None:
                self.complete = True
        elif kind is None and not isinstance(event.get("choices"), list):
            raise wrong_shape("no choices", event)

    def _take_piece(self, choice: Mapping[str, Any], started: float, event: Any) -> None:
        delta, message = choice.get("delta"), choice.get("message")
        if isinstance(delta, dict):
            self.told = True
            self._note_aside(delta)
            if delta.get("content") is not None:
                self.say(delta["content"], started, event)
        elif isinstance(message, dict):  # the whole answer so far, again and again
            self.pieces, self.spoken, self.thoughts, self._calls = [], [], [], {}
            self._take_message(message, event)
            if self.pieces and self.ttft_s is None:
                self.ttft_s = time.perf_counter() - started
        elif choice.get("text") is not None:
            self.say(choice["text"], started, event)

    def _take_message(self, message: Mapping[str, Any], reply: Any) -> None:
        self.told = True
        self._note_aside(message)
        self.pieces.append(_content(message.get("content"), reply))

    def say(self, text: Any, started: float, event: Any) -> None:
        """Take in a piece of text of a stream that began at that time.

        Raises:
            Trouble: It is no text.
        """
        if not isinstance(text, str):
            raise wrong_shape("a piece that is no text", event)
        if text and self.ttft_s is None:
            self.ttft_s = time.perf_counter() - started
        self.told = True
        self.pieces.append(text)

    def called(self, name: str, arguments: str) -> None:
        """Take in a call of a tool that came whole."""
        self._calls[len(self._calls)] = [name, arguments]

    def _note_aside(self, message: Mapping[str, Any]) -> None:
        """Take in what stands beside the text of a message, or of a piece of one."""
        self._note_refusal(message)
        self.thoughts += [message[name] for name in _THOUGHTS if isinstance(message.get(name), str)][:1]
        sound = message.get("audio")
        if isinstance(sound, dict) and isinstance(sound.get("transcript"), str):
            self.spoken.append(sound["transcript"])
        calls = message.get("tool_calls")
        for place, call in enumerate(calls if isinstance(calls, list) else ()):
            function = call.get("function") if isinstance(call, dict) else None
            if not isinstance(function, dict):
                raise wrong_shape("a call of a tool without a function", message)
            index = call.get("index")
            known = self._calls.setdefault(index if isinstance(index, int) else place, ["", ""])
            known[0] = known[0] or str(function.get("name") or "")  # some servers repeat it with each piece
            arguments = function.get("arguments") or ""
            known[1] += arguments if isinstance(arguments, str) else json.dumps(arguments)

    def note(self, reply: Mapping[str, Any]) -> None:
        """Take in what a reply, or a part of it, says of the server and of what was counted."""
        for name in ("model", "system_fingerprint"):
            if isinstance(reply.get(name), str):
                self.meta[name] = shortened(reply[name])
        usage = reply.get("usage")
        if isinstance(usage, dict):
            for name, fields in _USAGE.items():
                for key in fields:
                    if type(usage.get(key)) is int:
                        self.meta[name] = usage[key]
            for key in _USAGE_DETAILS:
                details = usage.get(key)
                if isinstance(details, dict) and type(details.get("audio_tokens")) is int:
                    self.meta["audio_tokens"] = details["audio_tokens"]
            for key in _SAID_DETAILS:
                details = usage.get(key)
                # Only where there are any: an answer in text is kept as it always was.
                if isinstance(details, dict) and type(details.get("audio_tokens")) is int and details["audio_tokens"]:
                    self.meta["spoken_tokens"] = details["audio_tokens"]

    def _note_choice(self, choice: Mapping[str, Any]) -> None:
        if isinstance(choice.get("finish_reason"), str):
            self.meta["finish_reason"] = shortened(choice["finish_reason"])

    def _note_refusal(self, message: Mapping[str, Any]) -> None:
        if isinstance(message.get("refusal"), str) and message["refusal"]:
            self.meta["refusal"] = shortened(str(self.meta.get("refusal", "")) + message["refusal"])


_ASIDE = ("tool_calls", "audio", "refusal", "reasoning_content", "reasoning")
_THOUGHTS = ("reasoning_content", "reasoning")
_GIVEN_UP = ("abort", "cancelled", "error", "insufficient_system_resource")
_USAGE = {"tokens": ("completion_tokens", "output_tokens"), "prompt_tokens": ("prompt_tokens", "input_tokens")}

_USAGE_DETAILS = ("prompt_tokens_details", "input_token_details", "input_tokens_details")
_SAID_DETAILS = ("completion_tokens_details", "output_token_details", "output_tokens_details")


def _first_choice(reply: Mapping[str, Any]) -> dict[str, Any] | None:
    choices = reply.get("choices")
    found = isinstance(choices, list) and len(choices) > 0 and isinstance(choices[0], dict)
    return dict(reply["choices"][0]) if found else None


def _content(content: Any, reply: Any) -> str:
    """Return the text of a message: plain, in parts, or none (a refusal, or nothing to say)."""
    if content is None:
        return ""
    if isinstance(content, list) and all(isinstance(p, dict) and isinstance(p.get("text"), str) for p in content):
        return "".join(part["text"] for part in content)
    if not isinstance(content, str):
        raise wrong_shape("a message content that is no text", reply)
    return content


def _refuse_error(reply: Mapping[str, Any]) -> None:
    """Some servers send an error with status 200, or in the middle of a stream."""
    error = reply.get("error")
    if not error:
        return
    code = error.get("code") if isinstance(error, dict) else None
    final = isinstance(code, int) and 400 <= code < 500 and code not in (*WORTH_ANOTHER_TRY, 429)
    raise Trouble(Kind.REFUSED if final else Kind.FAILED, f"the server reports: {message_of(reply)}")


def _call(name: str, arguments: str) -> Call:
    try:
        given = json.loads(arguments or "{}")
    except (ValueError, RecursionError):
        given = None
    return Call(_storable(name), given if isinstance(given, dict) else {"": _storable(arguments)})


def _storable(text: str) -> str:
    """Join what JSON escaped as two halves of a character; a half without its other cannot be stored as UTF-8."""
    return text if text.isascii() else text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
