"""Progress that a person can watch: samples done, running error rate, speed, time left.

One thread of the controller follows the run's result files, so that it shows the same with and without xdist and costs
the workers nothing. It writes to a duplicate of the terminal's descriptor, since pytest captures the original while a
test runs.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import threading
import time
from dataclasses import dataclass, field

import pytest

from audiobench_pytest.plugin.asked.declared import Settings
from audiobench_pytest.records.runs.directory import RunDirectory
from audiobench_pytest.records.runs.lines import OutcomeNews
from audiobench_pytest.records.runs.tail import ResultTail
from audiobench_pytest.report.numbers import duration
from audiobench_pytest.types import SCORED_STATES, CellId

_LIVE_SECONDS = 0.5


@dataclass
class CellProgress:
    """Running numbers of one cell; times are seconds since the epoch, since a worker's receipt tells when it began."""

    cell: CellId
    total: int = 0
    done: set[str] = field(default_factory=set)
    asked: int = 0
    bad: int = 0
    good: float = 0.0
    of: float = 0.0
    shown: str = ""
    audio_s: float = 0.0
    infer_s: float = 0.0
    began: float = field(default_factory=time.time)
    changed: float = field(default_factory=time.time)

    def add(self, news: OutcomeNews) -> None:
        """Count one outcome; a sample that a second worker repeats after a crash counts once."""
        if news.row in self.done:
            return
        self.done.add(news.row)
        self.changed = time.time()
        self.asked += not news.cached
        if news.state not in SCORED_STATES:
            self.bad += 1
            return
        self.audio_s += news.audio_s
        self.infer_s += news.infer_s
        if news.score is not None:
            for title, part, whole in _RUNNING:
                if whole in news.score.numbers:
                    self.shown = title
                    self.good += news.score.numbers.get(part, 0)
                    self.of += news.score.numbers[whole]
                    break

    def text(self, now: float) -> str:
        """Return the numbers as one short line."""
        parts = [f"{self.cell}: {len(self.done)}/{self.total}"]
        if self.of:
            parts.append(f"{self.shown} {100 * self.good / self.of:.1f} %")
        if self.infer_s > 0:
            parts.append(f"RTFx {self.audio_s / self.infer_s:.3g}")
        if self.bad:
            parts.append(f"{self.bad} without answer")
        left = self.total - len(self.done)
        if left > 0 and self.asked and now > self.began:
            parts.append(f"{duration(left * (now - self.began) / self.asked)} left")
        return ", ".join(parts)


_RUNNING = (("error rate", "errors", "units"), ("accuracy", "correct", "n"))
"""What a running number is made of: its title, what is counted, of how many; the first that a score has."""


class Progress:
    """Shows the progress of all cells while the test loop runs."""

    def __init__(self, config: pytest.Config, run: RunDirectory, settings: Settings) -> None:
        self._run, self._every = run, settings.progress_seconds
        mode = settings.progress
        if mode == "auto":
            mode = "live" if os.isatty(1) and os.environ.get("TERM", "dumb") != "dumb" else "lines"
        if config.getoption("verbose", 0) < 0 or not config.pluginmanager.hasplugin("terminalreporter"):
            mode = "off"
        self._mode = mode
        self._cells: dict[CellId, CellProgress] = {}
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._fd = -1
        self._shown = ""
        self._at_line_start = False

    def start(self, attempt: int) -> None:
        """Begin to show progress."""
        if self._mode == "off":
            return
        sys.stdout.flush()
        # pytest suspends its capture outside of tests, so descriptor 1 is the terminal or the log right now.
        self._fd = os.dup(1)
        self._tail = ResultTail(self._run.path, attempt)
        self._thread = threading.Thread(target=self._work, name="audiobench-progress", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Show the last state and end."""
        if self._thread is None:
            return
        self._stop.set()
        self._thread.join()
        self._thread = None
        self.clear()
        os.close(self._fd)

    def clear(self) -> None:
        """Erase the live line: pytest is about to write."""
        with self._lock:
            self._at_line_start = False
            if self._shown:
                self._shown = ""
                self._write("\x1bD\x1bM\x1b7\x1b[B\r\x1b[2K\x1b8")

    def _work(self) -> None:
        every = _LIVE_SECONDS if self._mode == "live" else self._every
        while not self._stop.wait(every):
            self._read()
            self._show()

    def _read(self) -> None:
        for news in self._tail.news():
            cell = self._cells.setdefault(news.cell, CellProgress(news.cell))
            if isinstance(news, OutcomeNews):
                cell.add(news)
            else:
                cell.total = news.total
                cell.began = min(cell.began, news.started)

    def _show(self) -> None:
        now = time.time()
        unfinished = [c for c in self._cells.values() if len(c.done) < c.total]
        unfinished.sort(key=lambda c: -c.changed)
        if self._mode == "lines":
            with self._lock:
                if unfinished and not self._at_line_start:
                    self._write("\n")
                    self._at_line_start = True
                for cell in unfinished:
                    self._write(f"audiobench: {cell.text(now)}\n")
            return
        if not unfinished:
            return
        more = f" (+{len(unfinished) - 1} more)" if len(unfinished) > 1 else ""
        width = shutil.get_terminal_size().columns - 1
        text = (unfinished[0].text(now) + more)[:width]
        with self._lock:
            self._shown = text
            # Index down and back up keeps the column and makes room at the bottom of the screen; then write on the line
            # below and return to where pytest is writing.
            self._write(f"\x1bD\x1bM\x1b7\x1b[B\r\x1b[2K{text}\x1b8")

    def _write(self, text: str) -> None:
        with contextlib.suppress(OSError):  # the terminal went away; the run goes on
            os.write(self._fd, text.encode("utf-8", "replace"))
