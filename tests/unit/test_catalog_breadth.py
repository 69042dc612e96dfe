"""The whole catalogue: every entry is read, every name in it stands for something, and it is as broad as it says."""

import dataclasses
import re
import subprocess
import sys
from pathlib import Path

import pytest

from audiobench_pytest.catalog.loader import load_catalog
from audiobench_pytest.datasets import LoadSettings, load_dataset
from audiobench_pytest.errors import DatasetError
from audiobench_pytest.languages import known_language
from audiobench_pytest.metrics.recipes import Recipe
from audiobench_pytest.metrics.registry import METRICS
from audiobench_pytest.models.registry import adapter_class
from audiobench_pytest.prompts.asked import Asked
from audiobench_pytest.prompts.profiles import profile_for
from audiobench_pytest.prompts.render import Template

ROOT = Path(__file__).parents[2]
CATALOG = load_catalog()
DATASETS, TASKS, PROMPTS = list(CATALOG.datasets), list(CATALOG.tasks), list(CATALOG.prompts)


def folder(task: str) -> str:
    return task.replace("-", "_")


def test_it_is_broad():
    assert len(DATASETS) >= 200
    assert len(PROMPTS) >= 60
    assert len(TASKS) >= 15
    assert len({dataset.language for dataset in DATASETS}) >= 30


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("README.md", r"\*\*(\d+) sets\*\* in (\d+) tasks"),
        ("CHANGELOG.md", r"Data sets: (\d+) in (\d+) tasks"),
        ("docs/own-data.md", r"^(\d+) sets in (\d+) tasks"),
    ],
)
def test_pages_count_what_there_is(page, words):
    (counted,) = re.findall(words, (ROOT / page).read_text("utf-8"), re.MULTILINE)
    assert counted == (str(len(DATASETS)), str(len(TASKS)))


@pytest.mark.parametrize(
    ("page", "words", "kind"),
    [
        ("README.md", r"(\d+) models by name", "models"),
        ("CHANGELOG.md", r"^- (\d+) models by name", "models"),
        ("docs/own-model.md", r"`audiobench list models` has all (\d+)", "models"),
        ("README.md", r"(\d+)\s+recipes \(`audiobench list", "recipes"),
        ("docs/reproduce.md", r"`audiobench list recipes` names (\d+)", "recipes"),
    ],
)
def test_pages_count_models_and_recipes(page, words, kind):
    (counted,) = re.findall(words, (ROOT / page).read_text("utf-8"), re.MULTILINE)
    assert int(counted) == len(list(getattr(CATALOG, kind)))


VOICES = [
    "cosyvoice2",
    "cosyvoice2-vc",
    "cosyvoice2ms-vc",
    "cosyvoice2-latest",
    "cosyvoice3-latest",
    "fishaudio-s2-pro",
    "fishaudio-s2-pro-try0",
    "fishaudio-s2-pro-sglang",
    "fishaudio-s2-pro-sglang-try0",
    "glmtts",
    "glmtts-phoneme",
    "indextts",
    "indextts2",
    "mgm-omni-tts",
    "mgm-omni-tts-zh",
    "mgm-omni-tts-8bit",
    "mgm-omni-tts-4bit",
    "moss-tts",
    "moss-tts-v1.5",
    "moss-tts-local-transformer-v1.5",
    "moss-voice-generator",
    "qwen3-tts-1.7b-custom-voice",
    "qwen3-tts-0.6b-custom-voice",
    "qwen3-tts-1.7b-voice-design",
    "qwen3-tts-1.7b-base",
    "qwen3-tts-12hz-1.7b-base-xvec_only",
    "qwen3-tts-0.6b-base",
    "sparkvc",
    "voxcpm-vc",
    "voxcpm-vc-no-denoise",
    "voxcpm-tts",
    "voxcpm1_5",
    "voxcpm1_5-no-denoise-no-retry-no-normalization",
    "voxcpm2",
    "voxcpm2-denoise",
    "cosyvoice2-wu-sft",
    "cosyvoice2-wu-instruct",
]
"""Models of the published tables that say texts."""


@pytest.mark.parametrize("name", VOICES)
def test_a_published_voice_has_an_entry(name):
    entry = CATALOG.models.get(name)
    assert entry.name == name
    assert entry.tasks
    assert set(entry.tasks) <= {"tts", "voice-clone", "instruct-tts"}
    assert adapter_class(entry.adapter).gives | set(entry.gives) >= {"speech"}
    assert not entry.verified


CV3 = [f"cv3_cross_lingual_zeroshot_to_{one}" for one in ("en", "hard_en", "zh", "hard_zh", "ja", "ko")]


@pytest.mark.parametrize("name", CV3)
def test_a_set_of_cv3_is_found_by_its_own_name(name):
    found = CATALOG.datasets.get(name)
    assert (found.task, found.hub.split) == ("voice-clone", name.removeprefix("cv3_"))
    assert found.language == name.rpartition("_")[2]


def test_wu_that_is_spoken_is_written_down_by_who_knows_it():
    first, likeness = CATALOG.recipes_for(CATALOG.datasets.get("ws-wu-tts"))
    assert (first.like, likeness.name) == ("cer/wenetspeech-wu@1", "sim/wavlm-large-sv-prompt@1")
    (heard_by,) = re.findall(r"wuu=(\S+)", first.options["transcriber"])
    assert "wuu" in CATALOG.models.get(heard_by).languages


def test_every_metric_scores_a_set_of_the_catalogue():
    """Also what scores a set under a task that borrows it: a recording that is coded, a translation said aloud."""
    lent = [
        dataclasses.replace(dataset, task=task.name, recipe="")
        for task in TASKS
        for dataset in DATASETS
        if dataset.task in task.borrows
    ]
    reached = {recipe.score for dataset in (*DATASETS, *lent) for recipe in CATALOG.recipes_for(dataset)}
    assert reached == {name for name, target in METRICS.items() if target.startswith("audiobench_pytest.")}


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_a_task_has_a_recipe_a_prompt_a_module_and_data(task):
    Recipe(CATALOG.recipes.get(task.recipe))
    for language in ("en", "zh", "sw") if not task.borrows else ():  # a codec is told nothing
        Template(profile_for(Asked(task.name), language))
    module = ROOT / "benchmarks" / folder(task.name) / f"test_{folder(task.name)}.py"
    assert f'@pytest.mark.audiobench(task="{task.name}")' in module.read_text("utf-8")
    assert any(dataset.task in (task.name, *task.borrows) for dataset in DATASETS)


def test_every_module_asks_a_task_that_exists():
    for module in (ROOT / "benchmarks").glob("*/test_*.py"):
        (task,) = re.findall(r'audiobench\(task="([\w-]+)"\)', module.read_text("utf-8"))
        assert folder(task) == module.parent.name
        assert CATALOG.tasks.get(task).name == task


def test_every_name_in_a_data_set_stands_for_something():
    for dataset in DATASETS:
        task = CATALOG.tasks.get(dataset.task)
        assert task.name == dataset.task
        CATALOG.recipe_for(dataset)
        profile_for(Asked(dataset.task, dataset.prompt, dataset.name), dataset.language)
        if dataset.labels:
            assert task.closed, dataset.name
            CATALOG.labels.get(dataset.labels)
        assert dataset.hub or dataset.manifest or dataset.folder or dataset.access, dataset.name
        assert not task.needs_target or dataset.target_language, dataset.name
        assert re.fullmatch(r"[a-z][a-z0-9_]*", dataset.family), dataset.name
        assert dataset.access in ("", "gated", "private"), dataset.name
        assert dataset.origin, dataset.name
        for code in filter(None, (dataset.language, dataset.target_language)):
            known_language(code)


def test_what_is_not_pinned_is_not_called_verified():
    for dataset in DATASETS:
        if dataset.hub is not None and dataset.hub.revision is None:
            assert not dataset.hub.verified, dataset.name


def test_every_prompt_that_is_meant_for_a_data_set_or_language_can_be_found():
    named = {dataset.prompt for dataset in DATASETS}
    for prompt in PROMPTS:
        Template(prompt)
        assert prompt.chosen or prompt.name in named or prompt.languages or prompt.description, prompt.name
        for name in prompt.datasets:
            CATALOG.datasets.get(name)


def test_a_set_that_not_everybody_may_have_says_how_it_is_had(tmp_path):
    private = CATALOG.datasets.get("aishell-2-ios")
    with pytest.raises(DatasetError, match=r"private .AISHELL.*--dataset aishell-2-ios=PATH"):
        load_dataset(private, LoadSettings(tmp_path))


def test_it_is_read_in_less_than_the_time_it_may_take():
    code = (
        "import time; began = time.process_time()\n"
        "from audiobench_pytest.catalog.loader import load_catalog\n"
        "catalog = load_catalog()\n"
        "for kind in ('tasks', 'prompts', 'datasets', 'models', 'recipes', 'labels'): list(getattr(catalog, kind))\n"
        "print(time.process_time() - began)\n"
    )
    times = [
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)
        for _ in range(3)
    ]
    assert min(times) < 0.4
