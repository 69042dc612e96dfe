"""Child processes with what they used, arms run in turns, medians and how sure they are. Standard library only.

The measuring process stays small on purpose: on Linux a child's peak memory starts at that of the process it was forked
from, so importing numpy here would be seen in every figure.
"""

from __future__ import annotations

import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import TypeVar

Arm = TypeVar("Arm")


@dataclass(frozen=True)
class Run:
    """One finished child process.

    Attributes:
        wall_s: Seconds from start to end.
        cpu_s: Seconds of user and system time, with those of its own children.
        peak_mb: Highest resident memory of any one process of it, in MB (1e6 bytes).
        began: Monotonic clock at the start, comparable between processes of one machine.
        output: What it wrote to stdout and stderr.
    """

    wall_s: float
    cpu_s: float
    peak_mb: float
    began: float
    output: str


class ChildFailedError(Exception):
    """A measured process did not end as it should; its figure means nothing."""


def run(command: Sequence[object], *, cwd: Path, env: Mapping[str, str] | None = None, status: int = 0) -> Run:
    """Run a command to its end.

    Args:
        command: Program and arguments.
        cwd: Its working folder.
        env: Variables on top of `quiet_environment()`.
        status: The exit status it must have.

    Raises:
        ChildFailedError: It ended with another status.
    """
    child = start(command, cwd=cwd, env=env)
    return child.wait(status)


@dataclass
class Child:
    """A running process."""

    command: list[str]
    process: subprocess.Popen[bytes]
    log: Path
    began: float

    def wait(self, status: int = 0) -> Run:
        """Wait for its end.

        Raises:
            ChildFailedError: It ended with another status.
        """
        _, ended_with, usage = os.wait4(self.process.pid, 0)
        wall = time.monotonic() - self.began
        self.process.returncode = os.waitstatus_to_exitcode(ended_with)
        output = self.log.read_text(errors="replace")
        self.log.unlink()
        if self.process.returncode != status:
            tail = "\n".join(output.splitlines()[-30:])
            raise ChildFailedError(f"{' '.join(self.command)}\nended with {self.process.returncode}:\n{tail}")
        return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / 1e6, self.began, output)


def start(command: Sequence[object], *, cwd: Path, env: Mapping[str, str] | None = None) -> Child:
    """Start a command without waiting for it; its output goes to a file, so that no pipe can stall it."""
    words = [str(word) for word in command]
    descriptor, log = tempfile.mkstemp(prefix="audiobench-perf-", suffix=".log")
    with os.fdopen(descriptor, "wb") as file:
        began = time.monotonic()
        process = subprocess.Popen(
            words, cwd=cwd, env=quiet_environment() | (env or {}), stdin=subprocess.DEVNULL, stdout=file, stderr=file
        )
    return Child(words, process, Path(log), began)


@contextmanager
def serving(*arguments: object) -> Iterator[dict[str, str]]:
    """Run a server in a process of its own, to the end of its standard input; yields what it prints as JSON."""
    process = subprocess.Popen(
        [str(part) for part in python(*arguments)],
        env=quiet_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield json.loads(process.stdout.readline())
    finally:
        process.stdin.close()
        process.wait()
        process.stdout.close()


def quiet_environment() -> dict[str, str]:
    """Return the environment of every measured process: nothing of the user's that changes what is run.

    Containers often set PYTHONDONTWRITEBYTECODE; modules that are not installed by pip would then be compiled anew by
    every process, which costs this plugin 0.3 s and says nothing about it.
    """
    dropped = ("PYTEST_", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED", "PYTHONPROFILEIMPORTTIME", "COVERAGE_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    return kept | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "TERM": "dumb", "COLUMNS": "120"}


def python(*arguments: object) -> list[object]:
    """Return a command of the interpreter that measures."""
    return [sys.executable, *arguments]


def pytest(*arguments: object) -> list[object]:
    """Return a pytest command of the interpreter that measures, with the plugins a user of this package has.

    Those are ours and xdist's. What else happens to be installed (hypothesis, 0.6 s of import at the end of every run)
    is not our cost, and in the trivial run that others are compared with it would be a present to us. It is blocked by
    name: with autoload off, finding our own plugin would cost more than it does for a user.
    """
    ours = {"audiobench", "xdist", "xdist.looponfail"}
    others = sorted({point.name for point in entry_points(group="pytest11")} - ours)
    return python("-m", "pytest", "-q", *(word for name in others for word in ("-p", f"no:{name}")), *arguments)


def in_turns(arms: Mapping[Arm, Callable[[], Run]], times: int, *, warm_up: bool = True) -> dict[Arm, list[Run]]:
    """Run each arm `times` times, one after the other, every round in the opposite order of the one before.

    What drifts (a neighbour's load, the clock of the processor, the page cache) then reaches all arms alike, and runs
    of the same index form a pair.
    """
    found: dict[Arm, list[Run]] = {name: [] for name in arms}
    if warm_up:
        for arm in arms.values():
            arm()
    for turn in range(times):
        names = list(arms)
        for name in names if turn % 2 == 0 else reversed(names):
            found[name].append(arms[name]())
    return found


@dataclass(frozen=True)
class Median:
    """A median with its 95 % interval, and how many values it is of."""

    value: float
    low: float
    high: float
    count: int

    def text(self, unit: str, *, scale: float = 1.0, digits: int = 2) -> str:
        """Return it for people: `3.1 ms [2.4, 3.9]`."""
        value, low, high = (f"{scale * v:.{digits}f}" for v in (self.value, self.low, self.high))
        return f"{value} {unit} [{low}, {high}]".replace("  ", " ")

    def plain(self) -> dict[str, float]:
        """Return it for JSON."""
        return {"median": self.value, "low": self.low, "high": self.high, "count": self.count}


def median(values: Sequence[float]) -> Median:
    """Return the median and the interval between the order statistics that hold the true one with 95 %.

    The interval assumes no distribution; below six values no pair of them reaches 95 %, and it is the whole range.
    """
    ordered = sorted(values)
    n = len(ordered)
    # The number of values below the true median is binomial(n, 1/2): leave out k at each end while both tails
    # together stay within 5 %.
    k, tail = 0, 0.5**n
    while 2 * tail <= 0.05 and k < n // 2:
        k += 1
        tail += math.comb(n, k) * 0.5**n
    k = max(0, k - 1)
    return Median(statistics.median(ordered), ordered[k], ordered[n - 1 - k], n)


def paired(first: Sequence[Run], second: Sequence[Run], value: Callable[[Run], float]) -> Median:
    """Return the median of the differences first - second of each pair."""
    return median([value(a) - value(b) for a, b in zip(first, second, strict=True)])


def cpu(run: Run) -> float:
    """Seconds of processor time."""
    return run.cpu_s


def wall(run: Run) -> float:
    """Seconds on the clock."""
    return run.wall_s


@dataclass(frozen=True)
class Marginal:
    """What one more sample costs: runs of two sizes, so that the start and the imports do not count.

    Attributes:
        runs: Runs by arm and size; those of one index form a pair.
        small, large: The sizes.
    """

    runs: Mapping[tuple[str, int], list[Run]]
    small: int
    large: int

    def ms(self, arm: str) -> list[float]:
        """Return the milliseconds of processor time that a sample costs in an arm, pair by pair."""
        pairs = zip(self.runs[arm, self.large], self.runs[arm, self.small], strict=True)
        return [1000 * (a.cpu_s - b.cpu_s) / (self.large - self.small) for a, b in pairs]

    def ratio(self, arm: str, bare: str) -> Median:
        """Return how many times as much a sample costs in one arm as in another, taken per pair."""
        return median([a / b for a, b in zip(self.ms(arm), self.ms(bare), strict=True)])


def marginal(arms: Mapping[str, Callable[[Path], Run]], files: Mapping[int, Path], times: int) -> Marginal:
    """Run each arm over a smaller and a larger file, in turns.

    Args:
        arms: What is run over a file, by name.
        files: The two files by how many samples they have.
        times: How often each is run.
    """
    small, large = sorted(files)
    each: dict[tuple[str, int], Callable[[], Run]] = {}
    for size, file in files.items():
        for name, arm in arms.items():
            each[name, size] = lambda arm=arm, file=file: arm(file)
    return Marginal(in_turns(each, times), small, large)
