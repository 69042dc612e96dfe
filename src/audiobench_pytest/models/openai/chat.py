"""Text questions to a model behind an OpenAI-compatible server: no sound, many at once; a judge is asked through it.

`models.openai.adapter` is for models that listen.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable, Generator, Iterable, Mapping
from typing import Any, TypeVar

from audiobench_pytest.errors import MissingExtraError
from audiobench_pytest.models.endpoints.client import Question
from audiobench_pytest.models.endpoints.connection import Connection, ServerSettings
from audiobench_pytest.models.openai import wire
from audiobench_pytest.types import Answer

T = TypeVar("T")


class ChatClient(Connection):
    """A connection over which messages are sent.

    Raises:
        MissingExtraError: httpx is not installed.
    """

    def __init__(self, settings: ServerSettings, who: str, option: str) -> None:
        """Connect; see the base class."""
        if importlib.util.find_spec("httpx") is None:
            raise MissingExtraError(who, "httpx", "api")
        super().__init__(settings, who, option, wire.OPENAI)

    def ask(
        self, items: Iterable[T], body_of: Callable[[T], Mapping[str, Any]]
    ) -> Generator[tuple[T, Answer], None, None]:
        """Yield each item with its answer, as `run` does.

        Args:
            items: What is to be asked.
            body_of: Makes the JSON body: `model`, `messages` and sampling; what is None is left out.
        """

        def question(item: T) -> Question:
            body = {name: value for name, value in body_of(item).items() if value is not None}
            return Question(wire.CHAT, json.dumps(body).encode(), "application/json", 0.0)

        return self.run(items, question)
