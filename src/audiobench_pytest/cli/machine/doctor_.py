"""`audiobench doctor`: what works on this machine, and the one command that mends what does not."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Iterable, Iterator
from typing import Any

from audiobench_pytest.cli import add_cache, add_catalog
from audiobench_pytest.cli.machine import checks
from audiobench_pytest.cli.machine.checks import OFF, OK, WRONG, Check
from audiobench_pytest.errors import UnknownNameError, UsageError


def add(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "doctor",
        help="what works on this machine, and what mends the rest",
        description=f"{__doc__} Status 1 where something is wrong, or where something that is named is not there.",
    )
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="what must be there: hub, ffmpeg, gpu, or an extra such as local"
    )
    parser.add_argument("--model", action="append", default=[], metavar="NAME", help="what it lacks; repeatable")
    parser.add_argument("--json", action="store_true", help="as JSON")
    add_cache(parser, "the cache that runs use")
    add_catalog(parser)
    parser.set_defaults(run=_doctor)


def _doctor(given: argparse.Namespace) -> int:
    found = list(_checks(given))
    known = {check.name: check for check in found}
    needed = []
    for name in given.names:
        whole = name if name in known else f"extra {name}"
        if whole not in known:
            raise UnknownNameError("check", name, [one.removeprefix("extra ") for one in known])
        needed.append(whole)
    bad = [check for check in found if check.state == WRONG or (check.state == OFF and check.name in needed)]
    if given.json:
        plain = [{**dataclasses.asdict(check), "needed": check.name in needed} for check in found]
        print(json.dumps(plain, indent=2, ensure_ascii=False))
    else:
        for line in _lines(found):
            print(line)
        names = ", ".join(dict.fromkeys(check.name for check in bad))
        off = sum(check.state == OFF for check in found)
        print(f"\nto be mended: {names}" if bad else f"\nnothing is wrong; {off} things are not there")
    return 1 if bad else 0


def _checks(given: argparse.Namespace) -> Iterator[Check]:
    yield from checks.python()
    yield from checks.catalogue()
    yield from checks.folders(given.cache)
    yield from checks.packages()
    yield from checks.programs()
    yield from checks.gpus()
    yield from checks.interpreters()
    yield from checks.hub()
    yield from checks.keys()
    yield from checks.models(_lacking(given.model))


def _lacking(names: Iterable[str]) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    from audiobench_pytest.catalog.loader import load_catalog
    from audiobench_pytest.models.options import checked_args
    from audiobench_pytest.models.registry import adapter_class, forms
    from audiobench_pytest.models.ways import find
    from audiobench_pytest.runner.lacking import model_lacks

    for text in dict.fromkeys(one for given in names for one in given.split(",")):
        try:
            spec = find(text, load_catalog().models.get, {})
        except UnknownNameError as exc:
            raise UsageError(f"--model: {exc}; or {forms()}") from None
        yield spec.name, model_lacks(spec, checked_args(adapter_class(spec.adapter), spec, {}))


def _lines(found: list[Check]) -> Iterator[str]:
    wide = max(len(check.name) for check in found)
    marks = {OK: "ok", OFF: "off", WRONG: "WRONG"}
    for check in found:
        yield f"{marks[check.state]:<5}  {check.name:<{wide}}  {check.told}"
        if check.mend:
            yield f"{'':<5}  {'':<{wide}}  -> {check.mend}"
    sys.stdout.flush()
