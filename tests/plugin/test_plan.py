"""`--plan`: what would be asked, and what this machine lacks; nothing runs, nothing is written."""

import json

import pytest


def test_the_command_of_the_readme_is_planned_anywhere(project, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    result = project.run("-m", "librispeech", "--model=kimiaudio", "--plan")
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        [
            "4 cells, 11126 samples; nothing was run",
            "  librispeech-test-clean x kimiaudio: 2620 samples, wer/*, prompt asr/en, from the hub, *",
            "prompts",
            "  asr/en: *",
            "missing",
            "*model 'kimiaudio' needs 1 GPU; this machine shows none",
        ]
    )
    assert not (project.path / ".audiobench").exists()


def test_without_plan_the_same_is_told_before_anything_loads(project, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    result = project.run("-m", "librispeech", "--model=kimiaudio")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "model 'kimiaudio' needs 1 GPU; this machine shows none" in result.stderr.str()
    assert not (project.path / ".audiobench").exists()


def test_a_plan_of_what_is_all_there(project):
    result = project.run(f"--dataset={project.clips(7)}", "--model=oracle", "--limit=5", "--plan")
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        [
            "1 cells, 5 samples; nothing was run",
            "  small x oracle: 5 samples, wer/audiobench-pytest@2, from */small/manifest.jsonl",
            "nothing is missing that can be told without loading",
        ]
    )


def test_a_plan_as_json(project, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    args = ("--model=gpt-4o-audio", "--plan", "--audiobench-set=plan_json=plan.json")
    assert project.run(f"--dataset={project.clips(3)}", *args).ret == 0
    plan = json.loads((project.path / "plan.json").read_text())
    assert [(cell["dataset"], cell["samples"], cell["prompt"]) for cell in plan["cells"]] == [("small", 3, "asr/en")]
    assert plan["prompts"]["asr/en"]
    assert plan["missing"] == ["model 'gpt-4o-audio' wants a key: put it into the environment variable OPENAI_API_KEY"]


def test_a_set_that_is_not_there_is_missing(project):
    (project.path / "cat" / "datasets").mkdir(parents=True)
    (project.path / "cat" / "datasets" / "mine.yaml").write_text(
        "datasets:\n  - {name: far, task: asr, manifest: {path: gone.jsonl}}\n"
    )
    result = project.run("--audiobench-set=catalog=cat", "--dataset=far", "--model=oracle", "--plan")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["1 cells, 0 samples and those of 1 more cells; nothing was run"])
    result.stdout.fnmatch_lines(["  data set 'far': there is no manifest *gone.jsonl"])


def test_a_plan_needs_no_workers(project):
    result = project.run(f"--dataset={project.clips(3)}", "--model=oracle", "--plan", "-n2", inprocess=False)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "--plan runs nothing, so it needs no workers" in result.stderr.str()


def test_answers_of_another_machine_need_nothing_here(project, monkeypatch):
    """A cache that was filled where there is a server is judged where there is none."""
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    args = (f"--dataset={project.clips(2)}", "--model=openai:mine")
    assert "is behind a server" in project.run(*args).stderr.str()
    from audiobench_pytest.models.registry import create, spec_from
    from audiobench_pytest.records.answers.cache import PredictionCache

    spec = spec_from("openai:mine")
    (folder,) = PredictionCache([project.path / ".audiobench" / "cache"]).model_folders(
        spec.name, create(spec, {}).identity()
    )
    folder.mkdir(parents=True)
    assert "is behind a server" not in project.run(*args).stderr.str()
