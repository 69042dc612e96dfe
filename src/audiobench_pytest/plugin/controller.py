"""The process that begins a run and concludes it: manifest, gates, leaderboard."""

from __future__ import annotations

import contextlib
import dataclasses
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from audiobench_pytest.errors import RecordError, UsageError
from audiobench_pytest.leaderboard.gates import judge
from audiobench_pytest.leaderboard.limits import GatesFile, load_gates
from audiobench_pytest.plugin.gate_reports import emit
from audiobench_pytest.plugin.manifest import asked, describe_run
from audiobench_pytest.plugin.progress import Progress
from audiobench_pytest.plugin.session import Session
from audiobench_pytest.records.run_dir import RunDirectory

if TYPE_CHECKING:
    from filelock import BaseFileLock

    from audiobench_pytest.records.plan import CellData, PlannedCell
    from audiobench_pytest.report.board import Board


class Controller:
    """Begins and concludes one run."""

    def __init__(self, session: Session, run: RunDirectory, gates: GatesFile, lock: BaseFileLock) -> None:
        self._session, self._run, self._gates, self._lock = session, run, gates, lock
        self._began = time.time()
        self.board: Board | None = None
        self.progress = Progress(session.config, run, session.settings.rare)

    @classmethod
    def begin(cls, session: Session) -> Controller:
        """Check gates and manifests, then make the run directory.

        Raises:
            DatasetError: A manifest that the user named is broken.
            UsageError: The gates file is wrong, or the directory holds another plan or is in use.
            RecordError: The directory cannot be written.
        """
        from filelock import FileLock, Timeout

        gates = _gates(session)
        session.read_own_manifests()
        run = RunDirectory(session.settings.run or RunDirectory.new_path(_runs(session)))
        lock = FileLock(f"{run.path}.lock")
        try:
            run.path.parent.mkdir(parents=True, exist_ok=True)
            lock.acquire(timeout=0)
        except Timeout:
            raise UsageError(f"{run.path} is in use by another run: name another directory") from None
        except OSError as exc:
            raise RecordError(f"cannot make the run directory {run.path}: {exc.strerror or exc}") from exc
        session.attempt = run.begin(describe_run(session), asked=asked(session))
        session.run = run
        return cls(session, run, gates, lock)

    def started(self) -> None:
        """Note that the test loop begins."""
        self._run.point_latest(_runs(self._session))
        self.progress.start(self._session.attempt)

    def header(self) -> list[str]:
        """Return the lines for pytest's header."""
        gates = self._gates.path or "none"
        return [
            f"audiobench: run {_shown(self._run.path)}, "
            f"cache {_shown(self._session.settings.cache[0])}, gates {_shown(gates) if gates != 'none' else gates}"
        ]

    def conclude(self, session: pytest.Session, *, interrupted: bool) -> None:
        """Reduce what the run's files say, judge it, write the leaderboard and emit the gates' reports."""
        self.progress.stop()
        cells = self._run.cells()
        if not cells:
            self._discard()
            return
        from audiobench_pytest.leaderboard.reduce import reduce_cell
        from audiobench_pytest.report.board import Board
        from audiobench_pytest.report.files import write_board

        results = [reduce_cell(cell) for cell in cells]
        gates = judge(results, [_judged_plan(cell) for cell in cells], self._gates, interrupted=interrupted)
        self.board = Board(
            results=tuple(results),
            gates=tuple(gates),
            run_dir=_shown(self._run.path),
            interrupted=interrupted,
            wall_s=time.time() - self._began,
            notes=self._notes(),
        )
        write_board(self.board, self._run.path)
        emit(session, gates, {cell.plan.cell: cell.plan.node for cell in cells})

    def print_board(self, reporter: pytest.TerminalReporter) -> None:
        """Print the leaderboard."""
        if self.board is None:
            return
        from audiobench_pytest.report.terminal import lines

        reporter.section("audiobench leaderboard")
        for line in lines(self.board, reporter._tw.fullwidth):
            for text, markup in line:
                reporter.write(text, **markup)
            reporter.line("")

    def close(self) -> None:
        """Let another run have the directory."""
        self._lock.release()
        with contextlib.suppress(OSError):
            Path(self._lock.lock_file).unlink()

    def _notes(self) -> tuple[str, ...]:
        part = self._session.settings.part
        if part.of == 1:
            return ()
        return (f"part {part} of the plan: `audiobench gate RUN...` merges the {part.of} parts and judges them",)

    def _discard(self) -> None:
        """Remove the directory of a run that selected nothing; one that already holds results stays."""
        if self._session.attempt == 1 and not (self._run.path / "results").exists():
            for name in ("run.json", "plan.json"):
                (self._run.path / name).unlink(missing_ok=True)
            with contextlib.suppress(OSError):
                self._run.path.rmdir()


def _runs(session: Session) -> Path:
    return session.settings.root / ".audiobench" / "runs"


def _judged_plan(cell: CellData) -> PlannedCell:
    """Return the plan a cell is judged by: with earlier attempts in the directory, a part may complete the whole."""
    complete = cell.receipts and len(cell.outcomes) == cell.receipts[0].total
    return dataclasses.replace(cell.plan, selected=tuple(range(cell.plan.shards))) if complete else cell.plan


def _gates(session: Session) -> GatesFile:
    path = session.settings.gates or _nearest_gates(session.config)
    if path is None:
        return GatesFile()
    catalog = session.catalog
    return load_gates(
        path,
        datasets={d.name for d in catalog.datasets} | {d.name for d in session.datasets},
        families=catalog.families(),
        tasks={d.task for d in catalog.datasets},
        models={m.name for m in catalog.models} | {m.name for m in session.models},
    )


def _nearest_gates(config: pytest.Config) -> Path | None:
    """Return the gates.toml beside the benchmarks: the first one on the way from what is run up to pytest's root."""
    for argument in config.args:
        path = (config.invocation_params.dir / argument.split("::", 1)[0]).resolve()
        for folder in (path, *path.parents):
            if (folder / "gates.toml").is_file():
                return folder / "gates.toml"
            if folder == config.rootpath:
                break
    return None


def _shown(path: Path | str) -> str:
    try:
        return str(Path(path).relative_to(Path.cwd()))
    except ValueError:
        return str(path)
