import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiobench_pytest.metrics.extraction.json_answer import json_field, ultraeval_content
from audiobench_pytest.metrics.item import Item

ITEM = Item("", "")
PIECES = [
    *(
        "{",
        "}",
        "[",
        "]",
        "(",
        ")",
        '"',
        "'",
        ":",
        ",",
        "\\",
        "\\u12",
        "1e999",
        "-0",
        "null",
        "None",
        "NaN",
        "```",
        "json",
    ),
    *("content", "answer", '"content"', "'answer'", " "),
]


@pytest.mark.parametrize(
    ("answer", "content"),
    [
        ('{"content": "hello"}', "hello"),
        (' \n{"lang": "en", "content": "hello"}\n', "hello"),
        ('```json\n{"content": "hello"}\n```', "hello"),
        ('```\n{"content": "hello"}\n```', "hello"),
        ("{'content': 'it\\'s'}", "it's"),
        ("```json\n{'content': 'hello'}\n```", "hello"),
        ('{"content": 12}', "12"),
        ('{"content": null}', ""),
        ("{'content': None}", ""),
        ('{"content": ["a"]}', "['a']"),
        # the raw text, without its fence
        ("hello content", "hello content"),
        ("  hello ", "hello"),
        ("```\nhello\n```", "hello"),
        ('{"text": "hello"}', '{"text": "hello"}'),
        ('{"content": "hello"', '{"content": "hello"'),
        ('Sure: {"content": "hello"}', 'Sure: {"content": "hello"}'),
        ('"content"', '"content"'),
        ('[{"content": "a"}]', '[{"content": "a"}]'),
        # the last three characters go, fence or not
        ('```json\n{"content": "hello"}', '{"content": "hell'),
        ("", ""),
        ("```", ""),
    ],
)
def test_ultraeval_takes_the_content_of_an_object_else_the_text(answer: str, content: str) -> None:
    assert ultraeval_content(answer) == content


@pytest.mark.parametrize(
    ("answer", "value"),
    [
        ('{"answer": "B"}', "B"),
        ('{"answer": "B", "why": {"answer": "C"}}', "B"),
        ('I think so.\n```json\n{"answer": "B"}\n```\nBye', "B"),
        ("```\n{'answer': 'B'}\n```", "B"),
        ('The result is {"answer": "B"}, surely.', "B"),
        ('{"why": "{"} then {"answer": "B"}', "B"),
        ('{"why": {"answer": "C"}}', "C"),
        ("{'answer': 'B'}", "B"),
        ('{"answer": 3}', "3"),
        ('{"answer": true}', "true"),
        ('{"answer": ["甲", 1]}', '["甲", 1]'),
        ('{"answer": ""}', ""),
        ('{"answer": null}', None),
        ('{"Answer": "B"}', None),
        ('{"answer": "B"', None),
        ('answer: "B"', None),
        ("B", None),
        ("", None),
    ],
)
def test_a_field_is_found_wherever_the_object_is(answer: str, value: str | None) -> None:
    assert json_field("answer")(answer, ITEM) == value


def test_a_field_may_be_written_in_escapes() -> None:
    assert json_field("答案")('{"\\u7b54\\u6848": "\\u7532"}', ITEM) == "甲"


@settings(derandomize=True, database=None, deadline=None)
@given(
    text=st.one_of(
        st.text(),
        st.lists(st.sampled_from(PIECES)).map("".join),
    )
)
def test_no_text_makes_reading_raise(text: str) -> None:
    assert isinstance(ultraeval_content(text), str)
    assert json_field("answer")(text, ITEM) is None or "answer" in text


@pytest.mark.parametrize(
    "text",
    [
        *('{"content": ' * 100_000, "{'content': " * 3000, "{" * 50_000, '{"content": ' + "9" * 5000 + "}"),
        *("{'content': " + "[" * 90 + "]" * 90 + "}", "{'content': " + "-" * 50_000 + "1}", "```" * 10_000),
    ],
    ids=["objects", "literals", "braces", "number", "lists", "signs", "fences"],
)
def test_what_is_nested_or_long_is_text(text: str) -> None:
    assert isinstance(ultraeval_content(text), str)
    assert json_field("answer")(text, ITEM) is None


def test_reading_a_literal_warns_nobody() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert ultraeval_content("{'content': 'a\\d'}") == "a\\d"
