"""Opt-in for the short options: `pytest_plugins = ["audiobench_pytest.plugin.short_options"]` in a root conftest."""

from __future__ import annotations

import argparse

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--model`, `--dataset` and the other short forms."""
    from audiobench_pytest.plugin.asked.options import add_short_options

    try:
        add_short_options(parser)
    except (ValueError, argparse.ArgumentError) as exc:
        raise pytest.UsageError(
            f"the short options of audiobench are taken by another plugin or conftest ({exc}): take "
            "audiobench_pytest.plugin.short_options out of pytest_plugins and use the long ones (--audiobench-model)"
        ) from None
