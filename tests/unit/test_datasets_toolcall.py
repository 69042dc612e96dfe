"""Rows whose answer is a call of a tool: the set's own layout, ours, and what is wrong with a row."""

import json
import re

import pytest
from stepeval_rows import WEATHER_UP, write_stepeval

from audiobench_pytest.catalog.loader import load_catalog
from audiobench_pytest.datasets import LoadSettings, load_dataset, spec_for_path
from audiobench_pytest.datasets.loading import count_samples
from audiobench_pytest.errors import DatasetError
from audiobench_pytest.prompts.asked import Asked
from audiobench_pytest.prompts.profiles import prompt_for
from audiobench_pytest.types import Call, Message, Sound

TOOLS = [
    {"name": "look", "parameters": {"type": "object", "properties": {"at": {"type": "string"}}, "required": ["at"]}},
    {"type": "function", "function": {"name": "clock", "parameters": {"type": "object", "properties": {}}}},
]


def settings(tmp_path, folder):
    return LoadSettings(tmp_path, folders={"stepeval_toolcall_dir": str(folder)})


def test_dialogues_of_the_set_become_samples(tmp_path):
    folder = write_stepeval(tmp_path / "set")
    spec = load_catalog().datasets.get("stepeval-audio-toolcall-get_weather")
    data = load_dataset(spec, settings(tmp_path, folder))
    assert count_samples(spec, settings(tmp_path, folder)) == len(data.samples) == 7
    assert [s.id for s in data.samples][:2] == ["get_weather_positive-0", "get_weather_positive-1"]
    assert not any(s.problem for s in data.samples)
    third = data.samples[2]
    assert third.turns == (
        Message("user", (Sound(),)),
        Message("assistant", (), (Call("timbre_rag", {"query": "海绵宝宝"}),)),
        Message("tool", ("音色已更新。",)),
        Message("assistant", ("好了！",)),
        Message("user", (Sound("audio2"),)),
    )
    assert [path.name for path in third.files.values()] == [
        "get_weather_positive.jsonl-2-0.wav",
        "get_weather_positive.jsonl-2-4.wav",
    ]
    assert json.loads(third.reference) == {"name": "get_weather", "arguments": {"location": "tokyo"}}
    assert [tool["name"] for tool in third.tools] == [
        *("web_search", "get_date_time", "get_weather", "timbre_rag", "calculate"),
    ]
    assert (third.meta["tool"], third.meta["trigger"], third.language) == ("get_weather", "positive", "zh")
    last = data.samples[-1]
    assert (last.reference, last.meta["trigger"]) == ("", "negative")
    assert WEATHER_UP[0][0] in data.samples[0].meta["dialogue"]
    assert "chengdu" not in data.samples[0].meta["dialogue"], "what is expected is not part of what was said"


def test_the_whole_set_is_all_of_its_files_and_one_file_is_a_manifest(tmp_path):
    folder = write_stepeval(tmp_path / "set")
    whole = load_dataset(load_catalog().datasets.get("stepeval-audio-toolcall"), settings(tmp_path, folder))
    assert len(whole.samples) == len({s.id for s in whole.samples}) == 10
    spec = spec_for_path(str(folder / "get_weather_negative.jsonl"), cwd=tmp_path)
    assert (spec.task, spec.language) == ("toolcall", "zh")
    assert [s.meta["trigger"] for s in load_dataset(spec, LoadSettings(tmp_path)).samples] == ["negative"] * 3


def test_the_folder_is_told_when_it_is_not_there(tmp_path):
    spec = load_catalog().datasets.get("stepeval-audio-toolcall-timbre")
    with pytest.raises(DatasetError, match=r"--audiobench-set stepeval_toolcall_dir=DIR"):
        load_dataset(spec, LoadSettings(tmp_path))
    with pytest.raises(DatasetError, match=r"holds no timbre_positive\.jsonl"):
        load_dataset(spec, settings(tmp_path, write_stepeval(tmp_path / "set")))
    (tmp_path / "set" / "timbre_positive.jsonl").write_text("[]\n")
    with pytest.raises(DatasetError, match=r"no timbre_negative\.jsonl in it"):
        load_dataset(spec, settings(tmp_path, tmp_path / "set"))


def load(tmp_path, *rows):
    (tmp_path / "a.wav").write_bytes(b"")
    path = tmp_path / "talks.jsonl"
    path.write_text(
        "".join(json.dumps({"audio": "a.wav", "tools": TOOLS, "task": "toolcall", **row}) + "\n" for row in rows)
    )
    return load_dataset(spec_for_path(str(path), cwd=tmp_path), LoadSettings(tmp_path)).samples


def test_a_row_of_ours_says_which_call_is_expected(tmp_path):
    call = {"name": "look", "arguments": {"at": "it"}}
    by_object, by_text, spelt, none = load(
        tmp_path, {"id": "a", "call": call}, {"id": "b", "call": json.dumps(call)},
        {"id": "c", "call": '<tool_call>{"name": "look", "arguments": {"at": "it"}}</tool_call>'},
        {"id": "d", "call": None, "tool": "look", "trigger": "negative"},
    )  # fmt: skip
    assert not any(s.problem for s in (by_object, by_text, spelt, none))
    assert by_object.reference == by_text.reference == spelt.reference
    assert none.reference == ""
    found = prompt_for(by_object, Asked("toolcall"), takes_instruction=True)
    assert found.messages == (Message("user", (Sound(),)),), "a request alone is a dialogue of one turn"
    assert [tool["name"] for tool in found.tools] == ["look", "clock"]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"tools": None}, "no 'tools': list them, or name a set"),
        ({"tools": "stepeval"}, "'tools': .*'stepeval'.*list them"),
        ({"tools": "[{"}, "'tools' is no JSON"),
        ({"tools": [*TOOLS, TOOLS[0]]}, "'tools' names 'look' twice"),
        ({"tools": [{"name": "f", "parameters": {"type": "dict"}}]}, "'f' is no JSON schema: parameters.type is 'di"),
        (
            {"tools": [{"name": "f", "parameters": {"properties": {"x": {"type": "number", "minimum": "1"}}}}]},
            "'f' is no JSON schema: parameters.properties.x.minimum is '1', not a number",
        ),
        ({"tools": [{"name": "f", "parameters": {"required": "x"}}]}, "parameters.required is 'x', not a list"),
        ({"tools": [{"name": "f", "parameters": {"type": "string"}}]}, "no JSON schema of arguments"),
        ({"call": "look at it"}, "'call': 'look at it' is no call of a tool"),
        ({"call": {"name": "look", "arguments": "{at"}}, "'call': .* is no call of a tool"),
        ({"call": {"name": "fly", "arguments": {}}}, "'call' names 'fly', none of its tools: look, clock"),
        ({"tool": "fly"}, "'tool' is 'fly', none of its tools: look, clock"),
        ({"trigger": "maybe"}, "'trigger' is 'maybe', neither of positive and negative"),
        ({"call": {"name": "look", "arguments": {}}, "trigger": "negative"}, "is negative, and 'call' calls 'look'"),
        ({"trigger": "positive"}, "neither 'call' nor 'tool' says which"),
        (
            {"messages": [{"role": "user", "content": "<audio>"}, {"role": "user", "content": "<audio>"}]},
            "turn 2 has a place for the sound 'audio2', which the row does not bring",
        ),
        (
            {"messages": [{"role": "assistant", "tool_calls": [{"name": "look", "arguments": "{"}]}]},
            "'messages': turn 1 calls 'look' with what is no JSON",
        ),
        ({"sounds": {"audio": "b.wav"}}, "the sound 'audio' is named twice"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_row_is_told_with_its_line(tmp_path, row, words):
    _, bad = load(tmp_path, {"id": "good", "call": None}, {"id": "bad", **row})
    assert bad.problem is not None
    assert bad.problem.startswith(f"{tmp_path / 'talks.jsonl'}:2: ")
    assert re.search(words, bad.problem), bad.problem


def test_a_turn_without_sound_is_told(tmp_path):
    folder = write_stepeval(tmp_path / "set", {"get_weather_positive": WEATHER_UP})
    path = folder / "get_weather_positive.jsonl"
    lines = path.read_text("utf-8").splitlines()
    turns = json.loads(lines[1])
    turns[2]["value"] = None
    path.write_text("\n".join([lines[0], json.dumps(turns), *lines[2:]]), "utf-8")
    good, bad, *_ = load_dataset(spec_for_path(str(path), cwd=tmp_path), LoadSettings(tmp_path)).samples
    assert good.problem is None
    assert "get_weather_positive.jsonl:2: " in bad.problem
    assert "turn 3 holds {'value': None}, which is neither text nor sound" in bad.problem


def test_a_line_that_is_no_dialogue_is_told(tmp_path):
    folder = write_stepeval(tmp_path / "set", {"get_weather_positive": WEATHER_UP})
    path = folder / "get_weather_positive.jsonl"
    path.write_text(path.read_text("utf-8") + "[1]\n", "utf-8")
    with pytest.raises(DatasetError, match=r"get_weather_positive\.jsonl:5: not a JSON object"):
        load_dataset(spec_for_path(str(path), cwd=tmp_path), LoadSettings(tmp_path))
