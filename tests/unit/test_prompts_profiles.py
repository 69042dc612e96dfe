"""What a model is asked beside the sound, and that no prompt gives away what is expected."""

import dataclasses
from pathlib import Path

import pytest

from audiobench_pytest.catalog.entries import use_folders
from audiobench_pytest.catalog.loader import load_catalog
from audiobench_pytest.catalog.schema import PromptSpec
from audiobench_pytest.errors import CatalogError, SampleError, UnknownNameError, UsageError
from audiobench_pytest.prompts.asked import Asked
from audiobench_pytest.prompts.profiles import profile_for, prompt_for
from audiobench_pytest.prompts.render import Template
from audiobench_pytest.types import Prompt, Sample

PROMPTS = load_catalog().prompts


def sample(language: str = "en", reference: str = "x", **meta: object) -> Sample:
    own = {name: meta.pop(name) for name in ("aliases", "choices") if name in meta}
    return Sample("a", Path("a.wav"), reference, language, meta=meta, **own)


def told(row: Sample, task: str = "asr", named: str = "") -> Prompt:
    return prompt_for(row, Asked(task, named), takes_instruction=True)


def template(text: str) -> Template:
    return Template(PromptSpec("mine", "emotion", text))


@pytest.mark.parametrize("language", ["en", "zh", "yue"])
def test_a_plain_recogniser_is_told_the_language_and_nothing_else(language):
    found = prompt_for(sample(language), Asked("asr"), takes_language_hint=True)
    assert found == Prompt(text=None, language=language)


@pytest.mark.parametrize(
    ("language", "name"),
    [("en", "asr/en"), ("zh", "asr/zh"), ("zh-TW", "asr/zh"), ("yue", "asr/zh"), ("cmn", "asr/zh"), ("sw", "asr/en")],
)
def test_the_instruction_is_in_chinese_for_chinese_and_in_english_otherwise(language, name):
    assert told(sample(language)) == Prompt(PROMPTS.get(name).text, None, name)


def test_a_prompt_sees_the_fields_of_the_row():
    found = told(sample(reference="sad", choices=["happy", "sad"]), "emotion")
    assert found.profile == "emotion/en"
    assert found.text is not None
    assert "happy, sad" in found.text


@pytest.mark.parametrize("field", ["reference", "aliases", "answer", "label", "emotion"])
def test_a_prompt_never_sees_what_is_expected(field):
    row = sample(reference="sad", answer="sad", label="sad", emotion="sad", aliases=["unhappy"])
    with pytest.raises(SampleError, match=field):
        template("It is {{ " + field + " }}.").render(row)


def test_a_field_that_the_row_lacks_is_an_error_that_names_both():
    with pytest.raises(SampleError, match=r"'mine'.*'question' is undefined; the row has .*speaker"):
        template("{{ question }}").render(sample(speaker="a"))


def test_a_prompt_can_read_fields_and_do_nothing_else():
    with pytest.raises(SampleError, match="unsafe"):
        template("{{ speaker.__class__.__mro__ }}").render(sample(speaker="a"))


def test_a_text_that_is_no_template_is_told_with_its_line():
    with pytest.raises(CatalogError, match=r"'mine': line 2: unexpected"):
        template("one\n{{ two").render(sample())


def test_a_task_without_a_prompt_is_refused():
    with pytest.raises(UsageError, match="no prompt asks the task 'captions' about recordings in 'en'"):
        told(sample(), "captions")


def test_a_named_prompt_is_taken_and_must_ask_the_task():
    assert told(sample("en"), named="asr/zh").profile == "asr/zh"
    with pytest.raises(UsageError, match="'emotion/en' asks the task 'emotion', not 'asr'"):
        told(sample(), named="emotion/en")
    with pytest.raises(UnknownNameError, match="asr/en"):
        told(sample(), named="asr/em")


def test_prompts_of_a_users_own_folder_are_found(tmp_path):
    (tmp_path / "prompts").mkdir()
    (tmp_path / "prompts" / "mine.yaml").write_text(
        "prompts:\n  - {name: mine/de, task: asr, languages: [de], text: Schreib auf.}\n", "utf-8"
    )
    use_folders([tmp_path])
    try:
        assert told(sample("de-CH")).text == "Schreib auf."
    finally:
        use_folders([])
    assert told(sample("de-CH")).profile == "asr/en"


@pytest.mark.parametrize("spec", PROMPTS, ids=lambda spec: spec.name)
def test_every_prompt_asks_a_task_and_is_a_template(spec):
    assert spec.task in load_catalog().tasks
    assert spec.text == spec.text.strip()
    Template(spec)


@pytest.mark.parametrize("task", load_catalog().tasks, ids=lambda task: task.name)
def test_every_task_can_be_asked_and_scored(task):
    if not task.borrows:  # a codec is told nothing
        assert profile_for(Asked(task.name), "en").task == task.name
    assert task.recipe in load_catalog().recipes
    assert task.title
    assert task.reference


@pytest.mark.parametrize(
    ("sounds", "meta", "told_of_it"),
    [
        ({"prompt": Path("voice.wav")}, {"prompt_text": " What the voice says. "}, "What the voice says."),
        ({"prompt": Path("voice.wav")}, {}, ""),
        ({"prompt": Path("voice.wav")}, {"prompt_text": 7}, ""),
        ({}, {"prompt_text": "What no voice says."}, ""),
    ],
)
def test_who_reads_aloud_is_told_what_is_said_in_the_voice_to_take(sounds, meta, told_of_it):
    row = Sample("a", None, "", "en", meta=meta, sounds=sounds, text="Say this.")
    found = prompt_for(row, Asked("voice-clone"), reads_aloud=True)
    assert found == Prompt("Say this.", answer="speech", voice_text=told_of_it)


def test_who_reads_aloud_is_told_how_where_that_is_asked():
    row = Sample("a", None, "", "en", meta={"instruction": " Whisper. "}, text="Say this.")
    found = prompt_for(row, Asked("instruct-tts"), reads_aloud=True)
    assert found == Prompt("Say this.", answer="speech", style="Whisper.")
    assert prompt_for(row, Asked("tts"), reads_aloud=True).style == ""
    for nothing in ({}, {"instruction": " "}, {"instruction": 7}):
        with pytest.raises(SampleError, match=r"'a' has no 'instruction', which says how"):
            prompt_for(dataclasses.replace(row, meta=nothing), Asked("instruct-tts"), reads_aloud=True)
