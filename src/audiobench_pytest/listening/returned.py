"""Ratings that come back: read, checked against the key of their session, kept in the run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import msgspec

from audiobench_pytest.errors import UsageError
from audiobench_pytest.records.append import DAMAGED
from audiobench_pytest.records.runs.listening import (
    AB,
    FORMAT,
    MOS,
    MUSHRA,
    RatedTrial,
    Ratings,
    Session,
    keep_ratings,
    sessions_of,
)

_ENDS = {MOS: (1.0, 5.0), MUSHRA: (0.0, 100.0), AB: (0.0, 1.0)}


def bring_in(files: Sequence[Path], run: Path) -> list[Ratings]:
    """Read files of ratings, check all of them, then keep them in a run; return them.

    Raises:
        UsageError: A file holds no ratings, or those of another session; nothing is kept then.
        RecordError: A key cannot be read, or the ratings not be kept.
    """
    sessions = sessions_of(run)
    if not sessions:
        raise UsageError(f"{run} has no listening test: `audiobench listen {run}` makes one")
    found: dict[tuple[str, str], tuple[Path, Ratings]] = {}
    for path in files:
        said = _read(path)
        _check(path, said, sessions, run)
        first = found.setdefault((said.session, said.rater), (path, said))
        if first[1] != said:
            raise UsageError(f"{first[0]} and {path} are both of the rater '{said.rater}', and differ: leave one out")
    for _, said in found.values():
        keep_ratings(run, said)
    return [said for _, said in found.values()]


def _read(path: Path) -> Ratings:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Ratings)
    except OSError as exc:
        raise UsageError(f"cannot read {path}: {exc.strerror or exc}") from exc
    except DAMAGED as exc:
        raise UsageError(f"{path} holds no ratings of a listening test: {exc}") from exc


def _check(path: Path, said: Ratings, sessions: dict[str, Session], run: Path) -> None:
    if said.format != FORMAT:
        raise UsageError(f"{path} is of format {said.format}; this version reads {FORMAT}")
    session = sessions.get(said.session)
    if session is None:
        raise UsageError(f"{path} is of the session {said.session}, of which {run} has no key: name the run it is of")
    if said.kind != session.kind:
        raise UsageError(f"{path}: 'kind' is '{said.kind}', the session is of '{session.kind}'")
    if not said.rater.strip():
        raise UsageError(f"{path}: 'rater' is empty: who it is of has to be told, or two would count as one")
    if not said.ratings:
        raise UsageError(f"{path} holds no rating yet: leave it out")
    trials = {trial.id: trial for trial in session.trials}
    seen: set[str] = set()
    for number, one in enumerate(said.ratings, 1):
        where = f"{path}: rating {number}"
        trial = trials.get(one.trial)
        if trial is None:
            raise UsageError(f"{where}: the session has no trial '{one.trial}'")
        if one.trial in seen:
            raise UsageError(f"{where}: the trial '{one.trial}' comes twice")
        seen.add(one.trial)
        if set(one.values) != set(trial.stimuli):
            raise UsageError(f"{where}: it is of {sorted(one.values)}, the trial of {sorted(trial.stimuli)}")
        _check_values(where, one, said.kind)


def _check_values(where: str, one: RatedTrial, kind: str) -> None:
    least, greatest = _ENDS[kind]
    for stimulus, value in one.values.items():
        if not (math.isfinite(value) and least <= value <= greatest):
            raise UsageError(f"{where}: '{stimulus}' has {value:g}, which is not between {least:g} and {greatest:g}")
        if kind == AB and value not in (0.0, 0.5, 1.0):
            raise UsageError(f"{where}: '{stimulus}' has {value:g}, which is none of 0, 0.5 and 1")
    if kind == AB and math.fsum(one.values.values()) != 1.0:
        raise UsageError(f"{where}: one is preferred (1 and 0), or neither (0.5 and 0.5)")
