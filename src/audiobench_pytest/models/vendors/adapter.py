"""Recognisers behind their vendors' own protocols: Tencent Cloud, iFLYTEK, Doubao."""

from __future__ import annotations

import abc
import functools
import os
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, ClassVar

from audiobench_pytest.catalog.schema import ModelSpec
from audiobench_pytest.errors import ModelError
from audiobench_pytest.models.endpoints.adapter import EndpointAdapter
from audiobench_pytest.models.endpoints.client import Question
from audiobench_pytest.models.endpoints.connection import Protocol
from audiobench_pytest.models.options import Option, VariableName
from audiobench_pytest.models.vendors import dictation, doubao, tencent, xfyun
from audiobench_pytest.models.vendors.sending import Account
from audiobench_pytest.types import Answer, Audio, Request


class VendorAdapter(EndpointAdapter):
    """Uploads each clip and reads its text, many at once; slots and patience are those of every server.

    Two things say who asks: a name of the account (`id_env`) and its secret (`key_env`), both from the environment.
    """

    options: ClassVar[Mapping[str, Option]] = {
        **EndpointAdapter.options,
        "id_env": Option(VariableName, None, "variable that holds the account's name", (), False),
        "engine": Option(str, None, "which of the vendor's recognisers answers, or in what language"),
    }
    key_header: ClassVar[str] = ""
    exchange: Callable[..., Awaitable[Answer]]

    @classmethod
    def varies(cls, spec: ModelSpec, args: Mapping[str, Any]) -> bool:
        """A vendor's recogniser is expected to repeat itself."""
        return False

    @classmethod
    def follows(cls, spec: ModelSpec, args: Mapping[str, Any]) -> bool:
        """It writes down speech and nothing else."""
        return False

    @classmethod
    def lacks(cls, spec: ModelSpec, args: Mapping[str, Any]) -> list[tuple[str, str]]:
        """Return the packages that are not there, and the halves of the account that the environment does not hold."""
        found = super().lacks(spec, args)
        if not _held(args["id_env"]):
            found.append((f"an account for {spec.name}", f"the environment variable {args['id_env']}"))
        return found

    def _protocol(self) -> Protocol:
        account = Account(self._named("id_env"), self._named("key_env"))
        return Protocol(functools.partial(self.exchange, account=account), self.key_header)

    def _named(self, part: str) -> str:
        """Return what the environment variable holds that an argument names.

        Raises:
            ModelError: It holds nothing.
        """
        if not (found := _held(self.args[part])):
            raise ModelError(f"model '{self.spec.name}': the environment variable {self.args[part]} holds nothing")
        return found

    def _question(self, request: Request) -> Question:
        if request.audio is None:
            raise ModelError(f"model '{self.spec.name}' was handed no sound")
        return self._asked(request.audio, str(self.args["engine"]))

    @abc.abstractmethod
    def _asked(self, audio: Audio, engine: str) -> Question:
        """Return a clip as this vendor is asked to write it down; see `question_of` of each protocol."""


class TencentAdapter(VendorAdapter):
    """Tencent Cloud; `engine` is its `EngSerViceType`. The secret signs and is not sent."""

    exchange = staticmethod(tencent.exchange)

    def _asked(self, audio: Audio, engine: str) -> Question:
        return tencent.question_of(audio, engine)


class XfyunAdapter(VendorAdapter):
    """iFLYTEK's transcription of recordings; `engine` is its `language`. The secret signs and is not sent."""

    exchange = staticmethod(xfyun.exchange)

    def _asked(self, audio: Audio, engine: str) -> Question:
        return xfyun.question_of(audio, engine)


class XfyunDictationAdapter(VendorAdapter):
    """iFLYTEK's dictation over websockets; `engine` is its `language`.

    The account is an API key (`id_env`) and an API secret (`key_env`), which signs and is not sent; an application's id
    (`app_env`) stands in the question.
    """

    packages: ClassVar[tuple[str, ...]] = ("httpx", "websockets")
    extra: ClassVar[str] = "realtime"
    options: ClassVar[Mapping[str, Option]] = {
        **VendorAdapter.options,
        "app_env": Option(VariableName, None, "variable that holds the application's id", (), False),
    }

    @classmethod
    def lacks(cls, spec: ModelSpec, args: Mapping[str, Any]) -> list[tuple[str, str]]:
        """Return what is not there, the application's id among it; see the base class."""
        found = super().lacks(spec, args)
        if not _held(args["app_env"]):
            found.append((f"an application for {spec.name}", f"the environment variable {args['app_env']}"))
        return found

    def _protocol(self) -> Protocol:
        self._application = self._named("app_env")
        self.exchange = dictation.DictationExchange()
        return super()._protocol()

    def _asked(self, audio: Audio, engine: str) -> Question:
        return dictation.question_of(audio, engine, self._application)


class DoubaoAdapter(VendorAdapter):
    """Doubao; `engine` is its `model_name`."""

    key_header = doubao.KEY_HEADER
    exchange = staticmethod(doubao.exchange)

    def _asked(self, audio: Audio, engine: str) -> Question:
        return doubao.question_of(audio, engine)


def _held(variable: Any) -> str:
    """Return what an environment variable holds, or ""."""
    return os.environ.get(str(variable), "").strip()
