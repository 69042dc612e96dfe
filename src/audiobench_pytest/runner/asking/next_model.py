"""The model that a process asks next, brought nearer while the last batches of the one before are answered."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Generator, Iterable
from pathlib import Path

from audiobench_pytest.catalog.schema import ModelSpec
from audiobench_pytest.models.base import ModelAdapter
from audiobench_pytest.models.fetching import lying_here
from audiobench_pytest.models.pool import ModelPool
from audiobench_pytest.runner.ahead import Ahead
from audiobench_pytest.runner.job import Job
from audiobench_pytest.runner.memory import Room

THREAD = "audiobench-next-model"

_PIECE = 8 << 20


class NextModel:
    """Loads the next model in a thread, or reads its weights where it may not be loaded yet.

    Two things are done, in this order. The files of its weights are read, so that they come from memory when they are
    loaded: that needs no room that the system could not take back. Then it is loaded, where its adapter says that this
    disturbs no other model (`loads_beside()`) and memory allows.

    Nothing goes wrong here: what does is forgotten, and the model is loaded when it is its turn, which says what is the
    matter with it.

    Attributes:
        following: What is asked after the job that is being asked, as far as that is known.
    """

    def __init__(self, pool: ModelPool, room: Room) -> None:
        self.following: Job | None = None
        self._pool, self._room = pool, room
        self._loading: Ahead[float] | None = None
        self._model = ""
        self._turn = threading.Event()

    def is_due(self, current: Job) -> bool:
        """Whether another model follows the one that is being asked, and nothing was begun for it."""
        job = self.following
        return job is not None and self._loading is None and job.model.name not in (current.model.name, self._model)

    def begin(self, current: Job, is_wanted: Callable[[Job], bool], *, beside: bool) -> None:
        """Begin, where that is due.

        Args:
            current: What is being asked. A batch of it has been answered, so that its model has all it works in.
            is_wanted: Whether a job has to ask its model anything.
            beside: Whether the next model may be loaded before those that hear the answers to this job are.
        """
        job = self.following
        if job is None or not self.is_due(current):
            return
        self._model = job.model.name
        try:
            adapter = self._pool.adapter(job.model)
            if not is_wanted(job):
                return
        except Exception:  # whatever is the matter with it, or with its answers, is told in its turn
            return
        self._turn.clear()
        self._loading = Ahead(self._steps(job.model, adapter, beside), THREAD)

    def settle(self, spec: ModelSpec) -> float:
        """Let what was begun come to its end, before a model is loaded in its turn.

        Returns:
            Seconds that loading this model took in the thread; 0.0 where it was not loaded there.
        """
        loading, took = self._loading, 0.0
        if loading is None or self._pool.is_loaded(spec):
            return 0.0
        self._turn.set()
        with contextlib.suppress(Exception):  # it could not be loaded beside another: it is loaded in its turn
            took = sum(loading)
        # Here and not before: an interrupt while it is waited for must find what there is to be stopped.
        self._loading = None
        model, self._model = self._model, ""
        return took if spec.name == model else 0.0

    def close(self) -> None:
        """Stop what was begun; the pool frees what is left of it."""
        loading, self._loading = self._loading, None
        if loading is not None:
            self._turn.set()
            loading.stop()

    def _steps(self, spec: ModelSpec, adapter: ModelAdapter, beside: bool) -> Generator[float]:
        """Read, then load; yield the seconds that loading took, where it came to that."""
        files = lying_here(spec.source or "", adapter.fetched_weights(spec, adapter.args))
        if self._room.holds_files(sum(file.stat().st_size for file in files)):
            read(files, self._turn.is_set)
        if beside and not self._turn.is_set() and adapter.loads_beside() and self._room.holds(adapter):
            began = time.perf_counter()
            self._pool.load_beside(spec)
            yield time.perf_counter() - began


def read(files: Iterable[Path], is_enough: Callable[[], bool]) -> int:
    """Read files and keep nothing of them: the system does. Return how many bytes were read.

    Args:
        files: The files; what cannot be read is left to whoever needs it.
        is_enough: Asked before each piece; true ends it.
    """
    piece, count = memoryview(bytearray(_PIECE)), 0
    for path in files:
        with contextlib.suppress(OSError), path.open("rb", buffering=0) as file:
            while not is_enough() and (got := file.readinto(piece)):
                count += got
    return count
