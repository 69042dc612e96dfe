"""Opt-in for the short options: `pytest_plugins = ["audiobench_pytest.plugin.short_options"]` in a root conftest."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--model`, `--dataset` and the other short forms."""
    from audiobench_pytest.plugin.asked.options import add_short_options

    add_short_options(parser)
