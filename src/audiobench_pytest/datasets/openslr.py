"""LibriSpeech's layout on disk, as OpenSLR's archives unpack.

Recordings and texts lie in `<subfolder>/<speaker>/<chapter>/`, as `*.flac` and `*.trans.txt`. Each line of a
`.trans.txt` is `<utterance id> <text>`; the recording is `<utterance id>.flac` beside it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from audiobench_pytest.datasets.selection import unique_ids
from audiobench_pytest.errors import DatasetError, did_you_mean
from audiobench_pytest.types import Sample

_ARCHIVE_FOLDER = "LibriSpeech"
"""OpenSLR's archives unpack into this folder; the corpus root may be the folder itself or the one around it."""


def corpus_folder(root: Path, subfolder: str) -> Path:
    """Return the folder of one set.

    Raises:
        DatasetError: It does not exist below the root; names what is there.
    """
    for folder in (root / subfolder, root / _ARCHIVE_FOLDER / subfolder):
        if folder.is_dir():
            return folder
    if not root.is_dir():
        raise DatasetError(f"{root}: no such folder; it should hold '{subfolder}'")
    known = [entry.name for entry in root.iterdir() if entry.is_dir()]
    raise DatasetError(f"{root}: no folder '{subfolder}' in it{did_you_mean(subfolder, known)}")


def read_openslr(root: Path, subfolder: str, language: str) -> list[Sample]:
    """Return all utterances of a set, ordered by folder and line; no recording is opened.

    A recording without a line of text becomes a sample with a problem, as there is nothing to score it against; a line
    without its recording gets its problem from the look at the file.

    Raises:
        DatasetError: The folder is missing, holds no utterance, or a text is not UTF-8; names file and line.
    """
    folder = corpus_folder(root, subfolder)
    found = list(_utterances(folder))
    if not found:
        raise DatasetError(f"{folder}: no utterances; it should hold *.trans.txt and *.flac files")
    names = unique_ids([u.id for u in found], [f"line{u.line}" for u in found])
    return [
        Sample(
            id=name,
            audio=u.audio,
            reference=u.text,
            language=language,
            meta=dict(zip(("speaker", "chapter"), u.id.split("-"), strict=False)),
            problem=_problem(u, None if earlier is None else found[earlier]),
        )
        for u, (name, earlier) in zip(found, names, strict=True)
    ]


def count_utterances(root: Path, subfolder: str) -> int:
    """Return the number of utterances; reads the texts, looks at no recording.

    Raises:
        DatasetError: As in `read_openslr`.
    """
    return sum(1 for _ in _utterances(corpus_folder(root, subfolder)))


@dataclass(frozen=True, slots=True)
class _Utterance:
    id: str
    audio: Path
    text: str
    transcript: Path | None
    line: int


def _problem(utterance: _Utterance, earlier: _Utterance | None) -> str | None:
    if utterance.transcript is None:
        return f"{utterance.audio}: no line of text for it in any .trans.txt beside it"
    place = f"{utterance.transcript}:{utterance.line}"
    problems = []
    if not utterance.text.strip():
        problems.append("empty reference")
    if earlier is not None:
        problems.append(f"duplicate id '{utterance.id}', first seen at {earlier.transcript}:{earlier.line}")
    return f"{place}: {'; '.join(problems)}" if problems else None


def _utterances(folder: Path) -> Iterator[_Utterance]:
    for parent, folders, files in os.walk(folder, onerror=_refuse):
        folders.sort()
        here = Path(parent)
        said = set()
        for name in sorted(f for f in files if f.endswith(".trans.txt")):
            for line, (key, text) in _lines(here / name):
                said.add(key)
                yield _Utterance(key, here / f"{key}.flac", text, here / name, line)
        for name in sorted(f for f in files if f.endswith(".flac") and f.removesuffix(".flac") not in said):
            yield _Utterance(name.removesuffix(".flac"), here / name, "", None, 0)


def _refuse(error: OSError) -> None:
    raise DatasetError(f"{error.filename}: {error.strerror or error}") from error


def _lines(path: Path) -> Iterator[tuple[int, tuple[str, str]]]:
    try:
        content = path.read_bytes()
    except OSError as exc:
        raise DatasetError(f"{path}: {exc.strerror or exc}") from exc
    for number, line in enumerate(content.split(b"\n"), 1):
        try:
            words = line.decode().split(maxsplit=1)
        except UnicodeDecodeError as exc:
            raise DatasetError(f"{path}:{number}: not UTF-8") from exc
        if words:
            yield number, (words[0], words[1].strip() if len(words) == 2 else "")
