"""`--plan`: nothing is run, and what would be run and what is missing is told; `audiobench prompts show`."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from audiobench_pytest.metrics.recipes import Recipe
from audiobench_pytest.models.registry import create, spec_from
from audiobench_pytest.records.answers.cache import PredictionCache

ROOT = Path(__file__).parents[2]
CORE_ONLY = """
import importlib.abc, sys

class Bare(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("httpx", "huggingface_hub", "pyarrow", "torch", "transformers", "datasets"):
            raise ModuleNotFoundError(f"No module named '{name}'", name=name)

sys.meta_path.insert(0, Bare())
import importlib.util
_find = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: (
    None if name in ("httpx", "huggingface_hub", "pyarrow", "torch", "transformers") else _find(name, package)
)
"""
"""Put before pytest, stands for an environment with nothing but the core."""


def audiobench(project, *args):
    return subprocess.run(
        [sys.executable, "-m", "audiobench_pytest.cli", *map(str, args)],
        cwd=project.path,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )


def test_a_plan_of_a_model_and_data_that_are_not_here(project):
    """In an environment with nothing but the core: status 0, four cells, and what brings what is missing."""
    (project.path / "bare.py").write_text(CORE_ONLY)
    code = "import bare, sys, pytest; sys.exit(pytest.main(sys.argv[1:]))"
    args = ["benchmarks/asr", "-m", "librispeech", "--model", "kimiaudio-served", "--plan"]
    done = subprocess.run(
        [sys.executable, "-c", code, *args], cwd=project.path, capture_output=True, text=True, env=clean(project)
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 cells, 11126 samples" in done.stdout
    assert done.stdout.count(" x kimiaudio-served: asr, en, ") == 4
    assert "the package 'httpx' (all cells): pip install 'audiobench-pytest[api]'" in done.stdout
    assert "the package 'huggingface_hub' (all cells): pip install 'audiobench-pytest[hub]'" in done.stdout
    server = "the address of a server that has moonshotai/Kimi-Audio-7B-Instruct (all cells): --model-args url="
    assert server in done.stdout
    assert not (project.path / ".audiobench").exists()
    args.remove("--plan")
    done = subprocess.run(
        [sys.executable, "-c", code, *args], cwd=project.path, capture_output=True, text=True, env=clean(project)
    )
    assert done.returncode == 4
    assert "pip install 'audiobench-pytest[api]'" in done.stderr


def clean(project):
    import os

    kept = {name: value for name, value in os.environ.items() if not name.startswith(("OPENAI_", "HF_"))}
    return kept | {"PYTHONPATH": os.pathsep.join([str(project.path), *filter(None, [os.environ.get("PYTHONPATH")])])}


def test_a_plan_of_data_that_is_here_shows_one_prompt_as_it_would_be_sent(project):
    folder = project.path / "benchmarks" / "emotion"
    folder.mkdir()
    shutil.copy(ROOT / "benchmarks" / "emotion" / "test_emotion.py", folder)
    manifest = project.clips(3)
    rows = [{**json.loads(line), "label": "sad"} for line in manifest.read_text().splitlines()]
    rows[0]["label"] = "calm"
    manifest.write_text("".join(json.dumps(row) + "\n" for row in rows))
    result = project.pytester.runpytest_subprocess(
        "benchmarks/emotion", f"--dataset=emotion:{manifest}", "--model=openai:ear", "--plan", "--limit=2"
    )
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        [
            "1 cell, 2 samples, 0.00 h of sound",
            "small x ear: emotion, en, 2 samples, 0.00 h; match/label@2",
            "  prompt emotion/en",
            "*reply with that word alone: calm, sad.",
            "  columns: others: speaker, text_column",
            "missing:",
            "  the address of a server that has ear (*",
        ]
    )
    assert not (project.path / ".audiobench").exists()


def test_a_plan_is_had_as_json(project):
    manifest = project.clips(3)
    done = audiobench(project, "plan", "--json", "benchmarks/asr", f"--dataset={manifest}", "--model=oracle")
    assert done.returncode == 0, done.stdout + done.stderr
    (cell,) = json.loads(done.stdout)
    assert (cell["dataset"], cell["model"], cell["samples"], cell["missing"]) == ("small", "oracle", 3, [])
    assert cell["recipe"] == "wer/audiobench-pytest@2"
    assert cell["hours"] == pytest.approx(0.0, abs=0.001)


def test_a_plan_of_what_cannot_be_asked_is_wrong_usage_as_the_run_is(project):
    result = project.run(f"--dataset={project.clips(1)}", "--model=openai:ear", "--prompt=asr/em", "--plan")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "unknown prompt 'asr/em'" in "\n".join([*result.outlines, *result.errlines])


def test_a_prompt_is_shown_as_it_would_be_sent(project):
    manifest = project.clips(1)
    done = audiobench(project, "prompts", "show", "asr/sound-first", "--dataset", manifest, "--model", "openai:ear")
    assert done.stdout.splitlines() == [
        "prompt asr/sound-first; sample clip-0000 of small",
        "user: <audio> Write down what is said in this recording, word for word and in the language that is spoken. "
        "Reply with these words alone.",
    ]
    picked = audiobench(project, "prompts", "show", "--dataset", manifest, "--model", "MiniCPMo2_6-audio")
    assert picked.stdout.splitlines()[1].startswith("user: Please listen to the audio snippet carefully"), "its own"
    template = audiobench(project, "prompts", "show", "--dataset", "mmau-test-mini")
    assert "this is its template" in template.stdout
    assert "{% for choice in choices %}" in template.stdout
    wrong = audiobench(project, "prompts", "show", "audio-qa/en", "--dataset", manifest)
    assert wrong.returncode == 4
    assert "asks the task 'audio-qa', not 'asr'" in wrong.stderr
    deaf = audiobench(project, "prompts", "show", "--dataset", manifest, "--model", "pocketsphinx")
    assert "is told nothing" in deaf.stderr


def test_the_command_of_the_readme_is_planned_anywhere(project, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    result = project.run("-m", "librispeech", "--model=kimiaudio", "--plan")
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        [
            "4 cells, 11126 samples",
            "librispeech-test-clean x kimiaudio: asr, en, 2620 samples; wer/ultraeval@1.1",
            "missing:",
            "  1 GPU (all cells): a machine that has one; this one shows none",
        ]
    )
    assert not (project.path / ".audiobench").exists()


def test_without_plan_the_same_is_told_before_anything_loads(project, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    result = project.run("-m", "librispeech", "--model=kimiaudio")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    said = result.stderr.str()
    assert "model 'kimiaudio' needs " in said
    assert "1 GPU (a machine that has one; this one shows none)" in said
    assert not (project.path / ".audiobench").exists()


def test_a_key_is_asked_for_by_the_name_of_its_variable(project, monkeypatch):
    pytest.importorskip("httpx", reason="needs the extra 'api'")
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    result = project.run(f"--dataset={project.clips(3)}", "--model=gpt-4o-audio")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "a key for gpt-4o-audio (the environment variable OPENAI_API_KEY)" in result.stderr.str()


@pytest.mark.xdist
def test_a_plan_needs_no_workers(project):
    result = project.run(f"--dataset={project.clips(3)}", "--model=oracle", "--plan", "-n2", inprocess=False)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "--plan runs nothing: leave out -n" in result.stderr.str()


def test_answers_of_another_machine_need_nothing_here(project, monkeypatch):
    """A cache that was filled where there is a server is judged where there is none."""
    pytest.importorskip("httpx", reason="needs the extra 'api'")
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    args = (f"--dataset={project.clips(2)}", "--model=openai:mine")
    lacking = "the address of a server that has mine"
    assert lacking in project.run(*args).stderr.str()
    spec = spec_from("openai:mine")
    cache = PredictionCache([project.path / ".audiobench" / "cache"])
    (folder,) = cache.model_folders(spec.name, create(spec, {}).identity())
    folder.mkdir(parents=True)
    assert lacking not in project.run(*args).stderr.str()


def test_a_recipe_is_put_together_once_however_many_cells_are_collected(project, monkeypatch):
    made: list[str] = []
    whole = Recipe.__init__

    def counted(self, spec):
        made.append(spec.name)
        whole(self, spec)

    monkeypatch.setattr(Recipe, "__init__", counted)
    done = project.pytester.runpytest_inprocess(
        "benchmarks/asr", "--collect-only", "-q", "--model", "noisy,null,oracle"
    )
    assert done.ret == 0
    assert len(made) > 3
    assert sorted(made) == sorted(set(made))


def test_a_plan_names_the_models_that_are_not_asked_in_a_line_each(project):
    for name in ("emotion", "tts"):
        shutil.copytree(ROOT / "benchmarks" / name, project.path / "benchmarks" / name)
    (project.path / "own" / "datasets").mkdir(parents=True)
    entries = [
        f"  - {{name: set-{code}, task: asr, family: sets, language: {code}, hub: {{repo: acme/{code}, split: test}}}}"
        for code in ("en", "zh", "fr", "de", "it")
    ]
    (project.path / "own" / "datasets" / "own.yaml").write_text("\n".join(["datasets:", *entries]))
    args = (
        "benchmarks",
        "--model=pocketsphinx",
        "--model=null",
        "--audiobench-set=catalog=own",
        "-m",
        "sets or minispeech",
    )
    result = project.pytester.runpytest_inprocess(*args, "--plan")
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        [
            "not asked:",
            "  pocketsphinx knows en, and is not asked: set-zh (zh), set-fr (fr), set-de (de) and 1 more",
        ]
    )
    line = next(
        line
        for line in project.pytester.runpytest_inprocess(*args, "--plan=json").outlines
        if line.startswith('{"audiobench_plan"')
    )
    left = [one for one in json.loads(line)["audiobench_plan"] if one["not_asked"]]
    assert {(one["model"], one["dataset"], one["not_able"]) for one in left} == {
        ("pocketsphinx", f"set-{code}", "knows en") for code in ("zh", "fr", "de", "it")
    }


def test_a_plan_says_what_a_model_needs_that_no_package_brings_and_a_run_is_refused_for_it(project):
    shutil.copytree(ROOT / "benchmarks" / "tts", project.path / "benchmarks" / "tts")
    (project.path / "texts.jsonl").write_text('{"id": "t", "text": "good day", "language": "en"}\n')
    args = ("benchmarks/tts", "--dataset=tts:texts.jsonl", "--model=cosyvoice2")
    result = project.pytester.runpytest_inprocess(*args, "--plan")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["missing:", "  a working copy of CosyVoice*: --model-args code=PATH"])
    result = project.pytester.runpytest_inprocess(*args)
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*model 'cosyvoice2' needs *a working copy of CosyVoice*--model-args code=PATH*"])
