"""What an audio file's own header promises beyond what the file holds.

libsndfile clips the promised length to the file's end without a word for the formats below, so a download that broke
off would pass for a shorter recording.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import BinaryIO

_UNKNOWN_LENGTH = 0x7FFF_0000
"""Programs that write WAV, AIFF or AU into a pipe cannot fill in the size later: they put 0x7fff.... or 0xffffffff."""

_TAG_BYTES = 128
"""An ID3v1 tag, or as much padding, may stand at the end of any file."""

_OGG_LARGEST_PAGE = 65_307
_OGG_END_OF_STREAM = 0x04


def promised_more(path: Path) -> str | None:
    """Say how the file falls short of its header, or return None when it does not or the format cannot tell.

    WAV, RF64, AIFF and AU state the size of their sound data; Ogg marks its last page.

    Raises:
        OSError: The file cannot be read.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        magic = file.read(12)
        promised: tuple[int, int] | None = None
        if magic[:4] in (b"RIFF", b"RF64") and magic[8:12] == b"WAVE":
            promised = _sound_chunk(file, size, b"data", "<")
        elif magic[:4] == b"FORM" and magic[8:12] in (b"AIFF", b"AIFC"):
            promised = _sound_chunk(file, size, b"SSND", ">")
        elif magic[:4] == b".snd":
            start, length = struct.unpack(">II", magic[4:12])
            promised = (start, length)
        elif magic[:4] == b"OggS":
            return None if _ogg_ends(file, size) else "its last Ogg page is not the end of the stream"
    if promised is None:
        return None
    start, length = promised
    if length <= size - start or _UNKNOWN_LENGTH <= length <= 0xFFFF_FFFF:
        return None
    return f"the header promises {length} bytes of sound, the file holds {max(0, size - start)}"


def unaccounted(path: Path) -> str | None:
    """Say what stands behind the sound of a WAV file that is neither a chunk, a tag nor padding, or return None.

    A length that is too small hides sound as one that is too large hides a loss.

    Raises:
        OSError: The file cannot be read.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        magic = file.read(12)
        if magic[:4] != b"RIFF" or magic[8:12] != b"WAVE":
            return None
        found = _sound_chunk(file, size, b"data", "<")
        if found is None or found[1] == 0 or found[1] >= _UNKNOWN_LENGTH:
            return None
        position = sum(found) + found[1] % 2
        while position + 8 <= size:
            file.seek(position)
            name, length = struct.unpack("<4sI", file.read(8))
            if not name.isascii() or not name.decode("ascii").isprintable() or position + 8 + length > size + 1:
                break
            position += 8 + length + length % 2
        file.seek(min(position, size))
        left = file.read(_TAG_BYTES + 1) if position < size else b""
    if len(left) <= _TAG_BYTES and (left[:3] == b"TAG" or not left.strip(b"\0")):
        return None
    return (
        f"the header says that the sound ends at byte {sum(found)}, and the {size - position} bytes from {position} on "
        "are no part of the format: mend the length in the header, or cut the file there"
    )


def without_length(data: bytes) -> bytes | None:
    """Return a WAV file whose lengths were left at 0 with those that it has, or None for any other file.

    A recorder that streams fills them in at the end, if it comes to that.
    """
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        return None
    position = 12
    while position + 8 <= len(data):
        name, length = data[position : position + 4], int.from_bytes(data[position + 4 : position + 8], "little")
        if name == b"data":
            there = len(data) - position - 8
            if length or not there or there > _UNKNOWN_LENGTH:
                return None
            sizes = struct.pack("<I", len(data) - 8), struct.pack("<I", there)
            return b"".join((data[:4], sizes[0], data[8 : position + 4], sizes[1], data[position + 8 :]))
        position += 8 + length + length % 2
    return None


def _sound_chunk(file: BinaryIO, size: int, wanted: bytes, order: str) -> tuple[int, int] | None:
    """Return start and stated length in bytes of the chunk that holds the sound."""
    position, length_in_ds64 = 12, None
    while position + 8 <= size:
        file.seek(position)
        name, length = struct.unpack(f"{order}4sI", file.read(8))
        if name == b"ds64":  # EBU Tech 3306: the 64-bit sizes of an RF64 file
            length_in_ds64 = struct.unpack("<QQ", file.read(16).ljust(16, b"\0"))[1]
        if name == wanted:
            if length == 0xFFFF_FFFF and length_in_ds64 is not None:
                length = length_in_ds64
            return position + 8, length
        position += 8 + length + length % 2  # chunks are padded to an even length
    return None


def _ogg_ends(file: BinaryIO, size: int) -> bool:
    """Whether the last page carries the end-of-stream mark (RFC 3533, section 6) and is whole."""
    file.seek(max(0, size - _OGG_LARGEST_PAGE))
    tail = file.read()
    at = tail.rfind(b"OggS")
    if at < 0 or len(tail) < at + 27:
        return False
    segments = tail[at + 26]
    table = tail[at + 27 : at + 27 + segments]
    is_whole = len(table) == segments and len(tail) >= at + 27 + segments + sum(table)
    return is_whole and bool(tail[at + 5] & _OGG_END_OF_STREAM)


def states_length(path: Path, format_name: str) -> bool:
    """Whether the header states the number of samples, so that fewer decoded ones mean damage.

    An MP3 states it in the tag of its first frame (Xing, Info or VBRI) if at all; without one, libsndfile's number is
    an estimate from the bit rate of the first frames.

    Raises:
        OSError: The file cannot be read.
    """
    if format_name != "MP3":
        return True
    with path.open("rb") as file:
        head = file.read(10)
        if head[:3] == b"ID3":
            a, b, c, d = head[6:10]  # seven bits a byte
            file.seek(10 + (a << 21 | b << 14 | c << 7 | d))
        else:
            file.seek(0)
        first_frame = file.read(4096)
    return any(tag in first_frame for tag in (b"Xing", b"Info", b"VBRI"))
