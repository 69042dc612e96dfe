"""Classes of the user's own: what is read of them without importing them, what they are asked, what identifies them."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from audiobench_pytest.catalog.schema import ModelSpec
from audiobench_pytest.errors import CatalogError, ModelError, UsageError
from audiobench_pytest.models.base import ModelAdapter
from audiobench_pytest.models.registry import create, spec_from
from audiobench_pytest.types import Audio, Prompt, Request

CLASS = """
class Recognizer:
    def load(self, args):
        self.args = args
        return {"device": "cpu"}

    def generate(self, batch):
        told = ("prompt", "language")
        return [f"{len(r['samples'])} at {r['sample_rate']}, {[r[t] for t in told]}, {self.args}" for r in batch]
"""


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    monkeypatch.chdir(tmp_path)

    def file(content: str = CLASS, name: str = "my_model.py") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        return path

    return file


def spec_of(text: str) -> ModelSpec:
    spec = spec_from(text)
    assert spec is not None
    return spec


def model(text: str = "./my_model.py:Recognizer", **given: str) -> ModelAdapter:
    return create(spec_of(text), given)


def requests(*sizes: int, prompt: Prompt | None = None, rate: int = 16_000) -> list[Request]:
    return [Request(f"s{n}", Audio(np.zeros(n, np.float32), rate), prompt or Prompt()) for n in sizes]


@pytest.mark.parametrize(
    ("text", "name", "adapter"),
    [
        ("./my_model.py:Recognizer", "my_model-Recognizer", "python"),
        ("my_model.py:Recognizer", "my_model-Recognizer", "python"),
        ("{folder}/my_model.py:Recognizer", "my_model-Recognizer", "python"),
        ("mine=./my_model.py:Recognizer", "mine", "python"),
        ("./my_model.py:Recognizer@isolated", "my_model-Recognizer", "python-isolated"),
        ("mine=./my_model.py:Recognizer@isolated", "mine", "python-isolated"),
    ],
)
def test_a_class_in_a_file_is_a_model(
    write: Callable[..., Path], tmp_path: Path, text: str, name: str, adapter: str
) -> None:
    file = write()
    spec = spec_of(text.format(folder=tmp_path))
    assert (spec.name, spec.adapter) == (name, adapter)
    assert spec.runtime is not None
    assert spec.runtime.entry == f"{file}:Recognizer"


def test_a_module_that_python_finds_is_a_model_and_is_not_imported_to_see_it(
    write: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("", "own_package_x/__init__.py")
    write(CLASS, "own_package_x/recognition.py")
    monkeypatch.syspath_prepend(tmp_path)
    one = model("own_package_x.recognition:Recognizer")
    assert one.spec.name == "recognition-Recognizer"
    assert "sha256" in one.identity()["entry"]["file"]
    assert "own_package_x" not in sys.modules
    one.load()
    assert [a.text for a in one.generate(requests(5))] == ["5 at 16000, [None, None], {}"]
    assert "own_package_x.recognition" in sys.modules


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("./no_such.py:Recognizer", r"--model ./no_such.py:Recognizer: there is no file /.*no_such.py"),
        ("no_such_module.x:Recognizer", "Python finds no module 'no_such_module.x' here; install it, or give its file"),
        ("./my_model.py:Recogniser", r"has no class 'Recogniser' \(did you mean Recognizer\?\)"),
        ("./my_model.py", "say which class, as in my_model.py:Recognizer"),
        ("./broken.py:Recognizer", "broken.py cannot be read: expected ':'"),
        ("./my_model.py:Deaf", "the class Deaf has no method 'generate'; a model has load.args. and generate.batch."),
        ("./my_model.py:Telling@isolated", "leave out @isolated"),
        ("./my_model.py:Wrong", "its attribute languages must be a list of texts; it is 'en'"),
        ("./my_model.py:None_", "its attribute batch_rows must be a whole number; it is 0"),
    ],
)
def test_what_is_no_model_is_told_without_running_it(write: Callable[..., Path], text: str, said: str) -> None:
    methods = "    def load(self, args): ...\n    def generate(self, batch): ...\n"
    write("raise SystemExit\n", "raises.py")
    write("class Recognizer\n", "broken.py")
    write(
        f"{CLASS}\nraise SystemExit\nclass Deaf:\n    def load(self, args): ...\n"
        f"class Telling:\n{methods}    def identity(self): ...\n"
        f"class Wrong:\n    languages = 'en'\n{methods}class None_:\n    batch_rows = 0\n{methods}"
    )
    with pytest.raises(UsageError, match=said):
        spec_from(text)


def test_what_a_class_says_of_itself_is_read_from_its_body(write: Callable[..., Path]) -> None:
    told = """
    sample_rate = 8000
    language_hint: bool = True
    languages = ["en", "de"]
    tasks = ("asr",)
    batch_rows = 3
    batch_seconds = 60
    follows = True
    gpus = 1
    memory_gb = 2
    loads_beside = True
    requirements = ["torch==2.1.2"]
    python = "3.10"
    computed = sorted("ab")
"""
    write(CLASS.replace("class Recognizer:\n", f"class Recognizer:\n{told}"))
    one = model()
    assert (one.spec.languages, one.spec.tasks, one.spec.follows, one.spec.gpus) == (("en", "de"), ("asr",), True, 1)
    assert (one.sample_rate, one.takes_language_hint, one.equal_length) == (8000, True, False)
    assert (one.batch_rows, one.batch_seconds, one.takes_instruction) == (3, 60.0, True)
    assert (one.takes_gib(), one.loads_beside()) == (2.0, True)
    apart = spec_of("./my_model.py:Recognizer@isolated")
    assert apart.runtime is not None
    assert (apart.runtime.requirements, apart.runtime.python) == (("torch==2.1.2",), "3.10")
    assert create(apart, {}).sample_rate == 8000


def test_requirements_may_lie_beside_the_file(write: Callable[..., Path]) -> None:
    write()
    one = spec_of("./my_model.py:Recognizer@isolated")
    write("# pinned\nsix==1.16.0\n", "requirements.txt")
    other = spec_of("./my_model.py:Recognizer@isolated")
    assert one.runtime is not None
    assert other.runtime is not None
    assert one.runtime.requirements == ()
    assert "six==1.16.0" in other.runtime.requirements
    assert create(one, {}).identity() != create(other, {}).identity()


def test_a_class_is_asked_what_its_contract_says(write: Callable[..., Path]) -> None:
    write()
    one = model(beam="5", language_hint="yes")
    with pytest.raises(ModelError, match="was asked before it was loaded"):
        one.generate(requests(5))
    one.load()
    texts = [a.text for a in one.generate(requests(5, 0, prompt=Prompt(text="Say it", language="en")))]
    assert texts == [f"{n} at 16000, ['Say it', 'en'], {{'beam': '5'}}" for n in (5, 0)]
    assert one.describe() == {"device": "cpu", "runtime": "in-process"}
    with pytest.raises(ModelError, match="sample 's5': model 'my_model-Recognizer' wants 16000 Hz, got 8000 Hz"):
        one.generate(requests(5, rate=8000))
    one.close()
    one.load()
    one.close()


VOICE = """
class Recognizer:
    def load(self, args): pass
    def generate(self, batch):
        return [f"{len(r['sounds']['prompt'])} samples, {r['voice_text']}{r.get('style', '')}" for r in batch]
"""


def test_a_class_that_reads_aloud_is_told_whose_voice_it_takes_and_what_that_says(write: Callable[..., Path]) -> None:
    write(VOICE)
    one = model()
    one.load()
    sounds = {"prompt": Audio(np.zeros(50, np.float32), 16_000)}
    (asked,) = requests(5, prompt=Prompt("Say it", voice_text="what it says"))
    assert one.generate([dataclasses.replace(asked, sounds=sounds)])[0].text == "50 samples, what it says"
    told = dataclasses.replace(asked, sounds=sounds, prompt=dataclasses.replace(asked.prompt, style=", softly"))
    assert one.generate([told])[0].text == "50 samples, what it says, softly"


@pytest.mark.parametrize("where", ["", "@isolated"])
def test_an_argument_that_says_nothing_is_no_path(write: Callable[..., Path], where: str) -> None:
    write()
    before = model(f"./my_model.py:Recognizer{where}", weights="").identity()
    write("new", "in_the_working_folder.txt")
    assert model(f"./my_model.py:Recognizer{where}", weights="").identity() == before
    assert before["args"]["weights"] == ""


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("return ['one']", r"generate\(\) gave 1 answers to 2 requests"),
        ("return 'one'", "returned one str, not a list"),
        ("return [1, 2]", "answered with a int"),
        ("return [{'id': 7, 'text': ''}] * 2", "answered request 7, which was not in the batch"),
        ("raise ValueError('bad clip')", "bad clip"),
    ],
)
def test_answers_that_are_none_fail_the_batch(write: Callable[..., Path], body: str, said: str) -> None:
    write(f"class Recognizer:\n    def load(self, args): ...\n    def generate(self, batch):\n        {body}\n")
    one = model()
    one.load()
    with pytest.raises((ModelError, TypeError, ValueError), match=said):
        one.generate(requests(1, 2))


def test_answers_may_be_mappings_in_any_order_and_the_samples_are_the_models_own(write: Callable[..., Path]) -> None:
    write("""
class Recognizer:
    def load(self, args): ...
    def generate(self, batch):
        for request in batch:
            request["samples"] += 1
        kept = [{"id": r["id"], "text": str(len(r["samples"])), "meta": {"n": 1}} for r in reversed(batch)]
        return [*kept[:-1], {"id": kept[-1]["id"], "error": "not this one"}]
""")
    one, asked = model(), requests(1, 2, 3)
    one.load()
    answers = one.generate(asked)
    assert [(a.text, a.error) for a in answers] == [("", "not this one"), ("2", None), ("3", None)]
    assert answers[1].meta == {"n": 1}
    assert all(not r.audio.samples.any() for r in asked if r.audio)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("import no_such_package_x\n" + CLASS, r"cannot be imported: ModuleNotFoundError: .*\(my_model.py, line 1\)"),
        (CLASS.replace("self.args = args", "raise OSError('no weights')"), "cannot be loaded: OSError: no weights"),
        ("class Base: ...\nclass Recognizer(Base): ...\n", "has no method 'load'"),
        (CLASS.replace('"cpu"', "object()"), "cannot be loaded: TypeError: .*JSON"),
    ],
)
def test_a_class_that_cannot_be_loaded_says_why(write: Callable[..., Path], content: str, said: str) -> None:
    write(content)
    with pytest.raises(ModelError, match=f"model 'my_model-Recognizer'.*{said}"):
        model().load()


def test_methods_may_be_inherited_and_a_class_may_come_from_elsewhere(write: Callable[..., Path]) -> None:
    write(CLASS, "beside_x.py")
    write("from beside_x import Recognizer as Imported\nclass Derived(Imported):\n    batch_rows = 2\n")
    for name in ("Imported", "Derived"):
        one = model(f"./my_model.py:{name}")
        one.load()
        assert one.generate(requests(1))[0].text.startswith("1 at 16000")


def test_identity_is_of_code_class_and_arguments_not_of_place_and_name(
    write: Callable[..., Path], tmp_path: Path
) -> None:
    write()
    write(CLASS, "elsewhere/moved.py")
    plain = model().identity()
    assert model("./elsewhere/moved.py:Recognizer").identity() == plain
    assert model("other=./my_model.py:Recognizer").identity() == plain
    assert model(beam="5").identity() != plain
    assert model(sample_rate="8000").identity() != plain
    write(f"{CLASS}\n# changed\n")
    assert model().identity() != plain


@pytest.mark.parametrize("where", ["", "@isolated"])
def test_a_path_among_the_arguments_counts_by_its_content(write: Callable[..., Path], where: str) -> None:
    write()
    text = f"./my_model.py:Recognizer{where}"
    write("one", "weights/a.bin")
    write("one", "copy/a.bin")
    one = model(text, weights="weights").identity()
    assert one["args"]["weights"].startswith("sha256:")
    assert model(text, weights="./copy").identity() == one
    write("two", "weights/a.bin")
    assert model(text, weights="weights").identity() != one
    assert model(text, weights="no/such/path").identity()["args"]["weights"] == "no/such/path"
    assert model(text, weights="x" * 5000).identity() != one


def test_a_class_may_tell_more_of_its_identity(write: Callable[..., Path]) -> None:
    content = f"{CLASS}\n    def identity(self):\n        return {{'weights': open('weights.txt').read()}}\n"
    write(content)
    with pytest.raises(ModelError, match="cannot be asked what it is: FileNotFoundError"):
        model().identity()
    write("one", "weights.txt")
    one = model().identity()
    assert one["own"] == {"weights": "one"}
    write("two", "weights.txt")
    assert model().identity() != one


def test_an_entry_of_the_catalogue_needs_a_runtime_of_its_kind() -> None:
    with pytest.raises(CatalogError, match="runtime is missing: the adapter 'python' needs"):
        create(ModelSpec("mine", adapter="python"), {})
