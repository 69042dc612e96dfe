"""Gemini by its vendor's own protocol."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from audiobench_pytest.catalog.schema import ModelSpec
from audiobench_pytest.models.endpoints.client import Question
from audiobench_pytest.models.endpoints.connection import Protocol
from audiobench_pytest.models.gemini import wire
from audiobench_pytest.models.openai.adapter import OpenAIAdapter
from audiobench_pytest.models.options import Option
from audiobench_pytest.types import Request

_PROTOCOL = Protocol(wire.exchange, "x-goog-api-key")
_NOT_TAKEN = ("stream", "language", "key_header", "data_url")


class GeminiAdapter(OpenAIAdapter):
    """Asks `generateContent`, many questions at once; slots, patience and the key are those of every server."""

    options: ClassVar[Mapping[str, Option]] = {
        **{name: option for name, option in OpenAIAdapter.options.items() if name not in _NOT_TAKEN},
        "api": Option(str, "chat", "what the server is asked through", ("chat",)),
    }

    def __init__(self, spec: ModelSpec, args: Mapping[str, Any]) -> None:
        """Check what was asked; nothing is sent; see the base class."""
        super().__init__(spec, {"language": None, **args})
        self.args.pop("language")
        self.takes_tools = False

    def identity(self) -> dict[str, Any]:
        """Return that of every server; seeded draws are told from those of before, which were copies of the first."""
        identity = super().identity()
        seeded = self.args["seed"] is not None and self.varies(self.spec, self.args)
        return {**identity, "draws": "seeded"} if seeded else identity

    def _protocol(self) -> Protocol:
        return _PROTOCOL

    def _question(self, request: Request) -> Question:
        args = self.args
        prompt = self._instruction(request)
        generation = {
            "temperature": args["temperature"],
            "maxOutputTokens": args["max_tokens"],
            "seed": self._seed(request),
        }
        more = args["extra_body"] or {}
        return wire.question_of(request, self._served_name, prompt, args["audio_format"], generation, more)
