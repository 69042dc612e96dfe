"""A frozen set of clear cases shows a judge that lies, that goes by position, or that is another one than before."""

import json

import pytest

from audiobench_pytest.catalog.loader import load_catalog
from audiobench_pytest.catalog.schema import RecipeSpec
from audiobench_pytest.errors import ModelError, UsageError
from audiobench_pytest.metrics.recipes import Recipe
from audiobench_pytest.records.answers.cache import PredictionCache
from audiobench_pytest.runner.scoring.judge_check import LEAST_AGREEMENT, calibration, has_calibration, items_of
from audiobench_pytest.runner.scoring.judge_record import JudgeSettings

pytest.importorskip("httpx")
from openai_server import OpenAIServer, Reply, error

CATALOG = load_catalog()
NAMES = [spec.name for spec in CATALOG.recipes if spec.score == "judge"]

# What a judge writes for a plainly good and a plainly bad answer, by parser.
GOOD_BAD = {
    "score_1_5": ("5", "1"),
    "bracket_score_1_10": ("Fine. Rating: [[9]]", "Rating: [[1]]"),
    "last_bracket_1_5": ("得分是[5]", "得分是[1]"),
    "last_score_0_5": ("Rating: 5", "Rating: 0"),
    "last_score_0_1": ("Rating: 1", "Rating: 0"),
    "yes_no_last_word": ("Result: yes", "Result: no"),
    "correct_incorrect": ("the score is [Correct]", "the score is [Incorrect]"),
    "json_judgment": ('{"judgment": "correct"}', '{"judgment": "incorrect"}'),
}


@pytest.fixture(autouse=True)
def _environment(monkeypatch):
    for name in ("OPENAI_BASE_URL", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)


def recipe(name="judge/kimi-refqa"):
    return Recipe(CATALOG.recipes.get(name))


class Judge:
    """Knows all cases; those `wrong` (from 1) it judges the wrong way round, `bend` makes something else of a reply."""

    def __init__(self, of, *, wrong=(), called="judge-2026-01-02", bend=lambda good, reply: reply):
        self.parse, self.first = of.metric.rubric.parse, of.metric.rubric.first
        spec = CATALOG.calibration.get(of.metric.rubric.calibration)
        self.known = {
            call.messages[-1][1]: (number, case, call.swapped)
            for number, (case, item) in enumerate(zip(spec.cases, items_of(spec), strict=True), start=1)
            for call in of.metric.calls(item, item.reference, item.prediction)
        }
        self.wrong, self.called, self.bend = set(wrong), called, bend

    def __call__(self, asked):
        number, case, swapped = self.known[asked.fields["messages"][-1]["content"]]
        good = (case.low > 0) != (number in self.wrong)
        reply = self.bend(good, self.reply(good, (self.first == "answer") != swapped))
        return Reply({"model": self.called, "choices": [{"message": {"content": reply}, "finish_reason": "stop"}]})

    def reply(self, good, answer_first):
        if self.parse in GOOD_BAD:
            return GOOD_BAD[self.parse][not good]
        if self.parse == "two_scores":
            return "9 2" if answer_first is good else "2 9"
        return json.dumps(["model_1", "model_2"] if answer_first is good else ["model_2", "model_1"])


def run(server, of, cache=None):
    return calibration(of, JudgeSettings(url=server.url, retries=0), cache)


def cache_in(folder):
    return PredictionCache([folder / "cache"])


@pytest.mark.parametrize("name", NAMES)
def test_a_judge_that_knows_agrees_on_all(name):
    of = recipe(name)
    assert has_calibration(of)
    with OpenAIServer(Judge(of)) as server:
        result = run(server, of)
    assert (result.agreement, result.cases, result.drifted, dict(result.wrong)) == (1.0, 10, False, {})
    assert result.expected == LEAST_AGREEMENT
    assert "agrees on 10 of 10 clear cases" in result.message
    assert result.served == ("judge-2026-01-02",)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("always", [0, 1], ids=["good", "bad"])
def test_a_judge_that_always_says_the_same_is_seen(name, always):
    of = recipe(name)
    parse = of.metric.rubric.parse
    said = GOOD_BAD[parse][always] if parse in GOOD_BAD else {"two_scores": "9 2"}.get(parse, '["model_1", "model_2"]')
    with OpenAIServer(Judge(of, bend=lambda good, reply: said)) as server:
        result = run(server, of)
    # One that goes by position wins half of both orders each time: right in no case.
    assert result.agreement == (0.5 if parse in GOOD_BAD else 0)
    assert result.drifted
    assert "fewer than 80%" in result.message
    assert len(result.wrong) == (5 if parse in GOOD_BAD else 10)


def test_a_judge_that_says_nothing_usable_is_seen():
    of = recipe()
    with OpenAIServer(Judge(of, bend=lambda good, reply: "Who knows?")) as server:
        result = run(server, of)
    assert (result.agreement, result.drifted) == (0, True)
    assert set(result.wrong.values()) == {None}


@pytest.mark.parametrize(("wrong", "drifted"), [((), False), ((3,), False), ((3, 7), False), ((3, 7, 8), True)])
def test_the_least_agreement_is_four_of_five(wrong, drifted):
    of = recipe()
    with OpenAIServer(Judge(of, wrong=wrong)) as server:
        result = run(server, of)
    assert result.agreement == pytest.approx(1 - len(wrong) / 10)
    assert result.drifted is drifted
    assert set(result.wrong) == set(wrong)


def test_it_is_asked_anew_in_each_run(tmp_path):
    of = recipe()
    with OpenAIServer(Judge(of)) as server:
        for runs in (1, 2, 3):
            result = run(server, of, cache_in(tmp_path))
            assert len(server.questions) == 10 * runs
    assert not result.drifted
    assert result.earlier == result.served
    assert "since" not in result.message


def test_another_dated_model_with_the_same_verdicts_is_named_and_not_red(tmp_path):
    of = recipe()
    with OpenAIServer(Judge(of)) as server:
        run(server, of, cache_in(tmp_path))
        server.respond = Judge(of, called="judge-2026-09-09")
        result = run(server, of, cache_in(tmp_path))
    assert not result.drifted
    assert (result.served, result.earlier) == (("judge-2026-09-09",), ("judge-2026-01-02",))
    assert "'judge-2026-09-09'" in result.message
    assert "its verdicts are those of an earlier judging, by 'judge-2026-01-02'" in result.message


@pytest.mark.parametrize(("wrong", "drifted"), [((4,), False), ((4, 9), True)])
def test_another_dated_model_with_other_verdicts_has_drifted(tmp_path, wrong, drifted):
    # It agrees often enough with what is expected; that it judges otherwise than the one before is what shows.
    of = recipe()
    with OpenAIServer(Judge(of)) as server:
        run(server, of, cache_in(tmp_path))
        server.respond = Judge(of, wrong=wrong, called="judge-2026-09-09")
        result = run(server, of, cache_in(tmp_path))
    assert result.agreement >= LEAST_AGREEMENT
    assert result.drifted is drifted
    if drifted:
        assert "since an earlier judging, by 'judge-2026-01-02', 2 verdicts have turned" in result.message


def test_other_weights_under_the_same_name_are_seen_too(tmp_path):
    of = recipe()
    with OpenAIServer(Judge(of)) as server:
        run(server, of, cache_in(tmp_path))
        server.respond = Judge(of, wrong=(4, 9))
        result = run(server, of, cache_in(tmp_path))
    assert result.drifted
    assert "since an earlier judging, 2 verdicts have turned" in result.message


def test_a_judge_that_became_milder_is_seen_before_a_verdict_turns(tmp_path):
    of = recipe("judge/voicebench-open")
    with OpenAIServer(Judge(of)) as server:
        run(server, of, cache_in(tmp_path))
        server.respond = Judge(of, bend=lambda good, reply: "5" if good else "2")
        result = run(server, of, cache_in(tmp_path))
    # Five of ten verdicts went from 1 to 2 points: 0.25 of the range for half of them.
    assert (result.agreement, result.drifted) == (1.0, True)
    assert "0 verdicts have turned and the mean verdict has moved by +0.12 of its range" in result.message


def test_slow_creep_under_one_name_is_measured_from_its_beginning(tmp_path):
    of = recipe()
    with OpenAIServer(Judge(of)) as server:
        found = []
        for wrong in ((), (1,), (1, 2)):
            server.respond = Judge(of, wrong=wrong)
            found.append(run(server, of, cache_in(tmp_path)).drifted)
    assert found == [False, False, True]


def test_history_is_of_one_rubric_and_one_judge(tmp_path):
    with OpenAIServer() as server:
        for name, wrong in (("judge/kimi-refqa", ()), ("judge/sd-qa@kimi-evalkit", (4, 9))):
            server.respond = Judge(recipe(name), wrong=wrong)
            assert not run(server, recipe(name), cache_in(tmp_path)).drifted
        server.respond = Judge(recipe(), wrong=(4, 9))
        other = calibration(recipe(), JudgeSettings(url=server.url, model="other"), cache_in(tmp_path))
    assert not other.drifted
    assert other.earlier == ()


def test_a_judge_that_is_gone_is_an_error():
    with OpenAIServer(lambda asked: error(400, "no")) as server, pytest.raises(ModelError, match="no"):
        run(server, recipe())


def test_a_rubric_of_ones_own_need_not_be_calibrated(tmp_path):
    spec = RecipeSpec("wer/mine@1", "wer")
    assert not has_calibration(Recipe(spec))
    with pytest.raises(UsageError, match="needs no judge"):
        calibration(Recipe(spec), JudgeSettings())
