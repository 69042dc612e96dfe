"""How a judge's replies are read: strictly, totally, in no time, and beside it as the sources read them."""

import math
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiobench_pytest.metrics.judge.replies import PARSERS, SOURCE_RULES, majority_as_written, without_thoughts


def read(parser, reply):
    found = PARSERS[parser].read(reply)
    return found if found is None or len(found) > 1 else found[0]


# Strict readers.


@pytest.mark.parametrize(
    ("reply", "points"),
    [
        *((f"{n}", n) for n in range(1, 6)),
        (" 4\n", 4),
        ("4.", 4),
        ("4.0", 4),
        ("**3**", 3),
        ("[[2]]", 2),
        ("I would say [[ 5 ]].", 5),
        ("[[3]] ... so, again: [[3]]", 3),
    ],
)
def test_1_to_5_is_a_number_alone_or_in_double_brackets(reply, points):
    assert read("score_1_5", reply) == points


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "0",
        "6",
        "-1",
        "4.5",
        "45",
        "4/5",
        "4 out of 5",
        "Score: 4",
        "four",
        "[4]",
        "[[0]]",
        "[[6]]",
        "[[4.5]]",
        "[[3]] or [[4]]",
        "[[3]] [[11]]",
        "[[3]] [[3.5]]",
        "[[]]",
        "[[three]]",
        "1 2",
        "５",
        "٣",
        "²",
        "4\n5",
        "nan",
    ],
)
def test_everything_else_is_no_score_of_1_to_5(reply):
    assert read("score_1_5", reply) is None


@pytest.mark.parametrize(
    ("reply", "points"),
    [*((f"Good. Rating: [[{n}]]", n) for n in range(1, 11)), ("[[7]]\n[[7]]", 7), ("**[[10]]**", 10)],
)
def test_1_to_10_stands_in_double_brackets(reply, points):
    assert read("bracket_score_1_10", reply) == points


@pytest.mark.parametrize(
    "reply",
    [
        "7",
        "[7]",
        "[[0]]",
        "[[11]]",
        "[[100]]",
        "[[7]] vs [[11]]",
        "[[7]] no, [[8]]",
        "[[7.5]]",
        "[[-7]]",
        "[[ ]]",
        "[[7",
        f"[[{'1' * 5000}]]",
        "((7))",
        "[[seven]]",
    ],
)
def test_other_brackets_are_no_score_of_1_to_10(reply):
    assert read("bracket_score_1_10", reply) is None


@pytest.mark.parametrize(
    ("reply", "points"),
    [
        ("结果正确，但没有过程，得分是[4]", 4),
        ("区间是[0, 1]。\n得分是[5]", 5),
        ("见文献[3]。\n\n得分是[1]。\n\n", 1),
        ("得分是[2]，即[2]", 2),
    ],
)
def test_a_teacher_writes_the_grade_in_brackets_in_the_last_line(reply, points):
    assert read("last_bracket_1_5", reply) == points


@pytest.mark.parametrize(
    "reply", ["", "4", "得分是4", "得分是[0]", "得分是[6]", "得分是[4]\n谢谢", "[3]或[4]", "[4/5]", "[4.5]", "[[]]"]
)
def test_other_grades_are_none(reply):
    assert read("last_bracket_1_5", reply) is None


@pytest.mark.parametrize(
    ("reply", "points"),
    [
        ("Explanation: the same.\nRating: 4", 4),
        ("Rating: (5)", 5),
        ("**Rating: 0**", 0),
        ("3/5", 3),
        ("Rating: [2].", 2),
    ],
)
def test_0_to_5_ends_the_reply(reply, points):
    assert read("last_score_0_5", reply) == points


@pytest.mark.parametrize("reply", ["", "6", "4 points", "10/5", "4/4", "-1", "3.5", "5/", "Rating:", "15", "four"])
def test_other_ends_are_no_score_of_0_to_5(reply):
    assert read("last_score_0_5", reply) is None


@pytest.mark.parametrize(
    ("reply", "points"), [("Rating: 0", 0), ("Rating: 1.", 1), ("2", None), ("1/1", None), ("", None)]
)
def test_0_or_1_ends_the_reply(reply, points):
    assert read("last_score_0_1", reply) == points


@pytest.mark.parametrize(
    ("reply", "verdict"),
    [
        ("yes", 1),
        ("No.", 0),
        ("**YES**", 1),
        ("Explanation: the same animal.\nResult: yes\n\n", 1),
        ("It does not match, no doubt yes?\nResult: no", 0),
        ("Yes, it is wrong.\nno", 0),
        ('"Yes" 😊', 1),
        ("No, no, no", 0),
        ("__yes__", 1),
        ("(no)", 0),
    ],
)
def test_yes_or_no_is_the_last_word_of_the_last_line(reply, verdict):
    assert read("yes_no_last_word", reply) == verdict


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "It happened yesterday",
        "yesterday",
        "I do not",
        "not",
        "know",
        "I know",
        "nothing",
        "none",
        "eyes",
        "No. 5",
        "yes or no",
        "no, I mean yes",
        "is it yes? no",
        "not yes",
        "Result: yes (correct)",
        "yes\nGood luck",
        "是",
        "y",
        "yesno",
        "yes no maybe",
        "no-one",
        "volcano",
    ],
)
def test_yes_inside_a_word_and_no_inside_not_are_no_verdict(reply):
    assert read("yes_no_last_word", reply) is None


@pytest.mark.parametrize(
    ("reply", "verdict"),
    [
        ("They agree, the score is [Correct]", 1),
        ("The score is [Incorrect].", 0),
        ("THE SCORE IS [correct]", 1),
        ("the score is: **[Incorrect]**", 0),
        ("the score is correct", 1),
        ("the score is [Correct]. Again: the score is [Correct]", 1),
    ],
)
def test_the_score_is_correct_or_incorrect(reply, verdict):
    assert read("correct_incorrect", reply) == verdict


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "[Correct]",
        "Correct",
        "the score is [Correct/Incorrect]",
        "the score is not correct",
        "the score is [5]",
        "the score is [Correct] but the score is [Incorrect]",
        "the score is [Correctness]",
        "the score iscorrect",
    ],
)
def test_what_repeats_or_contradicts_itself_is_no_verdict(reply):
    assert read("correct_incorrect", reply) is None


@pytest.mark.parametrize(
    ("reply", "verdict"),
    [
        ('{"analysis": "same", "judgment": "correct"}', 1),
        ('```json\n{"analysis": "a {brace} and a \\" quote", "judgment": "Incorrect"}\n```', 0),
        ('Here: {"judgment": " correct "} Bye.', 1),
        ('{"judgement": "incorrect"}', 0),
        ('{not json} {"judgment": "correct"}', 1),
        ('{"judgment": "correct"} {"judgment": "correct"}', 1),
    ],
)
def test_a_judgment_stands_in_a_json_object(reply, verdict):
    assert read("json_judgment", reply) == verdict


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "correct",
        '"judgment": "correct"',
        "{'judgment': 'correct'}",
        '{"judgment": "correct"',
        '{"judgment": true}',
        '{"judgment": "correct", "judgment": "incorrect"}',
        '{"judgment": "correct"} {"judgment": "incorrect"}',
        '{"judgment": "not correct"}',
        '{"judgment": null}',
        '{"analysis": "correct"}',
        '{"judgment": ["correct"]}',
        '["judgment", "correct"]',
        '{"a": {"judgment": "correct"}}',
        "{" * 100000,
        '{"a":' * 50000,
    ],
)
def test_other_json_is_no_judgment(reply):
    assert read("json_judgment", reply) is None


@pytest.mark.parametrize(
    ("reply", "scores"),
    [
        ("8 6", (8, 6)),
        ("10 1\n", (10, 1)),
        ("8, 6", (8, 6)),
        ("Both are fine.\n\n7 7\nThe first is longer.", (7, 7)),
        ("**9 2**", (9, 2)),
        ("8 6\n8 6", (8, 6)),
    ],
)
def test_two_scores_stand_in_a_line_of_their_own(reply, scores):
    assert read("two_scores", reply) == scores


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "8",
        "8 6 7",
        "0 5",
        "5 11",
        "8.5 6",
        "Assistant 1: 8, Assistant 2: 6",
        "8 6\n6 8",
        "8/10 6/10",
        "eight six",
        "8\n6",
        "86",
        "-8 6",
        "100 6",
    ],
)
def test_other_lines_are_no_two_scores(reply):
    assert read("two_scores", reply) is None


FIRST, SECOND = (1, 0), (0, 1)


@pytest.mark.parametrize(
    ("reply", "order"),
    [
        ('[{"model": "model_1", "rank": 1}, {"model": "model_2", "rank": 2}]', FIRST),
        ('[{"model": "model_1", "rank": 2}, {"model": "model_2", "rank": 1}]', SECOND),
        ("```python\n[{'model': 'model_2', 'rank': 1}, {'model': 'model_1', 'rank': '2'}]\n```", SECOND),
        ('["model_2", "model_1"]', SECOND),
        ('Sure: ["model_1", "model_2"]', FIRST),
    ],
)
def test_an_ordered_list_ranks_the_two(reply, order):
    assert read("ordered_list", reply) == order


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "model_1",
        "[]",
        '["model_1"]',
        '["model_1", "model_1"]',
        '["model_1", "model_3"]',
        "[1, 2]",
        "[" * 100000,
        '["model_1", "model_2", "model_1"]',
        '[{"model": "model_1", "rank": 1}, {"model": "model_2", "rank": 1}]',
        '[{"model": "model_1", "rank": 1}]',
        '[{"model": "model_1", "rank": 1.5}, {"model": "model_2", "rank": 2}]',
        '[{"model": "model_1"}, {"model": "model_2"}]',
        '[{"model": "model_1", "rank": [1]}, "model_2"]',
        "[" * 150,
        f"[{{'model': 'model_1', 'rank': 0x{'f' * 3900}}}, {{'model': 'model_2', 'rank': 1}}]",
        '["model_1", "model_2"] or ["model_2", "model_1"]',
        "__import__('os')",
        "[__import__('os'), 1]",
    ],
)
def test_other_lists_rank_nothing(reply):
    assert read("ordered_list", reply) is None


# What no reader may do.

PIECES = st.sampled_from(
    [
        "yes",
        "no",
        "not",
        "know",
        "Yes.",
        "[[",
        "]]",
        "[",
        "]",
        "{",
        "}",
        "7",
        "11",
        "5",
        "10",
        "0",
        "4.5",
        "/",
        ",",
        "\n",
        "the",
        "score",
        "is",
        "[Correct]",
        "[Incorrect]",
        "/",
        "judgment",
        "correct",
        '"judgment":',
        '"correct"',
        '{"judgment":"incorrect"}',
        "model_1",
        "model_2",
        "rank",
        "<think>",
        "</think>",
        "nan",
        "inf",
        "1e999",
        "\\d",
        "\x00",
    ]
)
REPLIES = st.one_of(
    st.text(max_size=200),
    st.lists(PIECES, max_size=25).map(" ".join),
    st.lists(PIECES, max_size=25).map("".join),
    st.text(alphabet="0123456789[]{}() \n\"':,._", max_size=80),
)


@settings(deadline=None, max_examples=400)
@given(REPLIES)
def test_readers_never_raise_and_stay_in_their_range(reply):
    for parser in PARSERS.values():
        found = parser.read(reply)
        assert found is None or (len(found) == 1 + parser.pair and all(parser.low <= n <= parser.high for n in found))
        if found is not None and parser.points:
            assert all(n == int(n) for n in found)
    for rule in SOURCE_RULES.values():
        found = rule(reply)
        assert found is None or all(math.isfinite(n) for n in found)
    assert 0 <= majority_as_written([reply, "yes", reply]) <= 1


@pytest.mark.parametrize(
    "reply", ["[[" + " " * 60_000, "the score is" + " " * 60_000, "[" * 60_000, "1" * 60_000, "{" * 60_000]
)
@pytest.mark.parametrize("name", [*PARSERS, *SOURCE_RULES])
def test_readers_take_no_time_over_a_long_reply(name, reply):
    started = time.thread_time()  # of this thread alone: on a busy machine no more
    (PARSERS[name].read if name in PARSERS else SOURCE_RULES[name])(reply)
    assert time.thread_time() - started < 1.0


@pytest.mark.parametrize(
    ("reply", "left"),
    [
        ("4", "4"),
        ("<think>no</think>\nyes", "\nyes"),
        (" <think>5", None),
        ("a <think>b</think> c", "a <think>b</think> c"),
        ("it is bad, no.</think>\nyes", "\nyes"),
        ("<THINKING>no</THINKING>yes", "yes"),
        ("<reasoning>no</reasoning>", None),
        ("[THINK]no[/THINK]yes", "yes"),
        ("<|channel|>analysis<|message|>no<|end|><|start|>assistant<|channel|>final<|message|>yes", "yes"),
    ],
)
def test_thoughts_before_the_reply_are_not_part_of_it(reply, left):
    assert without_thoughts(reply) == left


# As the sources read.


@pytest.mark.parametrize(
    ("rule", "reply", "found"),
    [
        ("number-or-first-bracket", "4.5", (4.5,)),
        ("number-or-first-bracket", "45", (45,)),
        ("number-or-first-bracket", "so [[3]] [[4]]", (3,)),
        ("number-or-first-bracket", "good", None),
        ("number-or-first-bracket", "inf", None),
        ("first-bracket", "[[11]] [[7]]", (11,)),
        ("last-single-bracket", "[5] [0]", (0,)),
        ("last-single-bracket", "[6]", None),
        ("contains-yes-in-last-line", "No\nIt was yesterday", (1,)),
        ("contains-yes-in-last-line", "I do not know", (0,)),
        ("contains-yes-in-last-line", "No yes", (1,)),
        ("contains-yes-in-last-line", "yes\nmaybe", None),
        ("is-yes", "Yes.", (0,)),
        ("is-yes", "YES", (1,)),
        ("first-score-is", "The score is [correct], the score is [Incorrect]", (1,)),
        ("first-score-is", "the score is Correct", None),
        ("first-braces", "{'judgment': 'CORRECT'}", (1,)),
        ("first-braces", '{"a": {"judgment": "correct"}}', None),
        ("first-braces", '{"judgment": "wrong"}', (0,)),
        ("two-integers", "8 \n6", (8, 6)),
        ("two-integers", "8  6", None),
        ("two-integers", "0 10", (0, 10)),
        ("two-integers", "8 11", None),
        ("last-token", "Rating: 4.5", (4.5,)),
        ("last-token", "Rating: (4)", None),
        ("last-token", "", None),
    ],
)
def test_sources_read_loosely(rule, reply, found):
    assert SOURCE_RULES[rule](reply) == found


@pytest.mark.parametrize(
    ("replies", "share"),
    [
        (["Yes", "yes", "No"], 1),
        (["yes", "No", "NO"], 0),
        (["yes.", "yes.", "yes"], 0),
        (["yes", "no", "maybe"], 1 / 3),
        (["yes", "no"], 1 / 2),
        ([], 0),
    ],
)
def test_a_tie_of_replies_as_written_counts_by_its_chance(replies, share):
    assert majority_as_written(replies) == pytest.approx(share)


@settings(deadline=None)
@given(REPLIES)
def test_the_last_line_rule_agrees_with_a_plain_restatement(reply):
    line = reply.strip().split("\n")[-1].strip().lower()
    expected = 1 if "yes" in line else 0 if "no" in line else None
    found = SOURCE_RULES["contains-yes-in-last-line"](reply)
    assert (None if found is None else found[0]) == expected
