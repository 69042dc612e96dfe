"""GPUs are counted as CUDA counts them, and shared out such that every worker can hold its model."""

import os
import stat
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiobench_pytest.catalog.schema import ModelSpec
from audiobench_pytest.errors import UsageError
from audiobench_pytest.models.transformers.devices import visible
from audiobench_pytest.plugin.workers import leases
from audiobench_pytest.plugin.workers.leases import Demand, cut, refuse
from audiobench_pytest.runner import gpus
from audiobench_pytest.runner.gpus import Gpus, count_gpus, listed, nvidia_smi

TWO_GPUS = """\
GPU 0: NVIDIA H200 (UUID: GPU-5d5ba0d6-d33d-2b2c-524d-9e3d8d2b8a77)
GPU 1: NVIDIA H200 (UUID: GPU-8932f937-d72c-4106-c12f-20bd9faed9f6)
"""
ONE_CUT_INTO_MIG = """\
GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-5d5ba0d6-d33d-2b2c-524d-9e3d8d2b8a77)
  MIG 3g.20gb     Device  0: (UUID: MIG-c6d4f1ef-42e4-5de3-91c7-45d71c87eb3f)
  MIG 1c.3g.20gb  Device  1: (UUID: MIG-GPU-8932f937-d72c-4106-c12f-20bd9faed9f6/1/0)
GPU 1: NVIDIA A100-SXM4-40GB (UUID: GPU-8932f937-d72c-4106-c12f-20bd9faed9f6)
"""


@pytest.mark.parametrize(
    ("value", "devices"),
    [
        ("0", ["0"]),
        ("2,3", ["2", "3"]),
        (" 3 , 1 ", ["3", "1"]),
        ("GPU-8932f937,GPU-5d5ba0d6-d33d-2b2c-524d-9e3d8d2b8a77", None),
        ("MIG-c6d4f1ef-42e4-5de3-91c7-45d71c87eb3f", None),
        ("MIG-GPU-8932f937-d72c-4106-c12f-20bd9faed9f6/1/0,MIG-GPU-8932f937-d72c-4106-c12f-20bd9faed9f6/2/0", None),
        ("", []),
        ("-1", []),
        ("NoDevFiles", []),
        ("none", []),
        ("0,-1,1", ["0"]),
        ("0,,1", ["0"]),
        ("0,1,", ["0", "1"]),
        ("0,GPU-8932f937", ["0"]),
        ("MIG-a,GPU-b", ["MIG-a"]),
        ("1,1", []),
        ("1,01", []),
        ("GPU-a,GPU-a", []),
    ],
)
def test_a_value_is_read_as_cuda_reads_it_and_names_are_kept(value, devices):
    assert list(visible(value)) == (value.split(",") if devices is None else devices)


@given(st.lists(st.integers(0, 500), unique=True))
def test_every_list_of_different_indices_names_them_in_order(indices):
    assert [int(name) for name in visible(",".join(map(str, indices)))] == indices


@pytest.mark.parametrize("value", ["2,3", "", "-1", "GPU-5d5ba0d6"])
def test_where_the_variable_is_set_nvidia_smi_is_not_asked(value):
    def listing():
        raise AssertionError("asked")

    assert count_gpus({"CUDA_VISIBLE_DEVICES": value}, listing).names == visible(value)


def test_a_listing_names_gpus_by_index():
    assert listed(TWO_GPUS) == ("0", "1")
    assert count_gpus({}, lambda: TWO_GPUS) == Gpus(("0", "1"), "nvidia-smi")


def test_mig_devices_stand_in_the_place_of_their_gpu():
    assert listed(ONE_CUT_INTO_MIG) == (
        "MIG-c6d4f1ef-42e4-5de3-91c7-45d71c87eb3f",
        "MIG-GPU-8932f937-d72c-4106-c12f-20bd9faed9f6/1/0",
        "GPU-8932f937-d72c-4106-c12f-20bd9faed9f6",
    )


@pytest.mark.parametrize("text", ["", "No devices found.\n"])
def test_a_listing_without_gpus_names_none(text):
    assert listed(text) == ()


def smi(tmp_path, monkeypatch, script):
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\n" + script)
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")


def test_nvidia_smi_is_asked_for_its_list(tmp_path, monkeypatch):
    smi(tmp_path, monkeypatch, f'test "$1" = -L && cat <<END\n{TWO_GPUS}END\n')
    assert count_gpus({}, nvidia_smi).names == ("0", "1")


def test_without_nvidia_smi_there_is_no_gpu_and_no_problem(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert count_gpus({}, nvidia_smi) == Gpus((), "nvidia-smi")


def test_an_nvidia_smi_that_fails_is_told(tmp_path, monkeypatch):
    smi(tmp_path, monkeypatch, "echo Failed to initialize NVML: Driver/library version mismatch; exit 18\n")
    gpus = count_gpus({}, nvidia_smi)
    assert gpus.names == ()
    told = cut(gpus, 1).describe(2)
    assert "version mismatch" in told
    assert "18" in told


def test_an_nvidia_smi_that_hangs_is_told(tmp_path, monkeypatch):
    smi(tmp_path, monkeypatch, "exec sleep 20\n")
    monkeypatch.setattr(gpus, "_TIMEOUT_S", 0.2)
    assert "no answer" in count_gpus({}, nvidia_smi).problem


def test_a_gpu_that_fell_off_the_bus_does_not_hide_the_others(tmp_path, monkeypatch):
    smi(tmp_path, monkeypatch, f"cat <<END\n{TWO_GPUS}Unable to determine the device handle for gpu 2\nEND\nexit 15\n")
    assert count_gpus({}, nvidia_smi) == Gpus(("0", "1"), "nvidia-smi")


@given(st.integers(1, 16), st.integers(1, 16), st.integers(1, 40))
def test_leases_never_overlap_and_workers_are_spread_evenly(gpus, size, workers):
    names = tuple(str(i) for i in range(gpus))
    if size > gpus:
        with pytest.raises(UsageError, match="gpus_per_worker"):
            cut(Gpus(names, "x"), size)
        return
    shared = cut(Gpus(names, "x"), size)
    given_out = [name for value in shared.values for name in value.split(",")]
    assert len(given_out) == len(set(given_out)) == gpus // size * size
    assert all(len(value.split(",")) == size for value in shared.values)
    held = [shared.value(worker) for worker in range(workers)]
    counts = [held.count(value) for value in shared.values]
    assert max(counts) - min(counts) <= 1
    assert len(set(held)) == min(workers, gpus // size)


def test_mig_devices_are_leased_one_by_one():
    gpus = Gpus(("MIG-a", "MIG-b"), "nvidia-smi")
    assert cut(gpus, 1).values == ("MIG-a", "MIG-b")
    with pytest.raises(UsageError, match="gpus_per_worker=1"):
        cut(gpus, 2)


@pytest.mark.parametrize(
    ("size", "workers", "text"),
    [
        (1, 2, "2 workers, one GPU each: 0 | 1 (of 4 GPUs by nvidia-smi)"),
        (1, 1, "1 worker, one GPU each: 0 (of 4 GPUs by nvidia-smi)"),
        (2, 2, "2 workers, 2 GPUs each: 0,1 | 2,3 (of 4 GPUs by nvidia-smi)"),
        (1, 6, "6 workers share 4 leases of one GPU, up to 2 on each: 0 | 1 | 2 | 3 (of 4 GPUs by nvidia-smi)"),
        (3, 2, "2 workers share 1 lease of 3 GPUs, up to 2 on each: 0,1,2 (of 4 GPUs by nvidia-smi)"),
    ],
)
def test_the_header_says_who_is_given_what(size, workers, text):
    assert cut(Gpus(("0", "1", "2", "3"), "nvidia-smi"), size).describe(workers) == text


def test_the_header_shortens_uuids():
    names = ("GPU-5d5ba0d6-d33d-2b2c-524d-9e3d8d2b8a77", "GPU-8932f937-d72c-4106-c12f-20bd9faed9f6")
    told = cut(Gpus(names, "CUDA_VISIBLE_DEVICES=" + ",".join(names)), 1).describe(2)
    assert told == "2 workers, one GPU each: GPU-5d5ba0d6 | GPU-8932f937 (of 2 GPUs by CUDA_VISIBLE_DEVICES)"


def test_without_gpus_the_header_says_nothing():
    assert cut(Gpus((), "nvidia-smi"), 1).describe(4) == ""
    assert leases.UNLEASED.describe(4) == ""


def demand(gpus=0, device="auto"):
    return Demand.of(ModelSpec("big", "x", gpus=gpus), device)


@pytest.mark.parametrize(
    ("gpus", "device", "uses"),
    [(0, None, False), (0, "auto", True), (0, "cuda", True), (0, "cpu", False), (0, "mps", False), (2, None, True)],
)
def test_a_model_uses_a_gpu_when_its_entry_or_its_device_option_says_so(gpus, device, uses):
    assert demand(gpus, device).uses_gpu is uses


FOUR = Gpus(("4", "5", "6", "7"), "CUDA_VISIBLE_DEVICES=4,5,6,7")


def test_a_model_that_wants_more_than_a_lease_is_refused_with_what_to_do():
    with pytest.raises(UsageError, match=r"'big' needs 2 GPUs.*given 1.*--audiobench-set gpus_per_worker=2"):
        refuse(cut(FOUR, 1), [demand(0), demand(2)])
    refuse(cut(FOUR, 2), [demand(2)])


@pytest.mark.parametrize(
    ("gpus", "where"), [(FOUR, "CUDA_VISIBLE_DEVICES=4,5,6,7"), (Gpus((), "nvidia-smi", "it failed"), "it failed")]
)
def test_a_model_that_wants_more_than_there_is_is_refused_with_what_was_seen(gpus, where):
    with pytest.raises(UsageError, match=f"needs 8 GPUs.*{where}"):
        refuse(cut(gpus, 1), [demand(8)])


def test_a_device_that_no_worker_sees_is_refused():
    refuse(cut(FOUR, 1), [demand(device="cuda:0")])
    refuse(cut(FOUR, 2), [demand(device="cuda:1")])
    with pytest.raises(UsageError, match=r"device=cuda:1.*device=cuda,.*gpus_per_worker=0"):
        refuse(cut(FOUR, 1), [demand(device="cuda:1")])


def test_what_is_told_to_run_on_the_cpu_or_without_leases_is_not_refused():
    refuse(cut(FOUR, 1), [demand(2, device="cpu")])
    refuse(leases.UNLEASED, [demand(2), demand(device="cuda:3")])


def test_reading_devices_imports_neither_torch_nor_xdist():
    code = (
        "import sys; import audiobench_pytest.plugin.workers.leases; "
        "sys.exit(bool({'torch', 'xdist', 'execnet', 'numpy', 'yaml'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(("workers", "most"), [(1, 1), (4, 1), (5, 2), (8, 2)])
def test_how_many_workers_share_a_lease(workers, most):
    assert cut(Gpus(("0", "1", "2", "3"), "nvidia-smi"), 1).most_on_each(workers) == most
    assert leases.UNLEASED.most_on_each(workers) == workers
