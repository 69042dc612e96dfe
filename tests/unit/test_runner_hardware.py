"""What a run is measured on, and the digest that stands for it."""

import json
import os
import re
import subprocess

import pytest

from audiobench_pytest.runner import hardware

FACTS = {"processor": "AMD EPYC 7B13", "cores": 8, "memory_gb": 24, "gpu_driver": "570.86.15", "gpus": ["NVIDIA H100"]}
TOLD = {
    "device": "cuda",
    "device_name": "NVIDIA H100 80GB HBM3",
    "devices": 2,
    "device_memory_gb": 79,
    "dtype": "bfloat16",
    "torch": "2.8.0",
    "commit": "abc",
}


def test_the_machine_is_described_in_plain_values():
    found = hardware.machine()
    json.dumps(found)
    assert found["processor"]
    assert 1 <= found["cores"] <= os.cpu_count()
    assert found["memory_gb"] >= 1
    assert hardware.as_text(FACTS) == "AMD EPYC 7B13, 8 cores, 24 GB"
    assert hardware.as_text({**FACTS, "memory_gb": None}) == "AMD EPYC 7B13, 8 cores"


def test_the_fingerprint_is_short_and_the_same_wherever_the_hardware_is():
    found = hardware.fingerprint(FACTS, TOLD)
    assert re.fullmatch(r"[0-9a-f]{12}", found)
    assert hardware.fingerprint(dict(reversed(FACTS.items())), dict(reversed(TOLD.items()))) == found
    # What the model is, and which versions run it, is no hardware; nor are GPUs that somebody else uses.
    assert hardware.fingerprint({**FACTS, "gpus": []}, {**TOLD, "torch": "2.9", "commit": "x", "attn": "sdpa"}) == found


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        ({"processor": "AMD EPYC 9B14"}, {}),
        ({"cores": 4}, {}),
        ({"memory_gb": 48}, {}),
        ({"gpu_driver": "580.65.06"}, {}),
        ({}, {"device": "cpu"}),
        ({}, {"device_name": "NVIDIA H200"}),
        ({}, {"devices": 1}),
        ({}, {"device_memory_gb": 40}),
        ({}, {"dtype": "float16"}),
    ],
)
def test_other_hardware_has_another_fingerprint(facts, told):
    assert hardware.fingerprint({**FACTS, **facts}, {**TOLD, **told}) != hardware.fingerprint(FACTS, TOLD)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (
            "processor\t: 0\nmodel\t\t: 85\nmodel name\t: Intel(R)  Xeon(R) @ 2.0GHz\nmodel name\t: x\n",
            "Intel(R) Xeon(R) @ 2.0GHz",
        ),
        ("processor\t: 0\nBogoMIPS\t: 50.00\n", None),
    ],
)
def test_the_processor_has_the_name_the_kernel_gives_it(tmp_path, text, name):
    (tmp_path / "cpuinfo").write_text(text)
    assert (hardware.processor(tmp_path / "cpuinfo") == name) is (name is not None)
    assert hardware.processor(tmp_path / "cpuinfo")
    assert hardware.processor(tmp_path / "gone")


@pytest.mark.parametrize(
    ("quota", "least"), [("50000 100000", 1), ("150000 100000", 2), ("max 100000", None), ("", None)]
)
def test_a_share_of_a_container_counts_as_fewer_cores(tmp_path, monkeypatch, quota, least):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)), raising=False)
    (tmp_path / "cpu.max").write_text(quota)
    assert hardware.usable_cores(tmp_path / "cpu.max") == (least or 64)
    assert hardware.usable_cores(tmp_path / "gone") == 64


@pytest.fixture
def gpu(tmp_path, monkeypatch):
    """A folder of device nodes with one GPU, and a program `nvidia-smi` that prints what it is told."""
    (tmp_path / "dev").mkdir()
    (tmp_path / "dev" / "nvidia0").touch()
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}")

    def prints(text, status=0):
        program = tmp_path / "bin" / "nvidia-smi"
        program.write_text(f"#!/bin/sh\nprintf '%s' '{text}'\nexit {status}\n")
        program.chmod(0o755)

    return prints


def test_gpus_and_driver_are_told_by_nvidia_smi(tmp_path, gpu):
    gpu("NVIDIA H100 80GB HBM3, 570.86.15\nNVIDIA A100-SXM4-40GB, 570.86.15\n")
    assert hardware.nvidia(tmp_path / "dev", tmp_path / "version") == {
        "gpus": ["NVIDIA H100 80GB HBM3", "NVIDIA A100-SXM4-40GB"],
        "gpu_driver": "570.86.15",
    }


@pytest.mark.parametrize(
    "text",
    [
        "NVRM version: NVIDIA UNIX x86_64 Kernel Module  570.86.15  Thu Jan 23 23:17:48 UTC 2025\n",
        "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.86.15  Release Build\n",
    ],
)
def test_without_it_the_driver_tells_its_version_itself(tmp_path, gpu, text):
    (tmp_path / "version").write_text(text)
    assert hardware.nvidia(tmp_path / "dev", tmp_path / "version") == {"gpu_driver": "570.86.15"}
    gpu("no driver", status=9)
    assert hardware.nvidia(tmp_path / "dev", tmp_path / "version") == {"gpu_driver": "570.86.15"}
    assert hardware.nvidia(tmp_path / "dev", tmp_path / "gone") == {}


def test_a_machine_without_a_gpu_is_not_asked(tmp_path, monkeypatch):
    (tmp_path / "nvidiactl").touch()
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("nothing was to be started"))
    assert hardware.nvidia(tmp_path, tmp_path / "version") == {}


def machine_of(folder, available_kb, groups=""):
    (folder / "proc" / "self").mkdir(parents=True)
    (folder / "proc" / "meminfo").write_text(f"MemTotal: 99999999 kB\nMemAvailable:   {available_kb} kB\n")
    (folder / "proc" / "self" / "cgroup").write_text(groups)
    return folder / "proc", folder / "groups"


def group(folder, most, used, forgotten, second=True):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ("memory.max" if second else "memory.limit_in_bytes")).write_text(f"{most}\n")
    (folder / ("memory.current" if second else "memory.usage_in_bytes")).write_text(f"{used}\n")
    (folder / "memory.stat").write_text(f"anon 1\n{'' if second else 'total_'}inactive_file {forgotten}\n")


GIB = 1 << 30


def test_free_memory_is_what_the_system_says_where_nothing_limits_it(tmp_path):
    proc, groups = machine_of(tmp_path, 8 << 20, "0::/\n")
    assert hardware.free_gib(proc, groups) == 8.0
    group(groups, "max", GIB, 0)
    assert hardware.free_gib(proc, groups) == 8.0
    assert hardware.free_gib(tmp_path / "none", groups) is None
    assert hardware.free_gib() > 0


def test_free_memory_is_less_where_any_group_above_limits_it(tmp_path):
    proc, groups = machine_of(tmp_path, 8 << 20, "0::/slurm/job/step\n")
    group(groups / "slurm" / "job" / "step", "max", GIB, 0)
    group(groups / "slurm" / "job", 4 * GIB, 3 * GIB, GIB)  # a GiB of what it uses are files it may forget
    assert hardware.free_gib(proc, groups) == 2.0


def test_groups_of_the_first_version_count_too(tmp_path):
    proc, groups = machine_of(tmp_path, 8 << 20, "5:cpu:/x\n4:memory:/docker/abc\n0::/\n")
    group(groups / "memory", 3 * GIB, 2 * GIB, 0, second=False)  # the container does not show the folder of its own
    assert hardware.free_gib(proc, groups) == 1.0
