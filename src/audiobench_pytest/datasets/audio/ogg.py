"""Ogg: a row of pages, of several streams at once or one behind the other (RFC 3533)."""

from __future__ import annotations

from audiobench_pytest.datasets.audio.pieces import BrokenFileError, Piece
from audiobench_pytest.datasets.audio.tags import Bytes, behind_tags, behind_zeros

_BEGINS, _ENDS = 0x02, 0x04
_HEADER = 27


def ogg_pieces(data: Bytes, at: int) -> list[Piece]:
    """Return the links of a chain: each begins with the first pages of its streams, when those before have data.

    Raises:
        BrokenFileError: A page is cut short, a stream does not end, or something in it is neither page nor tag.
    """
    size = len(data)
    starts, ends = [at], [at]
    open_streams, has_data, page = set[bytes](), False, at
    while at < size:
        head = data[at : at + _HEADER]
        if head[:4] != b"OggS":
            behind = behind_tags(data, at)
            if behind_zeros(data, behind) == size:
                break
            if behind == at:
                raise BrokenFileError(
                    f"the bytes from {at} on are neither an Ogg page nor a tag: fetch the file again, or cut it there"
                )
            at = behind
            continue
        table = data[at + _HEADER : at + _HEADER + head[26]] if len(head) == _HEADER else b""
        length = _HEADER + len(table) + sum(table)
        if len(head) < _HEADER or len(table) < head[26] or at + length > size:
            raise BrokenFileError(f"cut short at byte {size}: its last Ogg page begins at byte {at}; fetch it again")
        kind, stream, page = head[5], head[14:18], at
        if kind & _BEGINS:
            if has_data:
                _refuse_open(open_streams, at)
                starts.append(at)
                ends.append(at)
            has_data = False
            open_streams.add(stream)
        elif length > _HEADER:
            has_data = True
        if kind & _ENDS:
            has_data = True
            open_streams.discard(stream)
        at += length
        ends[-1] = at
    _refuse_open(open_streams, page)
    return [Piece(start, end) for start, end in zip(starts, ends, strict=True)]


def _refuse_open(streams: set[bytes], at: int) -> None:
    if streams:
        raise BrokenFileError(
            f"cut short: the last Ogg page of a recording, at byte {at}, is not the end of the stream; fetch it again"
        )
