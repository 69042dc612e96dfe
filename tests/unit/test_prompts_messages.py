"""Conversations: sounds stand where the author of a prompt put them, and reach a model in that order."""

import json
from pathlib import Path

import numpy as np
import pytest

from audiobench_pytest.catalog.schema import MessageSpec, PromptSpec
from audiobench_pytest.errors import CatalogError, SampleError, UsageError
from audiobench_pytest.models.openai.messages import conversation_question
from audiobench_pytest.models.openai.wire import Container
from audiobench_pytest.prompts.asked import Asked
from audiobench_pytest.prompts.profiles import given_prompt, profile_for, prompt_for
from audiobench_pytest.prompts.render import Template
from audiobench_pytest.types import Audio, Call, Message, Prompt, Request, Sample, Sound


def row(**fields):
    given = {"audio": Path("a.wav"), "reference": "cat", "language": "en", **fields}
    return Sample("a", **given)


def rendered(text="", sample=None, **spec):
    return Template(PromptSpec("mine", "asr", text, **spec)).render(sample or row())


def test_a_sound_stands_where_it_is_named():
    before, after = rendered("{{ audio }}What is it?"), rendered("What is it? {{ audio }}")
    assert before.messages == (Message("user", (Sound(), "What is it?")),)
    assert after.messages == (Message("user", ("What is it?", Sound())),)
    assert before.text == after.text == "What is it?"
    assert before.is_simple
    assert rendered("What is it?") == Prompt("What is it?", profile="mine")


def test_a_prompt_has_several_turns_and_sounds():
    turns = (
        MessageSpec("system", "Be brief."),
        MessageSpec("user", "First {{ audio }} then {{ second }}: {{ choices | join(', ') }}?"),
    )
    found = rendered(messages=turns, sample=row(sounds={"second": Path("b.wav")}, choices=("cat", "dog")))
    assert found.messages == (
        Message("system", ("Be brief.",)),
        Message("user", ("First", Sound(), "then", Sound("second"), ": cat, dog?")),
    )
    assert found.sounds == ("audio", "second")
    assert not found.is_simple


def test_a_sound_that_the_row_lacks_is_an_error_that_names_both():
    with pytest.raises(SampleError, match=r"'mine'.*'second' is undefined; the row has audio, language"):
        rendered("{{ second }}")


def test_no_text_of_a_row_is_taken_for_a_place_of_sound():
    found = rendered("{{ question }}", row(meta={"question": "{{ audio }} \x00audio\x00"}))
    assert found.messages == ()


def test_a_row_without_sound_is_asked_in_text_alone():
    assert rendered("{{ text }}", row(audio=None, text="Hello")).messages == (Message("user", ("Hello",)),)


def test_a_rows_own_conversation_stands_where_the_prompt_puts_it():
    turns = (Message("user", (Sound("turn1"),)), Message("assistant", ("Yes.",)), Message("user", (Sound(),)))
    around = (MessageSpec("system", "Use the tools."), MessageSpec("turns"))
    tools = ({"name": "weather"},)
    found = rendered(messages=around, sample=row(turns=turns, sounds={"turn1": Path("b.wav")}, tools=tools))
    assert found.messages == (Message("system", ("Use the tools.",)), *turns)
    assert found.tools == tools
    with pytest.raises(SampleError, match="the row has none"):
        rendered(messages=around)
    with pytest.raises(SampleError, match="the sound 'turn1', which the row does not bring"):
        rendered(messages=around, sample=row(turns=turns))


def test_a_rows_own_instruction_goes_before_the_tasks_and_is_no_template():
    own = row(prompt="What is in {{ this }}?")
    found = prompt_for(own, Asked("asr"), takes_instruction=True)
    assert (found.text, found.profile) == ("What is in {{ this }}?", "row")
    given = PromptSpec("given", "asr", "Say it.")
    assert prompt_for(own, Asked("asr", given=given), takes_instruction=True).text == "Say it."


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"messages": (MessageSpec("robot", "x"),)}, "the role 'robot' is none of system, user"),
        ({"text": "x", "messages": (MessageSpec("user", "y"),)}, "has both text and messages"),
        ({"messages": (MessageSpec("system", "x {{"),)}, "'mine': line 1"),
    ],
)
def test_a_wrong_prompt_is_told(spec, words):
    with pytest.raises(CatalogError, match=words):
        Template(PromptSpec("mine", "asr", **spec))


def test_the_prompt_a_user_gives_is_a_name_a_file_or_words(tmp_path):
    (tmp_path / "mine.txt").write_text("{{ audio }} Sag es.\n", "utf-8")
    assert given_prompt("ASR/zh", "asr", tmp_path).name == "asr/zh"
    assert given_prompt("@mine.txt", "asr", tmp_path) == PromptSpec("@mine.txt", "asr", "{{ audio }} Sag es.")
    assert given_prompt("Write it down.", "asr", tmp_path).text == "Write it down."
    assert given_prompt("{{audio}}", "asr", tmp_path).name.startswith("given-")
    assert given_prompt("听写", "asr", tmp_path).text == "听写"
    with pytest.raises(UsageError, match=r"--prompt: .*'asr/em' \(did you mean .*asr/en.*@FILE"):
        given_prompt("asr/em", "asr", tmp_path)
    with pytest.raises(UsageError, match=r"--prompt @gone\.txt: No such file"):
        given_prompt("@gone.txt", "asr", tmp_path)
    with pytest.raises(CatalogError, match=r"'given-[0-9a-f]{8}': line 1"):
        given_prompt("{{ audio", "asr", tmp_path)


def test_a_server_is_sent_text_and_sound_in_the_order_of_the_prompt():
    tone = Audio(np.zeros(1600, np.float32), 16_000)
    talk = (
        Message("system", ("Be brief.",)),
        Message("user", (Sound("second"), "and", Sound())),
        Message("assistant", (), (Call("look", {"at": "it"}),)),
        Message("user", ("So?",)),
    )
    prompt = Prompt(messages=talk, tools=({"name": "look", "parameters": {}},))
    asked = conversation_question(
        Request("", tone, prompt, sounds={"second": tone}), Container("wav"), {"model": "m", "seed": None}
    )
    body = json.loads(asked.body)
    assert [part["type"] for part in body["messages"][1]["content"]] == ["input_audio", "text", "input_audio"]
    assert body["messages"][0] == {"role": "system", "content": "Be brief."}
    assert body["messages"][2]["tool_calls"][0]["function"] == {"name": "look", "arguments": '{"at": "it"}'}
    assert body["messages"][3]["content"] == "So?"
    assert body["tools"] == [{"type": "function", "function": {"name": "look", "parameters": {}}}]
    assert "seed" not in body
    assert asked.seconds == pytest.approx(0.2)


def test_a_question_that_a_prompt_never_mentions_is_not_asked():
    """A model that is never told the question would be scored as if it were."""
    given = PromptSpec("given", "audio-qa", "{{ audio }}Reply with a letter.")
    with pytest.raises(UsageError, match=r"'given' never mentions \{\{ question \}\}.* 'audio-qa' asks"):
        profile_for(Asked("audio-qa", given=given), "en")
    assert profile_for(Asked("audio-qa", "audio-qa/open-en"), "en").name == "audio-qa/open-en"
