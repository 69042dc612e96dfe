"""What xdist needs to know; the only code that knows xdist."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from audiobench_pytest.plugin.session import Session, count
from audiobench_pytest.records.run_dir import RunDirectory

if TYPE_CHECKING:
    from xdist.remote import Producer
    from xdist.workermanage import WorkerController

_INPUT = "audiobench"


class DistributedHooks:
    """Hooks of xdist's controller."""

    def __init__(self, session: Session) -> None:
        self._session = session
        count(session)
        size = session.settings.rare["shard_size"]
        if size:
            session.shards.update({name: max(1, math.ceil(n / size)) for name, n in session.counts.items()})

    def pytest_configure_node(self, node: WorkerController) -> None:
        """Tell a worker where the run is and how the data sets are cut: all workers must collect the same ids."""
        if self._session.run is None:
            return
        node.workerinput[_INPUT] = {
            "run": str(self._session.run.path),
            "attempt": self._session.attempt,
            "shards": dict(self._session.shards),
            "counts": dict(self._session.counts),
        }

    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Producer) -> Any:
        """Let idle workers steal from busy ones instead of cutting the items into fixed chunks.

        Items are in model-major order, so a worker that takes a run of neighbours loads few models: 17 loads against 40
        for 5 models on 8 workers. Only the default of `-n` is replaced, a distribution the user chose is kept.
        """
        if config.getoption("dist") != "load":
            return None
        from xdist.scheduler import WorkStealingScheduling

        return WorkStealingScheduling(config, log)


def join_run(session: Session) -> None:
    """Let a worker take part in its controller's run."""
    given = session.config.workerinput.get(_INPUT)  # type: ignore[attr-defined]
    if given is not None:
        session.run = RunDirectory(Path(given["run"]))
        session.attempt = given["attempt"]
        session.shards.update(given["shards"])
        session.counts.update(given["counts"])
        session.worker = session.config.workerinput["workerid"]  # type: ignore[attr-defined]
