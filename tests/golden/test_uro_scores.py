"""URO-Bench by hand: repetitions, and the mean of three samples where a majority would be another number."""

import numpy as np
import pytest

from audiobench_pytest.catalog.loader import load_catalog
from audiobench_pytest.metrics.item import Item
from audiobench_pytest.metrics.judge.replies import JudgeReply
from audiobench_pytest.metrics.recipes import Recipe
from audiobench_pytest.types import State

REPEAT, QA, FELT, SRT = (
    Recipe(load_catalog().recipes.get(f"uro/{kind}@2025-02")) for kind in ("repeat", "qa", "gen-emotion", "srt")
)


def values(recipe, scores):
    names = {name for score in scores for name in score.numbers}
    sums = {name: np.array(sum(score.numbers.get(name, 0.0) for score in scores)) for name in names}
    return {name: float(value) for name, value in recipe.values(sums).items()}


def test_an_answer_that_is_half_wrong_repeats_and_one_that_is_worse_does_not():
    answers = {
        "the cat sat on the mat!": 0.0,
        "the dog sat on a mat": 2 / 6,
        "the cat sat": 3 / 6,
        "the cat": None,
        "": None,
    }
    scores = [REPEAT.score(Item("The cat sat on the mat.", answer)) for answer in answers]
    for score, wrong in zip(scores, answers.values(), strict=True):
        assert score.numbers.get("repeats", 0) == (wrong is not None)
        assert score.numbers.get("wrong", 0.0) == pytest.approx(wrong or 0.0)
    found = values(REPEAT, scores)
    assert found["repeat_rate"] == pytest.approx(60)
    # The share of repetitions times one less their mean error, as the source has it.
    assert found["repeat_score"] == pytest.approx(100 * 3 / 5 * (1 - (0 + 2 / 6 + 3 / 6) / 3))


@pytest.mark.parametrize(
    ("reference", "answer", "wrong"),
    [
        ("今天是12号。", "今天是十二号", 0.0),
        ("今天是十二号", "今天 是 12 号！", 0.0),
        ("打开A灯", "打开a灯", 0.0),
        ("北京天气", "北京天汽", 0.25),
    ],
)
def test_chinese_is_compared_by_characters_and_numbers_as_they_are_read(reference, answer, wrong):
    score = REPEAT.score(Item(reference, answer, "zh"))
    assert score.numbers["repeats"] == 1
    assert score.numbers.get("wrong", 0.0) == pytest.approx(wrong)


def test_nothing_to_repeat_is_a_data_error():
    assert REPEAT.score(Item("", "x")).state is State.DATA_ERROR


def test_the_judge_is_shown_what_was_said_and_its_votes_are_averaged():
    item = Item("Paris", "It is Paris.", meta={"question": "What is the capital of France?"})
    judge = QA.metric
    calls = judge.calls(item, "Paris", item.prediction)
    assert len(calls) == 3
    assert "What is the capital of France?" in calls[0].messages[-1][1]
    replies = [[JudgeReply("Yes")], [JudgeReply("No")], [JudgeReply("Yes.")]]
    score = judge.score_replies(item, "Paris", item.prediction, replies)
    assert values(QA, [score])["acc"] == pytest.approx(200 / 3)
    assert "votes:mean" in QA.signature(["en"])
    assert judge.unasked(Item("", "x", meta={"question": "?"}), "", "x").state is State.DATA_ERROR


def felt(answer, rating, emotion="happy", language="en", reference="the cat sat on the mat"):
    given = {} if rating is None else {"rating": rating}
    return FELT.score(Item(reference, answer, language, meta={"emotion": emotion}, given=given))


def test_an_emotion_is_its_probability_times_what_is_right_in_the_words():
    scores = [
        felt("The cat sat on the mat!", {"happy": 0.8, "sad": 0.2}),
        felt("the dog sat on a mat", {"happy": 0.6}),  # two of six words are wrong
        felt("one two three four five six seven eight", {"happy": 1.0}),  # more wrong than words: not below nothing
        felt("", None),
    ]
    found = values(FELT, scores)
    assert found["emotion_score"] == pytest.approx(100 * (0.8 + 0.6 * 4 / 6 + 0 + 0) / 4)
    assert found["emotion_probability"] == pytest.approx(100 * (0.8 + 0.6 + 1.0) / 4)
    assert found["words_wrong"] == pytest.approx(100 * (0 + 2 / 6 + 1 + 1) / 4)


def test_an_emotion_in_chinese_is_compared_by_characters():
    score = felt("今天是十二号", {"sad": 0.5}, "Sad", "zh", "今天是12号。")
    assert score.numbers == pytest.approx({"n": 1, "felt": 0.5, "points": 0.5})


@pytest.mark.parametrize("emotion", ["joy", "", None])
def test_an_emotion_that_nobody_tells_apart_is_a_data_error(emotion):
    score = felt("x", {"happy": 1.0}, emotion)
    assert score.state is State.DATA_ERROR
    assert "asks for no emotion that emotion2vec knows" in score.reason


def test_a_rater_that_says_nothing_of_it_gives_no_score():
    assert felt("the cat sat on the mat", {"sad": 1.0}).state is State.JUDGE_INVALID


SPOKEN = {"speech": {"file": "ab/c.flac", "silent_share": 0.2}}


def test_a_judge_that_hears_is_sent_the_sound_and_what_was_asked_once():
    judge, item = SRT.metric, Item("", "I am singing", meta={"question": "Sing!"}, given=SPOKEN)
    (call,) = judge.calls(item, "", item.prediction)
    assert call.sound == "ab/c.flac"
    ((_, text),) = call.messages
    assert "Sing!" in text
    assert "I am singing" not in text
    score = judge.score_replies(item, "", item.prediction, [[JudgeReply("4")]])
    assert values(SRT, [score])["score"] == 80


@pytest.mark.parametrize("given", [{}, {"speech": {"file": "ab/c.flac", "silent_share": 1.0}}])
def test_an_answer_in_which_nothing_is_heard_has_the_worst_verdict_unasked(given):
    item = Item("", "I am singing", meta={"question": "Sing!"}, given=given)
    assert SRT.metric.calls(item, "", item.prediction) == ()
    assert values(SRT, [SRT.metric.score_replies(item, "", item.prediction, [])])["score"] == 20
