"""Every native family passes on the GPU what it passes on the CPU, and says there the same."""

import pytest
from device_meter import DEVICE, absent

if (why := absent()) is not None:
    pytest.skip(why, allow_module_level=True)

pytest.register_assert_rewrite("adapter_conformance")

from adapter_conformance import AdapterConformance  # noqa: E402


class TestOnTheDevice(AdapterConformance):
    device = DEVICE

    def test_the_device_says_what_the_processor_says(self, family, folder, adapter, clips):
        on_the_processor = family.create(folder, "cpu")
        on_the_processor.load()
        said = [answer.text for answer in on_the_processor.generate(clips)]
        on_the_processor.close()
        assert [answer.text for answer in adapter.generate(clips)] == said
