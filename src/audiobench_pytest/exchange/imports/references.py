"""A file of references, for answers that come without: samples that have no sound."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from audiobench_pytest.errors import UsageError
from audiobench_pytest.exchange.imports.files import ResultFile
from audiobench_pytest.exchange.imports.rows import Fields, Row, named_by_file
from audiobench_pytest.exchange.imports.transcripts import (
    Word,
    is_stm,
    is_trn,
    lines_of,
    scored_words,
    trn,
    wenet,
)
from audiobench_pytest.records.texts import storable

_KEYS = ("id", "key", "audio_filepath")
_TEXTS = ("reference", "txt", "text")
_IGNORED = "IGNORE_TIME_SEGMENT_IN_SCORING"


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of a recording with what is said in it.

    Attributes:
        row: Its id and reference.
        recording, channel: Of which recording.
        begin, end: Seconds.
        ignored: Whether what is heard in it does not count.
    """

    row: Row
    recording: str
    channel: str
    begin: float
    end: float
    ignored: bool = False


def read_references(path: Path) -> list[Row] | list[Segment]:
    """Return the references of a file: `trn`, `stm`, lines of key and text, or JSON lines.

    Raises:
        UsageError: It is none of them, holds nothing, or a key twice; the message names the line.
    """
    file = ResultFile.read(path)
    if file.is_json:
        rows = list(_from_objects(file.objects))
    else:
        lines = lines_of(file)
        if is_trn(lines):
            rows = [_reference(row, row.answer or "") for row in trn(file, "")]
        elif is_stm(lines):
            return _unique(_segments(file, lines))
        else:
            rows = [_reference(row, row.answer or "") for row in wenet(file, "")]
    _refuse_twice(rows)
    return rows


def _reference(row: Row, words: str) -> Row:
    return Row(row.where, row.id, None, reference=scored_words(row.where, words))


def _from_objects(objects: Sequence[Fields]) -> Iterable[Row]:
    first = objects[0]
    key = next((name for name in _KEYS if name in first), None)
    text = next((name for name in _TEXTS if name in first), None)
    if key is None or text is None:
        which, names = ("id", _KEYS) if key is None else ("reference", _TEXTS)
        raise UsageError(
            f"{first.where}: no {which} under {', '.join(names)}; it has {', '.join(map(str, first.values))}"
        )
    ids = [row.key(key) for row in objects]
    for row, name in zip(objects, named_by_file(ids) if key == "audio_filepath" else ids, strict=True):
        reference, aliases = row.references(text)
        yield Row(
            row.where,
            name,
            None,
            reference=reference,
            aliases=aliases,
            language=row.language("language", "lang"),
            audio_s=row.seconds("duration_s") or row.seconds("duration"),
            meta=row.without(key, text, "duration", "duration_s"),
        )


def _segments(file: ResultFile, lines: Sequence[tuple[int, str]]) -> list[Segment]:
    found = []
    for number, text in lines:
        recording, channel, speaker, begins, ends, *words = text.split()
        begin, end = float(begins), float(ends)
        if end < begin:
            raise UsageError(f"{file.where(number)}: the segment ends ({ends}) before it begins ({begins})")
        if words and words[0].startswith("<") and words[0].endswith(">"):
            words = words[1:]
        ignored = words == [_IGNORED]
        said = "" if ignored else scored_words(file.where(number), " ".join(words))
        row = Row(
            file.where(number),
            storable(f"{recording}-{channel}-{begins}-{ends}"),
            None,
            reference=storable(said),
            audio_s=end - begin,
            meta={"speaker": storable(speaker), "recording": storable(recording)},
        )
        found.append(Segment(row, recording, channel, begin, end, ignored))
    return found


def _unique(segments: list[Segment]) -> list[Segment]:
    _refuse_twice([one.row for one in segments])
    if all(one.ignored for one in segments):
        raise UsageError(f"{segments[0].row.where}: every segment is to be ignored: there is nothing to score")
    return segments


def _refuse_twice(rows: Sequence[Row]) -> None:
    seen: dict[str, str] = {}
    for row in rows:
        if row.id in seen:
            raise UsageError(f"{row.where}: the id '{row.id}' was used in {seen[row.id]} already")
        seen[row.id] = row.where


def cut(words: Iterable[Word], segments: Sequence[Segment]) -> list[Row]:
    """Return what was heard in each segment that counts, as sclite cuts it.

    A word belongs to the segment its middle lies in; one between two segments to the later one, one behind the last
    to the last: nothing that was heard goes uncounted, but what lies in a segment that is to be ignored. A segment may
    be empty, but a recording and channel of which there is no word at all was never recognised: it has no answer.

    Raises:
        UsageError: A word is of a recording or channel that has no segment.
    """
    by_channel: dict[tuple[str, str], list[Segment]] = {}
    for one in segments:
        by_channel.setdefault((one.recording, one.channel), []).append(one)
    heard: dict[str, list[str]] = {one.row.id: [] for one in segments if not one.ignored}
    named: set[tuple[str, str]] = set()
    for word in words:
        named.add((word.recording, word.channel))
        own = by_channel.get((word.recording, word.channel))
        if own is None:
            raise UsageError(
                f"line {word.line}: recording '{word.recording}', channel '{word.channel}' has no segment in the "
                f"references; they have {', '.join(sorted({f'{r} {c}' for r, c in by_channel})[:5])}"
            )
        if any(one.ignored and one.begin <= word.middle < one.end for one in own):
            continue
        counted = sorted((one for one in own if not one.ignored), key=lambda one: (one.end, one.begin))
        if counted:
            place = next((one for one in counted if word.middle < one.end), counted[-1])
            heard[place.row.id].append(word.text)
    return [
        Row(one.row.where, one.row.id, " ".join(heard[one.row.id]))
        for one in segments
        if not one.ignored and (one.recording, one.channel) in named
    ]
