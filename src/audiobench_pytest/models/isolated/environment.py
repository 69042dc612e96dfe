"""Python environments of isolated models: one per list of requirements, made once, found again by a fingerprint."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import secrets
import shutil
import signal
import subprocess
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audiobench_pytest.catalog.schema import RuntimeSpec
from audiobench_pytest.errors import ModelError, SampleError
from audiobench_pytest.models.isolated.child import PROTOCOL
from audiobench_pytest.models.isolated.interpreters import Interpreter, find_interpreter, installer_variables, running
from audiobench_pytest.records.digests import file_digest

FOLDER_VARIABLE = "AUDIOBENCH_ENVIRONMENTS"
RUNNING = "running"

_BUILD_SECONDS = 3600.0
_SHOWN_LINES = 15
_INDEX_OPTIONS = ("--index-url", "--extra-index-url", "--find-links", "--no-index", "--pre", "-i", "-f")
_COMMENT = re.compile(r"(^|\s+)#.*$")


@dataclass(frozen=True, slots=True)
class Environment:
    """Where an isolated model runs.

    Attributes:
        python: The interpreter to start.
        version: Its version (`3.10.4`).
        fingerprint: What it was made of, 16 hex digits; `running` for the running interpreter itself.
    """

    python: Path
    version: str
    fingerprint: str

    def __str__(self) -> str:
        return f"environment {self.fingerprint} with Python {self.version}"


def environments_folder() -> Path:
    """Return the folder that holds all environments.

    It is `$AUDIOBENCH_ENVIRONMENTS`, else `audiobench/environments` below `$XDG_CACHE_HOME` or `~/.cache`: environments
    are large, and shared by every working folder of a user.
    """
    named = os.environ.get(FOLDER_VARIABLE)
    if named:
        return Path(named).expanduser().absolute()
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path("~/.cache").expanduser()) / "audiobench" / "environments"


def requirement_lines(model: str, runtime: RuntimeSpec) -> list[str]:
    """Return the requirements without comments and blank lines.

    Raises:
        ModelError: A line names something whose content the list does not show (another list, an editable folder).
    """
    lines = [line for text in runtime.requirements if (line := _COMMENT.sub("", text).strip())]
    for line in lines:
        if line.startswith("-") and re.split(r"[= ]", line)[0] not in _INDEX_OPTIONS:
            raise ModelError(
                f"model '{model}': the requirement '{line}' is not allowed: only packages, files and the options "
                f"{', '.join(_INDEX_OPTIONS)} are, so that the list tells what is installed"
            )
        path = _local(line)
        if path is not None and not path.is_file():
            raise ModelError(
                f"model '{model}': the requirement '{line}' is no file; a folder's content may change unseen: "
                "build a wheel of it and name that"
            )
    return [str(_local(line) or line) for line in lines]


def requirements_digest(model: str, runtime: RuntimeSpec) -> str:
    """Return a SHA-256 over the requirement lines; a wheel or archive on this disk counts by its content.

    Raises:
        ModelError: A line is not allowed, see `requirement_lines`, or a file cannot be read.
    """
    total = hashlib.sha256()
    for line in requirement_lines(model, runtime):
        path = _local(line)
        try:
            shown = line if path is None else f"{path.name} sha256:{file_digest(path)}"
        except SampleError as exc:
            raise ModelError(f"model '{model}': {exc}") from exc
        total.update(f"{shown}\n".encode())
    return total.hexdigest()


def _local(line: str) -> Path | None:
    """Return the path that a line names, or None for a package or an option; `torch` is a package, `./torch` is not."""
    if line.startswith(("./", "../", "/", "~")):
        return Path(line).expanduser().absolute()
    if (at := line.find("file:")) >= 0 and not line.startswith("-"):
        return Path(line[at:].removeprefix("file:").removeprefix("//"))
    return None


def ensure(model: str, runtime: RuntimeSpec, folder: Path | None = None) -> Environment:
    """Return the environment of a model, made now if it is not there yet.

    Any number of processes may ask at once: one makes it, the others wait. An environment counts as made only when the
    file `complete.json`, written last, names it; what a process left half-made when it was killed is removed by the
    next one. Environments of earlier requirement lists stay, because other working folders may use them.

    Args:
        model: Name of the model, for messages.
        runtime: What it needs.
        folder: Where environments are kept; `environments_folder()` by default.

    Raises:
        ModelError: The Python version is not installed, or making the environment failed; the message shows the last
            lines that uv, venv or pip wrote.
    """
    if runtime.python == RUNNING:
        here = running()
        return Environment(here.path, here.version, RUNNING)
    interpreter, made_of, fingerprint = _described(model, runtime)
    home = (folder or environments_folder()) / fingerprint
    python = _made(home)
    if python is None:
        python = _make_locked(model, runtime, interpreter, home, made_of)
    return Environment(python, interpreter.version, fingerprint)


def is_made(model: str, runtime: RuntimeSpec) -> bool:
    """Whether the environment of a model is there already; nothing is made."""
    try:
        return _made(environments_folder() / _described(model, runtime)[2]) is not None
    except ModelError:  # its Python is not installed
        return False


def _described(model: str, runtime: RuntimeSpec) -> tuple[Interpreter, dict[str, Any], str]:
    """Return the interpreter of an environment, what it is made of, and its fingerprint."""
    interpreter = find_interpreter(model, runtime.python)
    made_of = {
        "requirements": requirements_digest(model, runtime),
        "python": interpreter.version,
        "platform": sysconfig.get_platform(),
        "protocol": PROTOCOL,
    }
    return interpreter, made_of, hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()[:16]


def _made(home: Path) -> Path | None:
    """Return the interpreter of a complete environment, or None."""
    try:
        content = json.loads((home / "complete.json").read_bytes())
        python = home / content["folder"] / "bin" / "python"
    except (OSError, ValueError, KeyError, TypeError):
        return None
    # The interpreter it was made with may have been removed since: then the link points nowhere.
    return python if os.access(python, os.X_OK) else None


def _make_locked(
    model: str, runtime: RuntimeSpec, interpreter: Interpreter, home: Path, made_of: dict[str, Any]
) -> Path:
    import filelock

    try:
        home.mkdir(parents=True, exist_ok=True)
        # The kernel releases the lock of a process that dies. Whoever waits, waits for as long as making may take.
        with filelock.FileLock(home / "lock", timeout=_BUILD_SECONDS * 1.1):
            python = _made(home)
            if python is not None:
                return python
            for left in home.iterdir():
                if left.is_dir():
                    shutil.rmtree(left, ignore_errors=True)
            return _make(model, runtime, interpreter, home, made_of)
    except filelock.Timeout as exc:
        raise ModelError(f"model '{model}': another process has been making its environment for hours: {exc}") from exc
    except OSError as exc:
        raise ModelError(f"model '{model}': its environment cannot be made in {home}: {exc}") from exc


def _make(model: str, runtime: RuntimeSpec, interpreter: Interpreter, home: Path, made_of: dict[str, Any]) -> Path:
    # Made where it stays, because scripts inside an environment name its place. A fresh name each time: the pip of a
    # process that was killed may still be writing to the folder of its own attempt.
    name = f"env-{secrets.token_hex(4)}"
    target = home / name
    python = target / "bin" / "python"
    lines = requirement_lines(model, runtime)
    uv = shutil.which("uv")
    try:
        if uv is not None:
            _run(model, [uv, "venv", "--python", str(interpreter.path), str(target)])
        else:
            without_pip = [] if lines else ["--without-pip"]
            _run(model, [str(interpreter.path), "-m", "venv", *without_pip, str(target)])
        if lines:
            listed = target / "requirements.txt"
            listed.write_text("".join(f"{line}\n" for line in lines))
            pip = [uv, "pip", "install", "--python", str(python)] if uv else [str(python), "-m", "pip", "install"]
            _run(model, [*pip, "-r", str(listed)])
        packages = _packages(model, python)
        content = {**made_of, "folder": name, "interpreter": str(interpreter.path), "packages": packages}
        temporary = home / f"complete-{name}.json"
        with temporary.open("w") as file:
            json.dump(content, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(home / "complete.json")
    except BaseException:
        shutil.rmtree(target, ignore_errors=True)
        raise
    return python


def _packages(model: str, python: Path) -> dict[str, str]:
    """Return what was installed; asking also shows that the environment's interpreter starts."""
    code = (
        "import json, importlib.metadata as m; "
        "print(json.dumps({d.metadata['Name']: d.version for d in m.distributions()}))"
    )
    output = _run(model, [str(python), "-I", "-c", code])
    try:
        found: dict[str, str] = json.loads(output.splitlines()[-1])
    except (ValueError, IndexError) as exc:
        raise ModelError(f"model '{model}': {python} cannot list its packages; it wrote: {output[-500:]}") from exc
    return dict(sorted(found.items()))


def _run(model: str, command: list[str]) -> str:
    """Run a command and return what it wrote; it and its children end when it fails, takes too long or is interrupted.

    Raises:
        ModelError: It failed.
    """
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env=installer_variables(),
        start_new_session=True,
    ) as process:
        try:
            output, _ = process.communicate(timeout=_BUILD_SECONDS)
        except BaseException as exc:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            if isinstance(exc, subprocess.TimeoutExpired):
                raise ModelError(
                    f"model '{model}': {_shown(command)} took more than {_BUILD_SECONDS:.0f} s and was stopped"
                ) from exc
            raise
    if process.returncode != 0:
        last = "\n".join(f"  {line}" for line in output.rstrip().splitlines()[-_SHOWN_LINES:])
        raise ModelError(
            f"model '{model}': its environment cannot be made: {_shown(command)} ended with status "
            f"{process.returncode}; the last lines it wrote:\n{last}"
        )
    return output


def _shown(command: list[str]) -> str:
    return " ".join([Path(command[0]).name, *command[1:]])
