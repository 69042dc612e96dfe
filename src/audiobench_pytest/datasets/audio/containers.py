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
