"""Models behind an OpenAI-compatible server: vLLM, SGLang, OpenAI and whoever else speaks that protocol."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, ClassVar

from audiobench_pytest.catalog.schema import ModelSpec
from audiobench_pytest.errors import ModelError
from audiobench_pytest.models.base import drawn_seed
from audiobench_pytest.models.endpoints.adapter import EndpointAdapter
from audiobench_pytest.models.endpoints.client import Question
from audiobench_pytest.models.endpoints.connection import Protocol
from audiobench_pytest.models.openai import wire
from audiobench_pytest.models.openai.messages import conversation_question
from audiobench_pytest.models.openai.wire import AZURE, OPENAI
from audiobench_pytest.models.options import BodyFields, Option, TextOrFile
from audiobench_pytest.types import Request


def fixes_seed(args: Mapping[str, Any]) -> bool:
    """Whether `extra_body` has a seed, which is laid over that of each draw: all of them would be one."""
    given = args.get("extra_body")
    body = json.loads(given) if isinstance(given, str) else given or {}
    return any(isinstance(one, Mapping) and one.get("seed") is not None for one in (body, body.get("generationConfig")))


class OpenAIAdapter(EndpointAdapter):
    """Asks for chat completions, or for transcriptions.

    `extra_body` is laid over the body at last; a null there takes a field out, for servers that refuse it
    (`{"temperature": null}`).
    """

    may_take_tools = True
    options: ClassVar[Mapping[str, Option]] = {
        **EndpointAdapter.options,
        "api": Option(str, "chat", "what the server is asked through", ("chat", "transcriptions")),
        "prompt": Option(TextOrFile, None, "instruction (chat) or text that went before (transcriptions), or @FILE"),
        "language": Option(str, None, "transcriptions: this language, or auto: not told; default: the dataset's"),
        "temperature": Option(float, 0.0, "0 is greedy"),
        "max_tokens": Option(int, None, "chat: most tokens of an answer; default: the server's"),
        "seed": Option(int, None, "seed of the server's sampling; default: none is sent"),
        "audio_format": Option(str, "wav", "how sound is sent, 16 bit either way", ("wav", "flac")),
        "extra_body": Option(BodyFields, None, "more fields of the question as a JSON object, or @FILE"),
        "stream": Option(bool, False, "have answers streamed, which tells the time to the first token", (), False),
        "key_header": Option(
            str,
            OPENAI.key_header,
            "header that holds the key: authorization, or api-key as Azure wants it",
            (OPENAI.key_header, AZURE.key_header),
            False,
        ),
        "data_url": Option(bool, False, "send sound as a data: address, as DashScope wants it", (), False),
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
        """Return what the address looks like: Azure's is that of a resource."""
        azure = args.get("key_header") == AZURE.key_header
        return "https://RESOURCE.openai.azure.com/openai/v1" if azure else super().address_like(args)

    def __init__(self, spec: ModelSpec, args: Mapping[str, Any]) -> None:
        """Check what was asked; nothing is sent.

        Raises:
            MissingExtraError: httpx is not installed.
            UsageError: A value out of its range, or an argument that the chosen api does not know.
        """
        super().__init__(spec, args)
        for name, least in (("max_tokens", 1), ("temperature", 0)):
            self._check_least(name, least)
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

    def _protocol(self) -> Protocol:
        return AZURE if self.args.get("key_header") == AZURE.key_header else OPENAI

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

    def describe(self) -> dict[str, Any]:
        """Return where it was asked, through what, and what the servers said they are."""
        return {**super().describe(), "api": self.args["api"]}
