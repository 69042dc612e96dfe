"""SHA-256 of files, taken once and remembered by (path, size, modification time)."""

from __future__ import annotations

import contextlib
import hashlib
import json
import threading
from pathlib import Path

from audiobench_pytest.errors import RecordError, SampleError
from audiobench_pytest.records.append import AppendFile, read_lines


class DigestMemo:
    """Digests of files, kept in one append-only JSONL file per process below `folder`.

    A repeated run over unchanged files reads no byte of them. A file that changes gets a new size or modification time
    and is read again. Thread-safe.
    """

    def __init__(self, folder: Path | None = None) -> None:
        """Remember in memory only, or also below `folder` (made when the first digest is taken)."""
        self._folder = folder
        self._known: dict[str, tuple[int, int, str]] | None = None
        self._lock = threading.Lock()
        self._file = AppendFile(folder, "digests") if folder else None

    def digest(self, path: Path) -> str:
        """Return the hex SHA-256 of the file's bytes.

        Raises:
            SampleError: The file cannot be read.
        """
        try:
            stat = path.stat()
            name = str(path.absolute())
            with self._lock:
                known = self._load().get(name)
            if known is not None and known[:2] == (stat.st_size, stat.st_mtime_ns):
                return known[2]
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as exc:
            raise SampleError(f"{path}: {exc.strerror or exc}") from exc
        self._remember(name, stat.st_size, stat.st_mtime_ns, digest)
        return digest

    def _load(self) -> dict[str, tuple[int, int, str]]:
        if self._known is None:
            self._known = {}
            for file in sorted(self._folder.glob("*.jsonl")) if self._folder and self._folder.is_dir() else ():
                for line in read_lines(file):
                    try:
                        path, size, mtime, digest = json.loads(line)
                    except ValueError:
                        continue  # damaged: that file is simply read again
                    self._known[path] = (size, mtime, digest)
        return self._known

    def _remember(self, name: str, size: int, mtime: int, digest: str) -> None:
        with self._lock:
            self._load()[name] = (size, mtime, digest)
            if self._file is not None:
                # A read-only cache or a full disk costs a second reading next time, nothing else: no reason to stop.
                with contextlib.suppress(RecordError):
                    self._file.write(json.dumps([name, size, mtime, digest]).encode())


_memo = DigestMemo()


def use_memo(folder: Path | None) -> None:
    """Keep this process's digests below `folder` from now on; None forgets them with the process."""
    global _memo
    _memo = DigestMemo(folder)


def file_digest(path: Path) -> str:
    """Return the hex SHA-256 of a file through the process's memo; see `DigestMemo.digest`."""
    return _memo.digest(path)
