"""`--suite`: the protocols behind published numbers, planned and compared."""

import json
import shutil
from pathlib import Path

import pytest

from audiobench_pytest.catalog.loader import Catalog, Entries, load_catalog
from audiobench_pytest.catalog.suites import load_suites, plan
from audiobench_pytest.errors import UsageError
from audiobench_pytest.plugin.asked.suites import find_suite

ROOT = Path(__file__).parents[2]
SETS = ("librispeech-dev-clean", "librispeech-test-clean", "aishell-1")


def folder(project, name, texts):
    """Make a LibriSpeech folder of silent clips."""
    import numpy as np
    import soundfile as sf

    path = project.path / "LibriSpeech" / name / "1" / "2"
    path.mkdir(parents=True)
    for n, _ in enumerate(texts):
        sf.write(path / f"1-2-{n:04d}.flac", np.full(1600, 0.01 * (n + 1), "float32"), 16_000)
    (path / "1-2.trans.txt").write_text("".join(f"1-2-{n:04d} {text}\n" for n, text in enumerate(texts)))


def test_a_suite_plans_data_recipe_and_value(project):
    for name in ("test-clean", "dev-clean", "test-other", "dev-other"):
        folder(project, name, [f"{name.replace('-', ' ')} one", "two words"])
    result = project.run(
        "--suite=kimi-replication",
        "--model=oracle",
        "--limit=2",
        "-m=librispeech",
        f"--audiobench-set=librispeech_dir={project.path / 'LibriSpeech'}",
    )
    assert result.ret == 0
    cells = {cell["dataset"]: cell["recipe"] for cell in project.board()["cells"]}
    assert cells == dict.fromkeys(
        [f"librispeech-{part}" for part in ("test-clean", "dev-clean", "test-other", "dev-other")], "wer/ultraeval@1.1"
    )
    notes = project.board()["notes"]
    assert "kimi-replication/librispeech-test-clean: published 1.28" in notes[0]
    assert "here 0.00 (oracle, wer_compat), -1.28" in notes[0]
    assert not any("not run" in note for note in notes), "all of it can be run, here or elsewhere"


def test_every_row_of_the_replication_is_a_protocol():
    planned = plan(load_suites().get("kimi-replication"), load_catalog())
    assert len(planned) == 18
    assert {p.expected for p in planned[:2]} == {1.28, 1.18}


def test_a_suite_without_its_model_says_what_to_do():
    nobody = Catalog(models=Entries("model", []))
    with pytest.raises(
        UsageError, match=r"the catalogue has no model 'kimiaudio'.*name a model of your own with --model"
    ):
        find_suite("kimi-replication", nobody, own_models=False)


def test_a_suite_plans_every_row_that_is_answered_in_text(project):
    result = project.run("--suite=kimi-replication", "--plan")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["11 cells, *", "aishell-1 x kimiaudio: asr, zh, 7176 samples; wer/ultraeval@1.1"])


def test_an_unknown_suite_lists_close_ones(project):
    result = project.run("--suite=kimi-replicaton", "--model=oracle")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--suite: unknown suite 'kimi-replicaton'*kimi-replication*"])


def test_a_suite_names_its_data_itself(project):
    result = project.run("--suite=kimi-replication", "--model=oracle", f"--dataset={project.clips(1)}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--suite names its data sets itself*"])


def protocols(project, *args):
    done = project.run(*args, "--audiobench-plan=json")
    assert done.ret == 0
    line = next(line for line in done.outlines if line.startswith('{"audiobench_plan": '))
    return {one["name"]: one for one in json.loads(line)["suite"]["protocols"]}


def test_a_plan_resolves_each_protocol(project):
    found = protocols(project, "--suite=step-audio-2")
    assert len(found) == 248
    one = found["step-audio-2-table1/kimiaudio/fleurs-zh"]
    assert (one["dataset"], one["source"]) == ("fleurs-zh", "google/fleurs cmn_hans_cn test")
    assert (one["expected"], one["recipe"], one["prompt"]) == (2.91, "wer/step-audio2@1", "asr/zh")
    assert (one["published_prompt"], one["decoding"], one["language_hint"]) == ("", {}, "none")
    assert one["not_run"] == []
    assert found["step-audio-2-table6/kimiaudio/uro-Chinese-basic-U"]["not_run"][0].startswith(
        "what is printed is a mean"
    )
    assert "knows en, zh" in found["step-audio-2-table1/kimiaudio/fleurs-ja_jp"]["not_run"][0]


def test_a_plan_shows_what_is_answered_in_speech_as_it_is_run(project):
    result = project.run("--suite=kimi-replication", "--plan")
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        [
            "suite kimi-replication: 18 of 18 published numbers would be run",
            "kimi-replication/speech-web-questions: expected 33.69 *",
            "  recipe: asr-match/qa-exist, of answers in speech; model: kimiaudio-speech",
            "  prompt: spoken-qa/*",
        ]
    )
    result.stdout.no_fnmatch_line("*not run, since*")


def test_a_plan_of_what_nobody_here_can_run_lists_it(project):
    result = project.run("--suite=wenetspeech-wu", "--plan")
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        [
            "0 cells, 0 samples",
            "suite wenetspeech-wu: 0 of 60 published numbers would be run",
            "wenetspeech-wu-asr/step-audio2-wu-asr/ws-wu-asr: expected 12.85 +- 0.005 *",
            "  prompt: asr/wenetspeech-wu",
            "  decoding: max_new_tokens=512; whether the language was told is not stated",
            "  not run: ws-wu-asr: it is private*give a manifest of your copy with --dataset ws-wu-asr=PATH",
        ]
    )
    assert project.run("--suite=wenetspeech-wu").ret == pytest.ExitCode.USAGE_ERROR


def test_a_copy_of_ones_own_takes_the_place_of_a_private_set(project):
    copy = f"--dataset=ws-wu-asr={project.clips(2)}"
    found = protocols(project, "--suite=wenetspeech-wu", copy, "--model=oracle")
    assert [one["dataset"] for one in found.values() if not one["not_run"]] == ["ws-wu-asr"] * 18
    result = project.run("--suite=wenetspeech-wu", copy, "--model=oracle")
    assert result.ret == 0
    (cell,) = project.board()["cells"]
    assert (cell["dataset"], cell["recipe"]) == ("ws-wu-asr", "cer/wenetspeech-wu@1")
    first, second, *left = project.board()["notes"]
    assert first.startswith(
        "wenetspeech-wu-asr, WS-Wu-Bench/ASR: published for 15 models, from 12.85 (Step-Audio2-Wu-ASR) to 89.99 "
        "(Gemini-2.5-pro), here 0.00 (oracle, "
    )
    assert "published for 3 models, from 13.23" in second
    assert all(": not run: " in note for note in left)


def test_a_copy_of_a_public_set_is_asked_as_the_catalogue_says(project):
    copy = f"--dataset=covost2-zh-en={project.clips(2)}"
    args = ("--suite=kimi-replication", copy, "--model=oracle", "--limit=2")
    (one,) = [one for one in protocols(project, *args).values() if one["dataset"] == "covost2-zh-en"]
    assert (one["prompt"], one["not_run"]) == ("translation/zh", [])
    copy = f"--dataset=fleurs-zh={project.clips(2)}"
    result = project.run("--suite=kimi-replication", copy, "--model=oracle", "--limit=2", "-m=fleurs", "--plan")
    result.stdout.fnmatch_lines(["fleurs-zh x oracle: asr, zh, 2 samples*; wer/ultraeval@1.1"])


def test_a_copy_of_another_task_is_refused(project):
    copy = f"--dataset=covost2-zh-en=asr:{project.clips(2)}"
    result = project.run("--suite=kimi-replication", copy, "--model=oracle")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*numbers of the suite are of the task translation*leave out 'asr:', or the suite*"])


def test_numbers_of_codecs_are_asked_of_codecs(project):
    """Their sets are those of recognition, which the task lends."""
    shutil.copytree(ROOT / "benchmarks" / "codec", project.path / "benchmarks" / "codec")
    run = project.pytester.runpytest_inprocess
    done = run("benchmarks", "--suite=ultraeval-codec", "--model=encodec-24k,opus-16k", "--plan=json")
    assert done.ret == 0
    line = next(line for line in done.outlines if line.startswith('{"audiobench_plan": '))
    cells = [one for one in json.loads(line)["audiobench_plan"] if not one["not_asked"]]
    assert {(one["task"], one["answer"]) for one in cells} == {("codec", "speech")}
    assert {(one["dataset"], one["recipe"]) for one in cells if one["model"] == "opus-16k"} == {
        *((name, "utmos/audiobench-pytest@1") for name in ("librispeech-dev-clean", "librispeech-test-clean")),
        *((name, "dnsmos/audiobench-pytest@1") for name in SETS),
        *((name, "asr-wer/ultraeval@1.1") for name in SETS),
        *((name, "sim/wavlm-large-sv@1") for name in SETS),
    }
