"""GPUs counted without CUDA: from the environment, or by `nvidia-smi`.

Asking torch would import it into a process that needs no model, and would take a CUDA context of some hundred megabytes
on the first GPU.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from audiobench_pytest.models.transformers.devices import VISIBLE, visible

_GPU_LINE = re.compile(r"GPU \d+: .*\(UUID: (GPU-[^)\s]+)\)")
_MIG_LINE = re.compile(r"\s+MIG .*\(UUID: (MIG-[^)\s]+)\)")
_TIMEOUT_S = 60.0  # without persistence mode the driver first wakes every GPU of the machine


@dataclass(frozen=True, slots=True)
class Gpus:
    """The GPUs that this run may use.

    Attributes:
        names: What `CUDA_VISIBLE_DEVICES` calls each: an index, or the UUID of a GPU or of a MIG device.
        told_by: What named them, for messages.
        problem: Why they could not be counted, or "".
    """

    names: tuple[str, ...]
    told_by: str
    problem: str = ""


def count_gpus(environ: Mapping[str, str], listing: Callable[[], str]) -> Gpus:
    """Count the GPUs that this run may use.

    An outer `CUDA_VISIBLE_DEVICES` is a restriction that somebody (a batch system, another user of the machine) relies
    on: it alone is asked where it is set, also when it hides every GPU.

    Args:
        environ: The environment.
        listing: Returns what `nvidia-smi -L` prints; asked only where the variable is not set.
    """
    if VISIBLE in environ:
        return Gpus(visible(environ[VISIBLE]), f"{VISIBLE}={environ[VISIBLE]}")
    try:
        return Gpus(listed(listing()), "nvidia-smi")
    except OSError as exc:
        return Gpus((), "nvidia-smi", str(exc))


def listed(text: str) -> tuple[str, ...]:
    """Return the devices of an `nvidia-smi -L` listing.

    GPUs are called by index, which every library understands. Where one is cut into MIG devices, these stand in its
    place and all are called by UUID, because a MIG device has no index.
    """
    gpus: dict[str, list[str]] = {}
    for line in text.splitlines():
        if gpu := _GPU_LINE.match(line):
            gpus[gpu[1]] = []
        elif (mig := _MIG_LINE.match(line)) and gpus:
            gpus[next(reversed(gpus))].append(mig[1])
    if not any(gpus.values()):
        return tuple(str(i) for i in range(len(gpus)))
    return tuple(name for gpu, parts in gpus.items() for name in parts or [gpu])


def nvidia_smi() -> str:
    """Return what `nvidia-smi -L` prints, or "" on a machine without it.

    Raises:
        OSError: It is there, but fails or hangs: the driver does not work.
    """
    program = shutil.which("nvidia-smi")
    if program is None:
        return ""
    try:
        done = subprocess.run([program, "-L"], capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        raise OSError(f"nvidia-smi -L gave no answer in {_TIMEOUT_S:.0f} s") from None
    if done.returncode and not listed(done.stdout):
        said = (done.stdout.strip() or done.stderr.strip() or "it said nothing").splitlines()[0]
        raise OSError(f"nvidia-smi -L ended with status {done.returncode}: {said}")
    return done.stdout
