"""Lines of text: WeNet's and Kaldi's `text`, transcripts of sclite (`trn`), its words with times (`ctm`)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from audiobench_pytest.errors import UsageError
from audiobench_pytest.exchange.imports.files import ResultFile
from audiobench_pytest.exchange.imports.rows import Row
from audiobench_pytest.records.texts import storable

_TRN = re.compile(r"(?P<words>.*?)\((?P<id>[^()\s]+)\)\s*")
_ALTERNATIVES = re.compile(r"[{}]")
_OPTIONAL = re.compile(r"(?:^|\s)\([^()\s]+\)(?=\s|$)")


def lines_of(file: ResultFile) -> list[tuple[int, str]]:
    """Return the lines that are no comment of sclite.

    Raises:
        UsageError: It is not UTF-8, or nothing else is in it.
    """
    found = [(number, text) for number, text in file.lines if not text.lstrip().startswith(";;")]
    if not found:
        raise UsageError(f"{file.path} holds comments only: there is no answer in it")
    return found


def is_trn(lines: Sequence[tuple[int, str]]) -> bool:
    """Whether every line ends in an id in parentheses."""
    return all(_TRN.fullmatch(text) for _, text in lines)


def is_ctm(lines: Sequence[tuple[int, str]]) -> bool:
    """Whether every line has a recording, a channel, two times and a word."""
    return all(len(words := text.split()) in (5, 6) and _numbers(words[2:4]) for _, text in lines)


def is_stm(lines: Sequence[tuple[int, str]]) -> bool:
    """Whether every line has a recording, a channel, a speaker, two times."""
    return all(len(words := text.split()) >= 5 and _numbers(words[3:5]) for _, text in lines)


def _numbers(words: Sequence[str]) -> bool:
    return all(re.fullmatch(r"\d+(\.\d*)?|\.\d+", word) for word in words)


def wenet(file: ResultFile, answer: str) -> Iterator[Row]:
    """Yield the lines of WeNet's and Kaldi's `text`: a key and what was recognised; a key alone is an empty answer."""
    _no_field(answer)
    for number, text in file.lines:
        key, *said = text.split(maxsplit=1)
        yield Row(file.where(number), storable(key), storable("".join(said).strip()))


def trn(file: ResultFile, answer: str) -> Iterator[Row]:
    """Yield the lines of a transcript of sclite: what was recognised, then the utterance's id in parentheses.

    Raises:
        UsageError: A line has no id.
    """
    _no_field(answer)
    for number, text in lines_of(file):
        found = _TRN.fullmatch(text)
        if found is None:
            raise UsageError(f"{file.where(number)}: no utterance id in parentheses ends it: {text.strip()[-60:]!r}")
        yield Row(file.where(number), storable(found["id"]), storable(found["words"].strip()))


def scored_words(where: str, words: str) -> str:
    """Return the words of a reference of sclite.

    Raises:
        UsageError: It has alternatives or optional words, which our recipes would count as words.
    """
    if _ALTERNATIVES.search(words):
        raise UsageError(f"{where}: alternatives ({{ a / b }}) are scored by sclite alone: write the one that counts")
    if found := _OPTIONAL.search(words):
        raise UsageError(
            f"{where}: optional words ({found[0].strip()}) are scored by sclite alone: write the word, or leave it out"
        )
    return words


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a ctm.

    Attributes:
        recording, channel: Where it was heard.
        middle: Seconds from the start to its middle.
        text: The word.
        line: Its line.
    """

    recording: str
    channel: str
    middle: float
    text: str
    line: int


def ctm_words(file: ResultFile) -> list[Word]:
    """Return the words of a ctm in order of time, recording by recording.

    Raises:
        UsageError: A line is none of a ctm, or of alternatives.
    """
    words = []
    for number, text in lines_of(file):
        fields = text.split()
        if len(fields) not in (5, 6) or fields[4].startswith("<ALT"):
            wanted = "recording, channel, begin, duration, word and perhaps a confidence"
            raise UsageError(f"{file.where(number)}: expected {wanted}, it is {text.strip()[:60]!r}")
        for name, field in (("begin", fields[2]), ("duration", fields[3])):
            if not _numbers([field]):
                raise UsageError(f"{file.where(number)}: field '{name}' must be seconds, it is {field!r}")
        begin, lasts = float(fields[2]), float(fields[3])
        words.append(Word(fields[0], fields[1], begin + lasts / 2, storable(fields[4]), number))
    return sorted(words, key=lambda word: (word.recording, word.channel, word.middle, word.line))


def ctm(file: ResultFile, answer: str) -> Iterator[Row]:
    """Yield what a ctm has of each recording, all its words as one answer; two channels are two answers."""
    _no_field(answer)
    words = ctm_words(file)
    channels: dict[str, dict[str, list[Word]]] = {}
    for word in words:
        channels.setdefault(word.recording, {}).setdefault(word.channel, []).append(word)
    for recording, by_channel in channels.items():
        for channel, own in by_channel.items():
            key = recording if len(by_channel) == 1 else f"{recording}-{channel}"
            yield Row(file.where(min(word.line for word in own)), key, " ".join(word.text for word in own))


def _no_field(answer: str) -> None:
    if answer:
        raise UsageError(f"--answer {answer}: a file of text lines has no fields; leave it out")
