"""An answer as a file of others holds it, and the fields it is read from."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from audiobench_pytest.errors import UsageError
from audiobench_pytest.languages import stated_language
from audiobench_pytest.records.texts import storable


@dataclass(frozen=True, slots=True)
class Row:
    """One answer.

    Attributes:
        where: File and line, for messages.
        id: Under which key the file has it.
        answer: What was answered; None where nothing was.
        reason: Why there is no answer.
        reference: What the file says was expected; None where it says nothing.
        aliases: Further references.
        position: Its place in the set that was asked, from 0, where the file tells places; else None.
        language: Tag of its language, or "".
        audio_s: Seconds of sound, 0 where the file does not say.
        infer_s: Seconds that the answer took, 0 where the file does not say.
        meta: Whatever else the file says of it.
    """

    where: str
    id: str
    answer: str | None
    reason: str = ""
    reference: str | None = None
    aliases: tuple[str, ...] = ()
    position: int | None = None
    language: str = ""
    audio_s: float = 0.0
    infer_s: float = 0.0
    meta: Mapping[str, Any] = field(default_factory=dict)


class Fields:
    """The fields of one object of a file; what is not as it should be is told with file, line and field."""

    def __init__(self, where: str, values: Mapping[str, Any]) -> None:
        self.where, self.values = where, values

    def __contains__(self, name: str) -> bool:
        return self.values.get(name) is not None

    def text(self, name: str) -> str | None:
        """Return a text, or a plain number or truth value as text; None where there is none.

        Raises:
            UsageError: It is a list or an object.
        """
        value = self.values.get(name)
        if value is None:
            return None
        if isinstance(value, bool):
            return str(value).lower()
        if isinstance(value, str | int | float):
            return str(storable(str(value)))
        raise self.wrong(name, "must be a text")

    def key(self, name: str) -> str:
        """Return the text or whole number that names the row.

        Raises:
            UsageError: There is none.
        """
        value = self.values.get(name)
        if isinstance(value, str | int) and not isinstance(value, bool) and str(value).strip():
            return str(storable(str(value)))
        raise self.wrong(name, "names the sample and must be a text or a whole number")

    def place(self, name: str) -> int | None:
        """Return a whole number from 0 on, also one written as text; None for anything else."""
        value = self.values.get(name)
        if isinstance(value, str) and value.isascii() and value.isdigit():
            return int(value)
        return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None

    def seconds(self, name: str) -> float:
        """Return seconds; 0 where there is none.

        Raises:
            UsageError: It is no number of seconds.
        """
        value = self.values.get(name)
        if value is None:
            return 0.0
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value >= 0:
            return float(value)
        raise self.wrong(name, "must be a number of seconds")

    def references(self, name: str) -> tuple[str | None, tuple[str, ...]]:
        """Return the reference and further ones: a text, or a list of texts of which any will do.

        Raises:
            UsageError: It is neither.
        """
        value = self.values.get(name)
        if not isinstance(value, list):
            return self.text(name), ()
        if not all(isinstance(one, str | int | float) for one in value):
            raise self.wrong(name, "must be a text or a list of texts")
        texts = [str(storable(str(one))) for one in value]
        return (texts[0], tuple(texts[1:])) if texts else (None, ())

    def language(self, *names: str) -> str:
        """Return the tag of the first language that is stated under one of some names, or "".

        Raises:
            UsageError: There is no such language.
        """
        for name in names:
            try:
                if found := stated_language(self.values.get(name)):
                    return found
            except ValueError as exc:
                raise UsageError(f"{self.where}: field '{name}': {exc}") from None
        return ""

    def without(self, *names: str) -> dict[str, Any]:
        """Return all other fields."""
        return {str(name): storable(value) for name, value in self.values.items() if name not in names}

    def wrong(self, name: str, wanted: str) -> UsageError:
        """Return the error that a field is not as it should be."""
        if name not in self.values:
            return UsageError(f"{self.where}: there is no field '{name}', which {wanted}; it has {self._names()}")
        return UsageError(f"{self.where}: field '{name}' {wanted}, it is {self.values[name]!r:.60}")

    def _names(self) -> str:
        return ", ".join(map(str, list(self.values)[:12])) or "no field"


def stem(path: str) -> str:
    """Return the name of a file without folders and ending, whichever way its slashes go."""
    return PurePosixPath(path.replace("\\", "/")).stem


def named_by_file(paths: list[str]) -> list[str]:
    """Return ids made of paths: their stems where those differ, else the paths themselves."""
    stems = [stem(path) for path in paths]
    return stems if len(set(stems)) == len(set(paths)) else paths
