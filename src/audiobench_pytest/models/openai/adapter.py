"""Models behind an OpenAI-compatible server: vLLM, SGLang, OpenAI and whoever else speaks that protocol."""

from __future__ import annotations

import functools
import json
import math
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Self, TypeVar
from urllib.parse import urlsplit

from audiobench_pytest.catalog.schema import ModelSpec
from audiobench_pytest.errors import ModelError, UsageError
from audiobench_pytest.models.base import ModelAdapter
from audiobench_pytest.models.openai import wire
from audiobench_pytest.models.openai.client import HttpAsker, Limits, Question
from audiobench_pytest.models.openai.slots import Manners
from audiobench_pytest.models.options import BodyFields, Option, TextOrFile, VariableName
from audiobench_pytest.types import Answer, Request

T = TypeVar("T")

URL_VARIABLE, KEY_VARIABLE = "OPENAI_BASE_URL", "OPENAI_API_KEY"

_PROBE_S = 10.0
_LONG_KEY = 8
_MOST_NAMES = 16


class _Addresses(str):
    """Base addresses, one or several; what is refused is not repeated, since it may hold a password."""

    __slots__ = ()

    def __new__(cls, text: str, where: str = "--model-args: url") -> Self:
        urls = [part.rstrip("/") for part in re.split(r"[;\s]+", text) if part]
        if not urls:
            raise UsageError(f"{where} is empty; write for example http://localhost:8000/v1")
        for number, url in enumerate(urls, start=1):
            which = where if len(urls) == 1 else f"{where}, address {number}"
            try:
                parts = urlsplit(url)
                wrong = parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0
            except ValueError:
                wrong = True
            if wrong or not url.isprintable():
                raise UsageError(f"{which} is no address; write for example http://localhost:8000/v1")
            if "@" in parts.netloc or parts.query or parts.fragment:
                raise UsageError(
                    f"{which} must hold neither a user, a password nor parameters: it is written to the run's files; "
                    f"a key goes into the environment variable {KEY_VARIABLE}"
                )
        return super().__new__(cls, " ".join(dict.fromkeys(urls)))


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
    # Only a caller that does not stream makes batches; the slots then share one.
    batch_seconds = 7200.0
    options: ClassVar[Mapping[str, Option]] = {
        "url": Option(
            _Addresses,
            None,
            f"address of the server, several separated by ';'; default: {URL_VARIABLE}",
            (),
            False,
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
        "key_env": Option(VariableName, None, f"variable that holds the key; default: {KEY_VARIABLE}", (), False),
    }

    @classmethod
    def follows(cls, spec: ModelSpec, args: Mapping[str, Any]) -> bool:
        """A chat model does what it is told; what is behind the transcriptions api writes down speech."""
        return args["api"] == "chat" and spec.follows is not False

    def __init__(self, spec: ModelSpec, args: Mapping[str, Any]) -> None:
        """Check what was asked; nothing is sent.

        Raises:
            MissingExtraError: httpx is not installed.
            UsageError: A value out of its range, or an argument that the chosen api does not know.
        """
        super().__init__(spec, args)
        self._check_ranges()
        self._is_chat = self.args["api"] == "chat"
        for name, there in (("language", not self._is_chat), ("max_tokens", self._is_chat)):
            if self.args[name] is not None and not there:
                instead = "say it in the prompt" if self._is_chat else "use extra_body if the server knows such a field"
                self._refuse(name, f"the {self.args['api']} api has no such argument: {instead}")
        if self.args["extra_body"] is not None:
            self.args["extra_body"] = json.loads(self.args["extra_body"])
        self.takes_language_hint = not self._is_chat and self.args["language"] is None
        self.batch_rows = self.args["slots"]
        self._served_name = spec.source or spec.name
        self._key_variable = self.args["key_env"] or KEY_VARIABLE
        self._asker: HttpAsker | None = None
        self._listed: dict[str, list[str]] = {}
        self._served: dict[str, set[str]] = {"model": set(), "system_fingerprint": set()}

    def _check_ranges(self) -> None:
        for name, least in (("slots", 1), ("retries", 0), ("max_tokens", 1), ("temperature", 0)):
            if self.args[name] is not None and not least <= self.args[name] < math.inf:
                self._refuse(name, f"must be at least {least}")
        for name in ("timeout", "connect_timeout", "read_timeout", "patience"):
            if self.args[name] is not None and not 0 < self.args[name] < math.inf:
                self._refuse(name, "must be more than 0 seconds")

    def _refuse(self, name: str, why: str) -> None:
        raise UsageError(f"--model-args: {name}={self.args[name]} of model '{self.spec.name}': {why}")

    def identity(self) -> dict[str, Any]:
        """Return model name, revision and the arguments that a question is made of; no address and no key."""
        return self.base_identity()

    def load(self) -> None:
        """Open the client and see whether a server is there, by `GET /models`; a server without that route will do.

        Raises:
            ModelError: No usable address or no key is given, the key is refused, or no server can be reached.
        """
        self.close()
        urls, key = self._urls(), self._key()
        if len(key) >= _LONG_KEY and any(key in url for url in urls):
            raise ModelError(f"model '{self.spec.name}': the address of the server must not hold the key")
        headers = {"user-agent": "audiobench-pytest", **({"authorization": f"Bearer {key}"} if key else {})}
        timeout = self.args["timeout"]
        self._redact = _redactor(key)
        self._redact_text = self._redact if len(key) >= _LONG_KEY else str
        self._asker = HttpAsker(
            urls,
            functools.partial(wire.exchange, advice=self._advice),
            Manners(self.args["slots"], self.args["retries"], self.args["patience"]),
            Limits(timeout, min(timeout, self.args["connect_timeout"]), self.args["read_timeout"] or timeout),
            headers,
            self._redact,
        )
        try:
            self._probe(self._asker, urls)
        except BaseException:
            self.close()
            raise

    def _urls(self) -> list[str]:
        given = self.args["url"]
        if given is None:
            if not (text := os.environ.get(URL_VARIABLE, "").strip()):
                raise ModelError(
                    f"model '{self.spec.name}': no server is given: write --model-args url=http://localhost:8000/v1 "
                    f"(OpenAI's own is https://api.openai.com/v1) or set {URL_VARIABLE}"
                )
            try:
                given = _Addresses(text, URL_VARIABLE)
            except UsageError as exc:
                raise ModelError(f"model '{self.spec.name}': {exc}") from None
        return str(given).split()

    def _key(self) -> str:
        key = os.environ.get(self._key_variable, "").strip()
        if not key and self.args["key_env"] is not None:
            raise ModelError(f"model '{self.spec.name}': the environment variable {self._key_variable} holds no key")
        if not (key.isascii() and key.isprintable()) or " " in key:
            raise ModelError(
                f"model '{self.spec.name}': what the environment variable {self._key_variable} holds is no key: "
                "it has characters that a header cannot have"
            )
        return key

    def _probe(self, asker: HttpAsker, urls: Sequence[str]) -> None:
        limit = min(_PROBE_S, self.args["timeout"])
        troubles = []
        for url in urls:
            trouble, listed = asker.call(functools.partial(wire.look_up, url=url, limit=limit, advice=self._advice))
            self._listed[url] = listed
            if trouble is not None:
                troubles.append(f"{url}: {trouble}")
        if len(troubles) == len(urls):
            raise ModelError(self._redact(f"model '{self.spec.name}': {'; '.join(troubles)}"))

    def _advice(self, status: int, url: str) -> str:
        if status in (401, 403):
            held = "holds one that is not accepted" if os.environ.get(self._key_variable, "").strip() else "is not set"
            return f"; the key must be in the environment variable {self._key_variable}, which {held}"
        if status == 404 and (listed := self._listed.get(url)):
            return f"; it serves {', '.join(listed[:5])}{', ...' if len(listed) > 5 else ''}"
        return ""

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
        if self._asker is None:
            raise ModelError(f"model '{self.spec.name}' was asked before it was loaded")
        for item, answer in self._asker.run(items, lambda item: self._question(request_of(item))):
            meta = {k: self._redact(v) if isinstance(v, str) else v for k, v in answer.meta.items()}
            for name, seen in self._served.items():
                if name in meta and len(seen) < _MOST_NAMES:
                    seen.add(meta[name])
            yield item, Answer(self._redact_text(answer.text), answer.error, meta, answer.timing)

    def _question(self, request: Request) -> Question:
        if request.audio is None:
            raise ModelError(f"model '{self.spec.name}' was handed no sound")
        args = self.args
        prompt = request.prompt.text if request.prompt.text is not None else args["prompt"]
        fields = {
            "model": self._served_name,
            "temperature": args["temperature"],
            "seed": args["seed"],
            "stream": args["stream"] or None,
        }
        if self._is_chat:
            fields |= {"max_tokens": args["max_tokens"]}
            fields |= {"stream_options": {"include_usage": True}} if args["stream"] else {}
            fields |= args["extra_body"] or {}
            return wire.chat_question(request.audio, args["audio_format"], prompt, fields)
        language = args["language"] or request.prompt.language
        fields |= {"prompt": prompt, "response_format": "json"}
        fields |= {"language": None if language in (None, "auto") else re.split("[-_]", language)[0]}
        fields |= args["extra_body"] or {}
        return wire.transcription_question(request.audio, args["audio_format"], fields)

    def close(self) -> None:
        """Cancel what is in flight and close all connections."""
        if self._asker is not None:
            self._asker.close()
            self._asker = None

    def describe(self) -> dict[str, Any]:
        """Return where it was asked and what the servers said they are."""
        told = {f"served_{name}": sorted(seen) for name, seen in self._served.items() if seen}
        return {"endpoints": sorted(self._listed), "slots": self.args["slots"], "api": self.args["api"], **told}


def _redactor(key: str) -> Callable[[str], str]:
    """Return what takes the key out of a text; a short one (`none`, `EMPTY`) only where it stands as a word."""
    if not key:
        return str
    word = re.escape(key) if len(key) >= _LONG_KEY else rf"(?<!\w){re.escape(key)}(?!\w)"
    pattern = re.compile(word)
    return lambda text: pattern.sub("[key]", text)
