"""A model under test can never see what it should answer: only adapters that declare it are handed the reference."""

import ast
import json
from pathlib import Path

import pytest

from audiobench_pytest import models
from audiobench_pytest.models.registry import ADAPTERS, adapter_class

CHEATS = {"oracle", "noisy"}
"""They answer the reference on purpose, to test the harness."""

SPY = '''
"""Adapters that look for the reference in everything they are handed."""

import gc
import json
import types

from audiobench_pytest.models.base import ModelAdapter
from audiobench_pytest.types import Answer

NOT_HANDED_OVER = (type, types.ModuleType, types.FunctionType, types.BuiltinFunctionType)


def texts(*roots):
    """Yield every text that can be reached from some objects, through whatever holds what."""
    stack, seen = list(roots), set()
    while stack:
        one = stack.pop()
        if id(one) in seen or isinstance(one, NOT_HANDED_OVER):
            continue
        seen.add(id(one))
        if isinstance(one, str):
            yield one
        if isinstance(one, (bytes, bytearray)):
            yield one.decode("latin-1")
        stack += gc.get_referents(one)
        stack += [value for value in (getattr(one, "base", None), getattr(one, "obj", None)) if value is not None]


def look(told, where, *roots):
    with open(f"seen-{told}.jsonl", "a") as file:
        file.write(json.dumps([where, sorted(texts(*roots))]) + "\\n")


class Spy(ModelAdapter):
    batch_rows = 4
    failed = False

    def __init__(self, spec, args):
        look(spec.name, "made", spec, args)
        super().__init__(spec, args)

    def identity(self):
        look(self.spec.name, "identified", self)
        return self.base_identity()

    def load(self):
        look(self.spec.name, "loaded", self)

    def generate(self, batch):
        look(self.spec.name, "asked", self, batch, *batch)
        if len(batch) > 1 and not self.failed:
            self.failed = True
            raise RuntimeError("ask again, in halves")
        return [Answer("something") for _ in batch]

    def close(self):
        look(self.spec.name, "closed", self)

    def describe(self):
        look(self.spec.name, "described", self)
        return {}


class Blind(Spy):
    """Declares nothing."""


class BlindStream(Spy):
    """Declares another thing, and takes its questions as a stream."""

    sees = frozenset({"sample_id"})
    streams = True

    def stream(self, requests):
        for request in requests:
            look(self.spec.name, "asked", self, request)
            yield request, Answer("something")


class Declared(Spy):
    sees = frozenset({"reference"})
'''

CONFTEST = """
from audiobench_pytest.models import registry

registry.ADAPTERS.update({"null": "spies:Blind", "noisy": "spies:BlindStream", "oracle": "spies:Declared"})
"""


@pytest.fixture
def looked(project):
    """What each spy could reach: by the name it goes under, pairs of the occasion and the texts."""
    (project.path / "spies.py").write_text(SPY)
    conftest = project.path / "conftest.py"
    conftest.write_text(conftest.read_text() + CONFTEST)
    manifest = project.clips(6)
    rows = [json.loads(line) for line in manifest.read_text().splitlines()]
    rows = [{**row, "text": f"secret{i} {row['text']}", "note": f"secret{i}"} for i, row in enumerate(rows)]
    rows.append({**rows[0], "id": "twin"})
    manifest.write_text("".join(json.dumps(row) + "\n" for row in rows))
    project.pytester._monkeypatch.setenv("PYTHONPATH", str(project.path))
    result = project.run(f"--dataset={manifest}", "--model=null,noisy,oracle", inprocess=False)
    result.assert_outcomes(passed=6)  # three cells and their coverage gates
    return {
        name: [json.loads(line) for line in (project.path / f"seen-{name}.jsonl").read_text().splitlines()]
        for name in ("null", "noisy", "oracle")
    }


def secrets(looks):
    return {text for _, texts in looks for text in texts if "secret" in text}


def test_only_who_declares_it_is_handed_the_reference(looked):
    assert secrets(looked["null"]) == set()
    assert secrets(looked["noisy"]) == set()
    references = secrets(looked["oracle"])
    assert {text.partition(" ")[0] for text in references} == {f"secret{i}" for i in range(6)}
    assert all(" " in text for text in references), "the reference itself, and not the other columns of its row"
    for name, looks in looked.items():
        occasions = {occasion for occasion, _ in looks}
        assert occasions >= {"made", "identified", "loaded", "asked", "closed"}, name
        seen = {text for occasion, texts in looks if occasion == "asked" for text in texts}
        ids = {text for text in seen if text.startswith("clip-")}
        # An id can give the answer away (`yes/0001`); and the spy does reach what a request holds.
        assert ids == ({f"clip-{i:04d}" for i in range(6)} if name == "noisy" else set()), name


@pytest.mark.parametrize("name", ADAPTERS)
def test_shipped_adapters_do_not_ask_for_it(name):
    assert ("reference" in adapter_class(name).sees) == (name in CHEATS)


def test_no_other_shipped_code_of_models_looks_at_it():
    looking = {
        path.name
        for path in Path(models.__file__).parent.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute) and node.attr == "reference"
    }
    assert looking == {"harness.py"}
