"""What a Ray actor does in a run: it is a pytest process that runs the items it is handed. Knows no Ray."""

from __future__ import annotations

import os
from typing import Any

import pytest

from audiobench_pytest.errors import UsageError


class PytestActor:
    """Collects what its controller collects and runs items one by one, with the model kept in memory in between."""

    def __init__(self, args: list[str], folder: str, addopts: str, workerinput: dict[str, Any]) -> None:
        self._args, self._folder, self._addopts, self._workerinput = args, folder, addopts, workerinput
        self._session: pytest.Session | None = None
        self._items: dict[str, pytest.Item] = {}
        self._reports: list[dict[str, Any]] = []

    def ready(self) -> list[dict[str, Any]]:
        """Collect; return no report. Not done while the actor is made, where Ray hides what went wrong."""
        if self._session is None:
            # As xdist does it: pytest has no public way to take part in a session of another process.
            from _pytest.config import _prepareconfig

            os.chdir(self._folder)
            os.environ["PYTEST_ADDOPTS"] = self._addopts
            config = _prepareconfig(self._args, [self])
            config.workerinput, config.workeroutput = self._workerinput, {}  # type: ignore[attr-defined]
            config.option.basetemp = None  # one for all would be emptied by each
            config._do_configure()
            session = pytest.Session.from_config(config)
            session.exitstatus = pytest.ExitCode.OK  # the controller's counts
            config.hook.pytest_sessionstart(session=session)
            config.hook.pytest_collection(session=session)
            self._session, self._items = session, {item.nodeid: item for item in session.items}
        return []

    def run(self, nodeid: str) -> list[dict[str, Any]]:
        """Run an item; return its reports as plain values.

        Raises:
            UsageError: It was not collected here.
        """
        self.ready()
        item = self._items.get(nodeid)
        if item is None:
            raise UsageError(f"{self._folder} holds no {nodeid}: all machines need the same files at the same path")
        self._reports = []
        # Which item comes next is not known yet. What belongs to the session stays, whatever it is.
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=item.session)
        return self._reports

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep a report for the controller."""
        assert self._session is not None
        config = self._session.config
        self._reports.append(config.hook.pytest_report_to_serializable(config=config, report=report))

    def finish(self) -> None:
        """End the session: fixtures are torn down, the model is closed."""
        if self._session is not None:
            config = self._session.config
            config.hook.pytest_sessionfinish(session=self._session, exitstatus=self._session.exitstatus)
            config._ensure_unconfigure()
