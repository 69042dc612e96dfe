"""Which file of limits a run is judged by, and whether it fits what is planned."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from audiobench_pytest.errors import UsageError
from audiobench_pytest.leaderboard.gates.file import kept_gates, load_gates
from audiobench_pytest.leaderboard.gates.names import Known
from audiobench_pytest.leaderboard.gates.promises import unmeasured
from audiobench_pytest.leaderboard.gates.schema import GatesFile
from audiobench_pytest.models.ways import row
from audiobench_pytest.plugin.session import BenchmarkSession
from audiobench_pytest.records.runs.directory import GATES

if TYPE_CHECKING:
    from audiobench_pytest.records.runs.plan import PlannedCell


def find_gates(session: BenchmarkSession) -> GatesFile:
    """Return the limits of a run: of the file that was named, else of the one beside the benchmarks, else none.

    Raises:
        UsageError: The file is wrong.
    """
    path = session.settings.gates or _nearest_gates(session.config)
    if path is None:
        return GatesFile()
    catalog = session.catalog
    known = Known(
        datasets={d.name for d in catalog.datasets} | {d.name for d in session.datasets},
        families=catalog.families(),
        tasks=set(catalog.tasks.names()),
        models={m.name for m in catalog.models} | {m.name for m in session.models},
        row_name=row,
        is_elsewhere=functools.partial(_lies_beside, _folders(session, path)),
    )
    return load_gates(path, known)


def check_planned(session: BenchmarkSession, plans: Iterable[PlannedCell]) -> None:
    """Refuse a limit on what no planned cell is measured in, in every process that collects.

    Raises:
        UsageError: There is one.
    """
    if session.run is None or not (session.run.path / GATES).is_file():
        return
    gates = kept_gates(session.run, Known(checked=True, row_name=row))
    reasons = unmeasured(gates, list(plans))
    if reasons:
        raise UsageError("; ".join(reasons))


def _folders(session: BenchmarkSession, gates: Path) -> set[Path]:
    """Return where the manifests of other jobs would lie: where those of this run do, and beside the gates file."""
    own = [Path(d.manifest.path) for d in session.datasets if d.manifest is not None and not d.manifest.bundled]
    return {session.settings.root, gates.parent, *(path.parent for path in own), *(path.parent.parent for path in own)}


def _lies_beside(folders: Iterable[Path], name: str) -> bool:
    places = (Path(name) / "manifest.jsonl", Path(f"{name}.jsonl"))
    return any((folder / place).is_file() for folder in folders for place in places)


def _nearest_gates(config: pytest.Config) -> Path | None:
    """Return the gates.toml beside the benchmarks: the first one on the way from what is run up to pytest's root."""
    arguments: list[str] = config.option.file_or_dir or config.getini("testpaths") or ["."]
    for argument in arguments:
        path = (config.invocation_params.dir / argument.split("::", 1)[0]).resolve()
        for folder in (path, *path.parents):
            if (folder / "gates.toml").is_file():
                return folder / "gates.toml"
            if folder == config.rootpath:
                break
    return None
