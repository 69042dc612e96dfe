"""What users see: every public name documented, few of them, cheap to import; every catalogue entry resolves."""

from __future__ import annotations

import ast
import keyword
import re
import subprocess
import sys
from pathlib import Path

import pytest

import audiobench_pytest
from audiobench_pytest.catalog.loader import load_catalog
from audiobench_pytest.corpora import corpus_path
from audiobench_pytest.errors import MissingExtraError, UsageError
from audiobench_pytest.metrics.recipes import Recipe
from audiobench_pytest.models.base import ModelAdapter
from audiobench_pytest.models.options import checked_args
from audiobench_pytest.models.registry import ADAPTERS, adapter_class
from audiobench_pytest.records.answers.cache import slug

SRC = Path(__file__).parents[2] / "src" / "audiobench_pytest"
MOST_PUBLIC_NAMES = 25

CATALOG = load_catalog()


def undocumented(node: ast.AST, name: str) -> list[str]:
    """Return the public names in a module, class or function that have no docstring."""
    found = [] if ast.get_docstring(node) else [name]
    if isinstance(node, ast.Module | ast.ClassDef):
        for child in node.body:
            named = isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
            if named and not child.name.startswith("_"):
                found += undocumented(child, f"{name}.{child.name}")
    return found


@pytest.mark.parametrize("path", sorted(SRC.rglob("*.py")), ids=lambda path: str(path.relative_to(SRC)))
def test_every_public_name_has_a_docstring(path):
    assert undocumented(ast.parse(path.read_text("utf-8")), path.stem) == []


def test_the_check_of_docstrings_can_fail():
    source = '"""M."""\nclass A:\n    """A."""\n    def f(self): ...\n    def _g(self): ...\ndef h(): ...\n'
    assert undocumented(ast.parse(source), "m") == ["m.A.f", "m.h"]


def test_public_names_are_few_sorted_and_there():
    names = audiobench_pytest.__all__
    assert len(names) <= MOST_PUBLIC_NAMES
    assert names == sorted(set(names))
    for name in names:
        assert getattr(audiobench_pytest, name).__doc__, f"{name} has no docstring"


def third_party_of(statement: str) -> list[str]:
    """Return the third-party packages that a statement imports, in a process of its own."""
    code = f"""
import sys
before = set(sys.modules)
{statement}
new = {{name.partition(".")[0] for name in set(sys.modules) - before}}
print(" ".join(sorted(new - set(sys.stdlib_module_names) - {{"audiobench_pytest"}})))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.split()


@pytest.mark.parametrize(
    "statement",
    [
        "import audiobench_pytest",
        "from audiobench_pytest import Sample, Answer, UsageError",
        "import audiobench_pytest.catalog.schema, audiobench_pytest.catalog.loader",
        "import audiobench_pytest.models.base, audiobench_pytest.models.registry",
        "import audiobench_pytest.datasets, audiobench_pytest.prompts.profiles, audiobench_pytest.runner.job",
        "import audiobench_pytest.cli",
    ],
)
def test_importing_costs_the_standard_library_only(statement):
    assert third_party_of(statement) == []


def test_the_check_of_imports_can_fail():
    assert "pandas" in third_party_of("from audiobench_pytest import read_run")


MARKERS_OF_PYTEST = {"parametrize", "skip", "skipif", "xfail", "usefixtures", "filterwarnings", "tryfirst", "trylast"}
PLACEHOLDER = re.compile(r"\{\w+\}")
LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")


def is_marker(name: str) -> bool:
    snake_case = re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name) is not None
    return snake_case and not keyword.iskeyword(name) and name not in MARKERS_OF_PYTEST | {"audiobench", "slow"}


@pytest.mark.parametrize("name", ["LibriSpeech", "libri-speech", "3d", "not", "skip", "_x", "a__b", ""])
def test_these_could_not_be_families(name):
    assert not is_marker(name)


@pytest.mark.parametrize("spec", CATALOG.datasets, ids=lambda spec: spec.name)
def test_every_dataset_resolves(spec):
    assert slug(spec.name) == spec.name, "its name is part of node ids and files"
    assert is_marker(spec.family)
    assert all(recipe.name in CATALOG.recipes for recipe in CATALOG.recipes_for(spec))
    assert spec.recipe in CATALOG.recipes or any(one.task == spec.task for one in spec.recipes)
    assert re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", spec.task)
    assert LANGUAGE.fullmatch(spec.language)
    assert spec.licence, "say under which licence the data stands"
    assert spec.origin, "say who publishes it"
    private = spec.access == "private"
    assert spec.hub or spec.folder or spec.manifest or private, "nothing says where it is"
    assert not PLACEHOLDER.search(repr(spec)), "no row of its matrix fills it"
    if spec.manifest is not None and spec.manifest.bundled:
        assert corpus_path(spec.manifest.path).is_file()


def test_no_family_is_called_like_a_dataset_of_another():
    for family, names in CATALOG.families().items():
        assert family not in {spec.name for spec in CATALOG.datasets} - set(names)


@pytest.mark.parametrize("spec", CATALOG.models, ids=lambda spec: spec.name)
def test_every_model_resolves(spec):
    assert slug(spec.name) == spec.name, "its name is part of node ids and files"
    adapter = adapter_class(spec.adapter)
    checked_args(adapter, spec, {})
    assert set(spec.args) <= set(adapter.options_for(spec)), "arguments that its adapter does not take"
    assert spec.licence, "say under which licence the weights stand"
    assert all(LANGUAGE.fullmatch(language) for language in spec.languages)
    asked = {dataset.task for dataset in CATALOG.datasets} | {task.name for task in CATALOG.tasks if task.borrows}
    assert set(spec.tasks) <= asked | {"rating"}, "rating is asked about answers, by recipes"
    assert not PLACEHOLDER.search(repr(spec)), "no row of its matrix fills it"


@pytest.mark.parametrize("name", ADAPTERS)
def test_every_adapter_is_one(name):
    adapter = adapter_class(name)
    assert issubclass(adapter, ModelAdapter)
    assert adapter.__doc__
    assert adapter.sees <= {"reference", "choices", "sample_id"}
    assert not adapter.packages or adapter.extra, "a missing package has to name the extra that brings it"
    for option, value in adapter.options.items():
        assert option.isidentifier()
        assert isinstance(value.type, type)
        assert value.help, f"--model-args {option} is not described"
        assert not value.choices or value.default is None or value.default in value.choices


@pytest.mark.parametrize("spec", CATALOG.recipes, ids=lambda spec: spec.name)
def test_every_recipe_can_be_put_together_and_says_what_it_is(spec):
    assert re.fullmatch(r"[a-z0-9-]+/[a-z0-9._@+-]+", spec.name), "metric/source@version"
    assert spec.description
    recipe = Recipe(spec)
    for language in ("en", *spec.languages):
        names = [quantity.name for quantity in recipe.quantities([language])]
        assert names
        assert len(set(names)) == len(names)
        try:
            signature = recipe.signature([language])
        except MissingExtraError:
            continue
        except UsageError:  # the FLORES model is not on this machine
            signature = f"{spec.name}|lang:{language.lower()}|" if spec.name == "bleu/audiobench@2025-06" else ""
        assert signature.startswith(f"{spec.name}|lang:{language.lower()}|")


def test_every_recipe_of_the_scoring_rules_exists():
    """The names that published tables and other projects' scores go by."""
    known = CATALOG.recipes
    assert [name for name in RECIPES if name not in known] == []


RECIPES = """
wer/ultraeval@1.1 wer/kimi-evalkit@2025-08 wer/openasr@2026-08 wer/seed-tts@1 wer/seed-tts@ultraeval wer/long-tts@1
cer/wenetspeech-wu@1 wer/step-audio2@1 wer/audiobench@2025-06 wer/audiobench-pytest@1
bleu/covost2@ultraeval bleu/covost2@lmms-eval bleu/audiobench@2025-06 bleu/au-harness@2026-01 bleu/step-audio2@1
bleu/wenetspeech-wu@1 s2st/cvss@1 caption/coco-nojava@1
choice/mmau-official@v05.15.25 choice/mmau-letter@1 choice/voicebench@2025-06 choice/first-option@ultraeval
choice/mmsu@ultraeval match/prefix@ultraeval match/label@1 match/qa-exist match/em match/exist bbh/voicebench
refusal/advbench refusal/advbench@kimi-evalkit ifeval/voicebench airbench/foundation airbench/chat
judge/voicebench-open judge/voicebench-open@kimi-evalkit judge/sd-qa@voicebench judge/sd-qa@kimi-evalkit
judge/kimi-refqa judge/kimi-mqa judge/openaudiobench-alpaca judge/openaudiobench-reasoning judge/openaudiobench-llama
judge/openaudiobench-trivia judge/openaudiobench-web judge/mtbench-single judge/alpaca-pairwise judge/audiobench
""".split()  # noqa: SIM905 - names read better in lines
