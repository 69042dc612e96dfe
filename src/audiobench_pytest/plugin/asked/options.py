"""Settings as pytest's command line options and ini keys."""

from __future__ import annotations

from typing import Any

import pytest

from audiobench_pytest.plugin.asked.declared import OPTIONS, RARER
from audiobench_pytest.plugin.asked.setting import Setting


def is_active(config: pytest.Config) -> bool:
    """Whether this pytest run has anything to do with benchmarks; if not, nothing of the package is imported."""
    return (
        config.pluginmanager.has_plugin("audiobench_pytest.plugin.short_options")
        or any(config.getoption(option.dest) is not None for option in OPTIONS)
        or any(config.getini(option.ini) for option in OPTIONS if option.ini)
    )


def add_options(parser: pytest.Parser) -> None:
    """Register the long options and the ini keys."""
    group = parser.getgroup("audiobench", "audiobench: benchmark audio models and gate their releases")
    for option in OPTIONS:
        group.addoption(f"--audiobench-{option.name}", **_arguments(option))
        if option.ini:
            parser.addini(option.ini, _ini_help(option), type=option.ini_type)  # type: ignore[arg-type]


def add_short_options(parser: pytest.Parser) -> None:
    """Register the short forms; they share their value with the long ones."""
    group = parser.getgroup("audiobench")
    for option in OPTIONS:
        if option.short:
            group.addoption(
                f"--{option.name}", **{**_arguments(option), "help": f"short for --audiobench-{option.name}"}
            )


def _ini_help(option: Setting[Any]) -> str:
    if option.name != "set":
        return f"as --audiobench-{option.name}, which wins: {option.help}"
    keys = "; ".join(f"{setting.name} ({setting.help}; default {setting.default})" for setting in RARER)
    return f"rarer settings, one KEY=VALUE a line, as --audiobench-set: {keys}"


def _arguments(option: Setting[Any]) -> dict[str, Any]:
    # No default here: with two options of one `dest`, argparse applies the default of whichever was added first.
    if option.type is bool:
        return {"dest": option.dest, "action": "store_true", "help": option.help, "default": None}
    common: dict[str, Any] = {"dest": option.dest, "metavar": option.metavar, "help": option.help, "default": None}
    if option.bare is not None:
        common |= {"nargs": "?", "const": option.bare}
    return {**common, "action": "append"} if option.repeat else {**common, "type": option.type}
