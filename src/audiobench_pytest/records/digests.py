"""SHA-256 of files, taken once and remembered by (path, size, times of modification and change, inode)."""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
from pathlib import Path

import msgspec

from audiobench_pytest.errors import RecordError, SampleError
from audiobench_pytest.records.append import DAMAGED, AppendFile, as_line, read_lines

_AT_ONCE = 1 << 20
_BESIDE = frozenset({".git", "__pycache__"})
"""Folders that change while what a folder holds stays: git refreshes its index, Python its compiled files."""

_LINES_AT_ONCE = 64

_State = tuple[str, int, int, int, int]
"""Of a file: path, size in bytes, times of modification and of change in ns, inode."""

_decoder = msgspec.json.Decoder(tuple[str, int, int, int, int, str])


class DigestMemo:
    """Digests of files, kept in one append-only JSONL file per process below `folder`.

    A repeated run over unchanged files reads no byte of them. A file that changes is read again, also one of the same
    size whose modification time was set back (`cp -p`, `rsync -t`, a tar archive): nobody sets the time of change back,
    and what is put in a file's place is another inode. Thread-safe.
    """

    def __init__(self, folder: Path | None = None) -> None:
        """Remember in memory only, or also below `folder` (made when the first digest is taken)."""
        self._folder = folder
        # By all of it: files of several processes come in no order, so the line read last is not the newest one.
        self._known: dict[_State, str] | None = None
        self._lock = threading.Lock()
        self._new: list[bytes] = []
        self._file = AppendFile(folder, "digests") if folder else None

    def digest(self, path: Path) -> str:
        """Return the hex SHA-256 of the file's bytes.

        Raises:
            SampleError: The file cannot be read.
        """
        try:
            stat = os.stat(path)  # noqa: PTH116 - a third of the time of Path.stat, on each clip
            where = os.path.abspath(path)  # noqa: PTH100 - as above
            file_state = (where, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino)
            with self._lock:
                known = self._load().get(file_state)
            if known is not None:
                return known
            digest = _sha256(path, stat.st_size)
        except OSError as exc:
            raise SampleError(f"{path}: {exc.strerror or exc}") from exc
        self._remember(file_state, digest)
        return digest

    def close(self) -> None:
        """Write what is left and close the file of this process; a digest that is taken later starts a new one."""
        with self._lock:
            self._write()
            if self._file is not None:
                self._file.close()

    def _load(self) -> dict[_State, str]:
        if self._known is None:
            self._known = {}
            for file in sorted(self._folder.glob("*.jsonl")) if self._folder and self._folder.is_dir() else ():
                for line in read_lines(file):
                    with contextlib.suppress(*DAMAGED):  # damaged, or of an earlier form: that file is read again
                        path, size, modified, changed, inode, digest = _decoder.decode(line)
                        self._known[path, size, modified, changed, inode] = digest
        return self._known

    def _remember(self, file_state: _State, digest: str) -> None:
        with self._lock:
            self._load()[file_state] = digest
            self._new.append(as_line([*file_state, digest]))
            if len(self._new) >= _LINES_AT_ONCE or file_state[1] > _AT_ONCE:  # weights take long to read again
                self._write()

    def _write(self) -> None:
        """Write the new lines; what a killed process had not written is taken again by the next one."""
        if self._file is not None and self._new:
            # A read-only cache or a full disk costs a second reading next time, nothing else: no reason to stop.
            with contextlib.suppress(RecordError):
                self._file.write(b"\n".join(self._new))
        self._new = []


def _sha256(path: Path, size: int) -> str:
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - half the time of Path.open, on each clip
        if size > _AT_ONCE:
            return hashlib.file_digest(file, "sha256").hexdigest()
        # file_digest fills a buffer of 256 KB first, which for a clip of a second costs more than hashing it.
        return hashlib.sha256(file.readall()).hexdigest()


_memo = DigestMemo()


def use_memo(folder: Path | None) -> None:
    """Keep this process's digests below `folder` from now on; None forgets them with the process."""
    global _memo
    _memo.close()
    _memo = DigestMemo(folder)


def file_digest(path: Path) -> str:
    """Return the hex SHA-256 of a file through the process's memo; see `DigestMemo.digest`."""
    return _memo.digest(path)


def content_digest(path: Path) -> str:
    """Return the hex SHA-256 of a file, or of the names and digests of all files below a folder in sorted order.

    Raises:
        SampleError: A file cannot be read.
    """
    if path.is_file():
        return file_digest(path)
    total = hashlib.sha256()
    for file in sorted(p for p in path.rglob("*") if p.is_file()):
        if not _BESIDE.isdisjoint(file.relative_to(path).parts):
            continue
        total.update(f"{file.relative_to(path).as_posix()}\0{file_digest(file)}\n".encode())
    return total.hexdigest()
