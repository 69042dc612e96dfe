"""Containers that state how long their sound is: WAV, RF64, AIFF, W64, CAF, AU, NIST SPHERE.

libsndfile clips a promised length to the file's end without a word, and hears nothing of what stands behind it, so a
download that broke off would pass for a shorter recording, and so would a length that is too small.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator
from typing import NamedTuple

from audiobench_pytest.datasets.audio.pieces import BrokenFileError, Piece
from audiobench_pytest.datasets.audio.tags import Bytes, ahead_of_tags, behind_tags, behind_zeros

_UNKNOWN_LENGTH = 0x7FFF_0000
"""Programs that write WAV, AIFF or AU into a pipe cannot fill in the size later: they put 0x7fff.... or 0xffffffff."""

_LARGEST = 0xFFFF_FFFF
_NAME = re.compile(rb"[\x20-\x7e]{4}")
_WAVE = re.compile(rb"(?:RIFF|RIFX|RF64|BW64)....WAVE", re.DOTALL)
_AIFF = re.compile(rb"FORM....AIF[FC]", re.DOTALL)
_W64 = re.compile(rb"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00........wave", re.DOTALL)
_CAF = re.compile(rb"caff\x00\x01")
_SPHERE = re.compile(rb"NIST_1A\n *(\d+)\n")


class Chunk(NamedTuple):
    """A part of a container.

    Attributes:
        name: Four letters.
        start: Its first byte behind its own header.
        length: Its bytes, as it states them; -1 for "up to the end of the file".
        behind: Where the next one begins.
    """

    name: bytes
    start: int
    length: int
    behind: int


def container_pieces(data: Bytes, at: int) -> list[Piece] | None:
    """Return the recordings of a file that begins with one of these containers; None for any other file.

    Raises:
        BrokenFileError: The sound is shorter than stated, or something stands behind it that is no part of the format.
    """
    walk: Callable[[Bytes, int], Iterator[Chunk]]
    if _WAVE.match(data, at):
        sound, walk = b"data", _riff_chunks
    elif _AIFF.match(data, at):
        sound, walk = b"SSND", _riff_chunks
    elif _W64.match(data, at):
        sound, walk = b"data", _w64_chunks
    elif _CAF.match(data, at):
        sound, walk = b"data", _caf_chunks
    elif data[at : at + 4] == b".snd":
        start, length = struct.unpack(">II", data[at + 4 : at + 12].ljust(8, b"\0"))
        found = Chunk(b"", at + start, -1 if length >= _UNKNOWN_LENGTH else length, at + start + length)
        return _judged(data, at, found, found.behind)
    elif (sphere := _SPHERE.match(data, at)) is not None:
        return _judged(data, at, *_sphere(data, at, int(sphere[1])))
    else:
        return None
    heard: Chunk | None = None
    position = at + 12
    for chunk in walk(data, at):
        if heard is not None and container_begins(data, position):
            break
        if chunk.name == sound and heard is None:
            heard = chunk
        elif chunk.behind > len(data) + 1:
            break
        position = chunk.behind
    return [Piece(at, len(data))] if heard is None else _judged(data, at, heard, position)


def container_begins(data: Bytes, at: int) -> bool:
    """Whether one of the containers that are made of chunks begins at a position."""
    return any(begins.match(data, at) for begins in (_WAVE, _AIFF, _W64, _CAF))


def _judged(data: Bytes, at: int, heard: Chunk, position: int) -> list[Piece]:
    """Return the recordings of a file of which one is known to end at a position."""
    size = len(data)
    if heard.length < 0:
        return [Piece(at, size)]
    there = max(0, size - heard.start)
    if heard.length > there:
        raise BrokenFileError(
            f"cut short: the header promises {heard.length} bytes of sound, the file holds {there} (from byte "
            f"{heard.start} on); fetch it again"
        )
    position = min(position, size)
    rest = behind_zeros(data, behind_tags(data, position))
    if container_begins(data, rest):
        return [Piece(at, rest), *(container_pieces(data, rest) or ())]
    if rest < ahead_of_tags(data, rest, size):
        raise BrokenFileError(
            f"the header says that the sound ends at byte {heard.start + heard.length}, and the {size - position} "
            f"bytes from {position} on are no part of the format: mend the length in the header, or cut the file there"
        )
    return [Piece(at, size)]


def _riff_chunks(data: Bytes, at: int) -> Iterator[Chunk]:
    """Yield the chunks of WAV, RF64 and AIFF, as far as they have names."""
    order = ">" if data[at : at + 4] in (b"FORM", b"RIFX") else "<"
    size, position, length_in_ds64 = len(data), at + 12, None
    while position + 8 <= size and _NAME.match(data, position):
        name, length = struct.unpack(f"{order}4sI", data[position : position + 8])
        start = position + 8
        if name == b"ds64":  # EBU Tech 3306: the 64-bit sizes of an RF64 file
            length_in_ds64 = struct.unpack("<QQ", data[start : start + 16].ljust(16, b"\0"))[1]
        if name == b"data" and length == _LARGEST and length_in_ds64 is not None:
            length = length_in_ds64
        elif name in (b"data", b"SSND") and length >= _UNKNOWN_LENGTH and start + length > size:
            length = -1
        # chunks are padded to an even length
        position = size if length < 0 else start + length + length % 2
        yield Chunk(name, start, length, position)


def _w64_chunks(data: Bytes, at: int) -> Iterator[Chunk]:
    """Yield the chunks of Sony Wave64: lengths have 64 bits and hold the chunk's own header."""
    position = at + 40
    while position + 24 <= len(data) and _NAME.match(data, position):
        length = int.from_bytes(data[position + 16 : position + 24], "little")
        if length < 24:
            return
        yield Chunk(data[position : position + 4], position + 24, length - 24, position + (length + 7) // 8 * 8)
        position += (length + 7) // 8 * 8


def _caf_chunks(data: Bytes, at: int) -> Iterator[Chunk]:
    """Yield the chunks of Apple's Core Audio Format."""
    position = at + 8
    while position + 12 <= len(data) and _NAME.match(data, position):
        length = int.from_bytes(data[position + 4 : position + 12], "big", signed=True)
        behind = len(data) if length < 0 else position + 12 + length
        yield Chunk(data[position : position + 4], position + 12, length, behind)
        position = behind


def _sphere(data: Bytes, at: int, header: int) -> tuple[Chunk, int]:
    """Return the sound of a NIST SPHERE file and where it ends, by the fields of its header."""
    fields = {words[0]: words[2] for line in data[at : at + header].split(b"\n") if len(words := line.split()) == 3}
    count, width = (fields.get(name, b"") for name in (b"sample_count", b"sample_n_bytes"))
    start = at + header
    if not (count.isdigit() and width.isdigit()):
        return Chunk(b"", start, -1, len(data)), len(data)
    channels = fields.get(b"channel_count", b"1")
    length = int(count) * int(width) * int(channels if channels.isdigit() else 1)
    return Chunk(b"", start, length, start + length), start + length


def without_length(data: Bytes) -> bytes | None:
    """Return a WAV, RF64 or AU file whose lengths were left at 0 with those that it has, or None for any other file.

    A recorder that streams fills them in at the end, if it comes to that.
    """
    if data[:4] == b".snd":
        start, length = struct.unpack(">II", data[4:12].ljust(8, b"\0"))
        if start >= len(data) or not (length == 0 or _UNKNOWN_LENGTH <= length < _LARGEST):
            return None
        return data[:8] + struct.pack(">I", len(data) - start) + data[12:]
    if data[:4] not in (b"RIFF", b"RF64") or data[8:12] != b"WAVE":
        return None
    heard = next((chunk for chunk in _riff_chunks(data, 0) if chunk.name == b"data"), None)
    there = 0 if heard is None else len(data) - heard.start
    if heard is None or heard.length or not there or there > _UNKNOWN_LENGTH or _are_chunks(data, heard.start):
        return None
    there = _ahead_of_chunk(data, heard.start) - heard.start
    head = data[12 : heard.start - 4].replace(b"ds64", b"JUNK", 1)
    sizes = struct.pack("<I", len(data) - 8), struct.pack("<I", there)
    return b"".join((b"RIFF", sizes[0], b"WAVE", head, sizes[1], data[heard.start :]))


def _are_chunks(data: Bytes, at: int) -> bool:
    """Whether all that stands from a position on are chunks with names, the last of which ends the file."""
    size = len(data)
    while at + 8 <= size and _NAME.match(data, at):
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        at += 8 + length + length % 2
    return size <= at <= size + 1


def _ahead_of_chunk(data: Bytes, start: int) -> int:
    """Return where a chunk of notes begins that ends the file, or the file's end."""
    for name in (b"LIST", b"id3 ", b"ID3 "):
        at = data.rfind(name, start)
        if at > start and _are_chunks(data, at):
            return at
    return len(data)


def holds_mpeg(data: Bytes, at: int) -> Piece | None:
    """Return where the MPEG frames of a WAV file lie that holds such, or None."""
    if not _WAVE.match(data, at):
        return None
    is_mpeg = False
    for chunk in _riff_chunks(data, at):
        if chunk.name == b"fmt ":
            is_mpeg = data[chunk.start : chunk.start + 2] in (b"\x50\x00", b"\x55\x00")
        elif chunk.name == b"data":
            end = len(data) if chunk.length < 0 else min(len(data), chunk.start + chunk.length)
            return Piece(chunk.start, end) if is_mpeg else None
    return None
