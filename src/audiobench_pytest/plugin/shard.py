"""The `audiobench` fixture: one shard of one cell."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager

import pytest

from audiobench_pytest.catalog.schema import DatasetSpec, ModelSpec, RecipeSpec
from audiobench_pytest.plugin.session import SET_UP_ONLY, BenchmarkSession, session_of
from audiobench_pytest.runner.asking.shard import run_shard
from audiobench_pytest.runner.job import Job
from audiobench_pytest.types import CellId, Outcome


class Shard:
    """What a benchmark function is given: which data, which model, and what became of each sample."""

    def __init__(self, session: BenchmarkSession, job: Job) -> None:
        self._session, self._job = session, job
        self._streams: list[Generator[Outcome]] = []

    @property
    def cell(self) -> CellId:
        """The cell this shard belongs to."""
        return self._job.cell

    @property
    def dataset(self) -> DatasetSpec:
        """The catalogue entry of the data."""
        return self._job.dataset

    @property
    def model(self) -> ModelSpec:
        """The catalogue entry of the model."""
        return self._job.model

    @property
    def recipe(self) -> RecipeSpec:
        """The recipe that scores the cell."""
        return self._job.recipe

    def outcomes(self) -> Iterator[Outcome]:
        """Yield what became of each sample, from the cache or from the model.

        Raises:
            DatasetError: The data set cannot be read.
            ModelError: The model cannot be loaded.
            RecordError: The cache cannot be written.
        """
        self._session.collector.use(self._job.cell, (self._job.recipe, *self._job.more_recipes))
        runner = self._session.runner
        if runner.next_model is not None:
            runner.next_model.following = self._session.following
        stream = run_shard(runner, self._job)
        self._streams.append(stream)
        return stream

    def close(self) -> None:
        """Stop what `outcomes` gave out, if it is not at its end: nothing is asked or decoded for it any more.

        The traceback of a benchmark that failed would keep it alive, with the thread that asks the model.
        """
        while self._streams:
            self._streams.pop().close()


@contextmanager
def open_shard(request: pytest.FixtureRequest) -> Iterator[Shard]:
    """Yield the item's shard; afterwards its report carries the cell and the number of samples collected."""
    session = session_of(request.config)
    if session.run is None:
        pytest.skip(SET_UP_ONLY)
    collected = session.collector.collected
    yield Shard(session, request.param)
    session.collector.finish(request.param.cell)
    # A receipt only: what was collected is in the run directory, where a dead worker cannot take it along. Values must
    # be plain strings to pass through xdist.
    request.node.user_properties.append(("audiobench_cell", str(request.param.cell)))
    request.node.user_properties.append(("audiobench_samples", str(session.collector.collected - collected)))
