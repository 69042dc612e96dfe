"""Starts a model's process and exchanges messages with it: deadlines, heartbeat, its log, and an end in any case."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from audiobench_pytest.errors import ModelError
from audiobench_pytest.models.isolated import child

BOOTSTRAP = "import sys;exec(eval(sys.stdin.readline()))"
"""What execnet expects the other side to run first."""

_LOG_BYTES = 64 * 1024
_SHOWN_LINES = 20
_BRIEF_LINES = 3
_BRIEF_CHARACTERS = 500
_LOOK_SECONDS = 1.0
_POLL_SECONDS = 0.01


class ChildDiedError(ModelError):
    """The model's process is gone: it crashed, or it was stopped because it did not answer in time.

    Attributes:
        brief: One line: what happened, and the lines of its log that tell most.
    """

    def __init__(self, what: str, log: Sequence[str]) -> None:
        """Say what happened, followed by the last lines that the process wrote."""
        shown = "\n".join(f"  {line}" for line in log)
        super().__init__(f"{what}; the last lines it wrote:\n{shown}" if log else f"{what}; it wrote nothing")
        brief = what + (f"; it wrote last: {' | '.join(line.strip() for line in _telling(log))}" if log else "")
        self.brief = brief if len(brief) <= _BRIEF_CHARACTERS else brief[: _BRIEF_CHARACTERS - 3] + "..."


class Log:
    """The last bytes of what a process writes, read by a thread so that it never waits for a reader."""

    def __init__(self, stream: IO[bytes], size: int = _LOG_BYTES) -> None:
        """Read the stream to its end and close it then; keep the last `size` bytes."""
        self._stream, self._size = stream, size
        self._chunks: deque[bytes] = deque()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._read, name="audiobench-child-log", daemon=True)
        self._thread.start()

    def _read(self) -> None:
        kept = 0
        with self._stream:
            while chunk := os.read(self._stream.fileno(), 64 * 1024):
                with self._lock:
                    self._chunks.append(chunk)
                    kept += len(chunk)
                    while kept - len(self._chunks[0]) >= self._size:
                        kept -= len(self._chunks.popleft())

    def wait(self, seconds: float) -> None:
        """Wait for the end of the stream; a process that inherited its other end may keep it open for longer."""
        self._thread.join(seconds)

    def text(self) -> str:
        """Return what is kept, at most `size` bytes."""
        with self._lock:
            content = b"".join(self._chunks)
        return content[-self._size :].decode("utf-8", "replace")

    def last_lines(self, count: int = _SHOWN_LINES) -> list[str]:
        """Return the last lines that are not blank."""
        return [line.rstrip() for line in self.text().splitlines() if line.strip()][-count:]


class _Pipes:
    """The child's stdin and stdout as execnet wants to see them."""

    def __init__(self, process: subprocess.Popen[bytes], execmodel: Any) -> None:
        self._process = process
        self.execmodel = execmodel

    def read(self, numbytes: int) -> bytes:
        assert self._process.stdout is not None
        data = self._process.stdout.read(numbytes)
        if len(data) < numbytes:
            raise EOFError(f"expected {numbytes} bytes, got {len(data)}")
        return data

    def write(self, data: bytes) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(data)
        self._process.stdin.flush()

    def close_read(self) -> None:
        if self._process.stdout is not None:
            self._process.stdout.close()

    def close_write(self) -> None:
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):  # the child is gone, and what was left to be sent with it
                self._process.stdin.close()

    def wait(self) -> int | None:
        return None  # the process is waited for by ChildProcess, which also ends its group

    def kill(self) -> None:
        self._process.kill()


class ChildProcess:
    """One process of an isolated model, from its start to its end.

    It leads a process group and session of its own: the terminal's Ctrl-C does not reach it, and whatever it started
    ends with it. It ends with this process too, see `child._die_with_parent`.
    """

    def __init__(
        self,
        model: str,
        python: Path,
        environ: Mapping[str, str],
        *,
        audio: int | None = None,
        beat_seconds: float = 1.0,
        silence_seconds: float = 180.0,
        start_seconds: float = 120.0,
    ) -> None:
        """Start the interpreter and wait until it speaks our protocol.

        Args:
            model: Name of the model, for messages.
            python: Interpreter to run.
            environ: All its environment variables.
            audio: Descriptor of an `AudioFile` to inherit, or None when sound is sent in messages.
            beat_seconds: How often it says that it is alive.
            silence_seconds: After this long without a sign of life it is stopped.
            start_seconds: How long starting may take.

        Raises:
            ChildDiedError: It cannot be started.
        """
        self._model = model
        self._silence = silence_seconds
        self._stopped_because: str | None = None
        self._number = 0
        lifeline, self._lifeline = os.pipe()
        try:
            self._process = subprocess.Popen(
                [str(python), "-u", "-c", BOOTSTRAP],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=[lifeline] if audio is None else [lifeline, audio],
                env=dict(environ),
                start_new_session=True,
            )
        except OSError as exc:
            os.close(self._lifeline)
            raise ChildDiedError(f"model '{model}': {python} cannot be started: {exc}", []) from exc
        finally:
            os.close(lifeline)
        assert self._process.stderr is not None
        self.log = Log(self._process.stderr)
        try:
            self._pipes, self._channel = self._connect(start_seconds)
            setup = {"lifeline": lifeline, "parent": os.getpid(), "audio": audio, "heartbeat": beat_seconds}
            ready = self._exchange(setup, 0, start_seconds, "starting")
        except BaseException:
            self.kill()
            raise
        self.python: str = ready["python"]

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def ask(self, message: Mapping[str, Any], seconds: float, doing: str) -> dict[str, Any]:
        """Send a message and return the reply to it.

        Args:
            message: Plain values with the key `op`.
            seconds: How long the reply may take; then the process is stopped.
            doing: What it does meanwhile, for the error message (`answering 16 requests`).

        Raises:
            ChildDiedError: There is no reply, and no process any more; the message shows the end of its log.
        """
        self._number += 1
        try:
            return self._exchange({**message, "number": self._number}, self._number, seconds, doing)
        except BaseException:  # an interrupt too: a process in the middle of a batch is of no use to anybody
            self.kill()
            raise

    def close(self, grace_seconds: float) -> None:
        """Let the model close, then the process end; what does not within the time is terminated, then killed."""
        try:
            if not self._ended():
                with contextlib.suppress(ChildDiedError):
                    self.ask({"op": "close"}, grace_seconds, "closing")
            self._pipes.close_write()
            if not self._wait(grace_seconds):
                self._process.terminate()
                self._wait(grace_seconds)
        finally:
            self.kill()

    def kill(self) -> None:
        """End the process and all it started, now; free everything. A second call does nothing."""
        # The number of a group stays taken as long as its leader is not waited for, so no other group can be hit.
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        if self._lifeline >= 0:
            os.close(self._lifeline)
            self._lifeline = -1
        self.log.wait(_LOOK_SECONDS)
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()

    def _connect(self, seconds: float) -> tuple[_Pipes, Any]:
        import execnet
        from execnet import gateway_base, gateway_bootstrap

        pipes = _Pipes(self._process, gateway_base.get_execmodel("thread"))
        # `python=` stands for "another interpreter": execnet then sends its own source instead of importing it there.
        spec = execnet.XSpec("popen//python=isolated//execmodel=thread//id=isolated")
        try:
            with self._stopped_after(seconds):
                gateway = gateway_bootstrap.bootstrap(pipes, spec)
                return pipes, gateway.remote_exec(child)
        except (OSError, EOFError, AssertionError) as exc:  # execnet asserts the first byte it reads
            raise self._died("starting") from exc

    def _exchange(self, message: Mapping[str, Any], number: int, seconds: float, doing: str) -> dict[str, Any]:
        deadline = time.monotonic() + seconds
        heard = time.monotonic()
        gone = False
        try:
            with self._stopped_after(seconds):  # a process that reads nothing blocks even a send
                self._channel.send(dict(message))
            while True:
                now = time.monotonic()
                if now >= deadline:
                    self._stop(f"it was stopped after {seconds:g} s")
                elif now - heard >= self._silence:
                    self._stop(f"it was stopped after {self._silence:g} s without a sign of life")
                try:
                    reply: dict[str, Any] = self._channel.receive(timeout=min(_LOOK_SECONDS, max(deadline - now, 0.01)))
                except self._channel.TimeoutError:
                    # The end of the pipe may be kept from us by a process that the model has forked.
                    if gone:
                        raise EOFError from None
                    gone = self._ended()
                    continue
                heard = time.monotonic()
                if reply["op"] != "alive":
                    break
        except (OSError, EOFError, self._channel.RemoteError) as exc:
            raise self._died(doing, exc) from exc
        if reply["number"] != number:
            self._stop(f"it answered question {reply['number']} when asked question {number}")
            raise self._died(doing)
        return reply

    @contextlib.contextmanager
    def _stopped_after(self, seconds: float) -> Iterator[None]:
        timer = threading.Timer(seconds, self._stop, [f"it was stopped after {seconds:g} s"])
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _stop(self, reason: str) -> None:
        self._stopped_because = self._stopped_because or reason
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def _died(self, doing: str, exc: BaseException | None = None) -> ChildDiedError:
        ended = self._wait(_LOOK_SECONDS)
        self.kill()
        if self._stopped_because:
            how = self._stopped_because
        elif not ended:
            how = "it stopped listening" + (f": {_last_line(str(exc))}" if str(exc) else "")
        else:
            how = f"its process ended with {status_of(self._process.returncode)}"
        return ChildDiedError(f"model '{self._model}', {doing}: {how}", self.log.last_lines())

    def _ended(self) -> bool:
        """Whether the process has ended; it is not waited for, see `kill`."""
        if self._process.returncode is not None:
            return True
        return os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def _wait(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while not self._ended():
            if time.monotonic() >= deadline:
                return False
            time.sleep(_POLL_SECONDS)
        return True


def _telling(log: Sequence[str]) -> Sequence[str]:
    """Return the lines that tell most: the last ones, but of a fatal error, whose innermost call comes first, these."""
    fatal = [number for number, line in enumerate(log) if line.startswith("Fatal Python error")]
    if fatal:
        return [x for x in log[fatal[-1] :] if not x.startswith(("Current thread", "Stack"))][:_BRIEF_LINES]
    return log[-_BRIEF_LINES:]


def status_of(returncode: int) -> str:
    """Return how a process ended: `status 1`, or the signal that ended it."""
    if returncode >= 0:
        return f"status {returncode}"
    with contextlib.suppress(ValueError):
        return signal.Signals(-returncode).name
    return f"signal {-returncode}"


def _last_line(text: str) -> str:
    return text.strip().splitlines()[-1]
