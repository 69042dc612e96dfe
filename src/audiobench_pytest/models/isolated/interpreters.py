"""Finds the Python interpreter an environment is made with. Nothing is ever downloaded for it."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.machinery import PathFinder
from pathlib import Path

from audiobench_pytest.errors import ModelError

_VERSION = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?")
_OLDEST = (3, 8)
_SECONDS = 30.0

_REMEMBERED_S = 60.0
"""How long the answer of uv is good for: a listing asks for each of a hundred models, and uv may run every Python there
is to find one. In a notebook somebody may install one meanwhile."""


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A Python that is installed here.

    Attributes:
        path: Its executable.
        version: In full (`3.10.4`).
    """

    path: Path
    version: str


def running() -> Interpreter:
    """Return the interpreter of this process."""
    return Interpreter(Path(sys.executable), ".".join(map(str, sys.version_info[:3])))


def check_version(wanted: str) -> str | None:
    """Return what is wrong with a version as an entry writes it, or None: `3.10` and `3.10.4` are right."""
    match = _VERSION.fullmatch(wanted)
    if match is None:
        return f"python '{wanted}' is no version; write 3.10, 3.10.4, or running"
    if (int(match[1]), int(match[2])) < _OLDEST:
        return f"python '{wanted}' is too old: isolated models need Python {_OLDEST[0]}.{_OLDEST[1]} or newer"
    return None


def find_interpreter(model: str, wanted: str | None) -> Interpreter:
    """Return an installed interpreter of a version.

    Looked at in this order: the running one, `pythonX.Y` on the PATH, what uv has installed.

    Args:
        model: Name of the model, for the message.
        wanted: `3.10` or `3.10.4`; None means whatever is running.

    Raises:
        ModelError: There is none; the message lists where it was looked for and what is there instead.
    """
    here = running()
    if wanted is None or _fits(here.version, wanted):
        return here
    tried = [f"the running interpreter is {here.version}"]
    name = "python" + ".".join(wanted.split(".")[:2])
    for folder in dict.fromkeys(os.get_exec_path()):
        found = shutil.which(name, path=folder)
        if found is None:
            continue
        version = _version_of(found)
        if version is not None and _fits(version, wanted):
            return Interpreter(Path(found), version)
        tried.append(f"{found} {f'is {version}' if version else 'does not run'}")
    if len(tried) == 1:
        tried.append(f"there is no {name} on the PATH")
    uv = shutil.which("uv")
    if uv is None:
        tried.append("uv is not installed")
    else:
        found = _known_to_uv(uv, wanted, os.environ.get("PATH", ""), int(time.monotonic() / _REMEMBERED_S))
        version = _version_of(found) if found else None
        if found and version is not None and _fits(version, wanted):
            return Interpreter(Path(found), version)
        tried.append("uv knows none")
    raise ModelError(
        f"model '{model}' needs Python {wanted}, which is not installed here: {'; '.join(tried)}. "
        f"Install it ({install_command(wanted)}), or change 'python' in the model's entry; it is not downloaded for you"
    )


def install_command(wanted: str) -> str:
    """Return the command that brings an interpreter of this version."""
    command = f"uv python install {wanted}"
    return command if shutil.which("uv") else f"pip install uv && {command}"


def without_our_python(*more: str) -> dict[str, str]:
    """Return this process's environment variables without those that would lead another Python to our packages.

    Args:
        more: Further names to leave out.
    """
    leaking = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__", *more)
    return {name: value for name, value in os.environ.items() if name not in leaking}


def installer_variables() -> dict[str, str]:
    """Return the environment variables for uv, venv and pip: nothing is asked, and no interpreter is downloaded."""
    variables = without_our_python("PIP_TARGET", "PIP_PREFIX", "PIP_USER")
    return variables | {"UV_PYTHON_DOWNLOADS": "never", "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1"}


def _fits(version: str, wanted: str) -> bool:
    return f"{version}.".startswith(f"{wanted}.")


def _version_of(executable: str) -> str | None:
    try:
        changed = Path(executable).stat().st_mtime_ns
    except OSError:
        return None
    return _version_at(executable, changed)


@functools.lru_cache(maxsize=64)
def _version_at(executable: str, changed: int) -> str | None:
    """Return the version of an interpreter; asked once, as a listing asks for each of a hundred models."""
    return _output([executable, "-I", "-c", "import sys; print('.'.join(map(str, sys.version_info[:3])))"])


@functools.lru_cache(maxsize=64)
def _known_to_uv(uv: str, wanted: str, path: str, period: int) -> str | None:
    """Return the interpreter that uv finds; asked again on another PATH and in another period."""
    return _output([uv, "python", "find", wanted])


def _output(command: list[str]) -> str | None:
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            env=installer_variables(),
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    lines = done.stdout.split("\n")
    return lines[0].strip() or None if done.returncode == 0 else None


def module_file(dotted: str) -> Path | None:
    """Return the file of a module that the running interpreter has, or None; imports nothing."""
    # importlib.util.find_spec would import the packages that the module lies in.
    folders: Sequence[str] | None = None
    origin: str | None = None
    parts = dotted.split(".")
    for count in range(1, len(parts) + 1):
        spec = PathFinder.find_spec(".".join(parts[:count]), folders)
        if spec is None:
            return None
        folders, origin = spec.submodule_search_locations, spec.origin
    return Path(origin) if origin else None
