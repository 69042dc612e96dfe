"""One look at each selected audio file: is it there, is it a file, may this set point to it."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from audiobench_pytest.types import Sample


@dataclass(frozen=True, slots=True)
class Checked:
    """A sample after the look at its file.

    Attributes:
        sample: The sample; its `problem` says what is wrong with the file.
        locator: Place of the file, relative to the set's folder where it lies below it, else its bare name.
        size: Bytes, or None when there is no such file.
    """

    sample: Sample
    locator: str
    size: int | None


def check_files(samples: Sequence[Sample], root: Path, *, inside: bool) -> list[Checked]:
    """Look at each sample's audio file with one `stat`; nothing is opened.

    Args:
        samples: The selected samples. One that has a problem already is passed on as it is.
        root: The set's folder.
        inside: Refuse files that lie outside `root` once `..` and symbolic links are followed, which is what a
            downloaded set could use to have any file of this machine read.
    """
    guard = _Guard(root) if inside else None
    return [_check(sample, root, guard) for sample in samples]


def _check(sample: Sample, root: Path, guard: _Guard | None) -> Checked:
    if sample.audio is not None and not sample.sounds:  # what nearly all samples are, and there may be a million
        locator, size, problem = _look(sample.audio, root, guard, look=sample.problem is None)
        return Checked(sample if problem is None else replace(sample, problem=problem), locator, size)
    found = [_look(path, root, guard, look=sample.problem is None) for path in sample.files.values()]
    problem = next((problem for _, _, problem in found if problem is not None), None)
    sizes = [size for _, size, _ in found if size is not None]
    return Checked(
        sample if problem is None else replace(sample, problem=problem),
        " ".join(locator for locator, _, _ in found),
        sum(sizes) if sizes else None,
    )


def _look(path: Path, root: Path, guard: _Guard | None, *, look: bool) -> tuple[str, int | None, str | None]:
    """Return the place of a file, its size where it is there, and what is wrong with it."""
    try:
        locator = path.relative_to(root).as_posix()
    except ValueError:
        locator = path.name
    if not look:
        return locator, None, None
    try:
        # Whether a file exists outside of the set's folder is none of the set's business: the guard looks first.
        if guard is not None and not guard.allows(path):
            return locator, None, f"{path}: lies outside of the set's folder {root}; such a path is not read"
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            return locator, status.st_size, f"{path}: is a folder, not an audio file"
        if not stat.S_ISREG(status.st_mode):
            return locator, status.st_size, f"{path}: is not a regular file"
        return locator, status.st_size, None
    except FileNotFoundError:
        return locator, None, f"{path}: missing audio file"
    except OSError as exc:
        return locator, None, f"{path}: {exc.strerror or exc}"
    except ValueError as exc:  # a null byte, or a character that no file name can hold
        return locator, None, f"{str(path)!r}: not a usable path ({exc})"


class _Guard:
    """Tells whether paths stay below a folder; resolves each parent folder once, so that a file costs one `lstat`."""

    def __init__(self, root: Path) -> None:
        self._root = os.path.realpath(root)
        self._parents: dict[str, str] = {}

    def allows(self, path: Path) -> bool:
        text = os.fspath(path)
        parent, name = os.path.split(text)
        if name in ("", ".", "..") or path.is_symlink():
            return self._below(os.path.realpath(text))
        folder = self._parents.get(parent)
        if folder is None:
            folder = self._parents[parent] = os.path.realpath(parent)
        return self._below(folder)

    def _below(self, resolved: str) -> bool:
        return os.path.commonpath([self._root, resolved]) == self._root
