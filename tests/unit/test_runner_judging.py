"""Asking a judge over real HTTP: each reply is kept at once and asked for once; a judge that fails is told apart."""

import json
import re
from collections import Counter
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiobench_pytest.catalog.loader import load_catalog
from audiobench_pytest.catalog.schema import RecipeSpec
from audiobench_pytest.errors import MissingExtraError, ModelError, UsageError
from audiobench_pytest.metrics.item import Item
from audiobench_pytest.metrics.recipes import Recipe
from audiobench_pytest.models.openai import chat
from audiobench_pytest.records.answers.cache import PredictionCache
from audiobench_pytest.runner.scoring import judging
from audiobench_pytest.runner.scoring.judge_record import JudgeRecord, JudgeSettings
from audiobench_pytest.runner.scoring.judge_stage import JudgeStage
from audiobench_pytest.runner.scoring.judging import judge_scores
from audiobench_pytest.types import CellId, Outcome, State

pytest.importorskip("httpx")
from openai_server import OpenAIServer, Reply, error

SECRET = "sk-a-long-and-secret-key"


@pytest.fixture(autouse=True)
def _environment(monkeypatch):
    for name in ("OPENAI_BASE_URL", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)


def said(text, model="judge-2026-01-02", finish="stop", **more):
    choice = {"message": {"role": "assistant", "content": text}, "finish_reason": finish}
    usage = {"prompt_tokens": 100, "completion_tokens": 2, "total_tokens": 102}
    return Reply({"model": model, "system_fingerprint": "fp_9", "choices": [choice], "usage": usage}, **more)


def shown(asked):
    return asked.fields["messages"][-1]["content"]


def honest(asked):
    """A judge that finds the word `right` in the answer to be checked."""
    text = shown(asked)
    answer = text.partition("Answer to be checked:")[2] or text
    return said("Yes" if "right" in answer else "No.")


@pytest.fixture
def server():
    with OpenAIServer(honest) as one:
        yield one


def recipe(name="judge/sd-qa@kimi-evalkit", **options):
    spec = load_catalog().recipes.get(name)
    return Recipe(RecipeSpec(spec.name, "judge", {**spec.options, **options}))


def items(number=6, answer=lambda n: f"{'right' if n % 2 == 0 else 'wrong'} {n}"):
    return [Item("reference", answer(n), id=str(n), meta={"question": f"question {n}"}) for n in range(number)]


def settings_of(server, **more):
    return JudgeSettings(**{"url": server.url, "retries": 0, **more})


def cache_in(folder):
    return PredictionCache([folder / "cache"])


def judged(server, rows, cache=None, of=None, record=None, **more):
    found = judge_scores(of or recipe(), rows, settings_of(server, **more), cache, record=record)
    return {item.id: score for item, score in found}


def accuracy(scores):
    numbers = [score.numbers for score in scores.values()]
    return sum(n.get("points", 0) for n in numbers) / sum(n.get("n", 0) for n in numbers)


# An honest judge.


def test_answers_are_judged(server):
    scores = judged(server, items(6))
    assert {name: score.numbers["points"] for name, score in scores.items()} == dict(
        zip("012345", [1, 0, 1, 0, 1, 0], strict=True)
    )
    assert all(score.state is State.OK for score in scores.values())
    assert len(server.questions) == 6


def test_a_question_is_what_rubric_and_recipe_say(server):
    judged(server, items(1), of=recipe("judge/sd-qa@voicebench"))
    bodies = [asked.fields for asked in server.questions]
    assert {asked.path for asked in server.questions} == {"/v1/chat/completions"}
    for body in bodies:
        system, user = body.pop("messages")
        assert (system["role"], user["role"]) == ("system", "user")
        assert "question 0" in user["content"]
        assert "reference" in user["content"]
        assert "right 0" in user["content"]
    rest = {"model": "gpt-4o-mini", "temperature": 0.5, "top_p": 0.95, "max_tokens": 1024}
    # Each sample has a seed of its own: with one seed three samples would be one.
    assert sorted(bodies, key=lambda body: body["seed"]) == [{**rest, "seed": seed} for seed in (1, 2, 3)]


def test_fields_that_a_server_refuses_are_left_out_and_named(server):
    record = JudgeRecord()
    judged(server, items(1), omit=frozenset({"temperature", "seed"}), record=record)
    assert {"temperature", "seed"}.isdisjoint(server.questions[0].fields)
    assert record.omitted == ("seed", "temperature")
    assert "not-sent:seed,temperature" in record.signature_fields()


def test_another_judge_may_be_named(server):
    judged(server, items(1), model="lab/big")
    assert server.questions[0].fields["model"] == "lab/big"


def test_what_the_judge_is_and_cost_is_recorded(server, tmp_path):
    server.script.extend([said("Yes", model="judge-2026-03-04")])
    record = JudgeRecord()
    judged(server, items(4), cache_in(tmp_path), record=record)
    told = record.as_dict()
    assert told["model"] == "gpt-4o-mini"
    assert told["served"] == {"judge-2026-01-02": 3, "judge-2026-03-04": 1}
    assert told["fingerprints"] == {"fp_9": 4}
    assert told["sampling"] == {"temperature": 0.0, "top_p": 0.95, "max_tokens": 1024, "seed": 1}
    assert told["rubric"].startswith("sd-qa#")
    assert told["endpoints"] == [server.url]
    assert (told["asked"], told["cached"], told["tokens"], told["prompt_tokens"]) == (4, 0, 8, 400)
    json.dumps(told)
    assert record.signature_fields() == ["judge:judge-2026-01-02+judge-2026-03-04"]


def test_a_server_that_tells_no_name_is_taken_by_the_one_it_was_asked_for(server):
    server.respond = lambda asked: Reply({"choices": [{"message": {"content": "no"}}]})
    record = JudgeRecord()
    judged(server, items(1), record=record)
    assert record.signature_fields() == ["judge:gpt-4o-mini"]


def test_an_empty_answer_and_a_broken_row_are_not_asked_about(server):
    rows = [*items(1), Item("r", " ", id="empty", meta={"question": "q"}), Item("r", "a", id="broken")]
    scores = judged(server, rows)
    assert len(server.questions) == 1
    assert scores["empty"].state is State.EMPTY
    assert scores["empty"].numbers["points"] == 0
    assert scores["broken"].state is State.DATA_ERROR


def test_without_anything_to_ask_no_server_is_needed():
    rows = [Item("r", "", meta={"question": "q"})]
    assert [score.state for _, score in judge_scores(recipe(), rows, JudgeSettings())] == [State.EMPTY]


def test_many_are_asked_at_once_but_no_more_than_allowed(server):
    server.respond = lambda asked: said("yes")
    server.full, server.total = 4, 24
    judged(server, items(24), concurrency=4)
    assert server.peak == 4


def test_a_slow_judge_costs_waiting_only(server):
    server.respond = lambda asked: said(honest(asked).content["choices"][0]["message"]["content"], delay=0.3)
    assert accuracy(judged(server, items(8), concurrency=8)) == 0.5


def test_the_same_question_is_sent_once(server):
    rows = [*items(1), *items(1), *items(1)]
    found = list(judge_scores(recipe(), rows, settings_of(server)))
    assert len(server.questions) == 1
    assert [item for item, _ in found] == rows
    assert all(score.numbers["points"] == 1 for _, score in found)


# The cache.


def test_a_second_judging_asks_nothing_and_needs_no_server(tmp_path):
    with OpenAIServer(honest) as server:
        first = judged(server, items(6), cache_in(tmp_path), of=recipe("judge/sd-qa@voicebench"))
        assert len(server.questions) == 18
        url = server.url
    record = JudgeRecord()
    again = judge_scores(
        recipe("judge/sd-qa@voicebench"), items(6), JudgeSettings(url=url), cache_in(tmp_path), record=record
    )
    assert {item.id: score for item, score in again} == first
    assert (record.asked, record.cached) == (0, 18)
    assert record.served == {"judge-2026-01-02": 18}, "known from the kept replies"


def test_another_port_is_the_same_judge(tmp_path):
    with OpenAIServer(honest) as one:
        judged(one, items(3), cache_in(tmp_path))
    with OpenAIServer(honest) as other:
        judged(other, items(4), cache_in(tmp_path))
        assert len(other.questions) == 1


@pytest.mark.parametrize(
    ("change", "options"),
    [
        ({"model": "other"}, {}),
        ({}, {"temperature": "0.7"}),
        ({"omit": frozenset({"seed"})}, {}),
        ({}, {"rubric": "kimi-refqa"}),
    ],
)
def test_another_model_sampling_or_rubric_is_another_judge(server, tmp_path, change, options):
    judged(server, items(2), cache_in(tmp_path))
    judged(server, items(2), cache_in(tmp_path), of=recipe(**options), **change)
    assert len(server.questions) == 4


def test_more_samples_ask_for_the_others_only(server, tmp_path):
    judged(server, items(2), cache_in(tmp_path))
    judged(server, items(2), cache_in(tmp_path), of=recipe(samples="3"))
    assert len(server.questions) == 6


def test_a_judging_that_was_stopped_asks_for_the_rest_only(server, tmp_path):
    rows = items(30)
    scores = judge_scores(recipe(), rows, settings_of(server, concurrency=2), cache_in(tmp_path))
    stopped = {item.id: score for item, score in islice(scores, 10)}
    scores.close()
    before = {shown(asked) for asked in server.questions}
    assert 10 <= len(before) < 30
    server.log.clear()
    whole = judged(server, rows, cache_in(tmp_path))
    assert len(whole) == 30
    assert {name: whole[name] for name in stopped} == stopped
    # At most what was in flight when it was stopped is asked again.
    assert 30 - len(before) <= len(server.questions) <= 20


def test_replies_are_kept_before_their_scores_are_known(server, tmp_path):
    scores = judge_scores(recipe(), items(3), settings_of(server, concurrency=1), cache_in(tmp_path))
    next(scores)
    kept = [line for path in tmp_path.rglob("*.jsonl") for line in path.read_text("utf-8").splitlines()]
    assert kept
    assert {json.loads(line)["text"] for line in kept} <= {"Yes", "No."}
    scores.close()


def test_replies_lie_raw_in_a_folder_named_after_the_judge(server, tmp_path):
    judged(server, items(2), cache_in(tmp_path), model="lab/big judge")
    (folder,) = (tmp_path / "cache" / "predictions").iterdir()
    assert folder.name.startswith("judge-lab-big-judge-")
    identity = json.loads((folder / "identity.json").read_text("utf-8"))
    assert identity == {
        "judge": "lab/big judge",
        "rubric": recipe().metric.template.digest,
        "sampling": {"temperature": 0.0, "top_p": 0.95, "max_tokens": 1024, "seed": 1},
    }
    lines = [json.loads(line) for path in folder.glob("*.jsonl") for line in path.read_text("utf-8").splitlines()]
    assert Counter(line["text"] for line in lines) == {"Yes": 1, "No.": 1}
    assert {line["meta"]["model"] for line in lines} == {"judge-2026-01-02"}


def test_without_a_cache_nothing_is_kept(server, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    judged(server, items(2))
    judged(server, items(2))
    assert len(server.questions) == 4
    assert list(tmp_path.iterdir()) == []


# Judges that do not do what they are asked.


def test_a_lying_judge_is_believed_and_only_calibration_shows_it(server):
    server.respond = lambda asked: said("5")
    scores = judged(server, items(4), of=recipe("judge/voicebench-open"))
    assert {score.numbers["points"] for score in scores.values()} == {5}


def test_a_garbage_judge_is_asked_three_times_and_then_is_no_score(server, tmp_path):
    server.respond = lambda asked: said("As a language model I like both.")
    record = JudgeRecord()
    scores = judged(server, items(3), cache_in(tmp_path), record=record)
    assert {score.state for score in scores.values()} == {State.JUDGE_INVALID}
    assert len(server.questions) == 9
    assert record.repeated == 6
    assert Counter(asked.fields["seed"] for asked in server.questions) == {1: 3, 1001: 3, 2001: 3}
    server.log.clear()
    assert judged(server, items(3), cache_in(tmp_path)) == scores
    assert server.questions == [], "what it said is known"


def test_a_reply_that_can_be_read_at_the_second_attempt_counts(server, tmp_path):
    first = {}

    def stutter(asked):
        first.setdefault(shown(asked), asked)
        return said("hm") if first[shown(asked)] is asked else honest(asked)

    server.respond = stutter
    scores = judged(server, items(10), cache_in(tmp_path), concurrency=2)
    assert accuracy(scores) == 0.5
    assert all(score.state is State.OK for score in scores.values())
    assert len(server.questions) == 20
    server.log.clear()
    assert judged(server, items(10), cache_in(tmp_path)) == scores
    assert server.questions == []


def test_a_reply_cut_off_at_the_limit_of_tokens_is_no_verdict(server):
    server.respond = lambda asked: said("They differ, so I would say no", finish="length")
    (score,) = judged(server, items(1)).values()
    assert score.state is State.JUDGE_INVALID
    assert "limit of tokens" in score.reason


def test_a_judge_that_goes_by_position_wins_half(server):
    server.respond = lambda asked: said('[{"model": "model_1", "rank": 1}, {"model": "model_2", "rank": 2}]')
    of = recipe("judge/alpaca-pairwise")
    scores = judged(server, items(4), of=of)
    assert len(server.questions) == 8
    assert {
        (score.numbers["wins"], score.numbers["agree"], score.numbers["compat_wins"]) for score in scores.values()
    } == {(0.5, 0, 1)}


def test_a_judge_that_goes_by_content_wins_or_loses(server):
    def rank(asked):
        better = 1 if "right" in shown(asked).partition("<model_1>")[2].partition("</model_1>")[0] else 2
        return said(json.dumps([f"model_{better}", f"model_{3 - better}"]))

    server.respond = rank
    scores = judged(server, items(2, lambda n: "right"), of=recipe("judge/alpaca-pairwise"))
    assert {(score.numbers["wins"], score.numbers["agree"]) for score in scores.values()} == {(1, 1)}


def test_a_failure_on_the_way_is_one_samples_trouble(server):
    server.respond = lambda asked: error(500, "overheated") if "question 2" in shown(asked) else honest(asked)
    scores = judged(server, items(6))
    assert scores["2"].state is State.JUDGE_INVALID
    assert re.search(r"the judge gave no reply: .*HTTP 500: overheated", scores["2"].reason)
    assert all(score.state is State.OK for name, score in scores.items() if name != "2")


def test_what_had_no_reply_is_asked_again_next_time(server, tmp_path):
    server.respond = lambda asked: error(500) if "question 2" in shown(asked) else honest(asked)
    judged(server, items(4), cache_in(tmp_path))
    server.respond = honest
    server.log.clear()
    scores = judged(server, items(4), cache_in(tmp_path))
    assert [re.search(r"question \d", shown(asked))[0] for asked in server.questions] == ["question 2"]
    assert scores["2"].state is State.OK


def test_an_overloaded_judge_is_waited_for(server):
    server.script.extend([error(429, headers={"retry-after": "0.2"}) for _ in range(3)])
    assert accuracy(judged(server, items(4), concurrency=4)) == 0.5


def test_a_broken_connection_is_tried_again(server):
    server.script.extend([Reply(drop=True), error(503)])
    assert accuracy(judged(server, items(4), retries=3, concurrency=1)) == 0.5


def test_a_judge_that_keeps_silent_is_given_up_in_time(server):
    server.respond = lambda asked: Reply(hang=True) if "question 1" in shown(asked) else honest(asked)
    scores = judged(server, items(4), timeout_s=2)
    assert "time-out" in scores["1"].reason
    assert accuracy({name: score for name, score in scores.items() if name != "1"}) == pytest.approx(2 / 3)


def test_failures_before_the_first_success_are_not_lost(server):
    server.script.extend([error(500)] * 3)
    scores = judged(server, items(6), concurrency=1)
    assert Counter(score.state for score in scores.values()) == {State.OK: 3, State.JUDGE_INVALID: 3}


@pytest.mark.parametrize("number", [1, 3, 31])
def test_a_judge_that_answers_nothing_is_an_error_that_says_what_to_do(server, number):
    server.respond = lambda asked: error(400, "unknown parameter: top_p")
    with pytest.raises(ModelError, match=r"'gpt-4o-mini'.*unknown parameter: top_p.*--judge-url.*--judge-model"):
        judged(server, items(number))


def test_a_judge_out_of_order_is_not_asked_to_the_end(server):
    server.respond = lambda asked: error(400, "no")
    with pytest.raises(ModelError, match="32 of 500 answers"):
        judged(server, items(500), concurrency=2)
    assert len(server.questions) < 60


def test_an_error_says_what_the_server_serves(server):
    server.respond = lambda asked: error(404, "no such model")
    with pytest.raises(ModelError, match="it serves tiny, other"):
        judged(server, items(2))


def test_what_was_judged_before_the_judge_broke_is_yielded_and_kept(server, tmp_path):
    judged(server, items(3), cache_in(tmp_path))
    server.respond = lambda asked: error(400, "no")
    scores = judge_scores(recipe(), items(5), settings_of(server), cache_in(tmp_path))
    assert len(list(islice(scores, 3))) == 3
    with pytest.raises(ModelError, match="all 2 answers"):
        next(scores)


def test_no_server_is_told_at_once():
    with OpenAIServer() as gone:
        url = gone.url
    with pytest.raises(ModelError, match=r"the judge 'gpt-4o-mini': http://127.0.0.1:\d+/v1: cannot be reached"):
        list(judge_scores(recipe(), items(1), JudgeSettings(url=url)))


# Addresses and keys.


def test_no_address_says_how_to_name_one():
    with pytest.raises(UsageError, match="no server is given for the judge 'gpt-4o-mini': write --judge-url"):
        list(judge_scores(recipe(), items(1), JudgeSettings()))


def test_the_address_may_stand_in_the_environment(server, monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    assert len(list(judge_scores(recipe(), items(2), JudgeSettings()))) == 2


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://x/v1", "http://u:p@x/v1", "http://x/v1?key=1"])
def test_an_address_that_is_none_is_refused(url):
    with pytest.raises(UsageError, match="--judge-url"):
        list(judge_scores(recipe(), items(1), JudgeSettings(url=url)))


def test_the_key_comes_from_the_environment_and_goes_nowhere_else(server, tmp_path, monkeypatch):
    monkeypatch.setenv("JUDGE_KEY", SECRET)
    server.respond = lambda asked: (
        error(400, f"bad {SECRET}") if "question 1" in shown(asked) else said(f"{SECRET} no", model=f"m-{SECRET}")
    )
    record = JudgeRecord()
    scores = judged(server, items(3), cache_in(tmp_path), key_env="JUDGE_KEY", record=record)
    assert {asked.headers["authorization"] for asked in server.questions} == {f"Bearer {SECRET}"}
    assert scores["1"].state is State.JUDGE_INVALID
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert SECRET.encode() not in written
    assert SECRET not in repr(scores) + json.dumps(record.as_dict())


def test_the_key_must_not_stand_in_the_address(server, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    with pytest.raises(UsageError, match="must not hold the key") as caught:
        judged(server, items(1), url=f"{server.url}/{SECRET}")
    assert SECRET not in str(caught.value)


def test_a_named_variable_must_hold_a_key_but_the_usual_one_need_not(server, monkeypatch):
    with pytest.raises(UsageError, match="JUDGE_KEY holds no key"):
        judged(server, items(1), key_env="JUDGE_KEY")
    judged(server, items(1), key_env="OPENAI_API_KEY")
    assert "authorization" not in server.questions[0].headers
    monkeypatch.setenv("JUDGE_KEY", "two words")
    with pytest.raises(UsageError, match="is no key"):
        judged(server, items(1), key_env="JUDGE_KEY")


def test_a_key_that_is_refused_is_told(server):
    server.models = error(401, "who are you")
    with pytest.raises(
        ModelError, match="HTTP 401: who are you; the key must be in the environment variable OPENAI_API_KEY"
    ):
        judged(server, items(1))


def test_without_httpx_the_extra_is_named(server, monkeypatch):
    monkeypatch.setattr(chat.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"audiobench-pytest\[api\]"):
        judged(server, items(1))


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"concurrency": 0}, "concurrency"),
        ({"retries": -1}, "retries"),
        ({"timeout_s": 0}, "timeout_s"),
        ({"patience_s": float("inf")}, "patience_s"),
        ({"omit": frozenset({"temprature"})}, r"'temprature' \(did you mean temperature"),
    ],
)
def test_settings_out_of_range_are_refused(wrong, says):
    with pytest.raises(UsageError, match=says):
        JudgeSettings(**wrong)


def test_a_recipe_without_a_judge_is_refused_before_anything_is_asked():
    other = Recipe(load_catalog().recipes.get("wer/audiobench-pytest@1"))
    with pytest.raises(UsageError, match="needs no judge"):
        judge_scores(other, [], JudgeSettings())


# Outcomes of a run.


def test_outcomes_get_their_scores(server):
    cell = CellId("d", "m", "judge/sd-qa@kimi-evalkit")

    def outcome(name, state, prediction, reference="r", **meta):
        return Outcome(cell, name, state, reference, prediction, meta={"question": f"q {name}", **meta})

    rows = [
        outcome("a", State.OK, "right"),
        outcome("b", State.OK, "wrong"),
        outcome("c", State.EMPTY, " "),
        outcome("d", State.FAILED, None),
        outcome("e", State.OK, "right", reference=""),
        outcome("f", State.DATA_ERROR, None, reference=""),
    ]
    stage = JudgeStage(recipe(), settings_of(server))
    found = {one.sample_id: one for one in stage.scored(rows, None)}
    assert {name: str(one.state) for name, one in sorted(found.items())} == {
        "a": "ok",
        "b": "ok",
        "c": "empty",
        "d": "failed",
        "e": "data_error",
        "f": "data_error",
    }
    points = {name: one.score and (one.score.numbers["n"], one.score.numbers["points"]) for name, one in found.items()}
    assert points == {"a": (1, 1), "b": (1, 0), "c": (1, 0), "d": (1, 0), "e": None, "f": None}
    assert len(server.questions) == 2
    assert stage.signature() == stage.record.signature_fields()


# Whatever the judge says.


@settings(deadline=None, max_examples=15)
@given(
    st.lists(st.text(max_size=30), min_size=1, max_size=6),
    st.sampled_from(sorted(spec.name for spec in load_catalog().recipes if spec.score == "judge")),
)
def test_no_reply_can_break_a_judging(replies, name):
    turn = iter(range(10_000))
    with OpenAIServer(lambda asked: said(replies[next(turn) % len(replies)])) as server:
        told = [{"rounds": [{"question": "q", "reply": f"a {n}"}]} for n in range(3)]
        rows = [Item("r", f"a {n}", id=str(n), meta={"question": "q", "meta_info": "m", **told[n]}) for n in range(3)]
        scores = judged(server, rows, of=recipe(name))
    assert {score.state for score in scores.values()} <= {State.OK, State.JUDGE_INVALID}
    assert len(scores) == 3


def test_the_limit_of_the_first_failures_is_what_the_tests_assume():
    assert judging.GIVE_UP_AFTER == 32
