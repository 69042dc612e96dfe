"""What a run is measured on: facts about the machine, and a short digest that limits on speed can be bound to."""

from __future__ import annotations

import contextlib
import functools
import math
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from audiobench_pytest.records.keys import digest

_DEVICE_FACTS = ("device", "device_name", "devices", "device_memory_gb", "dtype")
"""What an adapter's `describe()` tells that decides how fast it is."""

_TIMEOUT_S = 30.0


@functools.cache
def machine() -> dict[str, Any]:
    """Return what is known of this machine without importing torch; looked up once per process.

    Returns:
        `processor`, `cores` (usable by this process), `memory_gb` (GiB, or None); where there is an NVIDIA driver also
        `gpu_driver` (its version) and `gpus` (a name per GPU of the machine, whoever may use it).
    """
    found: dict[str, Any] = {"processor": processor(), "cores": usable_cores(), "memory_gb": _memory_gb()}
    return found | nvidia(Path("/dev"), Path("/proc/driver/nvidia/version"))


def as_text(facts: Mapping[str, Any]) -> str:
    """Return the facts on one line: `AMD EPYC 7B13, 2 cores, 24 GB`."""
    memory = "" if facts.get("memory_gb") is None else f", {facts['memory_gb']} GB"
    return f"{facts['processor']}, {facts['cores']} cores{memory}"


def fingerprint(facts: Mapping[str, Any], told: Mapping[str, Any]) -> str:
    """Return 12 hex digits that are the same wherever processor, memory, device, driver and precision are the same.

    Args:
        facts: What `machine()` says.
        told: What the adapter's `describe()` says after loading.
    """
    kept = {name: told.get(name) for name in _DEVICE_FACTS}
    kept |= {name: facts.get(name) for name in ("processor", "cores", "memory_gb", "gpu_driver")}
    return digest({name: value for name, value in kept.items() if value is not None})[:12]


def processor(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """Return the processor's name, or its architecture where nobody tells more."""
    try:
        named = re.search(r"^model name\s*:\s*(.+)$", cpuinfo.read_text(errors="replace"), re.MULTILINE)
    except OSError:
        named = None
    if named is not None:
        return " ".join(named[1].split())
    if sys.platform == "darwin":
        name = _printed(["sysctl", "-n", "machdep.cpu.brand_string"])
        if name:
            return name
    return platform.processor() or platform.machine()


def usable_cores(quota: Path = Path("/sys/fs/cgroup/cpu.max")) -> int:
    """Return how many cores this process may use: those it may run on, less where a container is given a share only."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        share, period = quota.read_text().split()
        return max(1, min(cores, math.ceil(int(share) / int(period))))
    except (OSError, ValueError):  # no cgroup of version 2, or "max"
        return cores


def nvidia(dev: Path, version: Path) -> dict[str, Any]:
    """Return the NVIDIA driver's version and the names of its GPUs, as far as they can be told; empty without one.

    Args:
        dev: The folder of device nodes: without `nvidia0` there nothing is asked.
        version: The file in which the driver says its version; a container may lack it.
    """
    if not any(re.fullmatch(r"nvidia\d+", node.name) for node in dev.glob("nvidia*")):
        return {}
    listed = _printed(["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"])
    rows = [[part.strip() for part in line.split(",")] for line in listed.splitlines() if "," in line]
    if rows:
        return {"gpus": [row[0] for row in rows], "gpu_driver": rows[0][-1]}
    try:
        named = re.search(r"Kernel Module(?: for \S+)?\s+(\d+(?:\.\d+)+)", version.read_text(errors="replace"))
    except OSError:
        named = None
    return {} if named is None else {"gpu_driver": named[1]}


def free_gib(proc: Path = Path("/proc"), groups: Path = Path("/sys/fs/cgroup")) -> float | None:
    """Return how much memory this process may still take, in GiB: less where a container or a batch system limits it.

    Args:
        proc: Where Linux tells of memory, and of the control groups of this process.
        groups: Where those lie, of either version.

    Returns:
        None where the system does not tell.
    """
    try:
        available = re.search(r"^MemAvailable:\s*(\d+) kB", (proc / "meminfo").read_text(), re.MULTILINE)
    except OSError:
        return None
    if available is None:
        return None
    return min([int(available[1]) << 10, *_left_in_groups(proc / "self" / "cgroup", groups)]) / (1 << 30)


def _left_in_groups(told: Path, groups: Path) -> Iterator[int]:
    """Yield how many bytes each control group leaves that limits this process; files that it may forget are no use."""
    lines = told.read_text().splitlines() if told.is_file() else []
    for controllers, path in (line.split(":", 2)[1:] for line in lines if line.count(":") >= 2):
        root, most, used, forgotten = groups, "memory.max", "memory.current", "inactive_file"
        if controllers:
            root, most, used = groups / "memory", "memory.limit_in_bytes", "memory.usage_in_bytes"
            forgotten = "total_inactive_file"
            if "memory" not in controllers.split(","):
                continue
        for folder in (root / path.lstrip("/"), *(root / path.lstrip("/")).parents):
            if not folder.is_relative_to(root):
                break
            # The outermost group has no limit, and a group that a container does not show has no files.
            with contextlib.suppress(OSError, ValueError):
                limit, taken = int((folder / most).read_text()), int((folder / used).read_text())
                found = re.search(rf"^{forgotten} (\d+)$", (folder / "memory.stat").read_text(), re.MULTILINE)
                yield limit - taken + (int(found[1]) if found else 0)


def _memory_gb() -> int | None:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30))
    except (AttributeError, OSError, ValueError):
        return None


def _printed(command: list[str]) -> str:
    program = shutil.which(command[0])
    if program is None:
        return ""
    try:
        done = subprocess.run([program, *command[1:]], capture_output=True, text=True, timeout=_TIMEOUT_S, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""  # a driver that does not work will be told by the model that needs it
    return done.stdout.strip()
