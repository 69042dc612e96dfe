"""Scores that were computed once: by key, in files that are mapped into memory and never parsed as a whole.

A key is a digest of all that a score depends on beside the recipe; what the recipe is decides the folder. So a repeated
run, a new run directory over a warm cache and a re-score under a known recipe normalise nothing.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from audiobench_pytest.errors import RecordError
from audiobench_pytest.records.append import DAMAGED, write_atomically
from audiobench_pytest.types import SampleScore

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SUFFIX = ".scores"
KEY_BYTES = 16
FLUSH = 4096
"""New scores held before they are written: what a crash may cost, and it costs computing them again."""

MOST_FILES = 16
"""Files of one recipe before they are merged into one."""

_MAGIC = b"audiobench scores 1\n\0\0\0\0"
_decoder = msgspec.msgpack.Decoder(SampleScore)
_encoder = msgspec.msgpack.Encoder()


class ScoreStore:
    """The scores of one recipe.

    Nothing here may end a run: a file that cannot be read or written costs computing, and is passed over.
    """

    def __init__(self, folders: Sequence[Path], *, writer: str = "main") -> None:
        """Look into folders; the first one is written, where it can be.

        Args:
            folders: The recipe's folder in each layer of the cache.
            writer: Name of this process.
        """
        self._folders, self._writer = tuple(folders), writer
        self._files: list[_File] | None = None
        self._new: dict[bytes, SampleScore] = {}

    def get(self, key: bytes) -> SampleScore | None:
        """Return the score of a key, or None."""
        found = self._new.get(key)
        if found is not None:
            return found
        if self._files is None:
            self._files = [file for folder in self._folders for file in _files(folder)]
        for file in self._files:
            found = file.get(key)
            if found is not None:
                return found
        return None

    def put(self, key: bytes, score: SampleScore) -> None:
        """Keep a score."""
        self._new[key] = score
        if len(self._new) >= FLUSH:
            self.flush()

    def flush(self) -> None:
        """Write what is new."""
        if not self._new:
            return
        with contextlib.suppress(OSError, RecordError):
            folder = self._folders[0]
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / f"{self._writer}-{os.getpid()}-{os.urandom(4).hex()}{SUFFIX}"
            write_atomically(path, _encoded({key: _encoder.encode(score) for key, score in self._new.items()}))
            if self._files is not None and (written := _opened(path)) is not None:
                self._files.append(written)
        self._new = {}

    def close(self) -> None:
        """Write what is new, and merge the files where there are many."""
        self.flush()
        if self._files is not None and len(self._files) > MOST_FILES:
            with contextlib.suppress(OSError, RecordError):
                merge(self._folders[0])


def merge(folder: Path) -> None:
    """Make one file of all files of a folder.

    Raises:
        RecordError: It cannot be written; the files it was made of are then still there.
    """
    files = list(_files(folder))
    if len(files) < 2:
        return
    rows: dict[bytes, bytes] = {}
    for file in files:
        rows.update(file.rows())
    data = _encoded(rows)
    path = folder / f"merged-{hashlib.sha256(data).hexdigest()[:24]}{SUFFIX}"
    write_atomically(path, data)
    for file in files:
        if file.path != path:
            file.path.unlink(missing_ok=True)


def score_key(parts: Iterable[str]) -> bytes:
    """Return the key of texts in this order; no two different sequences share one."""
    digest = hashlib.blake2b(digest_size=KEY_BYTES)
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        digest.update(b"%d:" % len(data))
        digest.update(data)
    return digest.digest()


class _File:
    """One mapped file: sorted keys, where each score begins, the scores."""

    def __init__(self, path: Path) -> None:
        import numpy as np

        self.path = path
        self._data: NDArray[np.uint8] = np.memmap(path, np.uint8, mode="r")
        start = len(_MAGIC)
        if bytes(self._data[:start]) != _MAGIC:
            raise ValueError("not a file of scores")
        count = int(self._data[start : start + 8].view(np.uint64)[0])
        keys_at = start + 8
        ends_at = keys_at + KEY_BYTES * count
        self._blob = ends_at + 8 * (count + 1)
        # Sorted by the first half of the key, as big-endian numbers sort like the bytes themselves.
        pairs = self._data[keys_at:ends_at].view(">u8").reshape(count, 2)
        self._first = np.ascontiguousarray(pairs[:, 0]).astype(np.uint64)
        self._second = pairs[:, 1]
        self._offsets = self._data[ends_at : self._blob].view("<u8")
        if len(self._data) != self._blob + int(self._offsets[-1]):
            raise ValueError("cut off")

    def get(self, key: bytes) -> SampleScore | None:
        first, second = int.from_bytes(key[:8], "big"), int.from_bytes(key[8:], "big")
        row = int(self._first.searchsorted(self._first.dtype.type(first)))
        while row < len(self._first) and self._first[row] == first:
            if self._second[row] == second:
                try:
                    return _decoder.decode(self._bytes(row))
                except DAMAGED:
                    return None
            row += 1
        return None

    def rows(self) -> Mapping[bytes, bytes]:
        """Return all rows, encoded, by key."""
        return {
            int(first).to_bytes(8, "big") + int(second).to_bytes(8, "big"): self._bytes(row)
            for row, (first, second) in enumerate(zip(self._first, self._second, strict=True))
        }

    def _bytes(self, row: int) -> bytes:
        start, end = self._blob + int(self._offsets[row]), self._blob + int(self._offsets[row + 1])
        return self._data[start:end].tobytes()


def _files(folder: Path) -> Iterable[_File]:
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        if (file := _opened(path)) is not None:
            yield file


def _opened(path: Path) -> _File | None:
    try:
        return _File(path)
    except (OSError, ValueError, IndexError):  # gone meanwhile (merged), or damaged: its scores are computed again
        return None


def _encoded(rows: Mapping[bytes, bytes]) -> bytes:
    import numpy as np

    keys = sorted(rows)
    offsets = np.zeros(len(keys) + 1, "<u8")
    offsets[1:] = np.cumsum([len(rows[key]) for key in keys], dtype=np.uint64)
    count = np.array([len(keys)], "<u8")
    return b"".join([_MAGIC, count.tobytes(), *keys, offsets.tobytes(), *(rows[key] for key in keys)])
