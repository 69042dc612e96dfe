"""What an update of the lock file changes, what it must not change unasked, and what it was before."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from audiobench_pytest.leaderboard.baselines.lock_file import LockedCell
from audiobench_pytest.records.runs.directory import RunDirectory
from audiobench_pytest.types import CellId, CellResult


@dataclass(frozen=True, slots=True)
class Made:
    """When and of what a locked cell was made.

    Attributes:
        date: The day its run began.
        commit: Commit of the project under test, or "".
        reason: Why it was accepted where it had to be, or "".
    """

    date: str
    commit: str
    reason: str

    def plain(self) -> dict[str, str]:
        """Return it as the file keeps it."""
        return {"date": self.date, "commit": self.commit, "reason": self.reason}


def made_of(runs: Sequence[Path], reason: str) -> Made:
    """Return when the runs began and what they were of: facts of the runs, so that they always give the same bytes.

    Raises:
        RecordError: A run cannot be read.
    """
    facts = [RunDirectory(path).manifest() or {} for path in runs]
    began = max((float(one.get("began") or one.get("started") or 0.0) for one in facts), default=0.0)
    commits = dict.fromkeys(str((one.get("git") or {}).get("commit") or "") for one in facts)
    date = time.strftime("%Y-%m-%d", time.gmtime(began)) if began else ""
    return Made(date, " ".join(filter(None, commits)), reason)


def with_history(new: LockedCell, old: LockedCell | None, made: Made) -> LockedCell:
    """Return a cell with when it was made and what stood there before; the old one where nothing has changed."""
    if old is not None and _content(old) == _content(new):
        return old
    history = [] if old is None else [*old.history, summary(old)]
    return replace(new, document={**new.document, "made": made.plain(), "history": history})


def summary(cell: LockedCell) -> dict[str, Any]:
    """Return what a history tells of a cell."""
    document = cell.document
    value = document["values"][document["metric"]]["value"]
    return {**cell.made, "metric": document["metric"], "value": value, "n": document["n"]}


def objections(result: CellResult, new: LockedCell, old: LockedCell | None) -> list[str]:
    """Return why a cell may not become the baseline unasked."""
    found = []
    if result.evidence.selection:
        found.append(f"it was measured on the {result.evidence.selection} samples")
    if result.coverage < 1.0:
        found.append(
            f"only {result.scored} of {result.expected} {result.answers} have a score; the others can never be compared"
        )
    if (change := change_of(new, old)) is not None and _is_worse(new, old):
        found.append(f"it is worse than what it replaces ({change})")
    if old is not None and old.words is not None and old.words != new.words:
        asked = (f"prompt '{one.words}'" if one.words else "the usual prompt" for one in (new, old))
        found.append("it was asked in {}, what it replaces in {}".format(*asked))
    return found


def change_of(new: LockedCell, old: LockedCell | None) -> str | None:
    """Return the old and the new value, or None where there was none."""
    if old is None:
        return None
    before, now = (_shown(one) for one in (old, new))
    return f"{before} -> {now}"


def red_gates(runs: Iterable[Path]) -> list[str]:
    """Return the gates that the runs' own leaderboards say have failed."""
    found = []
    for path in runs:
        try:
            board = json.loads((path / "leaderboard.json").read_bytes())
        except (OSError, ValueError):
            continue  # a part of a plan has none that counts
        for gate in board.get("gates", ()):
            if gate.get("counts_as") == "fail":
                cell = CellId(gate["dataset"], gate["model"], gate.get("recipe") or "", gate.get("prompt") or "")
                found.append(f"{cell} {gate['metric']}: {gate['message']}")
    return found


def _is_worse(new: LockedCell, old: LockedCell | None) -> bool:
    if old is None:
        return False
    before, now = (_value(one) for one in (old, new))
    if before["value"] is None or now["value"] is None:
        return False
    return bool(now["value"] < before["value"] if now["higher_is_better"] else now["value"] > before["value"])


def _value(cell: LockedCell) -> Mapping[str, Any]:
    found: Mapping[str, Any] = cell.document["values"][cell.document["metric"]]
    return found


def _shown(cell: LockedCell) -> str:
    value = _value(cell)
    unit = f" {value['unit']}" if value["unit"] else ""
    return f"{cell.document['metric']} -" if value["value"] is None else f"{value['value']:.4f}{unit}"


def _content(cell: LockedCell) -> dict[str, Any]:
    content = {key: value for key, value in cell.document.items() if key not in ("made", "history")}
    return {"words": "", **content}  # what an earlier version did not say is no change
