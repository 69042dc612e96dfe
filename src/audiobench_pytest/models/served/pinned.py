"""What a server of ours reads from this machine, and its answers depend on: checkpoint, files named, environment."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

from audiobench_pytest.catalog.schema import ModelSpec
from audiobench_pytest.errors import ModelError, SampleError
from audiobench_pytest.models.isolated.environment import requirements_digest
from audiobench_pytest.models.served.programs import Program
from audiobench_pytest.models.transformers.checkpoints import ANY_WEIGHTS, DIGESTED_SUFFIXES, folder_digest
from audiobench_pytest.records.digests import file_digest
from audiobench_pytest.records.keys import digest

_BETWEEN = re.compile(r"""[\s=,;"'{}\[\]]+""")
"""What may stand around a path within a word: `NAME=PATH`, or JSON."""


def refuses(spec: ModelSpec, program: Program) -> str | None:
    """Return why the revision of an entry cannot be served; it would be told as what answered all the same."""
    if spec.revision is None:
        return None
    if Path(str(spec.source)).expanduser().is_dir():
        return f"{spec.source} is a folder, which has no revision '{spec.revision}'"
    if program.revisions:
        return None
    return (
        f"a server of {program.way} cannot be told which revision to load ('{spec.revision}' is asked for): fetch that "
        "one into a folder (hf download --revision --local-dir) and give the folder as source"
    )


def checkpoint(spec: ModelSpec, program: Program) -> dict[str, Any]:
    """Return what pins the weights: the content of a folder, or a commit of the hub.

    Raises:
        ModelError: There is no such checkpoint, or its commit cannot be found out.
    """
    source, revision = str(spec.source), spec.revision
    folder = Path(source).expanduser()
    if folder.is_dir():
        weights = folder_digest(folder, also=program.reads, below=program.below)
        return {"model": "folder", "revision": None, "weights": weights}
    if not program.revisions:
        return {"revision": None}
    try:
        from audiobench_pytest.models.transformers.hub_files import HubFiles

        return {"revision": HubFiles(spec.name, source, revision).commit}
    except ImportError:  # without huggingface_hub nobody here can tell: the answers have to
        return {"revision": revision}


def named_files(model: str, command: str | None, more: str | None) -> dict[str, str]:
    """Return the content of the files, and folders of weights, that a command line names: path and digest.

    Args:
        model: The model's name, for messages.
        command: The program, or the whole command; what is started itself tells its version.
        more: More arguments.

    Raises:
        ModelError: A file cannot be read.
    """
    words = [*shlex.split(command or "")[1:], *shlex.split(more or "")]
    found: dict[str, str] = {}
    for text in dict.fromkeys(part for word in words for part in (word, *_BETWEEN.split(word))):
        try:
            path = Path(text).expanduser()
            if text and path.is_file():
                found[text] = file_digest(path)
            elif text and path.is_dir() and _is_read(path):
                found[text] = folder_digest(path, also=ANY_WEIGHTS)
        except SampleError as exc:
            raise ModelError(f"model '{model}': {exc}") from exc
        except (OSError, ValueError, RuntimeError):  # too long for a path, a home of nobody
            continue
    return found


def environment(spec: ModelSpec, *, made: bool) -> dict[str, str]:
    """Return digests of what a server's environment is made of, and of the variables that its entry sets.

    Args:
        spec: The catalogue entry.
        made: Whether an environment is made for it; else it has that of the PATH.

    Raises:
        ModelError: A requirement is not allowed, or is a file that cannot be read.
    """
    runtime, found = spec.runtime, {}
    if runtime is not None and made:
        found["environment"] = digest([requirements_digest(spec.name, runtime), runtime.python])
    if runtime is not None and runtime.env:
        found["env"] = digest(dict(runtime.env))
    return found


def _is_read(folder: Path) -> bool:
    """Whether a folder holds what a checkpoint or an adapter consists of; one to write into does not."""
    return any(path.suffix in (*DIGESTED_SUFFIXES, *ANY_WEIGHTS) for path in folder.iterdir())
