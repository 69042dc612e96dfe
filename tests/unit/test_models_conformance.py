"""Every native family of transformers passes the same tests on a tiny checkpoint of its own; here on the CPU."""

import pytest

pytest.importorskip("transformers", reason="needs the extra 'local'")
pytest.register_assert_rewrite("adapter_conformance")

from adapter_conformance import AdapterConformance  # noqa: E402


class TestOnTheProcessor(AdapterConformance):
    device = "cpu"
