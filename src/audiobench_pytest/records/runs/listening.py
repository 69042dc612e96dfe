"""What people said who listened: the key of each blinded session, and the ratings that came back, in the run directory.

`listening/<session>/key.json` says whose sound is behind which name, and stays out of the folder that is listened to;
`listening/<session>/ratings-<rater>.json` is what one rater said.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import msgspec

from audiobench_pytest.errors import RecordError
from audiobench_pytest.records.append import DAMAGED, as_line, write_atomically
from audiobench_pytest.records.keys import digest

MOS, MUSHRA, AB = "mos", "mushra", "ab"
KINDS = (AB, MOS, MUSHRA)
"""How is listened: which of two is better; how good from 1 to 5; how good from 0 to 100 beside a reference."""

REFERENCE, ANCHOR = "reference", "anchor"
"""What may be behind a name in MUSHRA beside an answer: the recording itself, and what is left of it at 3.5 kHz."""

FORMAT = 1
"""Version of key and ratings; raised when a reader of the old ones would misread the new."""

_FOLDER = "listening"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class System:
    """One of those that are listened to.

    Attributes:
        run: Name of its run directory.
        model: The model.
        here: Whether it is of the run that this key lies in.
        prompt: In which of several prompts it was asked, or "".
    """

    run: str
    model: str
    here: bool = True
    prompt: str = ""


@dataclass(frozen=True, slots=True)
class Trial:
    """What is judged at once.

    Attributes:
        id: Its name in the page.
        sample: The sample.
        stimuli: By the name of a sound, what is behind it: the place of a system, `reference` or `anchor`.
    """

    id: str
    sample: str
    stimuli: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Session:
    """One listening test.

    Attributes:
        session: Its name, by which ratings find it.
        kind: One of `KINDS`.
        dataset: Data set of the samples.
        seed: Decides on the samples and on every order.
        systems: Who is listened to.
        trials: What is judged.
        format: See `FORMAT`.
    """

    session: str
    kind: str
    dataset: str
    seed: int
    systems: tuple[System, ...]
    trials: tuple[Trial, ...]
    format: int = FORMAT


@dataclass(frozen=True, slots=True)
class RatedTrial:
    """What one rater said of one trial.

    Attributes:
        trial: Its name.
        values: By the name of a sound: 1 to 5 (MOS), 0 to 100 (MUSHRA); the better of two has 1, and 0.5 is neither.
    """

    trial: str
    values: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Ratings:
    """What one rater said.

    Attributes:
        format: See `FORMAT`.
        kind: One of `KINDS`.
        session: Of which listening test.
        rater: Who, by whatever name.
        ratings: Trial by trial.
    """

    format: int
    kind: str
    session: str
    rater: str
    ratings: tuple[RatedTrial, ...]


@dataclass(frozen=True, slots=True)
class Rating:
    """One sound, judged by one rater.

    Attributes:
        session: In which listening test.
        rater: Who.
        sample: Which sample.
        value: As in `RatedTrial`.
        role: `answer`, `reference` or `anchor`.
    """

    session: str
    rater: str
    sample: str
    value: float
    role: str = "answer"


@dataclass
class Listened:
    """What was said of one model on one data set, by kind of test.

    Attributes:
        ratings: By kind: of its answers, and of reference and anchor where they were heard beside them.
    """

    ratings: dict[str, list[Rating]] = field(default_factory=dict)


def keep_session(run: Path, session: Session) -> None:
    """Write the key of a session into a run.

    Raises:
        RecordError: It cannot be written.
    """
    write_atomically(_made(run, session.session) / "key.json", msgspec.json.format(as_line(session), indent=1))


def sessions_of(run: Path) -> dict[str, Session]:
    """Return the sessions of a run by name.

    Raises:
        RecordError: A key cannot be read.
    """
    found = [_read(path, Session) for path in sorted((run / _FOLDER).glob("*/key.json"))]
    return {one.session: one for one in found}


def keep_ratings(run: Path, ratings: Ratings) -> None:
    """Write what a rater said into a run, in the place of what the same rater said of the same session before.

    Raises:
        RecordError: It cannot be written.
    """
    name = f"ratings-{digest(ratings.rater)[:16]}.json"
    write_atomically(_made(run, ratings.session) / name, msgspec.json.format(as_line(ratings), indent=1))


def ratings_of(run: Path, session: str) -> list[Ratings]:
    """Return what raters said of a session.

    Raises:
        RecordError: A file cannot be read.
    """
    return [_read(path, Ratings) for path in sorted(_folder(run, session).glob("ratings-*.json"))]


def listened(run: Path) -> dict[tuple[str, str, str], Listened]:
    """Return what was said of the answers of a run, by data set, model and prompt.

    Raises:
        RecordError: A file cannot be read.
    """
    found: dict[tuple[str, str, str], Listened] = {}
    for session in sessions_of(run).values():
        trials = {trial.id: trial for trial in session.trials}
        for said in ratings_of(run, session.session):
            for place, system in enumerate(session.systems):
                if not system.here:
                    continue
                own = found.setdefault((session.dataset, system.model, system.prompt), Listened())
                own.ratings.setdefault(session.kind, []).extend(_of(session, said, trials, str(place)))
    return found


def _of(session: Session, said: Ratings, trials: Mapping[str, Trial], place: str) -> list[Rating]:
    rows = []
    for one in said.ratings:
        trial = trials[one.trial]
        for stimulus, value in sorted(one.values.items()):
            behind = trial.stimuli[stimulus]
            if behind in (place, REFERENCE, ANCHOR):
                role = "answer" if behind == place else behind
                rows.append(Rating(session.session, said.rater, trial.sample, value, role))
    return rows


def _folder(run: Path, session: str) -> Path:
    return run / _FOLDER / session


def _made(run: Path, session: str) -> Path:
    folder = _folder(run, session)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise RecordError(f"cannot make {folder}: {exc.strerror or exc}") from exc
    return folder


def _read(path: Path, kind: type[T]) -> T:
    try:
        found = msgspec.json.decode(path.read_bytes(), type=kind)
    except (OSError, *DAMAGED) as exc:
        raise RecordError(f"cannot read {path}: {exc}") from exc
    if (written := getattr(found, "format", FORMAT)) != FORMAT:
        raise RecordError(f"{path} was written in format {written}; this version reads {FORMAT}")
    return found
