"""What can be found out about this machine without loading a model."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from audiobench_pytest.errors import AudiobenchError, ModelError

if TYPE_CHECKING:
    from packaging.requirements import Requirement

DISTRIBUTION = "audiobench-pytest"
_PROGRAM_SECONDS = 60.0
_HUB_SECONDS = 5.0
_LITTLE_DISK = 5 * 10**9

OK, OFF, WRONG = "ok", "off", "wrong"
"""It works; it is not there, which matters to who needs it; it is there and does not work."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: `extra hub`.
        state: `OK`, `OFF` or `WRONG`.
        told: What was found.
        mend: The command that mends it, or "" where nothing has to be done.
    """

    name: str
    state: str
    told: str
    mend: str = ""


def python() -> Iterator[Check]:
    """Yield what runs us."""
    yield Check("python", OK, f"{platform.python_version()} at {sys.executable}")
    try:
        version = importlib.metadata.version(DISTRIBUTION)
    except importlib.metadata.PackageNotFoundError:
        yield Check("package", WRONG, f"{DISTRIBUTION} is not installed here, only on the path", "pip install -e .")
        return
    yield Check("package", OK, f"{DISTRIBUTION} {version}, pytest {importlib.metadata.version('pytest')}")


def packages() -> Iterator[Check]:
    """Yield whether what this distribution needs is installed, in versions that fit; then each of its extras."""
    try:
        metadata = importlib.metadata.metadata(DISTRIBUTION)
    except importlib.metadata.PackageNotFoundError:
        return
    yield _installed("core", _needed(DISTRIBUTION, ""), f"pip install '{DISTRIBUTION}'", lacking=WRONG)
    for extra in metadata.get_all("Provides-Extra") or []:
        if extra not in ("test", "lint", "all"):
            mend = f"pip install '{DISTRIBUTION}[{extra}]'"
            yield _installed(f"extra {extra}", _needed(DISTRIBUTION, extra), mend, lacking=OFF)


def _needed(distribution: str, extra: str) -> list[Requirement]:
    """Return what an extra of an installed distribution requires, with what its own extras require in turn."""
    from packaging.requirements import Requirement

    found = []
    for line in importlib.metadata.requires(distribution) or []:
        one = Requirement(line)
        bare = one.marker is None or one.marker.evaluate({"extra": ""})
        if bare if not extra else not bare and one.marker is not None and one.marker.evaluate({"extra": extra}):
            own = _folded(one.name) == _folded(distribution)
            found += [] if own else [one]
            for more in sorted(one.extras) if own or _version(one.name) else ():
                found += _needed(one.name, more)
    return found


def _installed(name: str, needed: Iterable[Requirement], mend: str, *, lacking: str) -> Check:
    there, absent, unfit = [], [], []
    for one in needed:
        version = _version(one.name)
        if version is None:
            absent.append(one.name)
        elif one.specifier.contains(version, prereleases=True):
            there.append(f"{one.name} {version}")
        else:
            unfit.append(f"{one.name} {version} (wanted: {one.specifier})")
    if unfit:
        return Check(name, WRONG, f"other versions are needed: {', '.join(unfit)}", mend)
    if absent:
        return Check(name, lacking, f"not installed: {', '.join(dict.fromkeys(absent))}", mend)
    return Check(name, OK, ", ".join(dict.fromkeys(there)))


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _folded(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def programs() -> Iterator[Check]:
    """Yield the programs that some things are done with."""
    yield _program("ffmpeg", ["ffmpeg", "-version"], "apt-get install ffmpeg")
    yield _program("uv", ["uv", "--version"], "pip install uv")


def _program(name: str, command: Sequence[str], mend: str) -> Check:
    path = shutil.which(name)
    if path is None:
        return Check(name, OFF, "not on the PATH", mend)
    told = _output([path, *command[1:]])
    if told is None:
        return Check(name, WRONG, f"{path} does not run", mend)
    return Check(name, OK, f"{told.splitlines()[0].strip() if told.strip() else 'runs'} ({path})")


def gpus() -> Iterator[Check]:
    """Yield whether there are GPUs, and whether torch sees them."""
    from audiobench_pytest.runner.gpus import count_gpus, nvidia_smi
    from audiobench_pytest.runner.hardware import machine

    found = count_gpus(os.environ, nvidia_smi)
    if found.problem:
        yield Check("gpu", WRONG, found.problem, "nvidia-smi")
    elif found.names:
        names = ", ".join(dict.fromkeys(machine().get("gpus", ()))) or "of unknown make"
        yield Check("gpu", OK, f"{len(found.names)} by {found.told_by}: {names}")
    else:
        yield Check("gpu", OFF, f"none by {found.told_by}; models run on the CPU", "")
    if _is_installed("torch"):
        yield _torch(bool(found.names))


def _torch(has_gpu: bool) -> Check:
    code = "import torch; print(torch.__version__, torch.cuda.device_count(), torch.backends.mps.is_available())"
    told = _output([sys.executable, "-c", code])
    if told is None:
        return Check("torch", WRONG, "cannot be imported", f"pip install --force-reinstall '{DISTRIBUTION}[local]'")
    version, cuda, mps = told.split()[-3:]
    seen = f"sees {cuda} CUDA device{'s' * (cuda != '1')}" if cuda != "0" else "sees MPS" if mps == "True" else ""
    if has_gpu and cuda == "0":
        mend = "install the build of torch that fits the driver: https://pytorch.org/get-started/locally"
        return Check("torch", WRONG, f"{version} sees none of the GPUs", mend)
    return Check("torch", OK, f"{version} {seen}".strip())


def keys() -> Iterator[Check]:
    """Yield for each key and account that models want whether it is in the environment; neither is shown."""
    from audiobench_pytest.catalog.loader import load_catalog

    wanted: dict[tuple[str, str], list[str]] = {}
    for model in load_catalog().models:
        for kind, setting in (("key", "key_env"), ("account", "id_env")):
            if variable := model.args.get(setting):
                wanted.setdefault((kind, str(variable)), []).append(model.name)
    for (kind, variable), models in sorted(wanted.items()):
        of = ", ".join(models if len(models) < 3 else [*models[:2], "..."])
        if os.environ.get(variable, "").strip():
            yield Check(f"{kind} {variable}", OK, f"set, for {of}")
        else:
            want = "wants" if len(models) == 1 else "want"
            yield Check(f"{kind} {variable}", OFF, f"not set; {of} {want} it", f"export {variable}=...")


def hub() -> Iterator[Check]:
    """Yield whether the hub can be asked, and whether there is a login."""
    if not _is_installed("huggingface_hub"):
        return
    from huggingface_hub import constants

    from audiobench_pytest.hub import has_token, offline

    if offline():
        yield Check("hub", OFF, "HF_HUB_OFFLINE is set: only what was fetched before is used", "unset HF_HUB_OFFLINE")
    else:
        yield _hub(constants.ENDPOINT)
    if has_token():
        yield Check("hub login", OK, "there is a token")
    else:
        yield Check("hub login", OFF, "no token; gated sets and weights want one", "hf auth login")


def _hub(endpoint: str) -> Check:
    try:
        with urllib.request.urlopen(f"{endpoint}/api/datasets?limit=1", timeout=_HUB_SECONDS):
            return Check("hub", OK, f"{endpoint} answers")
    except urllib.error.HTTPError as exc:
        if exc.code < 500:  # it is there, and speaks
            return Check("hub", OK, f"{endpoint} answers")
        return Check("hub", OFF, f"{endpoint} answers with {exc.code}", "export HF_HUB_OFFLINE=1")
    except (OSError, ValueError) as exc:
        reason = getattr(exc, "reason", None) or exc
        return Check("hub", OFF, f"{endpoint} cannot be reached: {reason}", "export HF_HUB_OFFLINE=1")


def folders(cache: Path) -> Iterator[Check]:
    """Yield whether the folders that we write to can be written, and what room they have."""
    from audiobench_pytest.models.isolated.environment import FOLDER_VARIABLE, environments_folder

    yield _folder("cache", cache, "--cache DIR, and audiobench_cache in pytest.ini")
    yield _folder("runs", Path(".audiobench/runs"), "audiobench_run_dir in pytest.ini")
    yield _folder("environments", environments_folder(), f"export {FOLDER_VARIABLE}=DIR")
    if _is_installed("huggingface_hub"):
        from audiobench_pytest.hub import cache_folder

        yield _folder("hub cache", cache_folder(), "export HF_HOME=DIR")


def _folder(name: str, folder: Path, elsewhere: str) -> Check:
    folder = folder.absolute()
    there = folder
    while not there.exists():
        there = there.parent
    try:
        with tempfile.TemporaryFile(dir=there):
            pass
        free = shutil.disk_usage(there).free
    except OSError as exc:
        return Check(name, WRONG, f"{folder} cannot be written: {exc.strerror or exc}", elsewhere)
    room = f"{folder}, {free / 1e9:.1f} GB free"
    if free < _LITTLE_DISK:
        return Check(name, WRONG, f"{room}: too little for most data sets", elsewhere)
    return Check(name, OK, room)


def interpreters() -> Iterator[Check]:
    """Yield for each Python that isolated models of the catalogue want whether it is installed."""
    from audiobench_pytest.catalog.loader import load_catalog
    from audiobench_pytest.models.isolated.environment import RUNNING
    from audiobench_pytest.models.isolated.interpreters import find_interpreter, install_command

    wanted: dict[str, list[str]] = {}
    for model in load_catalog().models:
        if model.runtime is not None and model.runtime.python not in (None, RUNNING):
            wanted.setdefault(str(model.runtime.python), []).append(model.name)
    for version, models in sorted(wanted.items()):
        name, of = f"python {version}", f"{len(models)} isolated models, such as {models[0]}"
        try:
            found = find_interpreter(models[0], version)
        except ModelError:
            yield Check(name, OFF, f"not installed; {of}, want it", install_command(version))
        else:
            yield Check(name, OK, f"{found.version} at {found.path}, for {of}")


def models(specs: Iterable[tuple[str, Sequence[tuple[str, str]]]]) -> Iterator[Check]:
    """Yield what some models lack.

    Args:
        specs: Name of each, and what it lacks with what brings it.
    """
    for name, lacks in specs:
        if not lacks:
            yield Check(f"model {name}", OK, "lacks nothing")
        for what, mend in lacks:
            yield Check(f"model {name}", WRONG, f"lacks {what}", mend)


def catalogue() -> Iterator[Check]:
    """Yield whether the catalogue reads, the user's own folders included."""
    from audiobench_pytest.catalog.loader import load_catalog

    try:
        known = load_catalog()
        told = f"{len(known.datasets)} data sets, {len(known.models)} models, {len(known.recipes)} recipes"
    except AudiobenchError as exc:
        yield Check("catalogue", WRONG, str(exc), "correct the entry")
    else:
        yield Check("catalogue", OK, told)


def _is_installed(package: str) -> bool:
    import importlib.util

    return importlib.util.find_spec(package) is not None


def _output(command: Sequence[str]) -> str | None:
    """Return what a program prints, or None where it does not end well."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=_PROGRAM_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
