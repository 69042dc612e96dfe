"""What the JSONL dialects share: how the values of one line are read."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from audiobench_pytest.datasets.fields import SOUND_PREFIX, Fields, Needs, expected_of, fields_of
from audiobench_pytest.datasets.manifests.expected_calls import expected_call
from audiobench_pytest.languages import stated_language
from audiobench_pytest.types import MAIN_SOUND, Sound

_SPEECH = Needs()


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a manifest.

    Attributes:
        id: The line's key, or None where it has none.
        audio: The audio file, or None.
        reference: The reference, raw; "" where there is none.
        sounds: Further audio files by name.
        fields: What its other columns say.
        language: Tag of the language, or None where the line does not say.
        duration_s: Seconds, or None.
        problems: What keeps this line from being asked.
    """

    id: str | None
    audio: Path | None
    reference: str
    language: str | None = None
    duration_s: float | None = None
    sounds: Mapping[str, Path] = field(default_factory=dict)
    fields: Fields = field(default_factory=Fields)
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Dialect:
    """A spelling of manifests.

    Attributes:
        name: For messages.
        required: Columns that the first line must have.
        id: Column of the line's key; a line without one is named by its audio as written.
        audio: Column of the audio file.
        text: Column of the reference.
        language: Column of the language.
        duration: Column of the seconds.
        refuses_commands: What ends in `|` is a command that others would run, and no file.
        prompt: Whether its column `prompt` is a row's own instruction.
        question: Column of what is said in the sound, which a judge is shown as `question`; "" where there is none.
    """

    name: str
    required: tuple[str, ...]
    id: str
    audio: str
    text: str
    language: str
    duration: str
    refuses_commands: bool = False
    prompt: bool = False
    question: str = ""

    def read(self, record: Mapping[str, Any], base: Path, needs: Needs = _SPEECH) -> Row:
        """Turn the object of one line into a row.

        Args:
            record: The line.
            base: Where relative paths start: the manifest's folder.
            needs: What it must have.
        """
        written = record.get(self.audio)
        language, bad_language = language_of(record, self.language)
        audio, bad_audio = audio_of(record, self.audio, base)
        if "audio" not in needs.sounds and written is None:
            bad_audio = None
        if self.refuses_commands and isinstance(written, str) and written.rstrip().endswith("|"):
            audio = None
            bad_audio = f"'{self.audio}' is a command ({written.strip()}), which is not run: write its output to a file"
        reference, aliases, bad_reference = reference_of(record, self.text)
        if not needs.reference and not reference.strip():
            bad_reference = None
        sounds: Mapping[str, Path] = {}
        bad_sounds: list[str] = []
        if needs is not _SPEECH or isinstance(written, list) or any(key.startswith("sounds") for key in record):
            sounds, bad_sounds = _further_sounds(record, self.audio, base, needs)
        own = (self.id, self.audio, self.text, self.language, self.duration, "sounds")
        if self.question and self.question in record:
            record = {**record, "question": record[self.question]}
        fields = fields_of(
            {key: value for key, value in record.items() if key not in own and not key.startswith(SOUND_PREFIX)},
            prompt=self.prompt,
        )
        if aliases:
            fields = replace(fields, aliases=(*aliases, *fields.aliases))
        if needs.calls:
            reference, bad_calls = expected_call(record.get(self.text), fields)
            bad_reference = "; ".join(bad_calls)
        if fields.turns:
            bad_sounds += _unplaced(fields, {*sounds, *([MAIN_SOUND] if audio is not None else [])})
        return Row(
            id=key_of(record.get(self.id)) or key_of(written),
            audio=audio,
            reference=reference,
            language=language,
            duration_s=seconds_of(record.get(self.duration)),
            sounds=sounds,
            fields=fields,
            problems=tuple(p for p in (bad_audio, bad_reference, bad_language, *bad_sounds, *fields.problems) if p),
        )


def _further_sounds(
    record: Mapping[str, Any], audio: str, base: Path, needs: Needs
) -> tuple[dict[str, Path], list[str]]:
    """Return the sounds of a line beside its first, and what is wrong with them.

    They stand in the columns `sounds.NAME`, under `sounds` as a mapping, or behind the first in a list of audio files,
    where they are called `audio2`, `audio3`, ...
    """
    named = {key.removeprefix(SOUND_PREFIX): value for key, value in record.items() if key.startswith(SOUND_PREFIX)}
    given = record.get("sounds")
    if isinstance(given, Mapping):
        named |= given
    files = record.get(audio)
    if isinstance(files, list):
        named |= {f"audio{number}": file for number, file in enumerate(files[1:], 2)}
    sounds: dict[str, Path] = {}
    problems = []
    if MAIN_SOUND in named and files is not None:
        problems.append(f"the sound '{MAIN_SOUND}' is named twice: by '{audio}' and among its further sounds")
    for name, written in named.items():
        path, problem = audio_of({name: written}, name, base)
        if path is not None:
            sounds[name] = path
        if problem is not None:
            problems.append(problem)
    problems += [f"no sound '{name}'" for name in needs.sounds if name != "audio" and name not in named]
    return sounds, problems


def _unplaced(fields: Fields, sounds: set[str]) -> list[str]:
    """Return which turns of a row's conversation place a sound that the row does not bring."""
    return [
        f"turn {number} has a place for the sound '{part.name}', which the row does not bring (it brings "
        f"{', '.join(sorted(sounds)) or 'none'})"
        for number, turn in enumerate(fields.turns, 1)
        for part in turn.parts
        if isinstance(part, Sound) and part.name not in sounds
    ]


def key_of(value: Any) -> str | None:
    """Return a line's key as text; a number counts as its digits, anything else as no key."""
    if isinstance(value, str):
        return value if value.strip() else None
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else None


def audio_of(record: Mapping[str, Any], column: str, base: Path) -> tuple[Path | None, str | None]:
    """Return the audio path, joined to the manifest's folder when it is relative, and what is wrong with it."""
    value = record.get(column)
    if isinstance(value, list) and value:
        value = value[0]
    if isinstance(value, Mapping) and "path" in value:  # as a hub's rows are written to a file
        if value.get("bytes") is not None:
            return None, f"'{column}' holds the bytes of a sound: write them to a file, and its name here"
        value = value["path"]
    if not isinstance(value, str):
        return None, not_text(record, column)
    if not value.strip():
        return None, f"'{column}' is empty"
    if "://" in value:
        return None, f"'{column}' is an address ({value}); only files are read: download it first"
    return base / value, None


def language_of(record: Mapping[str, Any], column: str) -> tuple[str | None, str | None]:
    """Return the language of a line, None where it states none, and what is wrong with it."""
    try:
        return stated_language(record.get(column)), None
    except ValueError as exc:
        return None, f"'{column}': {exc}"


def reference_of(record: Mapping[str, Any], column: str) -> tuple[str, tuple[str, ...], str | None]:
    """Return the reference, further ones that count as well, and what is wrong with it."""
    reference, aliases, other = expected_of(record.get(column))
    if other is not None:
        return "", (), not_text(record, column)
    return reference, aliases, None if reference.strip() else f"'{column}' is an empty reference"


def not_text(record: Mapping[str, Any], column: str) -> str:
    """Say that a column is missing or holds something else than text."""
    if column not in record:
        return f"no '{column}'"
    return f"'{column}' is {_JSON_NAMES.get(type(record[column]), 'something else')}, not text"


_JSON_NAMES: dict[type, str] = {
    type(None): "null",
    bool: "true or false",
    int: "a number",
    float: "a number",
    list: "a list",
    dict: "an object",
}


def seconds_of(value: Any) -> float | None:
    """Return a duration in seconds when the value is one."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) and value >= 0 else None
