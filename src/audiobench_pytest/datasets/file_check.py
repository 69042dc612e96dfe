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
    try:
        locator = sample.audio.relative_to(root).as_posix()
    except ValueError:
        locator = sample.audio.name
    if sample.problem is not None:
        return Checked(sample, locator, None)
    size: int | None = None
    problem: str | None = None
    try:
        # Whether a file exists outside of the set's folder is none of the set's business: the guard looks first.
        if guard is not None and not guard.allows(sample.audio):
            problem = f"{sample.audio}: lies outside of the set's folder {root}; such a path is not read"
        else:
            status = sample.audio.stat()
            size = status.st_size
            if stat.S_ISDIR(status.st_mode):
                problem = f"{sample.audio}: is a folder, not an audio file"
            elif not stat.S_ISREG(status.st_mode):
                problem = f"{sample.audio}: is not a regular file"
    except FileNotFoundError:
        problem = f"{sample.audio}: missing audio file"
    except OSError as exc:
        problem = f"{sample.audio}: {exc.strerror or exc}"
    except ValueError as exc:  # a null byte, or a character that no file name can hold
        problem = f"{str(sample.audio)!r}: not a usable path ({exc})"
    return Checked(sample if problem is None else replace(sample, problem=problem), locator, size)


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
