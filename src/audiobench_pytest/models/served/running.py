"""One server per model and lease of GPUs, shared by the processes of a run: the first starts it, the others join."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audiobench_pytest.errors import ModelError
from audiobench_pytest.models.isolated.process import ChildDiedError
from audiobench_pytest.models.served import guard, lines
from audiobench_pytest.models.served.lines import Line
from audiobench_pytest.records.append import write_atomically

MOST_DEATHS = 1
"""A server that dies is started again so often."""

_POLL_S = 0.1
_GRACE_S = 10.0
_GUARD_S = 30.0
_PORT_S = 10.0
_TAKEN = ("address already in use", "errno 98", "errno 48")

# A guard outlives whoever started it where others use its server: not waited for, but not to be forgotten either.
_guards: list[subprocess.Popen[str]] = []


class StoppedError(ModelError):
    """The run ended while a server was being started."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A server as it is wanted.

    Attributes:
        model: Name of the model, for messages.
        served: What the server calls it.
        command: The whole command line, given a port.
        env: All environment variables of the server.
        folder: Where its log and its state are kept: one per attempt of a run.
        key: File name of the server: what tells it from others of the run.
        port: Where it is to listen; None for any port that is free.
        start_s: Seconds that it may take until it is well.
    """

    model: str
    served: str
    command: Callable[[int], list[str]]
    env: Mapping[str, str]
    folder: Path
    key: str
    port: int | None
    start_s: float

    @property
    def log(self) -> Path:
        """What the server writes."""
        return self.folder / f"{self.key}.log"


class Running:
    """A server that this process uses, maybe with others.

    Attributes:
        port: Where it listens.
        deaths: How often it died.
        version: What it says its version is, or None.
    """

    def __init__(self, wanted: Wanted, stop: threading.Event) -> None:
        """Keep what is wanted; nothing is started.

        Args:
            wanted: The server.
            stop: Set when the run ends: whoever waits for a server then stops.
        """
        self.wanted, self._stop = wanted, stop
        self.port = self.deaths = 0
        self.version: str | None = None
        self._line: Line | None = None
        self._guard: int | None = None

    def join(self) -> None:
        """Use the server that runs already, or start it and wait until it is well.

        Raises:
            ChildDiedError: It cannot be started, or does not get well; nothing of it is left.
            ModelError: Its port is taken, or it answers for another model.
        """
        with self._state() as state:
            if not self._joined(state):
                self._start(state, self.wanted.port)

    def again(self, why: str) -> None:
        """Start the server again that died, or that has to go, at the port it had.

        Args:
            why: What is the matter with it.

        Raises:
            ModelError: It died too often, or cannot be started again.
        """
        before = self._line
        with self._state() as state:
            if state.get("guard") == self._guard and before is not None:
                before.leave(_GRACE_S + _GUARD_S, b"kill")
                state["deaths"] = state.get("deaths", 0) + 1
                self._write(state)
            elif before is not None:
                before.leave(0.0)
                if self._joined(state):  # another process of the run was quicker
                    return
            self._line = None
            self.deaths = state.get("deaths", 0)
            if self.deaths > MOST_DEATHS:
                often = "twice" if self.deaths == MOST_DEATHS + 1 else f"{self.deaths} times"
                raise self._died(f"its server died {often}, the last time because {why}")
            self._start(state, self.port)

    def ended(self, seconds: float) -> str | None:
        """Return how the server ended, or None if it has not within so many seconds."""
        return None if self._line is None else self._line.ended(seconds)

    def leave(self) -> None:
        """Let go of the server; it ends, and is waited for, if nobody else uses it."""
        line, self._line = self._line, None
        if line is not None:
            line.leave(_GRACE_S + _GUARD_S)
        for guarding in [one for one in _guards if one.poll() is not None]:
            _guards.remove(guarding)

    @contextlib.contextmanager
    def _state(self) -> Any:
        """Hold what the processes of the run know of the server, alone."""
        import filelock

        wanted = self.wanted
        try:
            wanted.folder.mkdir(parents=True, exist_ok=True)
            with filelock.FileLock(wanted.folder / f"{wanted.key}.lock", timeout=2 * wanted.start_s + _GUARD_S):
                state: dict[str, Any] = {}
                with contextlib.suppress(FileNotFoundError, ValueError):
                    state = json.loads(self._file.read_bytes())
                yield state
        except filelock.Timeout:
            raise ModelError(
                f"model '{wanted.model}': another process of this run has been starting its server for too long"
            ) from None
        except OSError as exc:
            raise ModelError(f"model '{wanted.model}': {wanted.folder} cannot be written: {exc}") from exc

    @property
    def _file(self) -> Path:
        return self.wanted.folder / f"{self.wanted.key}.json"

    def _write(self, state: Mapping[str, Any]) -> None:
        write_atomically(self._file, json.dumps(state, indent=1).encode())

    def _joined(self, state: Mapping[str, Any]) -> bool:
        if not state.get("guard") or state.get("host") != socket.gethostname():
            return False
        try:
            line = Line(state["guard"])
        except OSError:
            return False
        if line.ended() is not None or not lines.is_well(state["port"]):
            line.leave(0.0)
            return False
        self._take(line, state)
        return True

    def _take(self, line: Line, state: Mapping[str, Any]) -> None:
        self._line, self._guard = line, state["guard"]
        self.port, self.deaths, self.version = state["port"], state.get("deaths", 0), state.get("version")

    def _start(self, state: dict[str, Any], wanted_port: int | None) -> None:
        """Start a server and wait until it is well; once more at another port where somebody took the first."""
        for attempt in (1, 2):
            port = wanted_port or lines.free_port()
            if not lines.is_free(port, _PORT_S if wanted_port == self.port else 0.0):
                raise ModelError(
                    f"model '{self.wanted.model}': port {port} is taken by another program: leave out port=, and one "
                    "that is free is picked"
                )
            try:
                line, guard_port = self._guarded(port)
                try:
                    self._wait_until_well(line, port)
                except BaseException:
                    line.leave(_GRACE_S + _GUARD_S, b"kill")
                    raise
            except ChildDiedError as exc:
                if attempt == 1 and wanted_port is None and any(word in str(exc).lower() for word in _TAKEN):
                    continue
                raise
            state |= {"guard": guard_port, "port": port, "host": socket.gethostname()}
            state |= {"version": lines.version_of(port)}
            self._write(state)
            self._take(line, state)
            return

    def _guarded(self, port: int) -> tuple[Line, int]:
        """Start a guard, which starts the server, and return a line to it and its port."""
        wanted = self.wanted
        command = wanted.command(port)
        with wanted.log.open("ab") as log:
            log.write(f"$ {' '.join(command)}\n".encode("utf-8", "replace"))
            process = subprocess.Popen(
                [sys.executable, "-I", guard.__file__],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
            )
        _guards.append(process)
        assert process.stdin is not None
        assert process.stdout is not None
        with process.stdin, process.stdout:
            told = {"command": command, "env": dict(wanted.env), "log": str(wanted.log), "grace": _GRACE_S}
            said: dict[str, Any] = {}
            with contextlib.suppress(OSError, ValueError):
                process.stdin.write(json.dumps(told) + "\n")
                process.stdin.flush()
                said = json.loads(process.stdout.readline())
            if "port" not in said:
                raise self._died(f"its server cannot be started: {said.get('error', 'the guard died')}")
            return Line(said["port"]), said["port"]

    def _wait_until_well(self, line: Line, port: int) -> None:
        wanted, began = self.wanted, time.monotonic()
        while not lines.is_well(port):
            if (how := line.ended(_POLL_S)) is not None:
                raise self._died(f"its server did not start: {how}")
            if self._stop.is_set():
                raise StoppedError(f"model '{wanted.model}': the run ended while its server was being started")
            if time.monotonic() - began > wanted.start_s:
                raise self._died(
                    f"its server did not get well within {wanted.start_s:g} s (start_timeout): "
                    f"http://127.0.0.1:{port}/health does not say that it is"
                )
        if (how := line.ended()) is not None:
            raise self._died(f"its server did not start: {how}")
        served = lines.models_of(port)
        if served and wanted.served not in served:
            raise ModelError(
                f"model '{wanted.model}': what listens at port {port} answers for another model "
                f"({', '.join(served[:5])}), not for {wanted.served}; its log: {wanted.log}"
            )

    def _died(self, what: str) -> ChildDiedError:
        return ChildDiedError(
            f"model '{self.wanted.model}': {what}; its log: {self.wanted.log}", lines.last_lines(self.wanted.log)
        )
