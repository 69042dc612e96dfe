"""On which hardware and with which versions figures were taken."""

from __future__ import annotations

import os
import platform
import time
from importlib import metadata
from pathlib import Path
from typing import Any

PACKAGES = (
    "audiobench-pytest",
    "pytest",
    "pytest-xdist",
    "numpy",
    "soundfile",
    "soxr",
    "jiwer",
    "whisper-normalizer",
    "msgspec",
    "pyarrow",
    "huggingface_hub",
    "pocketsphinx",
)


def describe() -> dict[str, Any]:
    """Return what a reader needs to judge the figures, as JSON values."""
    return {
        "date": time.strftime("%Y-%m-%d"),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "cores_usable": len(os.sched_getaffinity(0)),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        "system": platform.platform(),
        "python": platform.python_version(),
        "packages": {name: version for name in PACKAGES if (version := _version(name)) is not None},
        "load_before": load(),
    }


def load() -> float:
    """Return the load average of the last minute: how many processes wanted a core."""
    return round(os.getloadavg()[0], 2)


def text(described: dict[str, Any]) -> str:
    """Return the description for people."""
    packages = ", ".join(f"{name} {version}" for name, version in described["packages"].items())
    return (
        f"{described['date']}, {described['processor']}, {described['cores_usable']} of {described['cores']} cores, "
        f"{described['memory_gb']} GB, {described['system']}\nPython {described['python']}; {packages}\n"
        f"load average before the first figure: {described['load_before']}"
    )


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
