"""A publisher's folder of manifests with the recordings beside them: several files that are one set."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from audiobench_pytest.catalog.schema import FolderSource
from audiobench_pytest.datasets.fields import Needs
from audiobench_pytest.datasets.manifests.lines import numbered_lines
from audiobench_pytest.datasets.manifests.read import first_line, read_manifest
from audiobench_pytest.datasets.selection import unique_ids
from audiobench_pytest.errors import DatasetError
from audiobench_pytest.types import Sample


def set_folder(root: Path, source: FolderSource) -> Path:
    """Return the folder that holds a set's files: below the root, or below the one folder that an archive unpacks to.

    Raises:
        DatasetError: There is none; names what should be there.
    """
    inner = sorted(path for path in root.iterdir() if path.is_dir()) if root.is_dir() else []
    for folder in (root / source.subfolder, *(path / source.subfolder for path in inner)):
        if folder.is_dir() and any(any(folder.glob(pattern)) for pattern in source.files):
            return folder
    wanted = f"{source.subfolder}/{source.files[0]}".lstrip("/")
    what = "holds no" if root.is_dir() else "is no folder; it should hold"
    raise DatasetError(f"{root}: {what} {wanted}: give {source.setting} the folder that the publisher's archive makes")


def files_of(root: Path, source: FolderSource) -> list[Path]:
    """Return the manifests of a set, in the order of its patterns.

    Raises:
        DatasetError: A pattern fits none.
    """
    folder = set_folder(root, source)
    found: list[Path] = []
    for pattern in source.files:
        fitting = sorted(folder.glob(pattern))
        if not fitting:
            raise DatasetError(f"{folder}: no {pattern} in it, which belongs to the set: unpack the archive again")
        found += [path for path in fitting if path not in found]
    return found


def read_folder(root: Path, source: FolderSource, language: str, *, needs: Needs, target: str = "") -> list[Sample]:
    """Return all samples of a set, file by file; no recording is opened.

    Args:
        root: What the user says the corpus lies in.
        source: The set.
        language: ISO 639 code of lines that name none.
        needs: What each line must have.
        target: Language of the answers of lines that name none, where it is not that of the sound.

    Raises:
        DatasetError: A file is missing or broken; names file and line.
    """
    found: list[Sample] = []
    for path in files_of(root, source):
        columns = source.columns
        if needs.calls and "text" not in dict(columns) and "call" in first_line(path):
            columns = (*columns, ("text", ("call",)))
        found += read_manifest(path, language, columns, needs=needs, target=target)
    return _told_apart(found)


def count_folder(root: Path, source: FolderSource) -> int:
    """Return the number of lines of a set.

    Raises:
        DatasetError: As for `read_folder`.
    """
    return sum(1 for path in files_of(root, source) for _ in numbered_lines(path))


def _told_apart(samples: Sequence[Sample]) -> list[Sample]:
    names = unique_ids([one.id for one in samples], [f"row{number}" for number in range(len(samples))])
    return [
        one
        if earlier is None
        else dataclasses.replace(one, id=name, problem=one.problem or f"the id '{one.id}' stands in another file too")
        for one, (name, earlier) in zip(samples, names, strict=True)
    ]
