"""Encoded audio on disk by content: `<root>/ab/<sha256>.<ext>`, written once, never changed."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from audiobench_pytest.records.append import write_atomically

SOUNDS = "audio"
"""Folder of a cache, and of a place that is shared, that holds sounds by content."""

_MAGIC = (
    (b"RIFF", "wav"),
    (b"RF64", "wav"),
    (b"fLaC", "flac"),
    (b"OggS", "ogg"),
    (b"ID3", "mp3"),
    (b"FORM", "aiff"),
    (b"caff", "caf"),
    (b".snd", "au"),
)


@dataclass(frozen=True, slots=True)
class StoredAudio:
    """One file of the store.

    Attributes:
        name: Its place below the store's root, with `/`.
        size: Bytes.
    """

    name: str
    size: int


class AudioStore:
    """The audio of hub rows; processes may write it side by side, as equal content means an equal name."""

    def __init__(self, root: Path) -> None:
        """Keep files below `root`, which is made when the first one is written."""
        self.root = root

    def add(self, data: bytes, path_hint: str | None = None) -> StoredAudio:
        """Write encoded audio unless it is there, and say where.

        Args:
            data: The encoded bytes.
            path_hint: The file name that the set gives it; its suffix is used when the content does not tell its kind.

        Raises:
            RecordError: The file cannot be written.
        """
        digest = hashlib.sha256(data).hexdigest()
        stored = StoredAudio(f"{digest[:2]}/{digest}.{_suffix(data, path_hint)}", len(data))
        if not self.has(stored):
            target = self.root / stored.name
            target.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(target, data)
        return stored

    def has(self, stored: StoredAudio) -> bool:
        """Whether the file is there at its full size."""
        try:
            return (self.root / stored.name).stat().st_size == stored.size
        except OSError:
            return False


def _suffix(data: bytes, path_hint: str | None) -> str:
    for magic, suffix in _MAGIC:
        if data.startswith(magic):
            return suffix
    if len(data) > 1 and data[0] == 0xFF and data[1] & 0xE0 == 0xE0:  # an MPEG frame without ID3 tag
        return "mp3"
    found = re.search(r"\.([A-Za-z0-9]{1,5})$", path_hint or "")
    return found[1].lower() if found else "bin"
