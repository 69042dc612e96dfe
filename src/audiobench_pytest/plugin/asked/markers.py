"""Names in `-m`, checked before pytest sees them.

Without strict markers, and on pytest 8 always, `-m librispech` deselects everything in silence; a release job would
then be green for want of tests.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import pytest

from audiobench_pytest.errors import UsageError, did_you_mean

_OPERATORS = {"and", "or", "not", "True", "False", "None"}
_NAME = re.compile(r"[\w:+\-.\[\]\\/]+")
_ARGUMENTS = re.compile(r"\([^()]*=[^()]*\)")  # `device(serial="x")` is a call, not a group


def register_families(config: pytest.Config, families: Mapping[str, Sequence[str]]) -> None:
    """Register a marker per family of datasets, so that strict markers hold."""
    for family, datasets in sorted(families.items()):
        config.addinivalue_line("markers", f"{family}: datasets {', '.join(sorted(datasets))}")


def check_marker_expression(config: pytest.Config, families: Mapping[str, Sequence[str]]) -> None:
    """Refuse a `-m` expression that names a marker nobody registered.

    Raises:
        UsageError: With close matches; a dataset's name is answered with the option that takes it.
    """
    expression = config.getoption("markexpr", "") or ""
    registered = {re.split(r"[:(]", line, maxsplit=1)[0].strip() for line in config.getini("markers")}
    datasets = {name for names in families.values() for name in names}
    for name in _NAME.findall(_ARGUMENTS.sub("", expression)):
        if name in _OPERATORS or name in registered:
            continue
        if name in datasets:
            raise UsageError(f"-m: '{name}' is a dataset, not a marker: use --dataset {name}")
        raise UsageError(
            f"-m: unknown marker '{name}'{did_you_mean(name, registered, show_all_below=0)}; "
            f"families of datasets: {', '.join(sorted(families))}"
        )
