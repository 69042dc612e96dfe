"""Tags that players write into sound files of any format, and padding: bytes that are no sound and mean no loss."""

from __future__ import annotations

import mmap
import re
import struct

Bytes = bytes | mmap.mmap
"""A file as it stands on disk."""

_ZEROS = re.compile(rb"\0*")
_ID3V1, _APE_MARK, _APE_SIZE = 128, b"APETAGEX", 32
_HAS_HEADER, _IS_HEADER = 1 << 31, 1 << 29
_LYRICS = re.compile(rb"(\d{6})LYRICS200\Z")


def behind_tags(data: Bytes, at: int) -> int:
    """Return where the tags end that begin at a position (ID3v2, ID3v1, APE); the position itself where none does."""
    while (end := _tag_end(data, at)) > at:
        at = end
        if data[at : at + 1] == b"\0" and data[at : at + 2] != b"\0\0":
            break
        at = behind_zeros(data, at)
    return at


def behind_zeros(data: Bytes, at: int) -> int:
    """Return where the zeros end that begin at a position."""
    found = _ZEROS.match(data, at)
    return at if found is None else found.end()


def ahead_of_tags(data: Bytes, start: int, end: int) -> int:
    """Return where the tags begin that a stretch of a file ends with (ID3v1, Lyrics3, APE); its end where none does."""
    while end > start:
        before = end
        if end - start >= _ID3V1 and data[end - _ID3V1 : end - _ID3V1 + 3] == b"TAG":
            end -= _ID3V1
        if (lyrics := _LYRICS.search(data[max(start, end - 15) : end])) is not None:
            end -= int(lyrics[1]) + 15
        mark = end - _APE_SIZE
        if mark >= start and data[mark : mark + 8] == _APE_MARK:
            size, _, flags = struct.unpack("<III", data[mark + 12 : mark + 24])
            end -= size + (_APE_SIZE if flags & _HAS_HEADER else 0)
        if end == before:
            return end
    return start


def _tag_end(data: Bytes, at: int) -> int:
    head = data[at : at + 10]
    if head[:3] == b"ID3" and len(head) == 10 and head[3] < 0xFF and max(head[6:10]) < 0x80:
        a, b, c, d = head[6:10]  # seven bits a byte
        return min(len(data), at + 10 + (a << 21 | b << 14 | c << 7 | d) + (10 if head[5] & 0x10 else 0))
    if head[:3] == b"TAG" and len(data) >= at + _ID3V1:
        return at + _ID3V1
    if head[:8] == _APE_MARK and len(data) >= at + _APE_SIZE:
        size, _, flags = struct.unpack("<III", data[at + 12 : at + 24])
        return min(len(data), at + _APE_SIZE + (size if flags & _IS_HEADER else 0))
    return at
