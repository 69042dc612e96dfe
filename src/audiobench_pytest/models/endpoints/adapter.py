"""What every model behind a server has in common: where it is, how hard it is asked, many questions at once."""

from __future__ import annotations

import abc
import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, TypeVar

from audiobench_pytest.catalog.schema import ModelSpec
from audiobench_pytest.errors import ModelError, UsageError
from audiobench_pytest.models.base import ModelAdapter
from audiobench_pytest.models.endpoints.client import Question
from audiobench_pytest.models.endpoints.connection import (
    KEY_VARIABLE,
    URL_VARIABLE,
    Addresses,
    Connection,
    Protocol,
    ServerSettings,
)
from audiobench_pytest.models.options import Option, VariableName
from audiobench_pytest.types import Answer, Request

T = TypeVar("T")

_MOST_NAMES = 16


class EndpointAdapter(ModelAdapter):
    """Asks a server, many questions at once; which slots, time-outs and endpoints are used changes no answer.

    The key of an answer holds the model's name and the arguments of the question, not the server's address: the same
    model behind another port is the same model. What the server says it is (`model`, `system_fingerprint`) is kept with
    each answer. Who serves other weights under the same name gives the catalogue entry another `revision`.

    A protocol is a subclass with its `_protocol` and its `_question`.
    """

    packages: ClassVar[tuple[str, ...]] = ("httpx",)
    extra: ClassVar[str] = "api"
    streams = True
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
        "slots": Option(int, 32, "most questions at once; fewer are asked while a server is overloaded", (), False),
        "timeout": Option(float, 300.0, "seconds for one attempt at one question", (), False),
        "connect_timeout": Option(float, 10.0, "seconds until a connection must stand", (), False),
        "read_timeout": Option(float, None, "longest silence in seconds; default: the whole time-out", (), False),
        "retries": Option(int, 4, "how often a question is asked again after a failure", (), False),
        "patience": Option(float, 180.0, "seconds without one success until a server is given up", (), False),
        "key_env": Option(VariableName, None, f"variable that holds the key; default: {KEY_VARIABLE}", (), False),
    }

    @classmethod
    def address_like(cls, args: Mapping[str, Any]) -> str:
        """Return what the address of such a server looks like, for who has given none."""
        return "http://HOST:PORT/v1"

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
            UsageError: A value out of its range.
        """
        super().__init__(spec, args)
        for name, least in (("slots", 1), ("retries", 0)):
            self._check_least(name, least)
        for name in ("timeout", "connect_timeout", "read_timeout", "patience"):
            if self.args.get(name) is not None and not 0 < self.args[name] < math.inf:
                self._refuse(name, "must be more than 0 seconds")
        self.batch_rows = self.args["slots"]
        self._served_name = spec.source or spec.name
        self._connection: Connection | None = None
        self._endpoints: list[str] = []
        self._served: dict[str, set[str]] = {"model": set(), "system_fingerprint": set()}

    def _check_least(self, name: str, least: int) -> None:
        if self.args[name] is not None and not least <= self.args[name] < math.inf:
            self._refuse(name, f"must be at least {least}")

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

    @abc.abstractmethod
    def _protocol(self) -> Protocol:
        """Return how its server is spoken to."""

    @abc.abstractmethod
    def _question(self, request: Request) -> Question:
        """Return what is sent for one request; what it raises is that request's error."""

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

    def close(self) -> None:
        """Cancel what is in flight and close all connections."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def describe(self) -> dict[str, Any]:
        """Return where it was asked and what the servers said they are."""
        told = {f"served_{name}": sorted(seen) for name, seen in self._served.items() if seen}
        return {"endpoints": self._endpoints, "slots": self.args["slots"], **told}
