"""The pytest plugin. Until a benchmark is asked for, it imports the standard library and pytest only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from audiobench_pytest.plugin.shard import Shard
    from audiobench_pytest.runner.collecting import Collector


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the `--audiobench-*` options and the ini keys."""
    from audiobench_pytest.plugin.asked.options import add_options

    add_options(parser)


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Declare the hooks that others may implement."""
    from audiobench_pytest.plugin import hookspecs

    pluginmanager.add_hookspecs(hookspecs)


@pytest.hookimpl(trylast=True)  # after every plugin that registers markers, since names in `-m` are checked here
def pytest_configure(config: pytest.Config) -> None:
    """Register the marker; when benchmarks are asked for, also the session that runs them."""
    config.addinivalue_line("markers", "audiobench(task): benchmark all datasets of a task with all models asked for")
    from audiobench_pytest.plugin.asked.options import is_active

    if is_active(config):
        from audiobench_pytest.plugin.start import start

        start(config)


@pytest.hookimpl(optionalhook=True, tryfirst=True)  # xdist asks before pytest_configure, so that a plugin must answer
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """Let `-n auto` mean a worker per GPU when a model asked for takes one."""
    from audiobench_pytest.plugin.asked.options import is_active

    if not is_active(config):
        return None
    from audiobench_pytest.plugin.workers.xdist import auto_workers

    return auto_workers(config)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Turn a benchmark function into one item per shard of each cell."""
    if "audiobench" in metafunc.fixturenames:
        from audiobench_pytest.plugin.collection import parametrize

        parametrize(metafunc)


@pytest.fixture
def audiobench(request: pytest.FixtureRequest) -> Iterator[Shard]:
    """One shard of one cell: `audiobench.outcomes()` yields what became of each of its samples."""
    from audiobench_pytest.plugin.shard import open_shard

    with open_shard(request) as shard:
        yield shard


@pytest.fixture(scope="session")
def audiobench_collector(request: pytest.FixtureRequest) -> Collector:
    """Collect metric values of this process: `audiobench_collector.check_error_rate(outcome)` scores and records."""
    from audiobench_pytest.plugin.session import SET_UP_ONLY, session_of

    session = session_of(request.config)
    if session.run is None:
        pytest.skip(SET_UP_ONLY)
    return session.collector
