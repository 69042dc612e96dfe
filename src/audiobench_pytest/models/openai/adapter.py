"""Models behind an OpenAI-compatible server: vLLM, SGLang, OpenAI and whoever else speaks that protocol."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, TypeVar

from audiobench_pytest.catalog.schema import ModelSpec
from audiobench_pytest.errors import ModelError, UsageError
from audiobench_pytest.models.base import ModelAdapter, drawn_seed
from audiobench_pytest.models.endpoints.client import Question
from audiobench_pytest.models.endpoints.connection import (
    AZURE,
    KEY_VARIABLE,
    OPENAI,
    URL_VARIABLE,
    Addresses,
    Connection,
    Protocol,
    ServerSettings,
)
from audiobench_pytest.models.openai import wire
from audiobench_pytest.models.openai.messages import conversation_question
from audiobench_pytest.models.options import BodyFields, Option, TextOrFile, VariableName
from audiobench_pytest.types import Answer, Request

T = TypeVar("T")

_MOST_NAMES = 16


def fixes_seed(args: Mapping[str, Any]) -> bool:
    """Whether `extra_body` has a seed, which is laid over that of each draw: all of them would be one."""
    given = args.get("extra_body")
    body = json.loads(given) if isinstance(given, str) else given or {}
    return any(isinstance(one, Mapping) and one.get("seed") is not None for one in (body, body.get("generationConfig")))


CONNECTION = (
    "url",
    "revision",
    "slots",
    "timeout",
    "connect_timeout",
    "read_timeout",
    "retries",
    "patience",
    "key_env",
)
"""Options of whatever is asked of a server, whichever protocol it speaks."""


class OpenAIAdapter(ModelAdapter):
    """Asks a server, many questions at once; which slots, time-outs and endpoints are used changes no answer.

    The key of an answer holds the model's name and the arguments of the question, not the server's address: the same
    model behind another port is the same model. What the server says it is (`model`, `system_fingerprint`) is kept with
    each answer. Who serves other weights under the same name gives the catalogue entry another `revision`.

    `extra_body` is laid over the body at last; a null there takes a field out, for servers that refuse it
    (`{"temperature": null}`).
    """

    packages: ClassVar[tuple[str, ...]] = ("httpx",)
    extra: ClassVar[str] = "api"
    streams = True
    may_take_tools = True
    # Only a caller that does not stream makes batches; the slots then share one.
    batch_seconds = 7200.0
    options: ClassVar[Mapping[str, Option]] = {
        "url": Option(
            Addresses,
            None,
            f"address of the server, several separated by ';'; default: {URL_VARIABLE}",
            (),
            False,
        ),
        "revision": Option(
            str, None, "what the server's owner calls its weights: who gives it vouches for them", (), False
        ),
        "api": Option(str, "chat", "what the server is asked through", ("chat", "transcriptions")),
        "prompt": Option(TextOrFile, None, "instruction (chat) or text that went before (transcriptions), or @FILE"),
        "language": Option(str, None, "transcriptions: this language, or auto: not told; default: the dataset's"),
        "temperature": Option(float, 0.0, "0 is greedy"),
        "max_tokens": Option(int, None, "chat: most tokens of an answer; default: the server's"),
        "seed": Option(int, None, "seed of the server's sampling; default: none is sent"),
        "audio_format": Option(str, "wav", "how sound is sent, 16 bit either way", ("wav", "flac")),
        "extra_body": Option(BodyFields, None, "more fields of the question as a JSON object, or @FILE"),
        "stream": Option(bool, False, "have answers streamed, which tells the time to the first token", (), False),
        "slots": Option(int, 32, "most questions at once; fewer are asked while a server is overloaded", (), False),
        "timeout": Option(float, 300.0, "seconds for one attempt at one question", (), False),
        "connect_timeout": Option(float, 10.0, "seconds until a connection must stand", (), False),
        "read_timeout": Option(float, None, "longest silence in seconds; default: the whole time-out", (), False),
        "retries": Option(int, 4, "how often a question is asked again after a failure", (), False),
        "patience": Option(float, 180.0, "seconds without one success until a server is given up", (), False),
        "key_header": Option(
            str,
            OPENAI.key_header,
            "header that holds the key: authorization, or api-key as Azure wants it",
            (OPENAI.key_header, AZURE.key_header),
            False,
        ),
        "data_url": Option(bool, False, "send sound as a data: address, as DashScope wants it", (), False),
        "key_env": Option(VariableName, None, f"variable that holds the key; default: {KEY_VARIABLE}", (), False),
    }

    @classmethod
    def varies(cls, spec: ModelSpec, args: Mapping[str, Any]) -> bool:
        """Whether it samples: at a temperature above 0 or the server's own, and from no seed that stays the same."""
        return (args["temperature"] is None or args["temperature"] > 0) and not fixes_seed(args)

    @classmethod
    def follows(cls, spec: ModelSpec, args: Mapping[str, Any]) -> bool:
        """A chat model does what it is told; what is behind the transcriptions api writes down speech."""
        return args["api"] == "chat" and spec.follows is not False

    @classmethod
    def address_like(cls, args: Mapping[str, Any]) -> str:
        """Return what the address of such a server looks like, for who has given none."""
        azure = args.get("key_header") == AZURE.key_header
        return "https://RESOURCE.openai.azure.com/openai/v1" if azure else "http://HOST:PORT/v1"

    @classmethod
    def lacks(cls, spec: ModelSpec, args: Mapping[str, Any]) -> list[tuple[str, str]]:
        """Return the packages that are not there, an address that nobody has given, and the key that a vendor wants."""
        found = super().lacks(spec, args)
        if args["url"] is None and not os.environ.get(URL_VARIABLE, "").strip():
            what = f"the address of a server that has {spec.source or spec.name}"
            found.append((what, f"--model-args url={cls.address_like(args)}, or {URL_VARIABLE}"))
        if spec.args.get("key_env") and not os.environ.get(str(args["key_env"]), "").strip():
            found.append((f"a key for {spec.name}", f"the environment variable {args['key_env']}"))
        return found

    def __init__(self, spec: ModelSpec, args: Mapping[str, Any]) -> None:
        """Check what was asked; nothing is sent.

        Raises:
            MissingExtraError: httpx is not installed.
            UsageError: A value out of its range, or an argument that the chosen api does not know.
        """
        super().__init__(spec, args)
        self._check_ranges()
        self._is_chat = self.args["api"] == "chat"
        self.takes_messages = self.takes_tools = self._is_chat
        self.most_sounds = None if self._is_chat else 1
        for name, there in (("language", not self._is_chat), ("max_tokens", self._is_chat)):
            if self.args[name] is not None and not there:
                instead = "say it in the prompt" if self._is_chat else "use extra_body if the server knows such a field"
                self._refuse(name, f"the {self.args['api']} api has no such argument: {instead}")
        if self.args["extra_body"] is not None:
            self.args["extra_body"] = json.loads(self.args["extra_body"])
        self.takes_language_hint = not self._is_chat and self.args["language"] is None
        self.batch_rows = self.args["slots"]
        self._served_name = spec.source or spec.name
        self._connection: Connection | None = None
        self._endpoints: list[str] = []
        self._served: dict[str, set[str]] = {"model": set(), "system_fingerprint": set()}

    def _check_ranges(self) -> None:
        for name, least in (("slots", 1), ("retries", 0), ("max_tokens", 1), ("temperature", 0)):
            if self.args[name] is not None and not least <= self.args[name] < math.inf:
                self._refuse(name, f"must be at least {least}")
        for name in ("timeout", "connect_timeout", "read_timeout", "patience"):
            if self.args.get(name) is not None and not 0 < self.args[name] < math.inf:
                self._refuse(name, "must be more than 0 seconds")

    def _refuse(self, name: str, why: str) -> None:
        raise UsageError(f"--model-args: {name}={self.args[name]} of model '{self.spec.name}': {why}")

    def identity(self) -> dict[str, Any]:
        """Return model name, revision and the arguments that a question is made of; no address and no key."""
        identity = self.base_identity()
        return identity if self.args["revision"] is None else {**identity, "revision": self.args["revision"]}

    def load(self) -> None:
        """Open the client and see whether a server is there, by `GET /models`; a server without that route will do.

        Raises:
            ModelError: No usable address or no key is given, the key is refused, or no server can be reached.
        """
        self.close()
        args = self.args
        self._connect(self._settings(url=args["url"], key_env=args["key_env"], patience_s=args["patience"]))

    def _settings(self, **where: Any) -> ServerSettings:
        args = self.args
        return ServerSettings(
            concurrency=args["slots"],
            timeout_s=args["timeout"],
            retries=args["retries"],
            connect_s=args["connect_timeout"],
            read_s=args["read_timeout"],
            **where,
        )

    def _protocol(self) -> Protocol:
        return AZURE if self.args.get("key_header") == AZURE.key_header else OPENAI

    def _connect(self, settings: ServerSettings) -> None:
        """Open the client.

        Raises:
            ModelError: No server can be reached, or it refuses the key.
        """
        try:
            who = f"model '{self.spec.name}'"
            self._connection = Connection(settings, who, "--model-args url=", self._protocol())
        except UsageError as exc:  # what only the environment could tell was not there before
            raise ModelError(str(exc)) from None
        self._endpoints = sorted(self._connection.urls)

    def generate(self, batch: Sequence[Request]) -> list[Answer]:
        """Answer a batch, as many of it at once as there are slots."""
        answers: list[Answer | None] = [None] * len(batch)
        for (row, _), answer in self._run(enumerate(batch), lambda numbered: numbered[1]):
            answers[row] = answer
        return [answer for answer in answers if answer is not None]

    def stream(self, requests: Iterator[Request]) -> Iterator[tuple[Request, Answer]]:
        """Answer requests in the order in which the servers do."""
        return self._run(requests, lambda request: request)

    def _run(self, items: Iterator[T], request_of: Callable[[T], Request]) -> Iterator[tuple[T, Answer]]:
        if self._connection is None:
            raise ModelError(f"model '{self.spec.name}' was asked before it was loaded")
        for item, answer in self._connection.run(items, lambda item: self._question(request_of(item))):
            for name, seen in self._served.items():
                if name in answer.meta and len(seen) < _MOST_NAMES:
                    seen.add(answer.meta[name])
            yield item, answer

    def _instruction(self, request: Request) -> str | None:
        """Return what is said beside the sound where the prompt has no turns.

        Raises:
            ModelError: There is nothing to be heard.
        """
        if request.audio is None and not request.prompt.messages:
            raise ModelError(f"model '{self.spec.name}' was handed no sound")
        return request.prompt.text if request.prompt.text is not None else self.args["prompt"]

    def _seed(self, request: Request) -> int | None:
        """Return the seed of one question, another for each of several answers; None where none is sent."""
        seed = self.args["seed"]
        return None if seed is None else drawn_seed(seed, request.draw)

    def _question(self, request: Request) -> Question:
        args = self.args
        prompt = self._instruction(request)
        fields = {
            "model": self._served_name,
            "temperature": args["temperature"],
            "seed": self._seed(request),
            "stream": args["stream"] or None,
        }
        if self._is_chat:
            fields |= {"max_tokens": args["max_tokens"]}
            fields |= {"stream_options": {"include_usage": True}} if args["stream"] else {}
            fields |= args["extra_body"] or {}
            container = wire.Container(args["audio_format"], bool(args.get("data_url")))
            if request.prompt.messages:
                return conversation_question(request, container, fields)
            assert request.audio is not None
            return wire.chat_question(request.audio, container, prompt or "", fields)
        if request.audio is None:
            raise ModelError(f"model '{self.spec.name}' was handed no sound")
        language = args["language"] or request.prompt.language
        fields |= {"prompt": prompt, "response_format": "json"}
        fields |= {"language": None if language in (None, "auto") else re.split("[-_]", language)[0]}
        fields |= args["extra_body"] or {}
        return wire.transcription_question(request.audio, args["audio_format"], fields)

    def close(self) -> None:
        """Cancel what is in flight and close all connections."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def describe(self) -> dict[str, Any]:
        """Return where it was asked and what the servers said they are."""
        told = {f"served_{name}": sorted(seen) for name, seen in self._served.items() if seen}
        return {"endpoints": self._endpoints, "slots": self.args["slots"], "api": self.args["api"], **told}
