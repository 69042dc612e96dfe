"""Models behind OpenAI's realtime protocol, that hear and answer in text or in speech: OpenAI's, Azure's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, ClassVar, TypeVar
from urllib.parse import urlencode

from audiobench_pytest.catalog.schema import ModelSpec
from audiobench_pytest.models.endpoints.adapter import EndpointAdapter
from audiobench_pytest.models.endpoints.client import Question
from audiobench_pytest.models.endpoints.connection import Protocol
from audiobench_pytest.models.openai.adapter import OpenAIAdapter
from audiobench_pytest.models.options import Option, TextOrFile
from audiobench_pytest.models.realtime.questions import GA, PREVIEW, RATE, Session, question_of
from audiobench_pytest.models.realtime.wire import RealtimeExchange
from audiobench_pytest.types import Answer, Request

T = TypeVar("T")

_SHARED = (*EndpointAdapter.options, "prompt", "max_tokens", "extra_body", "key_header")
_AS_ASKED, _SPEECH = "asked", "speech"


class RealtimeAdapter(OpenAIAdapter):
    """Asks over websockets, one for each question and as many at once as there are slots.

    Slots, patience, retries and the key are those of every server. The address is that of the HTTP protocol
    (`https://api.openai.com/v1`), at which it is seen whether a server is there; `/realtime` behind it is asked.
    """

    packages: ClassVar[tuple[str, ...]] = ("httpx", "websockets")
    extra: ClassVar[str] = "realtime"
    gives = frozenset({"text", "speech"})
    draws_at_random = True
    options: ClassVar[Mapping[str, Option]] = {
        **{name: OpenAIAdapter.options[name] for name in _SHARED},
        "dialect": Option(str, GA, "of the protocol: general availability, or the preview", (GA, PREVIEW)),
        "modality": Option(
            str,
            _AS_ASKED,
            "asked: in text or in speech, as the task wants; speech: always spoken",
            (_AS_ASKED, _SPEECH),
        ),
        "voice": Option(str, "alloy", "who speaks"),
        "instructions": Option(TextOrFile, None, "what the session is told, or @FILE; default: the server's own words"),
        "temperature": Option(float, None, "of the preview, 0.6 to 1.2; default: the server's"),
        "extra_body": replace(OpenAIAdapter.options["extra_body"], help="more fields of the session as JSON, or @FILE"),
        "deployment": Option(str, None, "what the server calls the model, where its name is another", (), False),
        "api_version": Option(
            str, None, "Azure's dated version, of a deployment at https://RESOURCE.openai.azure.com/openai", (), False
        ),
        "slots": Option(int, 8, "most connections at once; fewer while a server is overloaded", (), False),
    }

    @classmethod
    def varies(cls, spec: ModelSpec, args: Mapping[str, Any]) -> bool:
        """It samples: the protocol takes neither a seed nor a temperature of 0."""
        return True

    @classmethod
    def follows(cls, spec: ModelSpec, args: Mapping[str, Any]) -> bool:
        """It does what it is told."""
        return spec.follows is not False

    @classmethod
    def address_like(cls, args: Mapping[str, Any]) -> str:
        """Return what the address looks like: Azure's dated versions have one of their own, and ask a deployment."""
        dated = "https://RESOURCE.openai.azure.com/openai,deployment=NAME"
        return super().address_like(args) if args["api_version"] is None else dated

    def __init__(self, spec: ModelSpec, args: Mapping[str, Any]) -> None:
        """Check what was asked; nothing is sent; see the base class.

        Raises:
            MissingExtraError: httpx or websockets is not installed.
            UsageError: A value out of its range, or one that the dialect does not know.
        """
        super().__init__(spec, {"api": "chat", "language": None, **args})
        for name in ("api", "language"):
            del self.args[name]
        if self.args["temperature"] is not None and self.args["dialect"] == GA:
            self._refuse("temperature", f"the dialect '{GA}' has none; leave it out, or write dialect={PREVIEW}")
        if self.args["api_version"] is not None and self.args["dialect"] == GA:
            self._refuse("api_version", f"dated versions speak the preview's dialect; write dialect={PREVIEW}")
        self.sample_rate = RATE
        self._session = Session(
            self.args["dialect"],
            self.args["voice"],
            self.args["instructions"],
            self.args["temperature"],
            self.args["max_tokens"],
            self.args["extra_body"] or {},
        )
        self._path = f"realtime?{self._query()}"

    def _query(self) -> str:
        name, version = self.args["deployment"] or self._served_name, self.args["api_version"]
        return urlencode({"model": name} if version is None else {"api-version": version, "deployment": name})

    def _protocol(self) -> Protocol:
        spoken = super()._protocol()
        return replace(spoken, exchange=RealtimeExchange(self.args["dialect"], spoken.key_header))

    def _run(self, items: Iterator[T], request_of: Callable[[T], Request]) -> Iterator[tuple[T, Answer]]:
        for item, answer in super()._run(items, request_of):
            # What is spoken although a text was asked for is its transcript; its sound is nobody's.
            wanted = request_of(item).prompt.answer == _SPEECH
            yield item, answer if wanted else replace(answer, speech=None)

    def _question(self, request: Request) -> Question:
        aloud = _SPEECH in (request.prompt.answer, self.args["modality"])
        return question_of(request, self._path, self._session, self._instruction(request), aloud=aloud)

    def describe(self) -> dict[str, Any]:
        """Return where it was asked, how, and what the servers said they are."""
        told = {f"served_{name}": sorted(seen) for name, seen in self._served.items() if seen}
        asked = {name: self.args[name] for name in ("slots", "dialect", "modality", "voice")}
        return {"endpoints": self._endpoints, "api": "realtime", **asked, **told}
