"""Where a torch model runs and in which precision, decided without torch and checked with it.

An adapter's identity holds the precision, and a run whose answers are all in the cache must not pay for importing
torch to find it out. So the device is told from the installed build of torch and from what the operating system shows;
`load()` then asks torch, and where the two disagree the user has to say what is meant.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib.metadata
import os
import platform
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audiobench_pytest.errors import ModelError, UsageError

DTYPES = ("float32", "float16", "bfloat16")
VISIBLE = "CUDA_VISIBLE_DEVICES"
"""The variable by which CUDA is told which devices a process may use."""

_KIND = re.compile(r"\d+|GPU-|MIG-", re.ASCII)
_DEVICE = re.compile(r"auto|cpu|mps|cuda(:\d+)?")


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a model runs.

    Attributes:
        device: `cpu`, `mps`, `cuda` or `cuda:N`, as torch spells it.
        dtype: `float32`, `float16` or `bfloat16`.
        chosen: The user named the device; it was not found by looking around.
    """

    device: str
    dtype: str
    chosen: bool

    @property
    def on_cuda(self) -> bool:
        """Whether it runs on a CUDA device."""
        return self.device.startswith("cuda")


def place(device: str, dtype: str, *, half: str = "float16") -> Placement:
    """Resolve what the user asked for, importing nothing heavy.

    `auto` is the first of CUDA, Apple's MPS and the CPU that seems usable; the precision `auto` is the family's half
    precision on CUDA and float32 elsewhere (half precision gains nothing on a CPU, and on MPS too many operations lack
    it).

    Args:
        device: `auto`, `cpu`, `mps`, `cuda` or `cuda:N`.
        dtype: `auto` or one of `DTYPES`.
        half: The half precision that models of this family were trained in.

    Raises:
        UsageError: The device is spelt wrongly.
    """
    if not _DEVICE.fullmatch(device):
        raise UsageError(f"--model-args: device={device!r} must be auto, cpu, mps, cuda or cuda:N")
    found = _look_around() if device == "auto" else device
    if dtype == "auto":
        dtype = half if found.startswith("cuda") else "float32"
    return Placement(found, dtype, chosen=device != "auto")


def _look_around() -> str:
    if cuda_expected(importlib.metadata.version("torch"), os.environ, Path("/dev")):
        return "cuda"
    if sys.platform == "darwin" and platform.machine() == "arm64":
        return "mps"
    return "cpu"


def cuda_expected(torch_version: str, environ: Mapping[str, str], dev: Path) -> bool:
    """Tell whether this torch should find a CUDA device.

    Args:
        torch_version: As the package's metadata has it; a CPU build ends in `+cpu`.
        environ: The environment, whose `CUDA_VISIBLE_DEVICES` may hide all; see `visible`.
        dev: The folder of device nodes; NVIDIA's driver makes `nvidia0`, `nvidia1`, ... there.
    """
    return not torch_version.endswith("+cpu") and gpu_shows(environ, dev)


def gpu_shows(environ: Mapping[str, str], dev: Path = Path("/dev")) -> bool:
    """Tell whether the system shows a CUDA device to this process; see `cuda_expected`."""
    if VISIBLE in environ and not visible(environ[VISIBLE]):
        return False
    return any(re.fullmatch(r"nvidia\d+", node.name) for node in dev.glob("nvidia*"))


def visible(value: str) -> tuple[str, ...]:
    """Return the devices that a value of `CUDA_VISIBLE_DEVICES` names, each as it is written.

    Read as CUDA reads it: the first name that is none (`-1`, `NoDevFiles`, nothing) or of another kind hides itself and
    all that follow, and a device that is named twice hides all.
    """
    found: dict[str, str] = {}
    kinds: set[str] = set()
    for part in value.split(","):
        name = part.strip()
        match = _KIND.match(name)
        if match is None:
            break
        number = match[0] if match[0].isdigit() else None
        kinds.add("index" if number is not None else match[0])
        if len(kinds) > 1:
            break
        key = name if number is None else str(int(number))
        if key in found:
            return ()
        found[key] = name
    return tuple(found.values())


class _Memory(ctypes.Structure):
    _fields_ = tuple((name, ctypes.c_ulonglong) for name in ("total", "free", "used"))


def room(placement: Placement) -> int:
    """Return how many times a family's usual batch a device has room for; without torch, which is not there yet.

    A device that answers about 16 clips at once is idle most of the time. Where 64 are too many all the same, for a
    model of many parameters, the runner halves the batch that ran out of memory, once, and keeps to what fits.

    Returns:
        4 where every CUDA device of the machine, or part of one, has 60 GiB or more, 2 from 30 GiB on, else 1.
    """
    least = smallest_gib() if placement.on_cuda else 0.0
    return 4 if least >= 60 else 2 if least >= 30 else 1


def smallest_gib(library: str = "libnvidia-ml.so.1") -> float:
    """Return the memory of the CUDA device of this machine that has least, in GiB; 0 where the driver does not tell.

    Of a device that is cut into parts (MIG) the parts count, each with its own memory: no process is given the whole.

    Args:
        library: The driver's library that tells (NVML).
    """
    try:
        driver = ctypes.CDLL(library)
    except OSError:
        return 0.0
    number, found = ctypes.c_uint(), []
    if driver.nvmlInit_v2() or driver.nvmlDeviceGetCount_v2(ctypes.byref(number)):
        return 0.0
    for index in range(number.value):
        handle = ctypes.c_void_p()
        if driver.nvmlDeviceGetHandleByIndex_v2(index, ctypes.byref(handle)):
            return 0.0
        for one in _parts(driver, handle) or [handle]:
            memory = _Memory()
            if driver.nvmlDeviceGetMemoryInfo(one, ctypes.byref(memory)):
                return 0.0
            found.append(memory.total / (1 << 30))
    return min(found, default=0.0)


def memory_gib(
    environ: Mapping[str, str], library: str = "libnvidia-ml.so.1", dev: Path = Path("/dev")
) -> list[tuple[float, float]] | None:
    """Return what is free and what there is of the memory of each CUDA device that a process may use, in GiB.

    Asked of the driver, since asking torch would take a context on the device.

    Args:
        environ: Its environment, whose `CUDA_VISIBLE_DEVICES` and `CUDA_DEVICE_ORDER` say which they are.
        library: The driver's library that tells (NVML).
        dev: The folder of device nodes.

    Returns:
        None where there are devices, but not all can be told: CUDA counts unlike devices by speed, the driver by place.
    """
    if not gpu_shows(environ, dev):
        return []
    try:
        driver = ctypes.CDLL(library)
        number = ctypes.c_uint()
        if driver.nvmlInit_v2() or driver.nvmlDeviceGetCount_v2(ctypes.byref(number)):
            return None
        every = [ctypes.c_void_p() for _ in range(number.value)]
        if any(driver.nvmlDeviceGetHandleByIndex_v2(i, ctypes.byref(one)) for i, one in enumerate(every)):
            return None
        if VISIBLE not in environ:
            return _told(driver, [part for one in every for part in _parts(driver, one) or [one]])
        alike = environ.get("CUDA_DEVICE_ORDER") == "PCI_BUS_ID" or _alike(driver, every)
        found = []
        for name in visible(environ[VISIBLE]):
            handle = ctypes.c_void_p()
            if name.isdigit():
                if not alike or int(name) >= len(every) or _parts(driver, every[int(name)]):
                    return None
                handle = every[int(name)]
            elif driver.nvmlDeviceGetHandleByUUID(name.encode(), ctypes.byref(handle)):
                return None
            found.append(handle)
        return _told(driver, found)
    except (OSError, AttributeError):  # no such library, or one that lacks a function
        return None


def _told(driver: ctypes.CDLL, devices: Sequence[ctypes.c_void_p]) -> list[tuple[float, float]] | None:
    found = []
    for one in devices:
        memory = _Memory()
        if driver.nvmlDeviceGetMemoryInfo(one, ctypes.byref(memory)):
            return None
        found.append((memory.free / (1 << 30), memory.total / (1 << 30)))
    return found


def _alike(driver: ctypes.CDLL, devices: Sequence[ctypes.c_void_p]) -> bool:
    told = _told(driver, devices)
    return told is not None and len({total for _, total in told}) <= 1


def _parts(driver: ctypes.CDLL, device: ctypes.c_void_p) -> list[ctypes.c_void_p]:
    """Return the parts that a device is cut into; none of one that is whole, or of a driver that knows no parts."""
    now, later, most = ctypes.c_uint(), ctypes.c_uint(), ctypes.c_uint()
    try:
        if driver.nvmlDeviceGetMigMode(device, ctypes.byref(now), ctypes.byref(later)) or not now.value:
            return []
        if driver.nvmlDeviceGetMaxMigDeviceCount(device, ctypes.byref(most)):
            return []
        found = []
        for index in range(most.value):
            part = ctypes.c_void_p()
            if not driver.nvmlDeviceGetMigDeviceHandleByIndex(device, index, ctypes.byref(part)):
                found.append(part)
    except AttributeError:
        return []
    return found


def check(placement: Placement, model: str) -> None:
    """Ask torch whether the placement holds.

    Args:
        placement: What `place` decided.
        model: The model's name, for the message.

    Raises:
        ModelError: torch sees another machine than `place` did; the message says what to pass.
    """
    import torch

    where = f"device {placement.device} ({'asked for' if placement.chosen else 'found by looking around'})"
    instead = "pass --model-args device=cpu, or install a build of torch for this machine"
    if placement.on_cuda:
        if not torch.cuda.is_available():
            raise ModelError(f"model '{model}': {where}: torch {torch.__version__} finds no CUDA device; {instead}")
        index, count = int(placement.device.partition(":")[2] or 0), torch.cuda.device_count()
        if index >= count:
            raise ModelError(
                f"model '{model}': {where}: torch sees {count} CUDA device(s), the highest is cuda:{count - 1}; "
                "pass --model-args device=cuda:N with such a number, or look at CUDA_VISIBLE_DEVICES"
            )
    elif placement.device == "mps" and not torch.backends.mps.is_available():
        raise ModelError(f"model '{model}': {where}: torch {torch.__version__} cannot use MPS; {instead}")
    elif placement.device == "cpu" and not placement.chosen and torch.cuda.is_available():
        raise ModelError(
            f"model '{model}': no CUDA device showed before torch was loaded, but torch {torch.__version__} has one; "
            "pass --model-args device=cuda (in float16, unless dtype says otherwise) or device=cpu"
        )


@contextlib.contextmanager
def steady(placement: Placement, seed: int) -> Iterator[None]:
    """Run a batch such that it can be repeated: seeded, without gradients, and on CUDA with settled algorithms.

    cuDNN would otherwise try several convolution algorithms and keep the fastest of the day, and would compute float32
    convolutions in TF32, with 10 bits of mantissa.
    """
    import torch

    torch.manual_seed(seed)
    with contextlib.ExitStack() as stack:
        stack.enter_context(torch.inference_mode())
        if placement.on_cuda:
            stack.enter_context(
                torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False)
            )
        yield


def synchronize(placement: Placement) -> None:
    """Wait until the device has done all it was given; on a CPU that is so already."""
    if placement.device == "cpu":
        return
    import torch

    if placement.on_cuda:
        torch.cuda.synchronize(placement.device)
    else:
        torch.mps.synchronize()


def describe(placement: Placement) -> dict[str, Any]:
    """Return what is worth recording of a placement; asks torch only if it is loaded.

    Returns:
        `device`, `dtype`, `device_name`; on CUDA also `devices` (how many are visible), `device_memory_gb` (GiB) and
        `cuda` (the version that torch was built for).
    """
    told: dict[str, Any] = {"device": placement.device, "dtype": placement.dtype}
    torch = sys.modules.get("torch")
    if torch is not None and placement.on_cuda and torch.cuda.is_available():
        told["device_name"] = torch.cuda.get_device_name(placement.device)
        told["devices"] = torch.cuda.device_count()
        told["device_memory_gb"] = round(torch.cuda.get_device_properties(placement.device).total_memory / (1 << 30))
        told["cuda"] = torch.version.cuda
    else:
        told["device_name"] = platform.processor() or platform.machine()
    return told
