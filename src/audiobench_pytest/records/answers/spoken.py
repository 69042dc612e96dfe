"""The sounds that kept answers name: which there are, what they take, which of them no run names any more."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from audiobench_pytest.errors import RecordError
from audiobench_pytest.records.answers.cache import read_answers
from audiobench_pytest.records.answers.columns import SUFFIX
from audiobench_pytest.records.append import DAMAGED, read_lines
from audiobench_pytest.records.runs import lines
from audiobench_pytest.records.sounds import SOUNDS
from audiobench_pytest.types import ROUNDS, SPEECH

_NAME = re.compile(r"[0-9a-f]{2}/([0-9a-f]{64}\.flac)")


@dataclass(frozen=True, slots=True)
class Spoken:
    """The sounds of a cache that answers name.

    Attributes:
        files: Each that is there, by its name below `SOUNDS`, with its bytes.
        unnamed: Those of them that no run names.
    """

    files: dict[str, int]
    unnamed: frozenset[str]


def sound_at(caches: Sequence[Path], name: str) -> Path:
    """Return where the sound of an answer lies; where no cache holds it, its place in the first.

    Args:
        caches: Folders of caches, the one that is written first.
        name: What the answer says of its sound's file.

    Raises:
        RecordError: The name leads out of a cache: whoever wrote it was not this package.
    """
    if not _NAME.fullmatch(name):
        raise RecordError(f"{name!r} names no sound of a cache: the answer is damaged")
    places = [cache / SOUNDS / name for cache in caches]
    return next((place for place in places if place.is_file()), places[0])


def sounds_of(folder: Path) -> set[str]:
    """Return the names of the sounds that the answers of one model are.

    Raises:
        RecordError: A columnar file is damaged.
    """
    files = [*folder.glob(f"*{SUFFIX}"), *folder.glob("*.jsonl")]
    kept = (answer.meta.get(SPEECH) for answer in read_answers(files).answers.values())
    return {name for facts in kept if isinstance(facts, dict) and _NAME.fullmatch(name := str(facts.get("file", "")))}


def spoken(cache: Path, runs: Iterable[Path]) -> Spoken:
    """Return what a cache holds of spoken answers; the recordings of data sets that lie beside them are not looked at.

    Args:
        cache: The cache folder.
        runs: Run directories whose answers are to stay.

    Raises:
        RecordError: A file of the cache cannot be read.
    """
    names = {name for folder in sorted((cache / "predictions").glob("*")) for name in sounds_of(folder)}
    files = {}
    for name in sorted(names):
        with contextlib.suppress(FileNotFoundError):
            files[name] = (cache / SOUNDS / name).stat().st_size
    named = {name for run in runs for name in _named_by(run)}
    return Spoken(files, frozenset(files) - named)


def remove(cache: Path, names: Iterable[str]) -> None:
    """Remove sounds of a cache; an answer whose sound is gone is asked for again when a run wants it."""
    for name in names:
        (cache / SOUNDS / name).unlink(missing_ok=True)


def digest_of(name: str) -> str:
    """Return the file name of a sound without its folder, `<sha256>.flac`."""
    return name.rpartition("/")[2]


def _named_by(run: Path) -> Iterator[str]:
    for path in sorted((run / "results").glob("*.jsonl")):
        for line in read_lines(path):
            if b'"speech"' not in line:
                continue
            with contextlib.suppress(*DAMAGED):
                told = lines.whole.decode(line)
                named = told.outcome or told.kept
                if named is not None and named.speech:
                    yield str(named.speech.get("file", ""))
                    yield from map(str, named.speech.get(ROUNDS, ()))
