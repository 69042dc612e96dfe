"""Models behind a server that the harness starts: the server of `vllm serve`, of SGLang, of FunASR."""

from __future__ import annotations

import contextlib
import math
import os
import re
import shlex
import shutil
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from audiobench_pytest.catalog.schema import ModelSpec
from audiobench_pytest.errors import ModelError
from audiobench_pytest.models.base import Weights, weights_of
from audiobench_pytest.models.endpoints.adapter import EndpointAdapter
from audiobench_pytest.models.isolated.environment import Environment, ensure, is_made
from audiobench_pytest.models.isolated.interpreters import find_interpreter, without_our_python
from audiobench_pytest.models.openai.adapter import OpenAIAdapter
from audiobench_pytest.models.options import Option, TextOrFile, checked_args
from audiobench_pytest.models.served import pinned
from audiobench_pytest.models.served.programs import FUNASR, MODEL_SCOPE, SGLANG, VLLM, Asked, Program
from audiobench_pytest.models.served.running import Running, StoppedError, Wanted
from audiobench_pytest.models.transformers.devices import VISIBLE, visible
from audiobench_pytest.types import Answer, Request

T = TypeVar("T")

_NOT_TAKEN = ("url", "key_env", "key_header", "data_url", "revision", "patience")
_LOOK_S = 0.2
_HANGS_S = 300.0
_LONGEST_DELAY_S = 1.0


class ServedAdapter(OpenAIAdapter):
    """Starts a server, asks it many questions at once, and ends it with the run.

    The server runs in an environment of its own where the entry names requirements and its program is not on the PATH.
    Processes of one run that see the same GPUs share it. One that dies, or gives no answer for too long, is started
    once more, at the same port: questions that were on their way are asked again. When it dies a second time the model
    is given up.

    The checkpoint is part of the identity as with `transformers`: by commit, or by the content of a folder; so are
    files that `server_args` and `server_command` name, and the requirements of an environment that is made for the
    server. The version of a server that is on the PATH is recorded with the run.
    """

    program: ClassVar[Program]
    fills_gpu = 0.95
    logs = True
    made_ready = True
    options: ClassVar[Mapping[str, Option]] = {
        **{name: option for name, option in OpenAIAdapter.options.items() if name not in _NOT_TAKEN},
        "slots": Option(int, 64, "most questions at once; fewer are asked while the server is overloaded", (), False),
        "dtype": Option(
            str, "auto", "precision; auto is the checkpoint's own", ("auto", "bfloat16", "float16", "float32")
        ),
        "tensor_parallel": Option(
            int, None, "GPUs over which the model is spread; default: those of the worker's lease", (), False
        ),
        "port": Option(int, None, "where the server listens; default: a port that is free", (), False),
        "server_command": Option(
            TextOrFile,
            None,
            "program to start in place of the usual one, or a whole command with {model} and {port} in it, or @FILE",
        ),
        "server_args": Option(TextOrFile, None, "more arguments of the server's command line, or @FILE"),
        "start_timeout": Option(float, 1800.0, "seconds until the server must be well", (), False),
        "hang_timeout": Option(
            float,
            None,
            "seconds without an answer, while it is asked, until it is started again; default: 300, or timeout where "
            "that is longer",
            (),
            False,
        ),
    }

    @classmethod
    def lacks(cls, spec: ModelSpec, args: Mapping[str, Any]) -> list[tuple[str, str]]:
        """Return the packages of the client that are not there, and the program where nothing brings it."""
        found = super(EndpointAdapter, cls).lacks(spec, args)
        program = _program_on_path(cls.program, args)
        if program is not None:
            return found
        named = _first_word(cls.program, args)
        if args["server_command"] or spec.runtime is None or not spec.runtime.requirements:
            how = f"{cls.program.install}, or --model-args server_command=COMMAND"
            return [*found, (f"the program '{named}'", how)]
        try:
            find_interpreter(spec.name, spec.runtime.python)
        except ModelError as exc:
            found.append((f"Python {spec.runtime.python}", str(exc).partition("installed here: ")[2] or str(exc)))
        return found

    @classmethod
    def fetched_weights(cls, spec: ModelSpec, args: Mapping[str, Any]) -> list[Weights]:
        """Return the checkpoint's repository, where it is no folder."""
        elsewhere = "ModelScope" if cls.program.hub_of(str(spec.source)) == MODEL_SCOPE else ""
        # What of a checkpoint in several formats FunASR reads, it alone knows.
        return weights_of(spec.source, spec.revision, whole=cls.program is FUNASR, elsewhere=elsewhere)

    @classmethod
    def make_ready(cls, spec: ModelSpec) -> str:
        """Make the environment of the server, or find that its program is here.

        Raises:
            ModelError: Nothing brings the program, or the environment cannot be made.
        """
        args = checked_args(cls, spec, {})
        if (program := _program_on_path(cls.program, args)) is not None:
            return f"{program} is started"
        if lacking := cls.lacks(spec, args):
            raise ModelError("; ".join(f"{what} is not here: {how}" for what, how in lacking))
        assert spec.runtime is not None
        return str(ensure(spec.name, spec.runtime))

    @classmethod
    def at_hand(cls, spec: ModelSpec, args: Mapping[str, Any]) -> bool:
        """Whether the program is here, or an environment that has it was made before."""
        if cls.lacks(spec, args) or pinned.refuses(spec, cls.program) is not None:
            return False
        made = spec.runtime is not None and is_made(spec.name, spec.runtime)
        return made or _program_on_path(cls.program, args) is not None

    def __init__(self, spec: ModelSpec, args: Mapping[str, Any]) -> None:
        """Check what was asked; nothing is started.

        Raises:
            UsageError: A value out of its range.
            ModelError: The entry names no checkpoint.
        """
        super().__init__(spec, args)
        for name, least in (("tensor_parallel", 1), ("port", 1)):
            if self.args[name] is not None and not least <= self.args[name] <= 65535:
                self._refuse(name, f"must be from {least} to 65535")
        if self.args["hang_timeout"] is None:  # an answer that may still come in time is no hang
            self.args["hang_timeout"] = max(_HANGS_S, self.args["timeout"])
        for name in ("start_timeout", "hang_timeout"):
            if not 0 < self.args[name] < math.inf:
                self._refuse(name, "must be more than 0 seconds")
        for name in ("server_command", "server_args"):
            try:
                shlex.split(self.args[name] or "")
            except ValueError as exc:
                self._refuse(name, f"cannot be read as a shell would: {exc}")
        if not spec.source:
            raise ModelError(f"model '{spec.name}': its catalogue entry has no source (a hub id or a folder) to serve")
        if (why := pinned.refuses(spec, self.program)) is not None:
            raise ModelError(f"model '{spec.name}': {why}")
        self._served_name = self.program.served or spec.name
        self._weights: dict[str, Any] | None = None
        self._running: Running | None = None
        self._closing = threading.Event()
        self._watch: threading.Thread | None = None
        self._gone: str | None = None
        self._own_folder: tempfile.TemporaryDirectory[str] | None = None

    def identity(self) -> dict[str, Any]:
        """Return the arguments that a question is made of, what pins the weights, and what else the server reads.

        Raises:
            ModelError: There is no such checkpoint, or its commit cannot be found out.
        """
        identity = {**self.base_identity(), **self._checkpoint()}
        args = self.args
        if files := pinned.named_files(self.spec.name, args["server_command"], args["server_args"]):
            identity["files"] = files
        return identity | pinned.environment(self.spec, made=_program_on_path(self.program, args) is None)

    def loads_beside(self) -> bool:
        """Whether its environment is there; see the isolated models."""
        return self.at_hand(self.spec, self.args)

    def load(self) -> None:
        """Start the server, or join the one that another process of this run has started; wait until it is well.

        Raises:
            ModelError: The environment cannot be made, or the server does not get well; the message has its last lines.
        """
        self.close()
        self._closing = threading.Event()
        self._gone = None
        self._running = Running(self._wanted(), self._closing)
        self._running.join()
        url = f"http://127.0.0.1:{self._running.port}/v1"
        # Waiting for a server that is started again is no failure of its questions.
        patience = self.args["start_timeout"] + self.args["hang_timeout"]
        self._connect(self._settings(url=url, patience_s=patience, longest_delay_s=_LONGEST_DELAY_S, has_key=False))
        self._watch = threading.Thread(target=self._watched, args=(self._running,), daemon=True)
        self._watch.start()

    def close(self) -> None:
        """Cancel what is in flight, and let go of the server: it ends if nobody else uses it."""
        self._closing.set()
        super().close()
        watch, self._watch = self._watch, None
        if watch is not None:
            watch.join()
        running, self._running = self._running, None
        if running is not None:
            running.leave()
        if self._own_folder is not None:
            self._own_folder.cleanup()
            self._own_folder = None

    def describe(self) -> dict[str, Any]:
        """Return what the server said it is, its log, and how often it was started again."""
        told = {name: value for name, value in super().describe().items() if name != "endpoints"}
        running = self._running
        told |= {"runtime": self.program.way}
        if running is not None:
            told |= {"server_version": running.version, "restarts": running.deaths, "log": str(running.wanted.log)}
        return told

    def _run(self, items: Iterator[T], request_of: Callable[[T], Request]) -> Iterator[tuple[T, Answer]]:
        try:
            yield from super()._run(items, request_of)
        except ModelError:
            if self._gone is not None:
                raise ModelError(self._gone) from None
            raise

    def _watched(self, running: Running) -> None:
        """Start the server again when it has ended or hangs; give the model up when that does not help."""
        while not self._closing.is_set():
            why = running.ended(_LOOK_S)
            connection = self._connection
            if why is None and connection is not None and connection.silent_s > self.args["hang_timeout"]:
                why = f"it gave no answer for {self.args['hang_timeout']:g} s"
            if why is None or self._closing.is_set():
                continue
            try:
                running.again(why)
            except StoppedError:
                return
            except Exception as exc:  # whatever it is: who waits for answers must be told
                self._gone = str(exc)
                if connection is not None:
                    connection.close()
                return
            if connection is not None:
                connection.start_listening()

    def _checkpoint(self) -> dict[str, Any]:
        """Return what pins the weights."""
        if self._weights is None:
            self._weights = pinned.checkpoint(self.spec, self.program)
        return self._weights

    def _wanted(self) -> Wanted:
        environment = self._environment()
        env = dict(os.environ)
        if environment is not None:
            programs = environment.python.parent
            env = {**without_our_python(), "VIRTUAL_ENV": str(programs.parent)}
            env["PATH"] = os.pathsep.join([str(programs), os.environ.get("PATH", os.defpath)])
        lease = os.environ.get(VISIBLE, "")
        key = re.sub(r"[^A-Za-z0-9._@-]+", "-", f"{self.spec.name}-{socket.gethostname()}-{lease}").strip("-")
        return Wanted(
            model=self.spec.name,
            served=self._served_name,
            command=lambda port: self._command(port, env),
            env=env | (self.spec.runtime.env if self.spec.runtime else {}),
            folder=self._folder(),
            key=key,
            port=self.args["port"],
            start_s=self.args["start_timeout"],
        )

    def _folder(self) -> Path:
        if self.folder is not None:
            return self.folder
        self._own_folder = tempfile.TemporaryDirectory(prefix="audiobench-server-")
        return Path(self._own_folder.name)

    def _environment(self) -> Environment | None:
        """Return the environment that the server runs in; None for the PATH."""
        if self.spec.runtime is None or _program_on_path(self.program, self.args) is not None:
            return None
        return ensure(self.spec.name, self.spec.runtime)

    def _command(self, port: int, env: Mapping[str, str]) -> list[str]:
        args = self.args
        source = str(self.spec.source)
        if Path(source).expanduser().is_dir():
            source = str(Path(source).expanduser().resolve())
        revision = self._checkpoint().get("revision")
        asked = Asked(source, revision, self._served_name, port, args["dtype"], self._gpus())
        more = shlex.split(args["server_args"] or "")
        if args["server_command"] and "{port}" in args["server_command"]:
            told = {"model": source, "port": str(port), "name": self._served_name, "dtype": args["dtype"]}
            told["gpus"] = str(max(1, asked.gpus))
            return [_filled(word, told) for word in shlex.split(args["server_command"])] + more
        start = shlex.split(args["server_command"]) if args["server_command"] else list(self.program.start)
        found = shutil.which(start[0], path=env.get("PATH"))
        return [found or start[0], *start[1:], *self.program.arguments(asked), *more]

    def _gpus(self) -> int:
        """Return over how many GPUs the model is spread: a worker's lease is cut to what its models need."""
        if self.args["tensor_parallel"] is not None:
            return int(self.args["tensor_parallel"])
        leased = visible(os.environ.get(VISIBLE, ""))
        return len(leased) if leased and "PYTEST_XDIST_WORKER" in os.environ else self.spec.gpus


def _filled(word: str, told: Mapping[str, str]) -> str:
    return re.sub(r"\{(\w+)\}", lambda match: told.get(match[1], match[0]), word)


def _first_word(program: Program, args: Mapping[str, Any]) -> str:
    words = []
    with contextlib.suppress(ValueError):
        words = shlex.split(args["server_command"] or "")
    return words[0] if words else program.start[0]


def _program_on_path(program: Program, args: Mapping[str, Any]) -> str | None:
    return shutil.which(_first_word(program, args))


class VllmAdapter(ServedAdapter):
    """Runs `vllm serve`."""

    program = VLLM


class SglangAdapter(ServedAdapter):
    """Runs `sglang serve`."""

    program = SGLANG


class FunasrAdapter(ServedAdapter):
    """Runs FunASR's own server, which transcribes and takes no instruction."""

    program = FUNASR
    options: ClassVar[Mapping[str, Option]] = {
        **ServedAdapter.options,
        "api": Option(str, "transcriptions", "what the server is asked through", ("transcriptions",)),
    }
