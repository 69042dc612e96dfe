"""Calls of tools in the text of an answer, in every spelling, and texts that hold none."""

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiobench_pytest.metrics.calls.compared import same_arguments
from audiobench_pytest.tool_calls.schemas import read_tools
from audiobench_pytest.tool_calls.spelt import calls_in, is_malformed, spelt, stated_call
from audiobench_pytest.types import Call

LOOK = Call("look", {"at": "it"})
SPELLINGS = [
    '<tool_call>\n{"name": "look", "arguments": {"at": "it"}}\n</tool_call>',
    '<tool_call>{"function": {"name": "look", "arguments": "{\\"at\\": \\"it\\"}"}}</tool_call>',
    '<tool_call>function\nlook\n{"at": "it"}</tool_call>',
    '<tool_call>function  \nlook  \n{"at": "it"}</tool_call>',
    '<tool_call><function=look>{"at": "it"}</function></tool_call>',
    '<function=look>{"at": "it"}</function>',
    '[TOOL_CALLS] [{"name": "look", "arguments": {"at": "it"}}]',
    '<|python_tag|>{"name": "look", "parameters": {"at": "it"}}',
    '{"name": "look", "parameters": {"at": "it"}}',
    '```json\n[{"name": "look", "arguments": {"at": "it"}}]\n```',
    '{"type": "function", "function": {"name": "look", "arguments": {"at": "it"}}}',
]


@pytest.mark.parametrize("text", SPELLINGS)
def test_a_call_is_read_in_every_spelling(text):
    assert calls_in(text) == ("", (LOOK,))


def test_what_is_said_beside_a_call_stays_and_several_are_in_order():
    text = f"One moment. {SPELLINGS[0]} and {SPELLINGS[2]}"
    said, calls = calls_in(text)
    assert (said, calls) == ("One moment.   and", (LOOK, LOOK))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "I cannot call tools.",
        '{"answer": 3}',
        "[1, 2]",
        "{",
        '{"name": "Ann"',
        '{"name": "Ann", "age": 3}',
        "look(at=it)",
    ],
)
def test_what_is_no_call_is_text(text):
    assert calls_in(text) == (text, ())


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("<tool_call>look at it</tool_call>", ""),
        ('<tool_call>{"name": "look", "arguments": {"at":', ""),
        ("<tool_call>function\nlook\n{at: it}</tool_call>", "look"),
        ("<function=look>it</function>", "look"),
        ("[TOOL_CALLS] look", ""),
        ('<tool_call>{"name": "look", "arguments": [1]}</tool_call>', "look"),
    ],
)
def test_what_begins_as_a_call_and_is_none_is_a_malformed_call(text, name):
    (call,) = calls_in(text)[1]
    assert call.name == name
    assert is_malformed(call)


@given(st.text(max_size=80), st.sampled_from(["", "<tool_call>", "<function=f>", "[TOOL_CALLS]", "{", "```json\n"]))
def test_any_text_can_be_read(text, begin):
    said, calls = calls_in(begin + text)
    assert isinstance(said, str)
    assert all(isinstance(call, Call) for call in calls)


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-99, 99) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
ARGUMENTS = st.dictionaries(st.text(min_size=1, max_size=5), PLAIN, max_size=3)


@given(ARGUMENTS)
def test_a_call_is_read_as_it_was_spelt(arguments):
    call = Call("look", arguments)
    assert stated_call(spelt(call)) == stated_call({"name": "look", "arguments": arguments}) == call
    assert calls_in(f"<tool_call>{spelt(call)}</tool_call>")[1] in ((call,), calls_in(spelt(call))[1])


@given(ARGUMENTS)
def test_arguments_are_their_own(arguments):
    assert same_arguments(arguments, json.loads(json.dumps(arguments)))


@pytest.mark.parametrize(
    ("given_", "expected", "same"),
    [
        ({"at": "New York"}, {"at": "new-york"}, True),
        ({"at": "Ｘｉａｎ"}, {"at": "xian"}, True),
        ({"n": 3}, {"n": "3.0"}, True),
        ({"n": "-3"}, {"n": 3}, False),
        ({"n": "3.5"}, {"n": 35}, False),
        ({"at": "it", "in": None}, {"at": "it"}, True),
        ({"at": "it", "in": "Rome"}, {"at": "it"}, False),
        ({}, {"at": "it"}, False),
        ({"at": ["a", "B"]}, {"at": ["A", "b"]}, True),
        ({"at": ["b", "a"]}, {"at": ["a", "b"]}, False),
        ({"at": {"x": True}}, {"at": {"x": "true"}}, True),
        ({"at": "天气 上海"}, {"at": "天气，上海"}, True),
        ({"at": "chengdu"}, {"at": "成都"}, False),
        ({"at": "?"}, {"at": "!"}, False),
    ],
)
def test_arguments_are_compared_by_what_they_say(given_, expected, same):
    assert same_arguments(given_, expected) is same


@given(PLAIN)
def test_what_is_no_list_of_tools_is_refused_or_read(value):
    with contextlib.suppress(ValueError):
        assert all(isinstance(tool["name"], str) for tool in read_tools(value))
