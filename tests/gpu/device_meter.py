"""Whether there is a device to measure on, how long it idles, and how much of its memory is taken."""

from __future__ import annotations

import ctypes
import importlib.metadata
import importlib.util
import os
import threading
from pathlib import Path

from audiobench_pytest.models.transformers.devices import cuda_expected

TINY = os.environ.get("AUDIOBENCH_GPU_TINY", "") not in ("", "0")
"""The same code on the CPU, with models of a few thousand parameters: nothing it measures means anything."""

DEVICE = "cpu" if TINY else "cuda"
_EVERY_S = 0.02


def absent() -> str | None:
    """Return why nothing can be measured here, or None; imports nothing heavy."""
    for package in ("torch", "transformers"):
        if importlib.util.find_spec(package) is None:
            return f"no {package} here (pip install 'audiobench-pytest[local]')"
    version = importlib.metadata.version("torch")
    if TINY or cuda_expected(version, os.environ, Path("/dev")):
        return None
    return f"no CUDA device for torch {version} here; AUDIOBENCH_GPU_TINY=1 runs the same on the CPU with tiny models"


class _Utilisation(ctypes.Structure):
    _fields_ = (("gpu", ctypes.c_uint), ("memory", ctypes.c_uint))


class IdleMeter:
    """Samples in a thread of its own, from the driver, in how much of the time no kernel ran on the first device.

    The driver's figure is a mean over its own last sixth of a second or so: spans of under a second say little.

    Attributes:
        idle: Share of the time, 0 to 1; None where the driver does not tell.
        reason: Why it does not.
    """

    def __init__(self) -> None:
        self.idle: float | None = None
        self.reason = ""
        self._busy: list[int] = []
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> IdleMeter:
        try:
            library = ctypes.CDLL("libnvidia-ml.so.1")
        except OSError as exc:
            self.reason = f"no libnvidia-ml.so.1: {exc}"
            return self
        handle = ctypes.c_void_p()
        if library.nvmlInit_v2() or library.nvmlDeviceGetHandleByIndex_v2(0, ctypes.byref(handle)):
            self.reason = "the driver does not show device 0"
            return self
        self._thread = threading.Thread(target=self._sample, args=(library, handle), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
        if self._busy:
            self.idle = 1 - sum(self._busy) / len(self._busy) / 100

    def _sample(self, library: ctypes.CDLL, handle: ctypes.c_void_p) -> None:
        rates = _Utilisation()
        while not self._ended.wait(_EVERY_S):
            if library.nvmlDeviceGetUtilizationRates(handle, ctypes.byref(rates)):
                self.reason = "the driver does not tell how busy device 0 is"
                return
            self._busy.append(rates.gpu)


def device_name() -> str:
    """Return what the figures were taken on."""
    import torch
    import transformers

    where = torch.cuda.get_device_name(0) if DEVICE == "cuda" else "CPU, tiny models: the figures mean nothing"
    return f"{where}; torch {torch.__version__}, transformers {transformers.__version__}"


def forget_peak() -> None:
    """Begin a new peak of memory."""
    if DEVICE == "cuda":
        import torch

        torch.cuda.reset_peak_memory_stats()


def peak_gib() -> float | None:
    """Return the most memory that tensors took since `forget_peak`, in GiB; None on a CPU."""
    if DEVICE != "cuda":
        return None
    import torch

    return float(torch.cuda.max_memory_allocated()) / (1 << 30)
