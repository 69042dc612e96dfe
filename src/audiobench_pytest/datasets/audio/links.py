"""Files that hold several recordings one behind the other: legal in Ogg, common in MP3 and FLAC made by `cat`.

libsndfile hears the first of them and says nothing of the rest.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_OGG_BEGINS, _OGG_ENDS = 0x02, 0x04
_FLAC = re.compile(rb"fLaC[\x00\x80]\x00\x00\x22", re.DOTALL)
"""The mark of a stream and the header of the block that must follow it (RFC 9639, sections 6 and 8)."""

_MP3_TAG = re.compile(rb"Xing|Info")
_MP3_TAG_AT = (13, 21, 36)
"""How far behind the beginning of its frame that tag stands: MPEG 2 mono, MPEG 2 stereo and 1 mono, MPEG 1 stereo."""


def links(data: bytes) -> list[bytes]:
    """Return the recordings of a file, each as a file of its own; the file itself where there is only one."""
    if data[:4] == b"OggS":
        starts = list(_ogg_starts(data))
    elif data[:4] == b"fLaC":
        starts = [match.start() for match in _FLAC.finditer(data)]
    elif data[:3] == b"ID3" or _is_frame(data, 0):
        starts = list(_mp3_starts(data))
    else:
        return [data]
    if len(starts) < 2:
        return [data]
    starts[0] = 0
    return [data[start:end] for start, end in zip(starts, [*starts[1:], len(data)], strict=True)]


def _ogg_starts(data: bytes) -> Iterator[int]:
    """Yield where links begin: at a page that begins a stream when those before have ended (RFC 3533, section 4)."""
    position, open_streams, begun = 0, set[bytes](), False
    while data[position : position + 4] == b"OggS" and position + 27 <= len(data):
        kind, stream = data[position + 5], data[position + 14 : position + 18]
        if kind & _OGG_BEGINS:
            if not open_streams:
                yield position
            open_streams.add(stream)
            begun = True
        if kind & _OGG_ENDS:
            open_streams.discard(stream)
        segments = data[position + 26]
        position += 27 + segments + sum(data[position + 27 : position + 27 + segments])
    if not begun:
        yield 0


def _mp3_starts(data: bytes) -> Iterator[int]:
    """Yield where recordings begin whose first frame has a tag that says how long they are."""
    for match in _MP3_TAG.finditer(data):
        for back in _MP3_TAG_AT:
            if _is_frame(data, match.start() - back):
                yield match.start() - back
                break


def _is_frame(data: bytes, at: int) -> bool:
    """Whether the header of an MPEG audio frame of layer III stands somewhere."""
    return at >= 0 and data[at : at + 1] == b"\xff" and len(data) > at + 2 and data[at + 1] & 0xE6 == 0xE2
