"""FLAC: a header that counts the samples, and frames whose length only their checksum tells (RFC 9639)."""

from __future__ import annotations

import re

from audiobench_pytest.datasets.audio.pieces import BrokenFileError, Piece
from audiobench_pytest.datasets.audio.tags import Bytes, ahead_of_tags, behind_tags

_MARK = b"fLaC"
_BEGINS = re.compile(rb"fLaC[\x00\x80]\x00\x00\x22", re.DOTALL)
"""The mark of a stream and the header of the block that must follow it (sections 6 and 8)."""

_SYNC = (b"\xff\xf8", b"\xff\xf9")
_LARGEST_FRAME = 1 << 20
_BLOCKS = {1: 192, **{n: 144 << n for n in range(2, 6)}, **{n: 1 << n for n in range(8, 16)}}
"""Samples of a frame by the four bits in its header that name the usual ones."""


def _crc_table(polynomial: int, width: int) -> tuple[int, ...]:
    top, mask = 1 << (width - 1), (1 << width) - 1
    table = []
    for byte in range(256):
        value = byte << (width - 8)
        for _ in range(8):
            value = (value << 1 ^ polynomial) & mask if value & top else value << 1 & mask
        table.append(value)
    return tuple(table)


_CRC8, _CRC16 = _crc_table(0x07, 8), _crc_table(0x8005, 16)


def flac_pieces(data: Bytes, at: int) -> list[Piece]:
    """Return the recordings of a file, each from its mark to the end of its last frame.

    Raises:
        BrokenFileError: Behind the last frame of one stands what is no tag.
    """
    starts = [at]
    if data.find(_MARK, at + 4) > 0:
        starts = [found.start() for found in _BEGINS.finditer(data, at)] or [at]
    pieces = []
    for start, stop in zip(starts, [*starts[1:], len(data)], strict=True):
        end = ahead_of_tags(data, start, stop)
        if stop < len(data) and (id3 := data.rfind(b"ID3", start, end)) > start and behind_tags(data, id3) == stop:
            end = ahead_of_tags(data, start, id3)
        _refuse_rest(data, start, end)
        pieces.append(Piece(start, end))
    return pieces


def _refuse_rest(data: Bytes, start: int, end: int) -> None:
    """Raise where the last frame of a recording, which its count of samples tells, is not the end of it."""
    info = data[start + 8 : start + 42]
    if len(info) < 34:
        return  # the decoder says that it is cut short
    largest = int.from_bytes(info[7:10], "big") or _LARGEST_FRAME
    total = int.from_bytes(info[13:18], "big") & 0xF_FFFF_FFFF
    fixed = int.from_bytes(info[2:4], "big")
    if not total:
        return  # written into a pipe
    at = end
    while (at := max(data.rfind(sync, start, at) for sync in _SYNC)) > start:
        found = _frame(data, at, fixed)
        if found is None:
            continue
        first, samples = found
        if first + samples > total:
            continue  # a frame's bytes that look like a header
        if first + samples < total:
            return  # frames are missing, which the decoder tells
        last = data[at:end]
        if len(last.rstrip(b"\0")) <= largest and _is_checked(last):
            return
        raise BrokenFileError(
            f"its last FLAC frame begins at byte {at}, and what stands from there to byte {end} is more than "
            "that frame, or damaged: fetch the file again, or cut off what is no FLAC"
        )


def _is_checked(frame: bytes) -> bool:
    """Whether a frame ends with its checksum; zeros behind it, which are padding, do not change that."""
    value = 0
    for byte in frame:
        value = (value << 8 ^ _CRC16[value >> 8 ^ byte]) & 0xFFFF
    return value == 0


def _frame(data: Bytes, at: int, fixed: int) -> tuple[int, int] | None:
    """Return the first sample of the frame whose header stands at a position, and its samples; None for no header."""
    head = data[at : at + 16]
    if len(head) < 6 or head[3] & 1:
        return None
    block, rate = head[2] >> 4, head[2] & 15
    if not block or rate == 15:
        return None
    number, used = _coded(head[4:])
    place = 4 + used
    samples = _BLOCKS.get(block, 0)
    if block in (6, 7):
        samples = int.from_bytes(head[place : place + block - 5], "big") + 1
        place += block - 5
    place += {12: 1, 13: 2, 14: 2}.get(rate, 0)
    value = 0
    for byte in head[: place + 1]:
        value = _CRC8[value ^ byte]
    if not used or place >= len(head) or value:
        return None
    return (number if head[1] & 1 else number * fixed), samples


def _coded(data: bytes) -> tuple[int, int]:
    """Return a number that is coded as UTF-8 codes characters, and how many bytes that takes; 0 bytes for none."""
    first = data[0]
    if first < 0x80:
        return first, 1
    length = 8 - (first ^ 0xFF).bit_length()
    if not 2 <= length <= 7:
        return 0, 0
    value = first & (0x7F >> length)
    for byte in data[1:length]:
        value = value << 6 | byte & 0x3F
    return value, length
