"""MPEG audio (MP3 and its elder layers): a row of frames, each of which says how long it is."""

from __future__ import annotations

import functools
import re
import struct

from audiobench_pytest.datasets.audio.pieces import BrokenFileError, Piece
from audiobench_pytest.datasets.audio.tags import Bytes, behind_tags, behind_zeros

_RATES = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}
"""Hz by the two bits of the version (3 is MPEG 1, 2 MPEG 2, 0 MPEG 2.5) and those of the rate."""

_KBITS = {
    (True, 3): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 1): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 3): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 1): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
"""Kilobits a second, by whether it is MPEG 1, and the bits of the layer (3 is layer I, 1 is layer III)."""

_TAG = re.compile(rb"Xing|Info|VBRI")
_COUNTS_FRAMES = 1
_SURPLUS = 2
"""Frames beyond what a tag counts that may be an encoder's way of counting."""


def is_mpeg(data: Bytes, at: int) -> bool:
    """Whether the header of a frame stands somewhere, its length known or free."""
    head = data[at : at + 4]
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return False
    version, layer = head[1] >> 3 & 3, head[1] >> 1 & 3
    return version != 1 and layer != 0 and head[2] >> 4 != 15 and head[2] >> 2 & 3 != 3


def mpeg_pieces(data: Bytes, at: int, end: int) -> list[Piece]:
    """Return the recordings among the frames of a stretch of a file.

    Raises:
        BrokenFileError: Something in it is no frame, no tag and no padding, or a frame is cut short.
    """
    at = behind_tags(data, at)
    tags = {found.start() for found in _TAG.finditer(data, at, end)}
    found: list[list[int]] = []
    kind: object = None
    count, promised, kbits = 0, -1, 0
    while at < end:
        head = data[at : at + 4]
        frame = _frame(head) if len(head) == 4 else None
        if frame is None:
            if head[:2] and is_mpeg(data, at) and head[2] >> 4 == 0:
                return [Piece(found[0][0] if found else at, end, 1)]  # free format: nothing says how long a frame is
            behind = behind_tags(data, at)
            if behind == at and behind_zeros(data, at) >= end:
                break  # padding
            if behind == at:
                raise BrokenFileError(
                    f"the bytes from {at} on are neither MPEG frames nor a tag: fetch the file again, or cut it there"
                )
            at = behind
            continue
        length, form = frame
        if at + length > end:
            raise BrokenFileError(
                f"cut short at byte {end}: its last MPEG frame begins at byte {at} and has {length} bytes; fetch it "
                "again, or cut the file there"
            )
        tag = next((t for t in (at + 13, at + 21, at + 36, at + 15, at + 23, at + 38) if t in tags), 0) if tags else 0
        if form != kind or tag or count > promised + _SURPLUS > _SURPLUS:
            kind, count, promised = form, -1 if tag else 0, _promised(data, tag)
            found.append([at, at, 0, False])
            kbits = head[2] >> 4
        count += 1
        at += length
        found[-1][1:] = at, 0 if promised >= 0 else count, found[-1][3] or head[2] >> 4 != kbits
    return [Piece(start, stop, count, bool(count and varies)) for start, stop, count, varies in found]


def with_count(data: Bytes, piece: Piece) -> bytes | None:
    """Return a recording with a first frame that counts the others, as an encoder writes it; None where none can be.

    Without it libsndfile takes the bit rate of the beginning for that of the whole, and hears no more than that gives.
    """
    head = data[piece.start : piece.start + 4]
    if head[1] >> 1 & 3 != 1 or head[2] >> 4 == 0:
        return None  # layer III alone has such a frame
    side = (17 if head[3] >> 6 == 3 else 32) if head[1] >> 3 & 3 == 3 else (9 if head[3] >> 6 == 3 else 17)
    for kbits in range(1, 15):
        begin = bytes((0xFF, head[1] | 1, kbits << 4 | head[2] & 0x0C, head[3]))
        length = (_frame(begin) or (0,))[0]
        tag = begin + b"\0" * side + b"Xing" + struct.pack(">II", _COUNTS_FRAMES, piece.uncounted)
        if length >= len(tag):
            return tag.ljust(length, b"\0") + data[piece.start : piece.end]
    return None


def _promised(data: Bytes, tag: int) -> int:
    """Return the number of frames that a tag counts, or -1."""
    if not tag:
        return -1
    if data[tag : tag + 4] == b"VBRI":
        return int.from_bytes(data[tag + 14 : tag + 18], "big")
    flags, count = int.from_bytes(data[tag + 4 : tag + 8], "big"), int.from_bytes(data[tag + 8 : tag + 12], "big")
    return count if flags & _COUNTS_FRAMES and count else -1


@functools.lru_cache(4096)
def _frame(head: bytes) -> tuple[int, tuple[int, int, bool]] | None:
    """Return the bytes of the frame that a header begins, and what all frames of a recording have in common."""
    if head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    version, layer, kbits, rate = head[1] >> 3 & 3, head[1] >> 1 & 3, head[2] >> 4, head[2] >> 2 & 3
    if version == 1 or layer == 0 or kbits in (0, 15) or rate == 3:
        return None
    hz, is_first = _RATES[version][rate], version == 3
    bits, padding = 1000 * _KBITS[is_first, layer][kbits - 1], head[2] >> 1 & 1
    if layer == 3:
        length = (12 * bits // hz + padding) * 4
    else:
        length = (144 if is_first or layer == 2 else 72) * bits // hz + padding
    return length, (hz, layer, head[3] >> 6 == 3)
