"""The words that a run sends to its models, each distinct prompt once: one file for all of its processes."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from audiobench_pytest.errors import RecordError
from audiobench_pytest.records.append import DAMAGED, as_line, read_lines

FILE = "prompts.jsonl"


def keep_prompts(folder: Path, prompts: Mapping[str, Mapping[str, Any]]) -> None:
    """Write the prompts that a run's file does not hold yet; several processes may do so at once.

    Args:
        folder: The run directory.
        prompts: What was said, by digest.

    Raises:
        RecordError: It cannot be written.
    """
    if not prompts:
        return
    path = folder / FILE
    try:
        with path.open("ab") as file:
            with contextlib.suppress(OSError):  # a file system without locks: a prompt may then stand there twice
                fcntl.flock(file, fcntl.LOCK_EX)
            known = read_prompts(folder)
            new = [as_line({"digest": key, **said}) for key, said in prompts.items() if key not in known]
            file.write(b"".join(line + b"\n" for line in new))
    except OSError as exc:
        raise RecordError(f"cannot write {path}: {exc.strerror or exc}") from exc


def read_prompts(folder: Path) -> dict[str, Mapping[str, Any]]:
    """Return the prompts of a run by digest; empty where it sent none, or was made before they were kept.

    Raises:
        OSError: The file cannot be read.
    """
    found: dict[str, Mapping[str, Any]] = {}
    path = folder / FILE
    for line in read_lines(path) if path.is_file() else ():
        with contextlib.suppress(*DAMAGED, KeyError):
            said = msgspec.json.decode(line, type=dict[str, Any])
            found[said.pop("digest")] = said
    return found
