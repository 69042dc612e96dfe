"""Which recordings a file holds, and that each of its bytes is sound, a tag or padding.

libsndfile hears the first of several recordings, skips what it does not understand and says nothing of either.
"""

from __future__ import annotations

import mmap
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from audiobench_pytest.datasets.audio.containers import container_pieces, holds_mpeg
from audiobench_pytest.datasets.audio.flac import flac_pieces
from audiobench_pytest.datasets.audio.mpeg import is_mpeg, mpeg_pieces
from audiobench_pytest.datasets.audio.ogg import ogg_pieces
from audiobench_pytest.datasets.audio.pieces import Piece
from audiobench_pytest.datasets.audio.tags import Bytes, behind_tags

FORMATS = "WAV, RF64, W64, FLAC, Ogg, MP3, AIFF, CAF, AU, NIST SPHERE"
"""What says of itself what belongs to it."""

_MAPPED = 16 << 20
"""Bytes from which on a file is mapped rather than read."""

_OTHERS = (
    (re.compile(rb"\s*(?:<!--.*?-->\s*)?<(?:!doctype html|html|head|body)", re.I | re.S), "an HTML page"),
    (re.compile(rb"\s*<\?xml|\s*<[a-z]+[ >]", re.I), "XML"),
    (re.compile(rb"\s*[\[{]\s*[\"{\[\]}]"), "JSON"),
    (re.compile(rb"version https://git-lfs"), "a pointer of Git LFS, whose file was not fetched (git lfs pull)"),
    (re.compile(rb"\x1f\x8b"), "compressed by gzip: unpack it"),
    (re.compile(rb"PK\x03\x04"), "a ZIP archive: unpack it"),
    (re.compile(rb"\x89PNG|\xff\xd8\xff|GIF8"), "a picture"),
    (re.compile(rb"%PDF"), "a PDF"),
)


@contextmanager
def contents(path: Path) -> Iterator[Bytes]:
    """Give the bytes of a file.

    Raises:
        OSError: It cannot be read.
    """
    if path.stat().st_size < _MAPPED:
        yield path.read_bytes()
        return
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        yield mapped


def pieces_of(data: Bytes) -> list[Piece] | None:
    """Return the recordings of a file, in order; None for a format that does not say what belongs to it.

    Raises:
        BrokenFileError: Bytes are lost, or are neither sound nor tag nor padding; says which and what to do.
    """
    at, pieces = behind_tags(data, 0), list[Piece]()
    if data[at : at + 4] == b"OggS":
        pieces = ogg_pieces(data, at)
    elif data[at : at + 4] == b"fLaC":
        pieces = flac_pieces(data, at)
    elif (inside := holds_mpeg(data, at)) is not None:
        container_pieces(data, at)
        pieces = mpeg_pieces(data, inside.start, inside.end)
    elif (found := container_pieces(data, at)) is not None:
        pieces = found
    elif is_mpeg(data, at):
        pieces = mpeg_pieces(data, at, len(data))
    else:
        return None
    return pieces


def what_else(data: Bytes) -> str:
    """Return what a file that is no sound holds instead, or ""."""
    head = data[:512]
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        head = head[: len(head) // 2 * 2].decode("utf-16", "replace").encode()
    return next((name for pattern, name in _OTHERS if pattern.match(head)), "")
