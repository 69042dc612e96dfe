"""Imports run one way: what stands in one layer may import what stands above it, never beside or below."""

from __future__ import annotations

import ast
import graphlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

SRC = Path(__file__).parents[2] / "src"
PACKAGE = "audiobench_pytest"

LAYERS = (
    ("others",),
    ("errors",),
    ("types", "languages"),
    ("records", "catalog", "corpora", "hub", "tool_calls"),
    ("datasets", "prompts", "models", "metrics"),
    ("runner", "leaderboard"),
    ("report",),
    ("listening",),
    ("doors", "frames"),
    ("evaluation", "exchange"),
    ("plugin", "cli"),
)

# The numbers of a run are reduced and shown without a model or an audio: on a laptop, from the files of a cluster.
NEEDS_NO_MODEL = ("leaderboard", "report", "frames")
MODELS_AND_AUDIO = ("datasets", "prompts", "models", "runner")

# Costs tenths of seconds to import, or comes with an extra: only inside the function that needs it.
HEAVY = {
    "torch",
    "torchaudio",
    "transformers",
    "pandas",
    "pyarrow",
    "huggingface_hub",
    "datasets",
    "pocketsphinx",
    "jiwer",
    "soundfile",
    "soxr",
    "zhconv",
    "whisper_normalizer",
    "httpx",
    "h11",
    "fsspec",
    "ray",
    "mlflow",
    "wandb",
    "matplotlib",
    "ctranslate2",
    "faster_whisper",
    "websockets",
}
HEAVY_ALLOWED = {("audiobench_pytest.frames", "pandas")}  # that module is imported by `read_run` only

STANDARD_LIBRARY_ONLY = ("", "types", "errors", "catalog", "corpora", "prompts")
"""Rooms that collection imports, or that cost nothing by promise (`""` is the package itself); at module level."""


@dataclass(frozen=True)
class Import:
    """One import: by which module, of what, and whether importing the module runs it."""

    module: str
    target: str
    at_module_level: bool
    for_types: bool
    name: str = ""

    @property
    def imported(self) -> str:
        """The module that is imported: `from package import module` names it last."""
        full = f"{self.target}.{self.name}"
        return full if full in MODULES else self.target

    @property
    def room(self) -> str:
        return room_of(self.module)

    @property
    def target_room(self) -> str:
        return room_of(self.target)

    @property
    def top(self) -> str:
        return self.target.partition(".")[0]


def room_of(module: str) -> str:
    return (*module.split("."), "")[1]


def imports_of(module: str, source: str) -> Iterator[Import]:
    def visit(node: ast.AST, at_module_level: bool, for_types: bool) -> Iterator[Import]:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(module, alias.name, at_module_level, for_types)
        elif isinstance(node, ast.ImportFrom):
            base = f"{PACKAGE}." * bool(node.level) + (node.module or "")
            for alias in node.names:
                target = f"{base}.{alias.name}" if base.rstrip(".") == PACKAGE else base
                yield Import(module, target, at_module_level, for_types, "" if target != base else alias.name)
        inside = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        guarded = isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):  # most of a tree, and no statement stands inside one
                continue
            in_else = isinstance(node, ast.If) and child in node.orelse
            yield from visit(child, at_module_level and not inside, for_types or (guarded and not in_else))

    yield from visit(ast.parse(source), True, False)


def modules() -> dict[str, Path]:
    found = {}
    for path in sorted((SRC / PACKAGE).rglob("*.py")):
        parts = path.relative_to(SRC).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()
IMPORTS = [one for module, path in MODULES.items() for one in imports_of(module, path.read_text("utf-8"))]
OWN = [one for one in IMPORTS if one.top == PACKAGE]


def layer(room: str) -> int:
    for number, rooms in enumerate(LAYERS):
        if room in rooms:
            return number
    raise AssertionError(f"'{room}' stands in no layer: give it a place in LAYERS and in ARCHITECTURE.md")


def is_wrong_way(one: Import) -> bool:
    if one.room == "":  # the package itself gives names out: the nouns, and `read_run` when it is asked for
        return one.target_room not in ("", "types", "errors", "frames", "evaluation")
    if one.room == one.target_room:
        return False
    if one.room in NEEDS_NO_MODEL and one.target_room in MODELS_AND_AUDIO:
        return True
    return layer(one.target_room) >= layer(one.room)


def told(found: list[Import]) -> list[str]:
    return sorted(f"{one.module} imports {one.target}" for one in found)


def test_no_room_imports_one_beside_or_below_it():
    assert told([one for one in OWN if is_wrong_way(one)]) == []


def test_every_room_has_its_layer():
    for module in MODULES:
        if room_of(module):
            layer(room_of(module))
    assert {room_of(module) for module in MODULES} >= {room for rooms in LAYERS for room in rooms}


def test_only_the_plugin_knows_pytest():
    plugins = ("pytest", "_pytest", "pluggy", "xdist")
    assert told([one for one in IMPORTS if one.top in plugins and one.room != "plugin"]) == []


@pytest.mark.parametrize(("package", "module"), [("xdist", "workers.xdist"), ("ray", "workers.ray")])
def test_only_one_module_knows_what_distributes_the_work(package, module):
    found = {one.module for one in IMPORTS if one.top == package}
    assert found == {f"audiobench_pytest.plugin.{module}"}


def test_heavy_packages_are_imported_where_they_are_used():
    found = [
        one
        for one in IMPORTS
        if one.top in HEAVY and one.at_module_level and not one.for_types and (one.module, one.top) not in HEAVY_ALLOWED
    ]
    assert told(found) == []


def test_what_collection_imports_costs_the_standard_library_only():
    found = [
        one
        for one in IMPORTS
        if one.room in STANDARD_LIBRARY_ONLY
        and one.at_module_level
        and not one.for_types
        and one.top not in {*sys.stdlib_module_names, PACKAGE}
    ]
    assert told(found) == []


def test_imports_name_modules_in_full():
    stars = [
        f"{path}:{node.lineno}"
        for path in MODULES.values()
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ImportFrom) and (node.level or node.names[0].name == "*")
    ]
    assert stars == []


def graph_of(found: list[Import], place: Callable[[str], str] = str) -> dict[str, set[str]]:
    """Return who imports whom, wherever the import stands; `place` puts modules together."""
    graph: dict[str, set[str]] = {place(module): set() for module in MODULES}
    for one in found:
        source, target = place(one.module), place(one.imported)
        if target in graph and source != target:
            graph[source].add(target)
    return graph


def circles(graph: dict[str, set[str]]) -> list[str]:
    try:
        list(graphlib.TopologicalSorter(graph).static_order())
    except graphlib.CycleError as exc:
        return exc.args[1]
    return []


def child_of_room(module: str) -> str:
    """Return what stands directly in a room: a module of its own, or a folder with all that is in it."""
    return ".".join(module.split(".")[:3])


def test_no_module_needs_another_in_a_circle_wherever_the_import_stands():
    assert circles(graph_of([one for one in OWN if one.room != ""])) == []


def test_no_folder_of_a_room_imports_what_stands_above_it():
    assert circles(graph_of([one for one in OWN if one.room != ""], child_of_room)) == []


def test_the_checks_of_circles_can_fail():
    assert circles({"a": {"b"}, "b": {"a"}})
    assert child_of_room("audiobench_pytest.models.openai.wire") == "audiobench_pytest.models.openai"
    wire = imports_of("audiobench_pytest.models.openai.wire", "from audiobench_pytest.models import pool")
    assert [one.imported for one in wire] == ["audiobench_pytest.models.pool"]


WRONG = [
    ("audiobench_pytest.records.x", "from audiobench_pytest.catalog.loader import load_catalog"),
    ("audiobench_pytest.models.x", "def f():\n    from audiobench_pytest.datasets import shard"),
    ("audiobench_pytest.metrics.x", "import audiobench_pytest.models.base"),
    ("audiobench_pytest.leaderboard.x", "from audiobench_pytest.models.base import ModelAdapter"),
    ("audiobench_pytest.report.x", "from audiobench_pytest import runner"),
    ("audiobench_pytest.report.x", "from audiobench_pytest.plugin import session"),
    ("audiobench_pytest.cli", "if TYPE_CHECKING:\n    from audiobench_pytest.plugin.session import Session"),
    ("audiobench_pytest", "from audiobench_pytest.records.runs.directory import RunDirectory"),
]


@pytest.mark.parametrize(("module", "source"), WRONG)
def test_these_checks_can_fail(module, source):
    assert any(is_wrong_way(one) for one in imports_of(module, source))


def test_they_tell_apart_when_an_import_runs():
    source = """
import a
if TYPE_CHECKING:
    import b
else:
    import c
try:
    import d
except ImportError:
    def f():
        import e
class C:
    import f
    g = lambda: __import__("h")
"""
    found = {one.target: (one.at_module_level, one.for_types) for one in imports_of(f"{PACKAGE}.x", source)}
    runs, types, later = (True, False), (True, True), (False, False)
    assert found == {"a": runs, "b": types, "c": runs, "d": runs, "e": later, "f": runs}
