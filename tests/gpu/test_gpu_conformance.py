"""Every native family passes on the GPU what it passes on the CPU, and says there the same."""

import pytest
from device_meter import DEVICE, absent

if (why := absent()) is not None:
    pytest.skip(why, allow_module_level=True)

pytest.register_assert_rewrite("adapter_conformance")

from adapter_conformance import AdapterConformance  # noqa: E402


@pytest.fixture(scope="module", autouse=True)
def libraries():
    """Have cuBLAS take the memory that it keeps for itself: whichever test is first would find it left by its model."""
    import torch

    for dtype in (torch.float32, torch.float16, torch.bfloat16):
        square = torch.ones(64, 64, device=DEVICE, dtype=dtype)
        torch.nn.functional.linear(square, square, square[0]).sum().item()


class TestOnTheDevice(AdapterConformance):
    device = DEVICE

    def test_the_device_says_what_the_processor_says(self, family, folder, adapter, clips):
        on_the_processor = family.create(folder, "cpu")
        on_the_processor.load()
        said = [answer.text for answer in on_the_processor.generate(clips)]
        on_the_processor.close()
        assert [answer.text for answer in adapter.generate(clips)] == said
