"""What a Ray actor does in a run: it is a pytest process that runs the items it is handed. Knows no Ray."""

from __future__ import annotations

import os
import threading
from queue import SimpleQueue
from typing import Any

import pytest

from audiobench_pytest.errors import UsageError

Reports = list[dict[str, Any]]


class PytestActor:
    """Collects what its controller collects and runs items one by one, with the model kept in memory in between.

    `pytest.main` has a thread of its own, and its test loop takes items from a queue: pytest has no other public way to
    run one item now and the next one when somebody asks for it.
    """

    def __init__(self, args: list[str], folder: str, addopts: str, workerinput: dict[str, Any]) -> None:
        self._args, self._folder, self._addopts, self._workerinput = args, folder, addopts, workerinput
        self._thread: threading.Thread | None = None
        self._wanted: SimpleQueue[str | None] = SimpleQueue()
        self._done: SimpleQueue[Reports | Exception] = SimpleQueue()
        self._reports: Reports = []
        self._config: pytest.Config | None = None

    # What Ray calls.

    def ready(self) -> Reports:
        """Collect; return no report. Not done while the actor is made, where Ray hides what went wrong.

        Raises:
            UsageError: pytest ended before its test loop began.
        """
        if self._thread is None:
            os.chdir(self._folder)
            os.environ["PYTEST_ADDOPTS"] = self._addopts
            self._thread = threading.Thread(target=self._main, name="pytest", daemon=True)
            self._thread.start()
            self._next()
        return []

    def run(self, nodeid: str) -> Reports:
        """Run an item; return its reports as plain values.

        Raises:
            UsageError: It was not collected here.
        """
        self.ready()
        self._wanted.put(nodeid)
        return self._next()

    def finish(self) -> None:
        """End the session: fixtures are torn down, the model is closed."""
        if self._thread is not None:
            self._wanted.put(None)
            self._thread.join()

    def _next(self) -> Reports:
        found = self._done.get()
        if isinstance(found, Exception):
            raise found
        return found

    # What pytest calls.

    def _main(self) -> None:
        try:
            status = pytest.main(self._args, plugins=[self])
            self._done.put(UsageError(f"pytest ended with status {int(status)} in {self._folder}"))
        except BaseException as exc:
            self._done.put(UsageError(f"pytest ended in {self._folder}: {type(exc).__name__}: {exc}"))

    @pytest.hookimpl(tryfirst=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        """Take part in the session of another process, as a worker of xdist does."""
        config.workerinput, config.workeroutput = self._workerinput, {}  # type: ignore[attr-defined]
        config.option.basetemp = None  # one for all would be emptied by each
        self._config = config

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run items as they are asked for."""
        items = {item.nodeid: item for item in session.items}
        self._done.put([])
        while (nodeid := self._wanted.get()) is not None:
            item = items.get(nodeid)
            if item is None:
                self._done.put(
                    UsageError(f"{self._folder} holds no {nodeid}: all machines need the same files at the same path")
                )
                continue
            self._reports = []
            # Which item comes next is not known yet. What belongs to the session stays, whatever it is.
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=session)
            self._done.put(self._reports)
        return True

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep a report for the controller."""
        config = self._config
        assert config is not None
        self._reports.append(config.hook.pytest_report_to_serializable(config=config, report=report))
