"""Lists that are neither JSON nor a table with names: Kaldi's `wav.scp` with its `text`, and seed-tts-eval's `.lst`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from audiobench_pytest.errors import DatasetError


def scp_rows(path: Path, lines: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """Yield the rows of a `wav.scp` (`KEY FILE`), with the texts that the file `text` beside it has (`KEY WORDS`).

    Raises:
        DatasetError: A line is not of that form, or there is no `text`.
    """
    beside = path.with_name("text")
    if not beside.is_file():
        raise DatasetError(f"{path}: there is no '{beside.name}' beside it, which says what is said in each recording")
    texts = dict(_pairs(beside, beside.read_bytes().splitlines()))
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        key, file = _pair(path, number, line)
        yield number, _as_json({"key": key, "wav": file, **({"txt": texts[key]} if key in texts else {"txt": None})})


def _pairs(path: Path, lines: Iterable[bytes]) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(lines, 1):
        if line.strip():
            yield _pair(path, number, line)


def _pair(path: Path, number: int, line: bytes) -> tuple[str, str]:
    try:
        key, _, value = line.decode("utf-8").strip().partition(" ")
    except UnicodeDecodeError as exc:
        raise DatasetError(f"{path}:{number}: not UTF-8 (byte {exc.start + 1} of the line)") from exc
    if not value.strip():
        raise DatasetError(f"{path}:{number}: '{key}' stands alone; a line is a key, a space and its file or words")
    return key, value.strip()


_META = ("id", "prompt_text", "prompt", "text", "truth")


def seed_tts_rows(path: Path, lines: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """Yield the rows of a list of seed-tts-eval: `UTT|PROMPT TEXT|PROMPT WAV|TEXT[|WAV OF THE TEXT]`.

    Raises:
        DatasetError: A line has another number of fields.
    """
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            fields = line.decode("utf-8-sig").strip().split("|")
        except UnicodeDecodeError as exc:
            raise DatasetError(f"{path}:{number}: not UTF-8 (byte {exc.start + 1} of the line)") from exc
        if len(fields) not in (4, 5):
            raise DatasetError(
                f"{path}:{number}: has {len(fields)} fields; a line of this list is UTT|PROMPT TEXT|PROMPT WAV|TEXT, "
                "with |WAV OF THE TEXT behind it or not"
            )
        row: dict[str, Any] = dict(zip(_META, fields, strict=False))
        sounds = {"prompt": row.pop("prompt")} | ({"truth": row.pop("truth")} if "truth" in row else {})
        yield number, _as_json({**row, "sounds": sounds})


def _as_json(row: dict[str, Any]) -> bytes:
    return json.dumps(row, ensure_ascii=False).encode()
