"""Workers of pytest-xdist, simulated: the scheduler under test hands them items, and only time is made up.

A simulated worker does what `xdist.remote.WorkerInteractor` does: it starts an item only when it knows the next one or
was told to shut down, and it gives back stolen items all or not at all, never the current and the next one. An item
takes its shard's time, and before it the load time of its model when another model (or none) is in the worker's memory.
Collection and messages take none.
"""

from __future__ import annotations

import argparse
import collections
import dataclasses
import heapq
import itertools
import math
import random
import statistics
from collections.abc import Callable, Sequence
from typing import Any

from xdist.remote import Producer
from xdist.scheduler import LoadScheduling, WorkStealingScheduling

SHARDS = (4, 21)
"""Number of shards of a set, least and most."""
SHARD_S = (5.0, 120.0)
"""Seconds per shard, least and most."""

SHUTDOWN = -1


@dataclasses.dataclass(frozen=True)
class Sweep:
    """What a run has to do: items in model-major order.

    Attributes:
        models: Model of each item.
        seconds: Time of each item without the load.
        loads: Load time per model, in seconds.
    """

    models: list[int]
    seconds: list[float]
    loads: list[float]

    @classmethod
    def draw(cls, rng: random.Random, *, models: int, sets: int, load_s: float, speed: tuple[float, float]) -> Sweep:
        """Draw a sweep: sets of different size and clip length, models of different speed, shards of 10 % spread."""
        shards = [rng.randint(*SHARDS) for _ in range(sets)]
        lengths = [rng.uniform(0.7, 1.4) for _ in range(sets)]
        sweep = cls([], [], [load_s * rng.uniform(0.8, 1.25) for _ in range(models)])
        for model in range(models):
            speed_s = math.exp(rng.uniform(*map(math.log, speed)))
            for number, length in zip(shards, lengths, strict=True):
                for _ in range(number):
                    sweep.models.append(model)
                    sweep.seconds.append(min(max(speed_s * length * rng.gauss(1.0, 0.1), SHARD_S[0]), SHARD_S[1]))
        return sweep

    def bound(self, workers: int) -> float:
        """Return a wall that no scheduler can beat: all work and one load per model, spread evenly, no worker idle.

        With more workers than models every worker still has to load one.
        """
        extra = max(0, workers - len(self.loads)) * min(self.loads)
        return (sum(self.seconds) + sum(self.loads) + extra) / workers


class Clock:
    """A simulated clock and what is to happen."""

    def __init__(self) -> None:
        self.now = 0.0
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._number = itertools.count()

    def after(self, delay: float, what: Callable[[], None]) -> None:
        """Let something happen `delay` seconds from now; what is due at one moment happens in the order given."""
        heapq.heappush(self._events, (self.now + delay, next(self._number), what))

    def run(self, after_each: Callable[[], None]) -> None:
        """Let everything happen."""
        while self._events:
            self.now, _, what = heapq.heappop(self._events)
            what()
            after_each()


class Worker:
    """Stands for both ends of a worker: `WorkerController` and `WorkerInteractor` of xdist."""

    def __init__(self, name: int, sweep: Sweep, clock: Clock) -> None:
        self.gateway = argparse.Namespace(id=f"gw{name}")
        self.sched: Any = None
        self.shutting_down = self.finished = self._running = False
        self.loads = 0
        self.ran: list[int] = []
        self.ended = 0.0
        self._sweep, self._clock = sweep, clock
        self._queue: collections.deque[int] = collections.deque()
        self._next: int | None = None
        self._resident: int | None = None

    def send_runtest_some(self, indices: Sequence[int]) -> None:
        """Queue items at the worker."""
        given = list(indices)
        self._clock.after(0.0, lambda: self._receive(given))

    def shutdown(self) -> None:
        """Tell the worker that nothing more comes."""
        self.shutting_down = True
        self._clock.after(0.0, lambda: self._receive([SHUTDOWN]))

    def send_steal(self, indices: Sequence[int]) -> None:
        """Ask items back: all of them or, when one has left the queue, none."""
        wanted = set(indices)

        def steal() -> None:
            stolen = [i for i in self._queue if i in wanted]
            if len(stolen) == len(wanted):
                self._queue = collections.deque(i for i in self._queue if i not in wanted)
            else:
                stolen = []
            self._clock.after(0.0, lambda: self.sched.remove_pending_tests_from_node(self, stolen))

        self._clock.after(0.0, steal)

    def _receive(self, items: list[int]) -> None:
        self._queue.extend(items)
        self._work()

    def _work(self) -> None:
        if self._running or self.finished:
            return
        if self._next is None and self._queue:
            self._next = self._queue.popleft()
        if self._next == SHUTDOWN:
            self.finished = True
            self._clock.after(0.0, lambda: self.sched.remove_node(self))
        elif self._next is not None and self._queue:
            item, self._next = self._next, self._queue.popleft()
            self._running = True
            seconds = self._sweep.seconds[item]
            if (model := self._sweep.models[item]) != self._resident:
                self._resident = model
                self.loads += 1
                seconds += self._sweep.loads[model]
            self._clock.after(seconds, lambda: self._done(item, seconds))

    def _done(self, item: int, seconds: float) -> None:
        self._running = False
        self.ran.append(item)
        self.ended = self._clock.now
        self.sched.mark_test_complete(self, item, seconds)
        self._work()


class AffinityScheduling:
    """Keep the resident model while it has items; else one nobody holds; else join one worth a load of its own.

    Two items at a time, because a worker starts an item only when it knows the next one. Only the part of xdist's
    scheduler protocol that a simulation without crashes needs.

    Args:
        models: Model of each item.
        join: Join a model that others hold when it has more than this many items left per holder. With None this is
            learned: when what is left per holder takes longer than loading the model, both as seen so far.
    """

    def __init__(self, models: Sequence[int], join: float | None) -> None:
        self._models, self._join = models, join
        self._left: dict[int, collections.deque[int]] = {}
        for item, model in enumerate(models):
            self._left.setdefault(model, collections.deque()).append(item)
        self._pending: dict[Worker, list[int]] = {}
        self._held: dict[Worker, int] = {}
        self._previous: dict[Worker, int] = {}
        self._warm: dict[int, list[float]] = {}
        self._cold: dict[int, list[float]] = {}

    def add_node(self, node: Worker) -> None:
        """Let a worker take part."""
        self._pending[node] = []

    def add_node_collection(self, node: Worker, collection: Sequence[str]) -> None:
        """Do nothing: the simulated collections are equal."""

    def schedule(self) -> None:
        """Give every worker its first items."""
        for _ in range(2):
            for node in self._pending:
                self._fill(node, 1)

    @property
    def tests_finished(self) -> bool:
        """Whether nothing is left to hand out and no worker waits for a second item."""
        return not any(self._left.values()) and all(len(p) < 2 for p in self._pending.values())

    def mark_test_complete(self, node: Worker, item_index: int, duration: float = 0) -> None:
        """Hand out the next item."""
        model = self._models[item_index]
        seen = self._warm if self._previous.get(node) == model else self._cold
        seen.setdefault(model, []).append(duration)
        self._previous[node] = model
        self._pending[node].remove(item_index)
        self._fill(node, 2 - len(self._pending[node]))

    def remove_node(self, node: Worker) -> None:
        """Forget a worker."""
        self._pending.pop(node)

    def _fill(self, node: Worker, number: int) -> None:
        for _ in range(number):
            if node.shutting_down:
                return
            model = self._choose(node)
            if model is None:
                self._held.pop(node, None)
                node.shutdown()
                return
            self._held[node] = model
            item = self._left[model].popleft()
            self._pending[node].append(item)
            node.send_runtest_some([item])

    def _choose(self, node: Worker) -> int | None:
        if self._left.get(self._held.get(node, SHUTDOWN)):
            return self._held[node]
        holders = collections.Counter(model for other, model in self._held.items() if other is not node)
        open_models = [model for model, items in self._left.items() if items]
        free = [model for model in open_models if not holders[model]]
        if free:
            return max(free, key=lambda model: len(self._left[model]))
        joinable = [model for model in open_models if len(self._left[model]) / holders[model] > self._worth(model)]
        return max(joinable, key=lambda model: len(self._left[model]) / holders[model], default=None)

    def _worth(self, model: int) -> float:
        if self._join is not None:
            return self._join
        warm, cold = self._warm.get(model), self._cold.get(model)
        if not warm or not cold:
            return 0.0
        item = statistics.fmean(warm)
        return max(0.0, statistics.fmean(cold) - item) / item


class _Config:
    """What xdist's schedulers ask of pytest's configuration."""

    def __init__(self, workers: int) -> None:
        self._values = {"tx": ["popen"] * workers, "maxschedchunk": None}

    def getoption(self, name: str) -> Any:
        return self._values[name]

    getvalue = getoption


@dataclasses.dataclass(frozen=True)
class Result:
    """What a scheduler made of a sweep: wall time in seconds, and number of model loads."""

    wall: float
    loads: int


POLICIES: dict[str, Callable[[Sweep, int], Any]] = {
    "load": lambda _, n: LoadScheduling(_Config(n), Producer("load", enabled=False)),
    "worksteal": lambda _, n: WorkStealingScheduling(_Config(n), Producer("steal", enabled=False)),
    "affinity J=0": lambda sweep, _: AffinityScheduling(sweep.models, 0),
    "affinity J=2": lambda sweep, _: AffinityScheduling(sweep.models, 2),
    "affinity J=4": lambda sweep, _: AffinityScheduling(sweep.models, 4),
    "affinity learned": lambda sweep, _: AffinityScheduling(sweep.models, None),
}


def simulate(sweep: Sweep, workers: int, policy: str) -> Result:
    """Run a sweep under a scheduler as `xdist.dsession.DSession` would."""
    clock = Clock()
    nodes = [Worker(i, sweep, clock) for i in range(workers)]
    sched = POLICIES[policy](sweep, workers)
    collection = [str(i) for i in range(len(sweep.models))]
    for node in nodes:
        node.sched = sched
        sched.add_node(node)
    for node in nodes:
        sched.add_node_collection(node, collection)
    ending = False

    def shut_down_when_finished() -> None:
        nonlocal ending
        if sched.tests_finished and not ending:
            ending = True
            for node in nodes:
                if not node.shutting_down:
                    node.shutdown()

    sched.schedule()
    clock.run(shut_down_when_finished)
    ran = sorted(item for node in nodes for item in node.ran)
    if ran != list(range(len(sweep.models))) or not all(node.finished for node in nodes):
        raise RuntimeError(f"{policy}: an item did not run exactly once, or a worker never ended")
    return Result(max(node.ended for node in nodes), sum(node.loads for node in nodes))
