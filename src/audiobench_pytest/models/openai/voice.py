"""A voice behind an OpenAI-compatible server (`/audio/speech`): OpenAI's own, vLLM-Omni, Kokoro-FastAPI and others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from audiobench_pytest.catalog.schema import ModelSpec
from audiobench_pytest.errors import ModelError
from audiobench_pytest.models.endpoints.adapter import EndpointAdapter
from audiobench_pytest.models.endpoints.client import Question
from audiobench_pytest.models.openai.adapter import OpenAIAdapter, fixes_seed
from audiobench_pytest.models.openai.speech import speech_question
from audiobench_pytest.models.options import BodyFields, Option, TextOrFile
from audiobench_pytest.types import Request


class OpenAIVoice(OpenAIAdapter):
    """Has a server say texts, many at once; what it says of `seed` is the server's own matter.

    The time to the first sound is that of the first bytes behind the header of the file.
    """

    gives = frozenset({"speech"})
    reads_aloud = True
    takes_style = True
    draws_at_random = True
    options: ClassVar[Mapping[str, Option]] = {
        **EndpointAdapter.options,
        "voice": Option(str, "alloy", "name of the voice on the server"),
        "format": Option(str, "wav", "file that is asked for", ("wav", "flac", "pcm", "mp3", "opus")),
        "speed": Option(float, None, "how fast, 1 is as usual; default: none is sent"),
        "instructions": Option(
            TextOrFile, None, "how to say it, or @FILE, where a row does not tell, for voices that take it"
        ),
        "extra_body": Option(BodyFields, None, "more fields of the question as a JSON object, or @FILE"),
    }

    @classmethod
    def follows(cls, spec: ModelSpec, args: Mapping[str, Any]) -> bool:
        """It says what it is given."""
        return False

    @classmethod
    def is_told(cls, spec: ModelSpec, args: Mapping[str, Any]) -> bool:
        """It is told nothing but the text."""
        return False

    @classmethod
    def varies(cls, spec: ModelSpec, args: Mapping[str, Any]) -> bool:
        """Every answer is drawn anew by the server, unless it is handed a seed that is the same always."""
        return not fixes_seed(args)

    def __init__(self, spec: ModelSpec, args: Mapping[str, Any]) -> None:
        """Check the arguments; nothing is asked."""
        # What only those need that listen: they are no options here.
        super().__init__(spec, {**_UNASKED, **args})
        for name in _UNASKED:
            if name not in self.options:
                del self.args[name]
        self.sample_rate = None
        self.takes_messages = self.takes_tools = self.takes_language_hint = False
        self._is_chat = False

    def _question(self, request: Request) -> Question:
        if not request.prompt.text:
            raise ModelError(f"model '{self.spec.name}' was handed no text")
        args = self.args
        fields = {
            "model": self._served_name,
            "voice": args["voice"],
            "response_format": args["format"],
            "speed": args["speed"],
            "instructions": request.prompt.style or args["instructions"],
        }
        return speech_question(request.prompt.text, fields | (args["extra_body"] or {}))

    def describe(self) -> dict[str, Any]:
        """Return where it was asked and in which voice."""
        return {"endpoints": self._endpoints, "slots": self.args["slots"], "api": "speech", "voice": self.args["voice"]}


_UNASKED: Mapping[str, Any] = {
    "api": "transcriptions",
    "language": None,
    "max_tokens": None,
    "temperature": None,
    "prompt": None,
}
