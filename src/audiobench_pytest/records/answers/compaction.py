"""Turns the JSONL files of finished processes into one columnar file per model."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from audiobench_pytest.records.answers.cache import read_answers
from audiobench_pytest.records.answers.columns import SUFFIX, read_columns, sync_folder, write_columns

LEAST_FILES = 2
"""Fewer files than this are left as they are: one columnar file, or one JSONL file of a short run, is quick to read."""


def compact(folder: Path, *, least: int = LEAST_FILES) -> Path | None:
    """Merge a model's files into one columnar file; return its path, or None when there was nothing to do.

    A file whose process is alive is left alone: `AppendFile` holds a lock on it that the kernel releases when the
    process ends, however it ends. A process that reads meanwhile finds each answer in the old files or in the new one.

    Args:
        folder: The model's folder in the cache.
        least: Do nothing when there are fewer files than this to merge.

    Raises:
        RecordError: The new file cannot be written; the old ones are then still there.
    """
    if not folder.is_dir():
        return None
    with ExitStack() as stack:
        if not stack.enter_context(_only_one(folder)):
            return None
        closed = [path for path in sorted(folder.glob("*.jsonl")) if stack.enter_context(_closed(path))]
        columns = sorted(folder.glob(f"*{SUFFIX}"))
        if len(closed) + len(columns) < least or (not closed and len(columns) < LEAST_FILES):
            return None
        absorbed = {path.name for path in columns}
        for path in columns:
            absorbed.update(read_columns(path).absorbed)
        known = read_answers([*columns, *closed])
        path = write_columns(folder, known.answers.values(), absorbed, known.unanswered)
        sync_folder(folder)  # the new file is safe before the old ones go
        for old in (*closed, *columns):
            if old != path:
                old.unlink()
        return path


@contextmanager
def _only_one(folder: Path) -> Iterator[bool]:
    """Let one process compact a folder at a time; another one has nothing to do."""
    from filelock import FileLock, Timeout

    lock = FileLock(folder / ".compacting")
    try:
        lock.acquire(timeout=0)
    except (Timeout, OSError):  # OSError: a read-only layer
        yield False
        return
    try:
        yield True
    finally:
        lock.release()


@contextmanager
def _closed(path: Path) -> Iterator[bool]:
    """Yield whether no process writes the file any more, and keep it so while it is read and removed."""
    try:
        fd = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        yield False
        return
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
            return
        yield True
    finally:
        os.close(fd)
