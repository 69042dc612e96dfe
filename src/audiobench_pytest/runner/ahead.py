"""Prefetching: runs a generator in a thread, one step ahead of whoever takes its steps."""

from __future__ import annotations

import contextlib
import ctypes
import threading
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

T = TypeVar("T")

_STOP_S = 5.0
"""Most seconds that a step is waited for when the run ends: a batch system that sends SIGTERM gives ten or more."""
_AGAIN_S = 0.5
_LOOK_S = 1.0


class _Stop(BaseException):
    """Raised inside a step that nobody wants any more; no `Exception`, so that no guard around a model takes it."""


@dataclass(frozen=True, slots=True)
class _End:
    """What the thread says last.

    Attributes:
        error: What ended it, or None when the generator was at its end.
    """

    error: BaseException | None = None


class Ahead(Generic[T]):
    """The steps of a generator, each computed in a thread while the one before is in use.

    A model that leaves the interpreter lock to others then answers the next batch while the main thread keeps, scores
    and writes this one. At most one step waits: a step begins when the one before it has been taken. What the generator
    raises is raised where its step would have been taken.

    The thread is a daemon: where a step cannot be stopped (it hangs in a driver), the process can still end.
    """

    def __init__(self, steps: Generator[T], name: str = "audiobench-model") -> None:
        """Begin with the first step at once, in a thread of this name."""
        self._steps = steps
        self._ready: SimpleQueue[_End | tuple[T]] = SimpleQueue()
        self._wanted = threading.Semaphore(1)
        self._lock = threading.Lock()
        self._working = self._stopped = self._over = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        if self._over:
            raise StopIteration
        step = self._next()
        if isinstance(step, _End):
            self._over = True
            self._thread.join()
            if step.error is None:
                raise StopIteration
            raise step.error
        self._wanted.release()
        return step[0]

    def stop(self) -> list[T]:
        """Stop, and return what was done and not taken; wait a few seconds for a step that is being worked on.

        It is stopped as Ctrl-C stops the main thread: by an exception at its next instruction of Python.
        """
        self._over = True
        self._stopped = True
        self._wanted.release()
        deadline = time.monotonic() + _STOP_S
        while self._thread.is_alive() and time.monotonic() < deadline:
            with self._lock:
                if self._working and self._thread.ident is not None:
                    # More than once: an exception that falls into a finaliser is lost.
                    ctypes.pythonapi.PyThreadState_SetAsyncExc(
                        ctypes.c_ulong(self._thread.ident), ctypes.py_object(_Stop)
                    )
            self._thread.join(_AGAIN_S)
        left = []
        with contextlib.suppress(Empty):
            while True:
                step = self._ready.get_nowait()
                if not isinstance(step, _End):
                    left.append(step[0])
        return left

    def _next(self) -> _End | tuple[T]:
        while True:
            # Not for ever: a signal that the system gives to another thread would not wake this one.
            with contextlib.suppress(Empty):
                return self._ready.get(timeout=_LOOK_S)

    def _run(self) -> None:
        try:
            with contextlib.closing(self._steps):
                while self._step():
                    pass
            self._ready.put(_End())
        except _Stop:
            self._working = False
        except BaseException as exc:  # also an interrupt: it belongs to the thread that takes the steps
            self._ready.put(_End(exc))

    def _step(self) -> bool:
        self._wanted.acquire()
        with self._lock:
            if self._stopped:
                return False
            self._working = True
        try:
            self._ready.put((next(self._steps),))
        except StopIteration:
            return False
        finally:
            with self._lock:
                self._working = False
        return True
