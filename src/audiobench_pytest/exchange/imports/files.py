"""A file of others as lines of text or as objects, and as bytes for its digest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from audiobench_pytest.datasets.manifests.lines import numbered_lines
from audiobench_pytest.errors import UsageError
from audiobench_pytest.exchange.imports.rows import Fields

_PACKED = (".gz", ".csv", ".tsv")


@dataclass(frozen=True)
class ResultFile:
    """One file.

    Attributes:
        path: Where it is.
        data: Its bytes.
    """

    path: Path
    data: bytes

    @classmethod
    def read(cls, path: Path) -> ResultFile:
        """Read a file.

        Raises:
            UsageError: There is none, it cannot be read, or nothing is in it.
        """
        try:
            data = path.read_bytes()
        except IsADirectoryError:
            inside = sorted(one.name for one in path.iterdir() if one.is_file())[:5]
            hint = f"; it holds {', '.join(inside)}" if inside else ""
            raise UsageError(f"{path} is a folder: name the result file in it{hint}") from None
        except OSError as exc:
            raise UsageError(f"cannot read {path}: {exc.strerror or exc}") from exc
        if not data.strip():
            raise UsageError(f"{path} is empty: there is no answer in it; was its run interrupted?")
        return cls(path, data)

    @property
    def sha256(self) -> str:
        """Digest of its bytes, as hex."""
        return hashlib.sha256(self.data).hexdigest()

    def where(self, line: int) -> str:
        """Return a place in it, for messages."""
        return f"{self.path}: line {line}"

    @property
    def is_json(self) -> bool:
        """Whether it holds objects rather than lines of text."""
        begin = self.data.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
        return begin in (b"{", b"[") or self.path.suffix.casefold() in _PACKED

    @cached_property
    def lines(self) -> Sequence[tuple[int, str]]:
        """Number and text of each line that is not blank.

        Raises:
            UsageError: It is not UTF-8; names the line.
        """
        found = []
        for number, raw in enumerate(self.data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
            text = self._decoded(number, raw)
            if text.strip():
                found.append((number, text.rstrip("\r")))
        return found

    @cached_property
    def objects(self) -> Sequence[Fields]:
        """Its objects, one a line or the elements of one list; rows of CSV.

        Raises:
            UsageError: A line is no object, or not UTF-8; names the line.
            DatasetError: It is nothing of the kind; names what it is.
        """
        found = []
        for number, raw in numbered_lines(self.path):
            try:
                value = json.loads(self._decoded(number, raw))
            except json.JSONDecodeError as exc:
                if document := self._document():
                    raise UsageError(f"{self.path} is one JSON document ({document}): {_DOCUMENT}") from None
                raise UsageError(f"{self.where(number)}: expected a JSON object: {exc}; mend the line") from None
            if not isinstance(value, dict):
                raise UsageError(f"{self.where(number)}: expected a JSON object, it is {value!r:.60}")
            found.append(Fields(self.where(number), value))
        if len(found) == 1 and _is_summary(found[0].values):
            raise UsageError(f"{self.path} holds numbers of whole sets: {_DOCUMENT}")
        return found

    def _document(self) -> str:
        try:
            value = json.loads(self.data)
        except ValueError:
            return ""
        return ", ".join(list(value)[:5]) if isinstance(value, dict) else ""

    def _decoded(self, number: int, raw: bytes) -> str:
        try:
            return raw.decode()
        except UnicodeDecodeError as exc:
            raise UsageError(
                f"{self.where(number)}: byte {exc.start + 1} is not UTF-8: convert the file first, "
                f"as in `iconv -f GB18030 -t UTF-8 {self.path.name}`"
            ) from None


_DOCUMENT = "scores are no answers; name the file that has one answer a line (lmms-eval: *_samples_*.jsonl)"


def _is_summary(values: dict[str, Any] | Any) -> bool:
    return isinstance(values.get("results"), dict) and isinstance(values.get("configs"), dict)
