"""The process that begins a run and concludes it: manifest, gates, leaderboard."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import time
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from audiobench_pytest.errors import AudiobenchError, RecordError, Red, UsageError
from audiobench_pytest.leaderboard.gates.schema import GatesFile
from audiobench_pytest.models.registry import adapter_class
from audiobench_pytest.plugin.limits import find_gates
from audiobench_pytest.plugin.run_facts import asked, describe_run
from audiobench_pytest.plugin.session import BenchmarkSession
from audiobench_pytest.plugin.shown.gate_reports import emit
from audiobench_pytest.plugin.shown.progress import Progress
from audiobench_pytest.plugin.shown.stages import stage_lines
from audiobench_pytest.plugin.shown.step_summary import append_summary
from audiobench_pytest.records.runs.directory import GATES, RunDirectory, note_not_begun

if TYPE_CHECKING:
    from filelock import BaseFileLock

    from audiobench_pytest.leaderboard.conclusion import Conclusion
    from audiobench_pytest.records.runs.cells import CellData
    from audiobench_pytest.records.runs.plan import PlannedCell
    from audiobench_pytest.report.text import Span


_WORST = (3, 15)
"""How many of the worst samples `-v` prints of each cell, and of all."""

HARNESS_STATUS, DATA_STATUS = 10, 11
"""Exit statuses of `--audiobench-exit-kinds`: a run that may be tried again, and one whose data has to be mended."""


class Controller:
    """Begins and concludes one run."""

    def __init__(self, session: BenchmarkSession, run: RunDirectory, gates: GatesFile, lock: BaseFileLock) -> None:
        self._session, self._run, self._gates, self._lock = session, run, gates, lock
        self._began = time.time()
        self._started = False
        self._latest_before: Path | None = None
        self.board: Conclusion | None = None
        self._stage: list[str] = []
        self._notes_of_stage: tuple[str, ...] = ()
        self._worst: list[list[Span]] = []
        self._expected_gates: int | None = None
        self.progress = Progress(session.config, run, session.settings)

    @classmethod
    def begin(cls, session: BenchmarkSession) -> Controller:
        """Check gates and manifests, then make the run directory.

        Raises:
            DatasetError: A manifest that the user named is broken.
            UsageError: The gates file is wrong, or the directory holds another plan or is in use.
            RecordError: The directory cannot be written.
        """
        from filelock import FileLock, Timeout

        gates = find_gates(session)
        session.read_manifests(session.datasets if session.settings.datasets else ())
        run = RunDirectory(session.settings.run or RunDirectory.new_path(_runs(session)))
        if run.path.resolve() in gates.baselines():
            raise UsageError(f"{gates.path}: the baseline {run.path} is the directory of this run: name another one")
        lock = FileLock(f"{run.path}.lock")
        try:
            run.path.parent.mkdir(parents=True, exist_ok=True)
            lock.acquire(timeout=0)
        except Timeout:
            raise UsageError(f"{run.path} is in use by another run: name another directory") from None
        except OSError as exc:
            raise RecordError(f"cannot make the run directory {run.path}: {exc.strerror or exc}") from exc
        try:
            facts = {**describe_run(session), "gates": None if gates.path is None else str(gates.path)}
            session.attempt = run.begin(facts, asked=asked(session))
            run.keep_gates(gates.path)
        except BaseException:
            _unlock(lock)
            raise
        session.run = run
        return cls(session, run, gates, lock)

    def started(self) -> None:
        """Note that the test loop begins."""
        latest = _runs(self._session) / "latest"
        self._started = True
        self._latest_before = latest.resolve() if latest.is_dir() else None
        self._run.point_latest(latest.parent)
        self._session.config.hook.pytest_audiobench_run_started(run=self._run)
        self.progress.start(self._session.attempt)

    def expect_gates(self, session: pytest.Session) -> None:
        """Count the gates among the tests as soon as the plan is there, so that no percentage runs backwards."""
        if self._expected_gates is None and self._session.scores:
            with contextlib.suppress(RecordError):  # concluding the run will say so
                self._expected_gates = sum(self._gates.expected(plan) for plan in self._run.plan())
                session.testscollected += self._expected_gates

    def header(self) -> list[str]:
        """Return the lines for pytest's header."""
        if self._session.config.option.verbose < 0:
            return [f"audiobench: run {_shown(self._run.path)}"]
        gates = self._gates.path or "none"
        served = [spec.name for spec in self._session.models if spec.way and adapter_class(spec.adapter).logs]
        where = self._run.servers(self._session.attempt)
        logs = [f"audiobench: logs of servers of {', '.join(served)}: {_shown(where)}/*.log"] if served else []
        return [
            f"audiobench: run {_shown(self._run.path)}, "
            f"cache {_shown(self._session.settings.cache[0])}, gates {_shown(gates) if gates != 'none' else gates}",
            *logs,
        ]

    def conclude(self, session: pytest.Session, *, interrupted: bool) -> None:
        """Reduce what the run's files say, judge it, emit the gates' reports and write the leaderboard.

        Raises:
            pytest.UsageError: The leaderboard cannot be written; what was judged has been reported.
        """
        self.progress.stop()
        notes = self._notes()
        try:
            self._session.close()  # the model's memory and this process's files; nothing runs any more
        except Exception as exc:  # a model that fails to close has answered all the same
            notes += (f"closing the model failed: {type(exc).__name__}: {exc}",)
        if not self._session.scores:
            self._stage = stage_lines(self._run, self._session.attempt, self._session.settings.stage)
            self._notes_of_stage = notes
            if not self._run.plan():
                self._discard()
            return
        cells = self._run.cells(self._gates.slice_keys)
        if not cells:
            self._discard()
            return
        from audiobench_pytest.leaderboard.conclusion import conclude
        from audiobench_pytest.report.run.files import write_board

        checks = self._checks(cells)
        concluded = conclude(
            cells,
            self._gates,
            run_dir=_shown(self._run.path),
            plans=[_judged_plan(cell) for cell in cells],
            interrupted=interrupted,
            wall_s=time.time() - self._began,
            notes=(*notes, *checks.values()),
            doubts=self._run.doubts(),
            is_part=self._session.settings.part.of > 1,
        )
        if self._session.suite is not None:
            told = self._session.suite.notes(concluded.results)
            concluded = dataclasses.replace(concluded, notes=(*concluded.notes, *told))
        self.board = concluded
        session.testscollected += len(concluded.gates) - (self._expected_gates or 0)
        emit(session, concluded, {cell.plan.cell: cell.plan.node for cell in cells})
        try:
            write_board(self.board, self._run.path)
        except RecordError as exc:  # a verdict that nobody can read later must not look green
            raise pytest.UsageError(str(exc)) from None
        told = (*self._report(), *append_summary(concluded, os.environ.get("GITHUB_STEP_SUMMARY")))
        if getattr(self._session.config.option, "verbose", 0) > 0:  # there may be no terminal
            from audiobench_pytest.report.diff import worst_lines

            self._worst = worst_lines(cells, *_WORST)
        told = (*told, *self._tell(concluded))  # last: what others do with the verdict cannot take it away
        self.board = dataclasses.replace(concluded, notes=(*concluded.notes, *told))
        self._compact(cells)

    def _report(self) -> tuple[str, ...]:
        """Write the report that was asked for; return where it is, or why it is not: that is no verdict."""
        given = self._session.settings.html
        if given is None:
            return ()
        from audiobench_pytest.datasets import sounds_of_manifest
        from audiobench_pytest.datasets.audio.decode import samples_to_see
        from audiobench_pytest.report.html.pages import folder_for, source_of, write_report

        try:
            page = write_report(
                self._run.path,
                folder_for(given, self._run.path),
                sounds_of=lambda cell: sounds_of_manifest(source_of(cell)),
                seen=samples_to_see,
                caches=self._session.settings.cache,
            )
        except AudiobenchError as exc:
            return (f"the report could not be written: {exc}",)
        return (f"report: {_shown(page)}",)

    def _tell(self, concluded: Conclusion) -> tuple[str, ...]:
        """Let other plugins and conftests know what was concluded; return a note if one of them fails."""
        hook = self._session.config.hook
        try:
            for result in concluded.results:
                hook.pytest_audiobench_cell(result=result)
            for gate in concluded.gates:
                hook.pytest_audiobench_gate(result=gate)
            hook.pytest_audiobench_leaderboard(conclusion=concluded)
        except Exception as exc:  # anybody's code; a tracker that is down is no verdict
            return (
                f"a hook of another plugin or conftest failed, and no more were called: {type(exc).__name__}: {exc}",
            )
        return ()

    def status(self, reds: Collection[object]) -> int:
        """Return the exit status of a red run, given the kinds of its reds; one without a kind is a plain failure."""
        if not self._session.settings.exit_kinds or not set(reds) <= {Red.HARNESS, Red.DATA}:
            return int(pytest.ExitCode.TESTS_FAILED)
        return HARNESS_STATUS if Red.HARNESS in reds else DATA_STATUS

    def print_board(self, reporter: pytest.TerminalReporter) -> None:
        """Print the leaderboard."""
        if self._stage:
            reporter.section(f"audiobench stage: {self._session.settings.stage}")
            for told in (*self._stage, *self._notes_of_stage, f"run: {_shown(self._run.path)}"):
                reporter.line(told)
        if self.board is None:
            return
        from audiobench_pytest.report.run.terminal import lines

        reporter.section("audiobench leaderboard")
        width, verbose = self._session.config.get_terminal_writer().fullwidth, self._session.config.option.verbose
        board = lines(self.board, width, markup=reporter.hasmarkup, brief=verbose < 0)
        for line in [*board, *([[], *self._worst] if self._worst else [])]:
            for text, markup in line:
                reporter.write(text, **markup)
            reporter.line("")

    def close(self) -> None:
        """Let another run have the directory."""
        if not self._started:
            self._discard()
        _unlock(self._lock)
        with contextlib.suppress(OSError):  # a first command that ran nothing leaves nothing
            _runs(self._session).rmdir()
            _runs(self._session).parent.rmdir()

    def _compact(self, cells: list[CellData]) -> None:
        """Merge the cache files of each model whose cells were all reached: the next run reads one file, not many."""
        from audiobench_pytest.records.answers.cache import PredictionCache
        from audiobench_pytest.records.answers.compaction import compact

        cache = PredictionCache(self._session.settings.cache)
        for cell in cells:
            if cell.receipts and len(cell.outcomes) == cell.receipts[0].total:
                identity = cell.receipts[0].model["identity"]
                # The merged file is a convenience: where it cannot be written, the small ones are still there.
                with contextlib.suppress(RecordError, OSError):
                    compact(cache.model_folders(cell.plan.cell.model, identity)[0])

    def _checks(self, cells: list[CellData]) -> dict[str, str]:
        """Have the models that score answers asked about known cases, once per run; return what came of it by recipe.

        A recipe whose model got them wrong, or could not be asked, is noted in the run as in doubt.
        """
        from audiobench_pytest.leaderboard.cells.planned import recipe_of
        from audiobench_pytest.records.answers.cache import PredictionCache
        from audiobench_pytest.runner.scoring.stages import Checked, stage_of

        notes, doubts = {}, {}
        cache = PredictionCache(self._session.settings.cache)
        recipes = {cell.plan.cell.recipe: recipe_of(cell.plan) for cell in cells if len(cell.table)}
        for name, recipe in sorted(recipes.items()):
            try:
                stage = stage_of(recipe, self._session.helpers)
                found = stage.check(cache) if stage is not None else None
            except AudiobenchError as exc:
                found = Checked(f"the {recipe.metric.stage}'s known cases could not be asked: {exc}", is_trusted=False)
            if found is not None:
                notes[name] = f"{name}: {found.note}"
                if not found.is_trusted:
                    doubts[name] = found.note
        self._run.keep_doubts(doubts)
        return notes

    def _notes(self) -> tuple[str, ...]:
        part = self._session.settings.part
        notes = (*_prompt_notes(self._run.plan()), *self._asked_once())
        if part.of > 1:
            notes += (f"part {part} of the plan: `audiobench gate RUN...` merges the {part.of} parts and judges them",)
        return notes

    def _asked_once(self) -> Iterator[str]:
        """Yield which models were asked each question once although it was to be several times."""
        repeats = self._session.settings.repeats
        alike = [model.name for model in self._session.models if self._session.draws(model) < repeats]
        if alike:
            yield f"asked once, not {repeats} times, for it draws nothing at random: {', '.join(alike)}"

    def _discard(self) -> None:
        """Remove the directory of a run that selected nothing; one that already holds results stays.

        A note says that `latest` is of an earlier command.
        """
        if self._session.attempt == 1 and not (self._run.path / "results").exists():
            for name in ("run.json", "plan.json", GATES):
                (self._run.path / name).unlink(missing_ok=True)
            with contextlib.suppress(OSError):
                self._run.path.rmdir()
            latest = _runs(self._session) / "latest"
            if latest.is_symlink() and not latest.exists():
                latest.unlink()
                if self._latest_before is not None:
                    RunDirectory(self._latest_before).point_latest(latest.parent)
        note_not_begun(_runs(self._session), self._session.refused or "it selected nothing that could run")


def _unlock(lock: BaseFileLock) -> None:
    # Removed while it is held: behind the release it could be the file that the next run has just locked.
    with contextlib.suppress(OSError):
        Path(lock.lock_file).unlink()
    lock.release()


def _runs(session: BenchmarkSession) -> Path:
    return session.settings.root / ".audiobench" / "runs"


def _judged_plan(cell: CellData) -> PlannedCell:
    """Return the plan a cell is judged by: with earlier attempts in the directory, a part may complete the whole."""
    complete = cell.receipts and len(cell.outcomes) == cell.receipts[0].total
    return dataclasses.replace(cell.plan, selected=tuple(range(cell.plan.shards))) if complete else cell.plan


def _shown(path: Path | str) -> str:
    try:
        return str(Path(path).relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def _prompt_notes(plan: Sequence[PlannedCell]) -> tuple[str, ...]:
    """Return in whose words cells were asked, where those are not the words of their task."""
    cells: dict[str, list[str]] = {}
    for planned in plan:
        if planned.prompt and not planned.cell.prompt:  # where there are several, each row says which
            cells.setdefault(planned.prompt, []).append(str(planned.cell))
    return tuple(
        f"asked by the prompt {name}: {', '.join(dict.fromkeys(of[:8]))}{f' and {len(of) - 8} more' * (len(of) > 8)}"
        for name, of in cells.items()
    )
