"""Checkpoints of one training, named by a pattern: `hf:ckpts/step-*` is a model for each folder."""

from __future__ import annotations

import glob
import re
from pathlib import Path

from audiobench_pytest.errors import UsageError

_FORM = re.compile(r"(?P<name>[^=:/]+=)?hf:(?P<pattern>.+?)(?P<way>@[a-z][a-z-]*)?")
_WILD = re.compile(r"[*?\[]")


def each(text: str) -> list[str]:
    """Return what a text of `--model` stands for: itself, or a text per folder that its pattern matches.

    Folders come in the order of the numbers in their names. `NAME=hf:PATTERN` calls each by that name and its own.

    Args:
        text: What the user wrote.

    Raises:
        UsageError: Nothing matches, or a folder that is no checkpoint does.
    """
    form = _FORM.fullmatch(text.strip())
    if form is None or not _WILD.search(form["pattern"]) or Path(form["pattern"]).expanduser().is_dir():
        return [text]
    pattern = str(Path(form["pattern"]).expanduser())
    found = sorted(map(Path, glob.glob(pattern)), key=_by_number)  # noqa: PTH207 - absolute ones, too
    folders = [path for path in found if path.is_dir()]
    if not folders:
        raise UsageError(f"--model {text}: no folder matches (in {Path.cwd()}); in a shell, quote the pattern")
    for folder in folders:
        if not (folder / "config.json").is_file():
            raise UsageError(
                f"--model {text}: {folder} matches and has no config.json, so it is no checkpoint of transformers (or "
                "is still being written): narrow the pattern, or try again"
            )
    name, way = (form["name"] or "").rstrip("="), form["way"] or ""
    return [f"{name}-{folder.name}=hf:{folder}{way}" if name else f"hf:{folder}{way}" for folder in folders]


def _by_number(path: Path) -> list[tuple[int, str]]:
    """Return a key under which `step-900` stands before `step-1000`."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", str(path))]
