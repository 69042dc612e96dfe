"""`audiobench list KIND`: what exists by name."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from typing import Any

from audiobench_pytest import others
from audiobench_pytest.cli import add_catalog

KINDS = (
    "tasks",
    "prompts",
    "recipes",
    "datasets",
    "models",
    "metrics",
    "steps",
    "labels",
    "boards",
    "suites",
    "published",
)


def add(commands: Any) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser("list", help="what exists: recipes, datasets, models, ...", description=__doc__)
    parser.add_argument("kind", choices=KINDS, metavar="KIND", help=", ".join(KINDS))
    parser.add_argument("--json", action="store_true", help="every field, as JSON")
    add_catalog(parser)
    parser.set_defaults(run=_list)


def _list(given: argparse.Namespace) -> int:
    rows = _rows(given.kind)
    if given.json:
        print(json.dumps([{"name": name, **fields} for name, fields in rows], indent=2, ensure_ascii=False))
        return 0
    wide = max((len(name) for name, _ in rows), default=0)
    for name, fields in rows:
        print(f"{name:<{wide}}  {fields.get('description', '')}".rstrip())
    return 0


def _rows(kind: str) -> list[tuple[str, dict[str, Any]]]:
    others.asked()
    for trouble in others.troubles():
        print(f"audiobench: {trouble}", file=sys.stderr)
    if kind in _OF_BOARDS:
        return _OF_BOARDS[kind]()
    import msgspec

    from audiobench_pytest.catalog.loader import load_catalog
    from audiobench_pytest.metrics import registry, steps

    if kind == "steps":
        arguments = {*steps.MADE_TEXT_STEPS, *steps.MADE_EXTRACTIONS}
        return [(name, _of_step(name, name in arguments)) for name in steps.names()]
    if kind == "metrics":
        return [
            (name, {"description": _first_line(registry.metric_class(name).__doc__)})
            for name in sorted(registry.METRICS)
        ]
    catalog = load_catalog()
    entries: dict[str, Any] = {
        "tasks": catalog.tasks,
        "prompts": catalog.prompts,
        "recipes": catalog.recipes,
        "datasets": catalog.datasets,
        "models": catalog.models,
        "labels": catalog.labels,
    }
    found = []
    for entry in sorted(entries[kind], key=lambda entry: entry.name):
        fields = msgspec.to_builtins(entry)
        fields.pop("name")
        if kind == "models":
            fields |= _ways(entry)
        fields["description"] = fields.get("description") or _described(kind, fields)
        found.append((entry.name, fields))
    return found


def _ways(entry: Any) -> dict[str, Any]:
    """Return the ways to run a model, each with what it lacks here, and the one that is taken unasked."""
    from audiobench_pytest.models.ways import best, needs, ways_of

    found = [
        {"name": name, "adapter": one.adapter, "gpus": one.gpus, "needs": needs(one)}
        for name, one in ways_of(entry).items()
        if name
    ]
    chosen = best(entry, {})
    return {"ways": found, "way": chosen.way or (found[0]["name"] if found else "")}


def _boards() -> list[tuple[str, dict[str, Any]]]:
    import msgspec

    from audiobench_pytest.catalog.boards import load_boards

    return _named(msgspec.to_builtins(board) for board in load_boards())


def _suites() -> list[tuple[str, dict[str, Any]]]:
    import msgspec

    from audiobench_pytest.catalog.suites import load_suites, plan

    found = []
    for suite in load_suites():
        planned = plan(suite)
        runnable = sum(one.runnable for one in planned)
        fields = msgspec.to_builtins(suite)
        fields["description"] += f"; this version can run {runnable} of {len(planned)}"
        fields["protocols"] = [{**msgspec.to_builtins(one), "runnable": one.runnable} for one in planned]
        found.append(fields)
    return _named(found)


def _published() -> list[tuple[str, dict[str, Any]]]:
    import msgspec

    from audiobench_pytest.catalog.published import load_published

    found = []
    for table in load_published():
        fields = msgspec.to_builtins(table.spec)
        fields["description"] = f"{table.spec.title} ({table.spec.source})"
        fields["cells"] = [msgspec.to_builtins(cell) for cell in table]
        found.append(fields)
    return _named(found)


_OF_BOARDS = {"boards": _boards, "suites": _suites, "published": _published}
"""Kinds that only boards need: read when they are asked for."""


def _named(entries: Iterable[dict[str, Any]]) -> list[tuple[str, dict[str, Any]]]:
    return sorted(((entry.pop("name"), entry) for entry in entries), key=lambda named: str(named[0]))


def _of_step(name: str, takes_argument: bool) -> dict[str, Any]:
    from audiobench_pytest.metrics import steps

    tables = (steps.TEXT_STEPS, steps.EXTRACTIONS, steps.MADE_TEXT_STEPS, steps.MADE_EXTRACTIONS)
    function: Any = next(table[name] for table in tables if name in table)
    kind = "extracts" if name in steps.EXTRACTIONS or name in steps.MADE_EXTRACTIONS else "text"
    return {"description": _first_line(function.__doc__), "kind": kind, "takes_argument": takes_argument}


def _described(kind: str, fields: dict[str, Any]) -> str:
    if kind == "datasets":
        return f"{fields['task']}, {fields['language']}, scored by {fields['recipe'] or 'the recipe of its task'}"
    if kind == "models":
        ways = [f"{way['name']}{'*' if way['name'] == fields['way'] else ''}" for way in fields["ways"]]
        told = f"; ways: {', '.join(ways)}" if len(ways) > 1 else ""
        return f"{', '.join(fields['tasks']) or 'all it can be asked'}; adapter {fields['adapter']}{told}"
    if kind == "prompts":
        return f"{fields['task']}: {fields['text'].strip()}"
    return ", ".join(fields.get("labels", ()))


def _first_line(text: str | None) -> str:
    return (text or "").strip().partition("\n")[0]
