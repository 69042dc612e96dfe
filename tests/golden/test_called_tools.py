"""Calls of tools by hand: four positive and four negative dialogues, and the shares that follow."""

import numpy as np
import pytest

from audiobench_pytest.catalog.loader import load_catalog
from audiobench_pytest.metrics.calls.compared import same_arguments
from audiobench_pytest.metrics.item import Item
from audiobench_pytest.metrics.judge.metric import JudgeReply
from audiobench_pytest.metrics.recipes import Recipe
from audiobench_pytest.types import State

OURS, STEPEVAL = (
    Recipe(load_catalog().recipes.get(name)) for name in ("toolcall/audiobench-pytest@1", "toolcall/stepeval")
)
XIAN = '{"name": "get_weather", "arguments": {"location": "xian"}}'
CLOCK = '{"name": "get_date_time", "arguments": {}}'
ELSEWHERE = '{"name": "calculate", "arguments": {"expression": "1 + 1"}}'


def call(name, arguments=None):
    return {"name": name, "arguments": {} if arguments is None else arguments}


def row(expected, trigger, *calls, tool="get_weather", text="", **meta):
    meta = {"tool": tool, "trigger": trigger, "dialogue": "user: 西安的天气？", **meta}
    return Item(expected, text, "zh", meta=meta, given={"calls": list(calls)} if calls else {})


RIGHT = call("get_weather", {"location": "Xi'an"})
ITEMS = {
    "right": row(XIAN, "positive", RIGHT),
    "wrong place": row(XIAN, "positive", call("get_weather", {"location": "beijing"})),
    "wrong tool": row(XIAN, "positive", call("web_search", {"query": "西安天气"})),
    "no call": row(XIAN, "positive", text="西安今天晴。"),
    "malformed": row(XIAN, "positive", call("get_weather", {"": "{location"})),
    "clock": row(CLOCK, "positive", call("get_date_time"), tool="get_date_time"),
    "rightly none": row("", "negative", text="好的。"),
    "falsely": row("", "negative", RIGHT),
    "another tool": row(ELSEWHERE, "negative", call("calculate", {"expression": "1+1"})),
    "silent": row("", "negative"),
}
NUMBERS = {
    "right": {"n": 1, "positives": 1, "called": 1, "right_tool": 1, "argued": 1, "right_arguments": 1},
    "wrong place": {"n": 1, "positives": 1, "called": 1, "right_tool": 1, "argued": 1},
    "wrong tool": {"n": 1, "positives": 1, "called": 1},
    "no call": {"n": 1, "positives": 1},
    "malformed": {"n": 1, "positives": 1, "called": 1, "right_tool": 1, "argued": 1, "malformed": 1},
    "clock": {"n": 1, "positives": 1, "called": 1, "right_tool": 1},
    "rightly none": {"n": 1, "negatives": 1},
    "falsely": {"n": 1, "negatives": 1, "falsely": 1, "falsely_any": 1},
    "another tool": {"n": 1, "negatives": 1, "falsely_any": 1},
    "silent": {"n": 1, "negatives": 1},
}


@pytest.mark.parametrize("name", ITEMS)
def test_numbers_of_a_dialogue(name):
    assert dict(OURS.score(ITEMS[name]).numbers) == NUMBERS[name]


def shares_of(numbers):
    sums = {
        name: np.array(sum(one.get(name, 0) for one in numbers)) for name in {key for one in numbers for key in one}
    }
    return {name: round(float(value), 3) for name, value in OURS.values(sums).items()}


def test_shares_of_them_all():
    # 6 positives, 5 with a call; 4 negatives, 1 with the listed tool, 2 with any.
    assert shares_of(NUMBERS.values()) == {
        "trigger_f1": round(100 * 2 * 5 / (2 * 5 + 1 + 1), 3),
        "trigger_precision": round(100 * 5 / 6, 3),
        "trigger_recall": round(100 * 5 / 6, 3),
        "type_acc": 80.0,  # 4 of the 5 calls
        "param_acc": round(100 / 3, 3),  # 1 of the 3 right tools that take arguments
        "trigger_precision_any": round(100 * 5 / 7, 3),
        "malformed_rate": 10.0,
    }


def test_a_text_that_spells_its_call_is_read_without_its_thoughts():
    thought = f"<think><tool_call>{CLOCK}</tool_call></think>"
    text = thought + '<tool_call>function\nget_weather\n{"location": "xian"}</tool_call>'
    assert dict(OURS.score(row(XIAN, "positive", text=text)).numbers) == NUMBERS["right"]
    assert "falsely" in OURS.score(row("", "negative", text=text)).numbers


def test_without_a_listed_tool_any_call_is_false_and_the_expected_call_says_which_is_right():
    assert OURS.score(row("", None, RIGHT, tool=None)).numbers["falsely"] == 1
    assert dict(OURS.score(row(XIAN, None, RIGHT, tool=None)).numbers) == NUMBERS["right"]


def test_what_cannot_be_told_is_a_data_error():
    for item in (row("look!", "positive", RIGHT), row("", "positive", RIGHT, tool=None)):
        for recipe in (OURS, STEPEVAL):
            score = recipe.metric.unasked(item, item.reference, "") if recipe is STEPEVAL else recipe.score(item)
            assert score.state is State.DATA_ERROR, item


@pytest.mark.parametrize("name", ITEMS)
def test_a_judge_is_asked_about_arguments_of_the_right_tool_alone(name):
    judge, item = STEPEVAL.metric, ITEMS[name]
    calls = judge.calls(item, item.reference, item.prediction)
    assert bool(calls) is (name in ("right", "wrong place"))
    if not calls:
        assert dict(judge.unasked(item, item.reference, item.prediction).numbers) == NUMBERS[name]
        return
    (asked,) = calls
    shown = asked.messages[-1][1]
    assert "user: 西安的天气？" in shown
    assert '"location": "xian"' in shown
    assert item.given["calls"][0]["arguments"]["location"] in shown
    for reply, right in (("Yes", 1), ("No.", 0)):
        score = judge.score_replies(item, item.reference, item.prediction, [[JudgeReply(reply)]])
        assert dict(score.numbers) == {**NUMBERS["wrong place"], **({"right_arguments": 1} if right else {})}
    silent = judge.score_replies(item, item.reference, item.prediction, [[JudgeReply("hm")] * 3])
    assert (silent.state, dict(silent.numbers)) == (State.JUDGE_INVALID, {"judge_invalid": 1})


@pytest.mark.parametrize(
    ("given", "expected", "same"),
    [
        (1700000000001, 1700000000002, False),
        ("4111111111111111", "4111111111111112", False),
        ("0012", "12", False),
        ("12", 12, True),
        (12.0, "12", True),
        ("-3.50", -3.5, True),
        ("1e3", 1000, True),
        (0.1 + 0.2, 0.3, True),
        ("1_000", "1000", True),  # in a text a sign between is punctuation
    ],
)
def test_numbers_count_to_their_last_digit(given, expected, same):
    """Once twelve digits were looked at: two card numbers, two moments in milliseconds were one."""
    assert same_arguments({"x": given}, {"x": expected}) is same
