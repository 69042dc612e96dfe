"""Rows become samples: columns under our names, what a task needs, conversations, and what is wrong with them."""

import json
from pathlib import Path

import pytest

from audiobench_pytest.catalog.schema import DatasetSpec, ManifestSource
from audiobench_pytest.datasets import LoadSettings, load_dataset
from audiobench_pytest.datasets.fields import fields_of, renamed, texts
from audiobench_pytest.datasets.manifests.dialects import NATIVE
from audiobench_pytest.errors import DatasetError
from audiobench_pytest.types import Call, Message, Sound


def load(folder: Path, *rows, columns=(), **spec):
    for name in ("a", "b", "c"):
        (folder / f"{name}.wav").write_bytes(b"x")
    path = folder / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    found = DatasetSpec("mine", manifest=ManifestSource(str(path), columns=columns), **{"task": "asr", **spec})
    return load_dataset(found, LoadSettings(folder / "cache")).samples


def test_columns_are_gathered_and_renamed():
    row = {"WavPath": "a.wav", "a": "cat", "b": "dog", "c": "", "d": None, "text": "said", "kind": "x"}
    columns = (("audio", ("WavPath",)), ("choices", ("a", "b", "c", "d")), ("text", ("b",)), ("gone", ("nowhere",)))
    found = renamed(row, columns)
    assert found["audio"] == "a.wav"
    assert found["choices"] == ["cat", "dog"]
    assert (found["text"], found["text_column"], found["kind"]) == ("dog", "said", "x")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (["a", "b"], ("a", "b")),
        ('["a", 1, null]', ("a", "1")),
        ("[not json", ()),
        ("a", ()),
        (None, ()),
        (("a",), ("a",)),
    ],
)
def test_a_list_of_texts_may_be_spelt_as_json(value, expected):
    assert texts(value) == expected


def test_a_row_brings_choices_further_references_sounds_and_its_own_instruction(tmp_path):
    row = {
        "audio": ["a.wav", "b.wav"],
        "sounds.voice": "c.wav",
        "text": ["cat", "kitten"],
        "choices": ["cat", "dog"],
        "prompt": "Which animal?",
        "input": "An animal.",
        "speaker": "s",
    }
    (sample,) = load(tmp_path, row)
    assert sample.problem is None
    assert (sample.reference, sample.aliases, sample.choices) == ("cat", ("kitten",), ("cat", "dog"))
    assert {name: path.name for name, path in sample.files.items()} == {
        "audio": "a.wav",
        "audio2": "b.wav",
        "voice": "c.wav",
    }
    assert (sample.prompt, sample.text) == ("Which animal?", "An animal.")
    assert sample.meta == {"speaker": "s"}
    assert sample.kept_meta == {"speaker": "s", "choices": ("cat", "dog"), "aliases": ("kitten",)}


def test_a_missing_further_sound_is_a_problem_that_names_it(tmp_path):
    (sample,) = load(tmp_path, {"audio": "a.wav", "text": "x", "sounds": {"voice": "gone.wav"}})
    assert "gone.wav: missing audio file" in (sample.problem or "")


TALK = [
    {"role": "system", "content": "Use the tools."},
    {"role": "user", "content": "<audio>"},
    {"role": "assistant", "tool_calls": [{"function": {"name": "look", "arguments": '{"at": "it"}'}}]},
    {"role": "user", "content": [{"type": "text", "text": "And"}, {"type": "audio", "name": "voice"}, "<audio>?"]},
]


def test_a_conversation_has_its_sounds_in_order():
    assert fields_of({"messages": TALK}).turns == (
        Message("system", ("Use the tools.",)),
        Message("user", (Sound(),)),
        Message("assistant", (), (Call("look", {"at": "it"}),)),
        Message("user", ("And", Sound("voice"), Sound("audio3"), "?")),
    )


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"messages": [{"role": "robot", "content": "x"}]}, "turn 1 has no role"),
        ({"messages": [{"role": "user", "content": [{"type": "image"}]}]}, "neither text nor sound"),
        ({"messages": [{"role": "assistant", "tool_calls": [{"name": "f", "arguments": "{"}]}]}, "Expecting"),
        ({"messages": [{"role": "assistant", "tool_calls": ["f"]}]}, "no call of a tool"),
        ({"tools": [{"parameters": {}}]}, "no schema of a tool"),
        ({"choices": "cat"}, "'choices' is 'cat', not a list of texts"),
    ],
)
def test_what_is_no_conversation_tool_or_list_is_told(row, words):
    (problem,) = fields_of(row).problems
    assert words in problem


def test_what_a_row_needs_follows_from_its_task(tmp_path):
    folder = tmp_path / "catalog" / "tasks"
    folder.mkdir(parents=True)
    (folder / "mine.yaml").write_text(
        "tasks:\n"
        "  - {name: mine-text, title: t, recipe: match/label@2, sounds: []}\n"
        "  - {name: mine-open, title: t, recipe: match/label@2, needs_reference: false}\n"
        "  - {name: mine-pair, title: t, recipe: match/label@2, sounds: [audio, second]}\n"
        "  - {name: mine-into, title: t, recipe: match/label@2, needs_target: true}\n"
    )
    from audiobench_pytest.catalog.entries import use_folders

    use_folders([tmp_path / "catalog"])
    try:
        (text,) = load(tmp_path, {"input": "hello", "text": "x"}, task="mine-text")
        assert (text.problem, text.audio, text.text) == (None, None, "hello")
        (open_,) = load(tmp_path, {"audio": "a.wav"}, task="mine-open")
        assert (open_.problem, open_.reference) == (None, "")
        (pair,) = load(tmp_path, {"audio": "a.wav", "text": "x"}, task="mine-pair")
        assert "no sound 'second'" in (pair.problem or "")
        into = load(tmp_path, {"audio": "a.wav", "text": "x"}, {"audio": "b.wav", "text": "x", "target_language": "de"})
        assert [one.target for one in into] == ["", "de"]
        first, second = load(
            tmp_path,
            {"audio": "a.wav", "text": "x"},
            {"audio": "b.wav", "text": "x", "target_language": "de"},
            task="mine-into",
        )
        assert "no 'target_language'" in (first.problem or "")
        assert second.problem is None
        (third,) = load(tmp_path, {"audio": "a.wav", "text": "x"}, task="mine-into", target_language="zh")
        assert (third.problem, third.target, third.kept_meta) == (None, "zh", {"target_language": "zh"})
    finally:
        use_folders([])


def test_speech_needs_sound_and_words(tmp_path):
    with pytest.raises(DatasetError, match="lacks 'audio' and 'text'"):
        load(tmp_path, {"input": "hello"})


def test_prompt_is_an_instruction_in_our_own_layout_only():
    assert NATIVE.read({"audio": "a", "text": "x", "prompt": "Say it."}, Path()).fields.prompt == "Say it."
    assert fields_of({"prompt": "what was said"}).meta == {"prompt": "what was said"}
