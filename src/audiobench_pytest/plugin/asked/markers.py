"""Names in `-m`, checked before pytest sees them.

Without strict markers, and on pytest 8 always, `-m librispech` deselects everything in silence; a release job would
then be green for want of tests.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Mapping, Sequence

import pytest

from audiobench_pytest.errors import UsageError, did_you_mean

_OPERATORS = {"and", "or", "not", "True", "False", "None"}
_NAME = re.compile(r"[\w:+\-.\[\]\\/]+")
_ARGUMENTS = re.compile(r"\([^()]*=[^()]*\)")  # `device(serial="x")` is a call, not a group


def register_families(config: pytest.Config, families: Mapping[str, Sequence[str]]) -> None:
    """Register a marker per family of datasets, so that strict markers hold."""
    for family, datasets in sorted(families.items()):
        config.addinivalue_line("markers", f"{family}: datasets {', '.join(sorted(datasets))}")


def may_select(expression: str, family: str, families: Collection[str]) -> bool:
    """Whether a `-m` expression may select what carries one family's marker; other markers may be there or not.

    Args:
        expression: As written; "" selects everything.
        family: The marker, or "" for none.
        families: All markers of families: of those, nothing carries a second one.
    """
    plain = _ARGUMENTS.sub("", expression)
    if not plain.strip():
        return True
    named = [name for name in dict.fromkeys(_NAME.findall(plain)) if name not in _OPERATORS]
    unknown = [name for name in named if name not in families]
    written = _NAME.sub(lambda found: found[0] if found[0] in _OPERATORS else f"of[{found[0]!r}]", plain)
    known = {**dict.fromkeys(named, False), family: True}
    try:
        code = compile(written, "-m", "eval")
        for there in itertools.product((True, False), repeat=len(unknown)):
            if eval(code, {"__builtins__": {}}, {"of": {**known, **dict(zip(unknown, there, strict=True))}}):
                return True
        return False
    except (SyntaxError, TypeError):  # pytest will say what is wrong with it
        return True


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
