"""Device and precision: decided without torch, checked with it; and the stand-in for torchaudio's extension."""

from __future__ import annotations

import importlib.metadata
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from audiobench_pytest.errors import ModelError, UsageError
from audiobench_pytest.models.transformers import devices, torchaudio_compat
from audiobench_pytest.models.transformers.devices import Placement


@pytest.fixture
def with_gpu(tmp_path: Path) -> Path:
    for name in ("nvidia0", "nvidia1", "nvidiactl", "null"):
        (tmp_path / name).touch()
    return tmp_path


@pytest.mark.parametrize(
    ("version", "environ", "expected"),
    [
        ("2.13.0", {}, True),
        ("2.13.0+cu130", {"CUDA_VISIBLE_DEVICES": "1"}, True),
        ("2.13.0+cpu", {}, False),
        ("2.13.0", {"CUDA_VISIBLE_DEVICES": ""}, False),
        ("2.13.0", {"CUDA_VISIBLE_DEVICES": "-1"}, False),
        ("2.13.0", {"CUDA_VISIBLE_DEVICES": "NoDevFiles"}, False),
        ("2.13.0", {"CUDA_VISIBLE_DEVICES": "0,0"}, False),
        ("2.13.0", {"CUDA_VISIBLE_DEVICES": "MIG-c6d4f1ef"}, True),
    ],
)
def test_cuda_is_expected_where_build_driver_and_environment_agree(
    with_gpu: Path, version: str, environ: dict[str, str], expected: bool
) -> None:
    assert devices.cuda_expected(version, environ, with_gpu) is expected


def test_a_driver_without_a_device_is_no_gpu(tmp_path: Path) -> None:
    (tmp_path / "nvidiactl").touch()
    assert not devices.cuda_expected("2.13.0", {}, tmp_path)


def test_auto_is_half_precision_on_cuda_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "cuda_expected", lambda *_: True)
    assert devices.place("auto", "auto") == Placement("cuda", "float16", chosen=False)
    assert devices.place("auto", "float32") == Placement("cuda", "float32", chosen=False)
    assert devices.place("cuda:3", "auto") == Placement("cuda:3", "float16", chosen=True)
    assert devices.place("cpu", "auto") == Placement("cpu", "float32", chosen=True)
    assert devices.place("mps", "auto") == Placement("mps", "float32", chosen=True)


@pytest.mark.parametrize(("gib", "times"), [(0.0, 1), (24.0, 1), (40.0, 2), (79.6, 4), (139.8, 4)])
def test_a_large_device_is_given_large_batches(monkeypatch: pytest.MonkeyPatch, gib: float, times: int) -> None:
    monkeypatch.setattr(devices, "smallest_gib", lambda: gib)
    assert devices.room(Placement("cuda:1", "float16", chosen=True)) == times
    assert devices.room(Placement("cpu", "float32", chosen=True)) == 1


def test_memory_of_the_driver_is_told_or_taken_for_nothing() -> None:
    assert devices.smallest_gib() >= 0.0


DRIVER = """
#include <stddef.h>
typedef struct {{ unsigned long long total, free, used; }} memory_t;
static unsigned long long gib[] = {{{gib}}};
static int first_part = {devices};
int nvmlInit_v2(void) {{ return {fails}; }}
int nvmlDeviceGetCount_v2(unsigned *n) {{ *n = {devices}; return 0; }}
int nvmlDeviceGetHandleByIndex_v2(unsigned i, void **h) {{ *h = &gib[i]; return 0; }}
int nvmlDeviceGetMemoryInfo(void *h, memory_t *m) {{
    m->total = *(unsigned long long *)h << 30; m->free = m->total / 2; m->used = 2; return 0;
}}
int nvmlDeviceGetHandleByUUID(const char *uuid, void **h) {{
    if (uuid[0] != 'G' || uuid[4] < '0' || uuid[4] >= '0' + {devices}) return 6;
    *h = &gib[uuid[4] - '0']; return 0;
}}
#if {parts} >= 0
int nvmlDeviceGetMigMode(void *h, unsigned *now, unsigned *later) {{
    if (h != &gib[first_part - 1]) return 3;  /* NVML_ERROR_NOT_SUPPORTED, as of a device that cannot be cut */
    *now = {parts} > 0; *later = 1; return 0;
}}
int nvmlDeviceGetMaxMigDeviceCount(void *h, unsigned *n) {{ *n = 7; return 0; }}
int nvmlDeviceGetMigDeviceHandleByIndex(void *h, unsigned i, void **part) {{
    if (i >= {parts}) return 6;  /* NVML_ERROR_NOT_FOUND */
    *part = &gib[first_part + i]; return 0;
}}
#endif
"""


def driver(folder: Path, devices_gib: list[int], parts_gib: list[int] | None, fails: int = 0) -> str:
    source, library = folder / "driver.c", folder / "driver.so"
    every = [*devices_gib, *(parts_gib or [])]
    parts = -1 if parts_gib is None else len(parts_gib)
    gib = ", ".join(map(str, every)) or "0"
    source.write_text(DRIVER.format(gib=gib, devices=len(devices_gib), parts=parts, fails=fails))
    subprocess.run(["cc", "-shared", "-fPIC", "-o", str(library), str(source)], check=True)
    return str(library)


@pytest.mark.parametrize(
    ("devices_gib", "parts_gib", "fails", "found"),
    [
        ([80], [], 0, 80.0),
        ([140, 24], [], 0, 24.0),
        ([80], [40, 20], 0, 20.0),  # of the last device, the first is whole
        ([24, 80], [40], 0, 24.0),
        ([80], None, 0, 80.0),  # a driver from before devices could be cut
        ([80], [], 9, 0.0),
        ([], [], 0, 0.0),
    ],
)
@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler, to make a driver")
def test_memory_is_what_the_driver_says_of_devices_and_of_their_parts(
    tmp_path: Path, devices_gib: list[int], parts_gib: list[int] | None, fails: int, found: float
) -> None:
    assert devices.smallest_gib(driver(tmp_path, devices_gib, parts_gib, fails)) == found


@pytest.mark.parametrize(
    ("devices_gib", "parts_gib", "environ", "found"),
    [
        ([80, 80], [], {}, [80, 80]),
        ([80], [40, 20], {}, [40, 20]),
        ([80, 80], [], {"CUDA_VISIBLE_DEVICES": "1"}, [80]),
        ([80, 80], [], {"CUDA_VISIBLE_DEVICES": ""}, []),
        ([80, 80], [], {"CUDA_VISIBLE_DEVICES": "7"}, None),
        ([80, 24], [], {"CUDA_VISIBLE_DEVICES": "1"}, None),  # CUDA may count the other way round
        ([80, 24], [], {"CUDA_VISIBLE_DEVICES": "1", "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}, [24]),
        ([80, 24], [], {"CUDA_VISIBLE_DEVICES": "GPU-1,GPU-0"}, [24, 80]),
        ([80, 24], [], {"CUDA_VISIBLE_DEVICES": "GPU-9"}, None),
        ([80], [40], {"CUDA_VISIBLE_DEVICES": "0"}, None),  # of its parts CUDA shows one, and does not say which
        ([80], None, {"CUDA_VISIBLE_DEVICES": "0"}, [80]),
    ],
)
@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler, to make a driver")
def test_free_memory_is_that_of_the_devices_a_process_may_use(
    tmp_path: Path,
    with_gpu: Path,
    devices_gib: list[int],
    parts_gib: list[int] | None,
    environ: dict[str, str],
    found: list[int] | None,
) -> None:
    told = devices.memory_gib(environ, driver(tmp_path, devices_gib, parts_gib), with_gpu)
    assert told == (None if found is None else [(gib / 2, gib) for gib in found])


def test_free_memory_of_a_device_whose_driver_is_not_there_is_not_known(tmp_path: Path, with_gpu: Path) -> None:
    assert devices.memory_gib({}, str(tmp_path / "none.so"), with_gpu) is None
    assert devices.memory_gib({}, str(tmp_path / "none.so"), tmp_path / "none") == []


def test_without_a_gpu_auto_is_the_cpu_or_apples_mps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "cuda_expected", lambda *_: False)
    monkeypatch.setattr(devices.sys, "platform", "linux")
    assert devices.place("auto", "auto") == Placement("cpu", "float32", chosen=False)
    monkeypatch.setattr(devices.sys, "platform", "darwin")
    monkeypatch.setattr(devices.platform, "machine", lambda: "arm64")
    assert devices.place("auto", "auto").device == "mps"


@pytest.mark.parametrize("device", ["gpu", "cuda:", "cuda:x", "CPU", ""])
def test_a_misspelt_device_is_refused(device: str) -> None:
    with pytest.raises(UsageError, match="auto, cpu, mps, cuda or cuda:N"):
        devices.place(device, "auto")


@pytest.mark.parametrize(
    ("placement", "count", "said"),
    [
        (Placement("cuda", "float16", chosen=False), 0, "finds no CUDA device; pass --model-args device=cpu"),
        (Placement("cuda:5", "float16", chosen=True), 2, "sees 2 CUDA device.*highest is cuda:1"),
        (Placement("cpu", "float32", chosen=False), 1, "pass --model-args device=cuda .* or device=cpu"),
        (Placement("mps", "float32", chosen=True), 0, "cannot use MPS"),
    ],
)
def test_a_disagreement_with_torch_says_what_to_pass(
    monkeypatch: pytest.MonkeyPatch, placement: Placement, count: int, said: str
) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(ModelError, match=f"model 'tiny': .*{said}"):
        devices.check(placement, "tiny")


def test_agreement_with_torch_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    devices.check(Placement("cuda:1", "float16", chosen=True), "tiny")
    devices.check(Placement("cpu", "float32", chosen=True), "tiny")


def test_a_steady_batch_is_seeded_and_keeps_no_gradients() -> None:
    import torch

    placement, drawn = Placement("cpu", "float32", chosen=True), []
    for seed in (7, 7, 8):
        with devices.steady(placement, seed):
            drawn.append(float(torch.rand(1)))
            assert torch.is_inference_mode_enabled()
    assert drawn[0] == drawn[1] != drawn[2]


def test_a_steady_batch_on_cuda_settles_cudnn_and_puts_it_back() -> None:
    import torch

    cudnn = torch.backends.cudnn
    before = (cudnn.benchmark, cudnn.deterministic, cudnn.allow_tf32)
    with devices.steady(Placement("cuda", "float32", chosen=True), 0):
        assert (cudnn.benchmark, cudnn.deterministic, cudnn.allow_tf32) == (False, True, False)
    assert (cudnn.benchmark, cudnn.deterministic, cudnn.allow_tf32) == before


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_the_stand_in_makes_transformers_models_importable_next_to_a_cpu_torch() -> None:
    if torchaudio_compat.needs_stand_in():
        assert "OSError" in run("import torchaudio").stderr  # the trap is there
    done = run(
        "from audiobench_pytest.models.transformers import torchaudio_compat as compat\n"
        "import sys\n"
        "put = compat.preseed()\n"
        "assert put == compat.needs_stand_in() and not compat.preseed() and 'torch' not in sys.modules\n"
        "from transformers import Wav2Vec2ForCTC\n"
        "import torch, torchaudio\n"
        "assert len(torchaudio.functional.resample(torch.zeros(100), 2, 1)) == 50\n"
        "if put:\n"
        "    try:\n"
        "        torchaudio.functional.forced_align(torch.zeros(1, 3, 2), torch.ones(1, 1, dtype=torch.int32))\n"
        "    except RuntimeError as exc:\n"
        "        assert 'forced_align needs torchaudio' in str(exc), exc\n"
        "    else:\n"
        "        raise AssertionError('no error')\n"
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("versions", "needed"),
    [
        ({"torch": "2.13.0+cpu", "torchaudio": "2.11.0"}, True),
        ({"torch": "2.13.0+cpu", "torchaudio": "2.11.0+cpu"}, False),
        ({"torch": "2.13.0", "torchaudio": "2.11.0"}, False),
        ({"torch": "2.13.0+cpu"}, False),
        ({}, False),
    ],
)
def test_the_stand_in_is_needed_for_a_mismatch_only(
    monkeypatch: pytest.MonkeyPatch, versions: dict[str, str], needed: bool
) -> None:
    def version(name: str) -> str:
        if name not in versions:
            raise importlib.metadata.PackageNotFoundError(name)
        return versions[name]

    monkeypatch.setattr(importlib.metadata, "version", version)
    monkeypatch.delitem(sys.modules, "torchaudio", raising=False)
    monkeypatch.delitem(sys.modules, "torchaudio._extension", raising=False)
    assert torchaudio_compat.needs_stand_in() is needed
    assert torchaudio_compat.preseed() is needed
    assert ("torchaudio._extension" in sys.modules) is needed
    monkeypatch.delitem(sys.modules, "torchaudio._extension", raising=False)


class FakeTorch:
    """Notes what is waited for; stands for torch on a machine with CUDA devices."""

    def __init__(self) -> None:
        waited: list[object] = []
        self.waited = waited
        self.cuda = SimpleNamespace(
            synchronize=waited.append,
            is_available=lambda: True,
            get_device_name=lambda device: f"card of {device}",
            device_count=lambda: 2,
            get_device_properties=lambda device: SimpleNamespace(total_memory=80 << 30),
        )
        self.mps = SimpleNamespace(synchronize=lambda: waited.append("mps"))
        self.version = SimpleNamespace(cuda="12.8")


@pytest.mark.parametrize(
    ("device", "waited"), [("cpu", []), ("cuda", ["cuda"]), ("cuda:1", ["cuda:1"]), ("mps", ["mps"])]
)
def test_only_a_device_that_works_by_itself_is_waited_for(
    monkeypatch: pytest.MonkeyPatch, device: str, waited: list[str]
) -> None:
    torch = FakeTorch()
    monkeypatch.setitem(sys.modules, "torch", torch)
    devices.synchronize(Placement(device, "float32", chosen=True))
    assert torch.waited == waited


def test_a_card_is_described_by_what_makes_it_fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", FakeTorch())
    assert devices.describe(Placement("cuda:1", "bfloat16", chosen=False)) == {
        "device": "cuda:1",
        "dtype": "bfloat16",
        "device_name": "card of cuda:1",
        "devices": 2,
        "device_memory_gb": 80,
        "cuda": "12.8",
    }


def test_each_family_has_its_half_precision() -> None:
    assert devices.place("cuda", "auto").dtype == "float16"
    assert devices.place("cuda", "auto", half="bfloat16").dtype == "bfloat16"
    assert devices.place("cpu", "auto", half="bfloat16").dtype == "float32"
    assert devices.place("cuda", "float32", half="bfloat16").dtype == "float32"
