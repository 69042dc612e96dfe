"""`--model ./my_model.py:Recognizer`: a class of the user's own becomes a catalogue entry.

Its file is read, not imported: what a class says of itself must be known before anything is collected, in every process
of a run, and where the class runs in an environment of its own it may need packages that are not here.
"""

from __future__ import annotations

import ast
import contextlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audiobench_pytest.catalog.schema import ModelSpec, RuntimeSpec
from audiobench_pytest.errors import UsageError, did_you_mean
from audiobench_pytest.models.isolated.interpreters import module_file

IN_PROCESS, ISOLATED = "python", "python-isolated"
"""Names of the adapters that run such a class, see `models.own.adapter`."""

OWN = (IN_PROCESS, ISOLATED)

_TEXT = re.compile(
    r"(?:(?P<name>[^=:/\\]+)=)?(?:(?P<file>.+?\.py)(?::(?P<of_file>\w+))?|(?P<module>[A-Za-z_][\w.]*):(?P<of_module>\w+))"
    r"(?P<apart>@isolated)?"
)
_ENTRY = {
    "languages": tuple,
    "tasks": tuple,
    "follows": bool,
    "gives": tuple,
    "reads_aloud": bool,
    "varies": bool,
    "loads_beside": bool,
    "memory_gb": float,
    "batch_rows": int,
    "batch_seconds": float,
    "gpus": int,
}
_ARGS = {"sample_rate": int, "language_hint": bool, "equal_length": bool, "dialogues": bool}
_RUNTIME = {"requirements": tuple, "python": str}
_KINDS = {tuple: "a list of texts", str: "a text", bool: "True or False", int: "a whole number", float: "a number"}


@dataclass(frozen=True, slots=True)
class ClassSource:
    """What the file of a class tells of it.

    Attributes:
        methods: Names of its methods.
        inherits: Whether it has a base class, which may have more of them.
        told: Its attributes that have a plain value, by name.
    """

    methods: frozenset[str]
    inherits: bool
    told: Mapping[str, Any]


def spec_from_class(text: str) -> ModelSpec | None:
    """Make up the catalogue entry of `[NAME=]path/to/file.py:Class` or `[NAME=]package.module:Class`.

    The model is called `file-Class` unless it is given a name. With `@isolated` behind it the class runs in an
    environment of its own, made of what its attribute `requirements` lists, or a `requirements.txt` beside its file.

    Args:
        text: What the user wrote.

    Returns:
        None where it names no class.

    Raises:
        UsageError: There is no such file, module or class, or it is no model.
    """
    match = _TEXT.fullmatch(text)
    if match is None:
        return None
    where, name = match["file"] or match["module"], match["of_file"] or match["of_module"]
    file = _file(text, where)
    source = read_class(f"--model {text}", file, name)
    for method in ("load", "generate"):
        if not source.inherits and method not in source.methods:
            raise UsageError(
                f"--model {text}: the class {name} has no method '{method}'; a model has load(args) and generate(batch)"
            )
    if match["apart"] and "identity" in source.methods:
        raise UsageError(
            f"--model {text}: identity() would be asked before its environment is made: leave out @isolated, or hand "
            "over what its answers depend on as an argument (a path counts by its content)"
        )
    kind, adapter, more = "in-process", IN_PROCESS, {}
    if match["apart"]:
        kind, adapter = "isolated", ISOLATED
        more = {"requirements": _listed(file), **_taken(text, source, _RUNTIME)}
    stem = file.stem if match["file"] else where.rpartition(".")[2]
    return ModelSpec(
        name=match["name"] or f"{stem}-{name}",
        adapter=adapter,
        args=_taken(text, source, _ARGS),
        runtime=RuntimeSpec(kind, f"{file if match['file'] else where}:{name}", **more),
        **_taken(text, source, _ENTRY),
    )


def read_class(what: str, file: Path, name: str | None) -> ClassSource:
    """Read what a file tells of a class in it, importing nothing.

    A class that is defined elsewhere, or put together by code, tells nothing.

    Args:
        what: What it is wanted for, for messages.
        file: The file.
        name: The class.

    Raises:
        UsageError: The file is no Python, or holds nothing of that name.
    """
    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError) as exc:
        raise UsageError(f"{what}: {file} cannot be read: {exc}") from exc
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    if name is None:
        raise UsageError(f"{what}: say which class, as in {file.name}:{next(iter(classes), 'Recognizer')}")
    if name not in classes:
        if name in _names(tree):
            return ClassSource(frozenset(), True, {})
        raise UsageError(f"{what}: {file} has no class '{name}'{did_you_mean(name, classes)}")
    node = classes[name]
    functions = ast.FunctionDef | ast.AsyncFunctionDef
    return ClassSource(
        frozenset(part.name for part in node.body if isinstance(part, functions)),
        any(ast.unparse(base) != "object" for base in node.bases),
        dict(_plain(node)),
    )


def _file(text: str, where: str) -> Path:
    if where.endswith(".py"):
        path = Path(where).expanduser().absolute()
        if not path.is_file():
            raise UsageError(f"--model {text}: there is no file {path}")
        return path
    found = module_file(where)
    if found is None or found.suffix != ".py":
        raise UsageError(
            f"--model {text}: Python finds no module '{where}' here; install it, or give its file: ./file.py:Class"
        )
    return found


def _names(tree: ast.Module) -> set[str]:
    """Return what a module gives names to, other than by defining a class: imports, assignments, in branches too."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.alias):
            found.add(node.asname or node.name.partition(".")[0])
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
    return found


def _plain(node: ast.ClassDef) -> Iterator[tuple[str, Any]]:
    for part in node.body:
        if not isinstance(part, ast.Assign | ast.AnnAssign) or part.value is None:
            continue
        with contextlib.suppress(ValueError, TypeError):  # computed: it is the class's own, and none of ours
            value = ast.literal_eval(part.value)
            for target in part.targets if isinstance(part, ast.Assign) else [part.target]:
                yield ast.unparse(target), value


def _taken(text: str, source: ClassSource, known: Mapping[str, type]) -> dict[str, Any]:
    taken = {}
    for name, kind in known.items():
        if name not in source.told:
            continue
        value = source.told[name]
        if kind is tuple:
            right = isinstance(value, list | tuple) and all(isinstance(one, str) for one in value)
        else:
            right = type(value) is kind or (kind is float and type(value) is int)
            right = right and (kind not in (int, float) or value > 0 or name == "gpus")
        if not right:
            raise UsageError(f"--model {text}: its attribute {name} must be {_KINDS[kind]}; it is {value!r}")
        taken[name] = kind(value)
    return taken


def _listed(file: Path) -> tuple[str, ...]:
    beside = file.with_name("requirements.txt")
    return tuple(beside.read_text("utf-8").splitlines()) if beside.is_file() else ()
