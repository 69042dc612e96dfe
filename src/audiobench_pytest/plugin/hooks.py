"""The pytest hooks of a run with benchmarks; each delegates in a line or two."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING

import pytest

from audiobench_pytest.errors import AudiobenchError, red_of
from audiobench_pytest.plugin.collection import check_selected, job_of, selected_datasets, sort_by_model
from audiobench_pytest.plugin.limits import check_planned
from audiobench_pytest.plugin.planned.cells import planned_cells
from audiobench_pytest.plugin.planned.missing import refuse_deaf, refuse_idle, refuse_missing
from audiobench_pytest.plugin.session import BenchmarkSession
from audiobench_pytest.plugin.termination import START_AGAIN, Termination
from audiobench_pytest.plugin.workers.xdist import REFUSED, is_distributed

if TYPE_CHECKING:
    from audiobench_pytest.plugin.controller import Controller


class ItemHooks:
    """Hooks of every process that collects and runs items."""

    def __init__(self, session: BenchmarkSession) -> None:
        self._session = session

    @pytest.hookimpl(trylast=True)  # after plugins that shuffle
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Bring the items into model-major order."""
        sort_by_model(self._session, items)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Write the plan: which cells and shards this run runs."""
        if not is_distributed(session.config):
            try:
                check_selected(session.items)
                jobs = [job for item in session.items if (job := job_of(item)) is not None]
                refuse_idle(self._session, jobs)
                if self._session.run is not None:
                    if self._session.asks:
                        refuse_missing(self._session, jobs)
                    if self._session.hears:
                        refuse_deaf(self._session, jobs)
                    self._session.read_manifests(selected_datasets(session.items))
                    planned = planned_cells(self._session, session.items)
                    check_planned(self._session, planned)
                    self._session.run.write_plan(planned)
            except AudiobenchError as exc:
                self._session.refused = str(exc)
                if not self._session.is_controller:
                    session.shouldstop = str(exc)  # else xdist would say no more than that its workers are gone
                    session.config.workeroutput[REFUSED] = str(exc)  # type: ignore[attr-defined]
                raise pytest.UsageError(str(exc)) from None

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, nextitem: pytest.Item | None) -> None:
        """Note what this process runs next: its model may be brought nearer while this one is asked."""
        self._session.following = None if nextitem is None else job_of(nextitem)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, None, None]:
        """Show an error of ours as a sentence, not as a traceback through the harness."""
        if job_of(item) is None:
            return (yield)
        try:
            return (yield)
        except AudiobenchError as exc:
            kind = red_of(exc)
            item.user_properties.append(("audiobench_kind", str(kind)))
            # `from None` takes effect only on the raise itself, so pytest.fail() cannot be used.
            raise pytest.fail.Exception(f"{kind} error: {type(exc).__name__}: {exc}", pytrace=False) from None
        finally:
            shard = getattr(item, "funcargs", {}).get("audiobench")
            if shard is not None:
                shard.close()

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        """Free the model."""
        self._session.close()


class ControllerHooks:
    """Hooks of the process that concludes the run."""

    def __init__(self, controller: Controller) -> None:
        self._controller = controller
        self._termination = Termination()
        self._loop: pytest.Session | None = None
        self._reds: set[object] = set()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, object, object]:
        """Judge the gates when the loop has ended, however it ended.

        Inside the loop a gate's report still decides the exit status, and reaches the terminal, JUnit and every other
        reporter as a test's report does.
        """
        self._controller.started()
        self._loop = session
        self._termination.start()
        try:
            result = yield
        except BaseException:
            self._controller.conclude(session, interrupted=True)
            raise
        finally:
            self._termination.stop()
        self._controller.conclude(session, interrupted=bool(session.shouldstop or session.shouldfail))
        return result

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Clear the progress line before pytest writes, and note why a test is red."""
        self._controller.progress.clear()
        if report.failed:
            self._reds.add(dict(report.user_properties).get("audiobench_kind", ""))
        if self._loop is not None:
            self._controller.expect_gates(self._loop)

    def pytest_report_header(self) -> list[str]:
        """Say where the run is kept."""
        return self._controller.header()

    @pytest.hookimpl(tryfirst=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the leaderboard."""
        self._controller.print_board(terminalreporter)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Tell a batch system what became of the run; the summary has been printed by now."""
        if self._termination.happened:
            session.exitstatus = START_AGAIN
        elif session.exitstatus == pytest.ExitCode.TESTS_FAILED:
            session.exitstatus = self._controller.status(self._reds)

    def pytest_unconfigure(self) -> None:
        """Let another run have the directory."""
        self._controller.close()
