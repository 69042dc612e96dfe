"""What a judge is asked, what its replies are worth, and which recipes and rubrics there are."""

import math
import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audiobench_pytest.catalog.loader import load_catalog
from audiobench_pytest.catalog.schema import RecipeSpec, RubricSpec
from audiobench_pytest.errors import CatalogError, UnknownNameError, UsageError
from audiobench_pytest.metrics.item import Item
from audiobench_pytest.metrics.judge.listened import ListeningJudge
from audiobench_pytest.metrics.judge.metric import ATTEMPTS, Judge, JudgeReply
from audiobench_pytest.metrics.recipes import Recipe
from audiobench_pytest.runner.scoring.judge_check import items_of
from audiobench_pytest.types import State

CATALOG = load_catalog()
NAMES = [spec.name for spec in CATALOG.recipes if spec.score == "judge"]

# What is asked.

PLAIN = RubricSpec("plain", "Q {question} R {reference} A {answer}", "yes_no_last_word")
ROW = Item("Paris", "It is Paris.", meta={"question": "Capital of France?"})


def judge(rubric=PLAIN, **options):
    return Judge(RecipeSpec("judge/test@1", "judge", options), rubric)


def asked(metric, item=ROW):
    return metric.calls(item, item.reference, item.prediction)


def scored(metric, *replies, item=ROW):
    """Score with one list of replies per call; a bare text is a list of one."""
    tried = [[JudgeReply(r) if isinstance(r, str) else r for r in ([t] if isinstance(t, str) else t)] for t in replies]
    return metric.score_replies(item, item.reference, item.prediction, tried)


def value_of(metric, scores):
    names = {name for score in scores for name in score.numbers}
    sums = {name: np.float64(sum(score.numbers.get(name, 0) for score in scores)) for name in names}
    return {name: None if np.isnan(value) else round(float(value), 9) for name, value in metric.values(sums).items()}


def test_fields_are_filled_in():
    rubric = replace(
        PLAIN,
        system="S {meta.place}",
        user="{question}|{reference}|{references}|{choices}|{answer}|{meta.tags}|{other }",
    )
    item = Item(
        "a dog",
        "B",
        choices=("a cat", "a dog"),
        aliases=("dog", "a dog", "hound"),
        meta={"question": "Who?", "place": "here", "tags": ["x", "y"]},
    )
    ((system, user),) = [call.messages for call in asked(judge(rubric), item)]
    assert system == ("system", "S here")
    assert user == ("user", "Who?|a dog|a dog\ndog\nhound|(A) a cat\n(B) a dog|B|x\ny|{other }")


def test_what_an_answer_holds_is_never_a_field():
    sly = "{reference} {question} {{answer}} {meta.secret} \\1 \\g<0> {0} %s"
    item = replace(ROW, prediction=sly, meta={"question": "{answer}", "secret": "hidden"})
    ((_, text),) = asked(judge(), item)[0].messages
    assert text == f"Q {{answer}} R Paris A {sly}"


@settings(deadline=None)
@given(st.text(max_size=60), st.text(max_size=60), st.text(max_size=60))
def test_texts_arrive_as_they_are(question, reference, answer):
    item = Item(reference, answer, meta={"question": question})
    calls = asked(judge(replace(PLAIN, user="<{question}><{reference}><{answer}>")), item)
    if question.strip() and reference.strip() and answer.strip():
        assert calls[0].messages == (("user", f"<{question}><{reference}><{answer}>"),)
    else:
        assert calls == ()


def test_each_sample_is_a_call_of_its_own():
    calls = asked(judge(replace(PLAIN, samples=3)))
    assert [call.sample for call in calls] == [0, 1, 2]
    assert len({call.messages for call in calls}) == 1


PAIR = RubricSpec("pair", "Q {question} 1 {first} 2 {second}", "two_scores", swap=True)


@pytest.mark.parametrize(
    ("first", "order"), [("answer", ["It is Paris.", "Paris"]), ("reference", ["Paris", "It is Paris."])]
)
def test_a_comparison_is_asked_in_both_orders(first, order):
    own, swapped = asked(judge(replace(PAIR, first=first)))
    assert own.messages == (("user", f"Q Capital of France? 1 {order[0]} 2 {order[1]}"),)
    assert swapped.messages == (("user", f"Q Capital of France? 1 {order[1]} 2 {order[0]}"),)
    assert (own.swapped, swapped.swapped) == (False, True)


def test_another_key_may_hold_the_question():
    item = Item("Paris", "Paris", meta={"prompt": "Where?"})
    assert "Q Where? R" in asked(judge(question="prompt"), item)[0].messages[0][1]


@pytest.mark.parametrize(
    ("item", "lacks"),
    [
        (Item("Paris", "x"), "no question"),
        (Item("Paris", "x", meta={"question": " "}), "no question"),
        (Item(" ", "x", meta={"question": "q"}), "no reference"),
    ],
)
def test_a_row_that_lacks_what_the_judge_is_to_see_is_a_data_error(item, lacks):
    score = scored(judge(), item=item)
    assert asked(judge(), item) == ()
    assert (score.state, score.numbers) == (State.DATA_ERROR, {})
    assert lacks in score.reason


def test_a_row_without_the_description_of_its_sound_is_a_data_error():
    recipe = Recipe(CATALOG.recipes.get("airbench/chat"))
    item = Item("ref", "ans", meta={"question": "q"})
    score = recipe.metric.score_replies(item, "ref", "ans", [])
    assert score.state is State.DATA_ERROR
    assert "meta_info" in score.reason


# What replies are worth.


def test_an_empty_answer_gets_the_worst_verdict_unasked():
    metric = judge(RubricSpec("points", "{answer}", "score_1_5", samples=3), compat="number-or-first-bracket")
    for text in ("", " \n"):
        item = replace(ROW, prediction=text)
        assert asked(metric, item) == ()
        score = scored(metric, item=item)
        assert score.state is State.EMPTY
        assert value_of(metric, [score]) == {"score": 1, "score_compat": 1, "judge_invalid_rate": 0}


def test_an_empty_answer_weighs_as_much_as_another_for_the_source_too():
    points = judge(replace(PLAIN, parse="score_1_5", samples=3), compat="number-or-first-bracket")
    votes = judge(replace(PLAIN, samples=3), compat="is-yes")
    empty = replace(ROW, prediction="")
    found = value_of(points, [scored(points, item=empty), scored(points, "5", "5", "5")])
    assert (found["score"], found["score_compat"]) == (3, 3)
    found = value_of(votes, [scored(votes, item=empty), scored(votes, "yes", "yes", "yes")])
    assert (found["acc"], found["acc_compat"]) == (50, 50)


def test_an_answer_that_could_not_be_extracted_is_invalid_and_wrong():
    score = judge().score_replies(ROW, "Paris", None, [])
    assert score.state is State.INVALID
    assert value_of(judge(), [score])["acc"] == 0


def test_points_of_samples_are_averaged():
    metric = judge(replace(PLAIN, parse="score_1_5", samples=3, scale=20))
    score = scored(metric, "4", "5", "[[3]]")
    assert score.state is State.OK
    assert score.numbers["points"] == 4
    assert value_of(metric, [score, scored(metric, "1", "1", "2")]) == {
        "score": pytest.approx(20 * (4 + 4 / 3) / 2),
        "judge_invalid_rate": 0,
    }


@pytest.mark.parametrize(
    ("replies", "verdict", "as_written"),
    [
        (("Yes", "yes.", "No"), 1, 1 / 3),
        (("Yes", "yes", "No"), 1, 1),
        (("no", "No.", "yes"), 0, 1 / 3),
        (("yes.", "**Yes**", "YES!"), 1, 0),
    ],
)
def test_the_majority_counts_without_its_punctuation(replies, verdict, as_written):
    metric = judge(replace(PLAIN, samples=3), compat="is-yes")
    found = value_of(metric, [scored(metric, *replies)])
    assert found["acc"] == 100 * verdict
    assert found["acc_compat"] == pytest.approx(100 * as_written)


def test_a_reply_that_cannot_be_read_is_asked_for_twice_more():
    metric = judge()
    (call,) = asked(metric)
    tried = []
    for n in range(5):
        assert metric.wants(call, tried) is (n < 3)
        tried.append(JudgeReply("perhaps"))
    assert ATTEMPTS == 3
    assert metric.wants(call, [JudgeReply("perhaps")])
    assert not metric.wants(call, [JudgeReply("perhaps"), JudgeReply("yes")])
    assert not metric.wants(call, [JudgeReply(error="time-out")]), "the client has tried often enough"


def test_the_last_reply_counts_and_for_the_source_the_first():
    metric = judge(compat="contains-yes-in-last-line")
    score = scored(metric, ["That was yesterday", "no"])
    assert value_of(metric, [score]) == {"acc": 0, "acc_compat": 100, "judge_invalid_rate": 0}


def test_what_cannot_be_read_is_no_score_and_is_counted():
    metric = judge(compat="contains-yes-in-last-line")
    good, bad = scored(metric, "yes"), scored(metric, ["hm", "hm", "I do not know"])
    assert bad.state is State.JUDGE_INVALID
    assert "after 3 attempts: 'I do not know'" in bad.reason
    assert value_of(metric, [good, bad]) == {"acc": 100, "acc_compat": 100, "judge_invalid_rate": 50}


def test_a_source_may_count_what_it_cannot_read_as_worst():
    metric = judge(replace(PLAIN, parse="last_score_0_5", scale=20), compat="last-token", unread="worst")
    good, bad = scored(metric, "Rating: 5"), scored(metric, ["five"] * 3)
    assert value_of(metric, [good, bad]) == {"score": 100, "score_compat": 50, "judge_invalid_rate": 50}


def test_one_unreadable_sample_of_several_leaves_no_verdict():
    metric = judge(replace(PLAIN, samples=3))
    assert scored(metric, "yes", "yes", ["?"] * 3).state is State.JUDGE_INVALID


def test_a_reply_that_never_came_and_one_that_was_cut_off_are_no_verdicts():
    missing = scored(judge(), [JudgeReply(error="http://x: time-out")])
    assert (missing.state, missing.reason) == (State.JUDGE_INVALID, "the judge gave no reply: http://x: time-out")
    cut = scored(judge(), [JudgeReply("I would say no", cut=True)] * 3)
    assert cut.state is State.JUDGE_INVALID
    assert "limit of tokens" in cut.reason


def test_thoughts_are_not_the_verdict():
    metric = judge(replace(PLAIN, parse="score_1_5"))
    assert scored(metric, "<think>1 or 2? no, [[3]]</think>\n4").numbers["points"] == 4


@pytest.mark.parametrize(
    ("own", "swapped", "expected"),
    [
        # The reference is shown first; swapped, the answer is.
        ("4 8", "9 5", {"score": 8.5, "reference_score": 4.5, "win_rate": 100, "order_agreement": 100}),
        ("9 3", "9 3", {"score": 6, "reference_score": 6, "win_rate": 50, "order_agreement": 0}),
        ("7 7", "7 7", {"score": 7, "reference_score": 7, "win_rate": 0, "order_agreement": 100}),
        ("8 2", "3 9", {"score": 2.5, "reference_score": 8.5, "win_rate": 0, "order_agreement": 100}),
    ],
)
def test_both_orders_are_averaged(own, swapped, expected):
    metric = judge(replace(PAIR, first="reference"), compat="two-integers")
    found = value_of(metric, [scored(metric, own, swapped)])
    reference, answer = map(int, own.split())
    compat = {"score_compat": answer, "win_rate_compat": 100 * (answer > reference)}
    assert found == {**expected, **compat, "judge_invalid_rate": 0}


def test_a_judge_that_always_prefers_the_first_is_worth_nothing():
    metric = judge(replace(PAIR, parse="ordered_list"), compat="ordered-list")
    score = scored(metric, '["model_1", "model_2"]', '["model_1", "model_2"]')
    found = value_of(metric, [score])
    assert found == {"win_rate": 50, "order_agreement": 0, "win_rate_compat": 100, "judge_invalid_rate": 0}
    assert metric.level(score) == 0.5


def test_an_empty_answer_loses_and_says_nothing_of_the_reference():
    metric = judge(replace(PAIR, first="reference"), compat="two-integers")
    empty = scored(metric, item=replace(ROW, prediction=""))
    found = value_of(metric, [empty, scored(metric, "4 8", "8 4")])
    assert (found["score"], found["reference_score"], found["win_rate"]) == (4.5, 4, 50)
    assert found["order_agreement"] == 100


@pytest.mark.parametrize(
    ("parse", "reply", "level"),
    [
        ("score_1_5", "5", 1),
        ("score_1_5", "1", 0),
        ("score_1_5", "2", 0.25),
        ("yes_no_last_word", "yes", 1),
        ("bracket_score_1_10", "[[10]]", 1),
        ("last_score_0_5", "1", 0.2),
        ("json_judgment", '{"judgment":"incorrect"}', 0),
    ],
)
def test_levels_go_from_0_to_1(parse, reply, level):
    metric = judge(replace(PLAIN, parse=parse))
    assert metric.level(scored(metric, reply)) == pytest.approx(level)


def test_a_sample_without_a_verdict_has_no_level():
    assert judge().level(scored(judge(), ["?"] * 3)) is None


@settings(deadline=None, max_examples=50)
@given(
    st.lists(
        st.lists(st.sampled_from(["1", "2", "3", "4", "5", "[[4]]", "?", "6"]), min_size=1, max_size=3), min_size=1
    )
)
def test_corpus_values_agree_with_a_plain_computation(rows):
    metric = judge(replace(PLAIN, parse="score_1_5"), compat="number-or-first-bracket")
    scores = [scored(metric, row) for row in rows]
    points_of = {**{str(n): n for n in range(1, 6)}, "[[4]]": 4}
    last = [points_of.get(row[-1]) for row in rows]
    judged = [points for points in last if points is not None]
    # The source knows no greatest score: a 6 counts.
    first = [{**points_of, "6": 6}[row[0]] for row in rows if row[0] != "?"]
    found = value_of(metric, scores)
    assert found["score"] == (pytest.approx(sum(judged) / len(judged)) if judged else None)
    assert found["score_compat"] == (pytest.approx(sum(first) / len(first)) if first else None)
    assert found["judge_invalid_rate"] == pytest.approx(100 * (len(rows) - len(judged)) / len(rows))


# The recipe, and what cannot be.


@pytest.mark.parametrize("name", NAMES)
def test_no_score_without_a_judge(name):
    recipe = Recipe(CATALOG.recipes.get(name))
    for prediction in ("an answer", ""):
        with pytest.raises(UsageError, match=re.escape(f"'{name}' needs a judge") + r".*--judge-url.*--judge-model"):
            recipe.score(Item("ref", prediction, meta={"question": "q"}))


def test_every_recipe_of_the_facts_is_there():
    expected = "voicebench-open voicebench-open@kimi-evalkit sd-qa@voicebench sd-qa@kimi-evalkit kimi-refqa kimi-mqa"
    expected += " openaudiobench-alpaca openaudiobench-reasoning openaudiobench-llama openaudiobench-trivia"
    expected += " openaudiobench-web mtbench-single alpaca-pairwise audiobench audiobench-closed"
    uro = "open semi-open under-emotion safety gen-style multilingual qa dialogue speaker-aware"
    assert set(NAMES) == {
        *(f"judge/{name}" for name in expected.split()),
        *(f"uro/{name}@2025-02" for name in uro.split()),
        "airbench/chat",
    }


SAMPLING = {
    "judge/voicebench-open": (3, 0.5, 0.95, 1024),
    "judge/voicebench-open@kimi-evalkit": (1, 0.5, 0.95, 1024),
    "judge/sd-qa@voicebench": (3, 0.5, 0.95, 1024),
    "judge/sd-qa@kimi-evalkit": (1, 0, 0.95, 1024),
    "judge/kimi-refqa": (1, 0, 0.95, 1024),
    "judge/kimi-mqa": (1, 0, 0.95, 1024),
    "judge/openaudiobench-reasoning": (1, 0, 0.95, 1024),
    "judge/mtbench-single": (1, 0, None, 1024),
    "judge/audiobench": (1, None, None, 512),
    "airbench/chat": (1, 0, None, 1024),
    "uro/open@2025-02": (3, 0.5, 0.95, 1024),
    "uro/qa@2025-02": (3, 0.5, 0.95, 1024),
}


@pytest.mark.parametrize("name", SAMPLING)
def test_judges_are_sampled_as_the_source_does(name):
    rubric = Recipe(CATALOG.recipes.get(name)).metric.rubric
    assert (rubric.samples, rubric.temperature, rubric.top_p, rubric.max_tokens) == SAMPLING[name]
    assert rubric.seed is not None
    assert rubric.judge


@pytest.mark.parametrize(
    ("name", "headline"),
    [
        ("judge/voicebench-open", ("score", "points", 1, 5)),
        ("judge/openaudiobench-alpaca", ("score", "points", 10, 100)),
        ("judge/openaudiobench-reasoning", ("score", "points", 20, 100)),
        ("judge/audiobench", ("score", "points", 0, 100)),
        ("judge/audiobench-closed", ("acc", "%", 0, 100)),
        ("judge/kimi-mqa", ("acc", "%", 0, 100)),
        ("judge/alpaca-pairwise", ("win_rate", "%", 0, 100)),
        ("airbench/chat", ("score", "points", 1, 10)),
    ],
)
def test_unit_and_range_travel_with_the_value(name, headline):
    first, *others = Recipe(CATALOG.recipes.get(name)).quantities(["en"])
    assert (first.name, first.unit, first.minimum, first.maximum) == headline
    assert first.higher_is_better
    assert others[-1].name == "judge_invalid_rate"
    assert not others[-1].higher_is_better
    assert f"{first.name}_compat" in {quantity.name for quantity in others} or name == "airbench/chat"


@pytest.mark.parametrize("name", NAMES)
def test_every_recipe_gives_all_its_values(name):
    recipe = Recipe(CATALOG.recipes.get(name))
    names = [quantity.name for quantity in recipe.quantities(["en"])]
    found = recipe.values({"n": np.array([2.0, 0.0])})
    assert list(found) == names
    assert all(value.shape == (2,) for value in found.values())
    assert np.isnan(found[names[0]][1])


def test_the_signature_says_what_was_asked_how_and_what_the_source_does():
    fields = Recipe(CATALOG.recipes.get("judge/voicebench-open")).signature(["en"]).split("|")
    digest = Recipe(CATALOG.recipes.get("judge/voicebench-open")).metric.template.digest
    assert fields == [
        "judge/voicebench-open",
        "lang:en",
        f"rubric:voicebench-open#{digest}",
        "parse:score_1_5",
        "samples:3",
        "temperature:0.5",
        "top_p:0.95",
        "max_tokens:1024",
        "seed:1",
        "retries:2",
        "empty:worst",
        "compat:number-or-first-bracket,first-reply,unread-dropped",
    ]
    assert re.fullmatch("[0-9a-f]{12}", digest)
    assert "order:both" in Recipe(CATALOG.recipes.get("airbench/chat")).signature(["en"]).split("|")


def test_other_words_are_another_rubric():
    assert judge().template.digest != judge(replace(PLAIN, system="Be strict.")).template.digest


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"user": "{answr} {answer}"}, r"no field '\{answr\}' \(did you mean answer"),
        ({"user": "Is it right? {reference}"}, "never show the answer"),
        ({"user": "{first} {answer}"}, "belong together"),
        ({"user": "{first} {second}"}, "two answers, which 'yes_no_last_word' cannot judge"),
        ({"parse": "two_scores"}, "one answer, which 'two_scores' cannot judge"),
        ({"parse": "yes_no"}, r"unknown parser 'yes_no' \(did you mean yes_no_last_word"),
        ({"samples": 0}, "samples: must be at least 1"),
        ({"samples": 2}, "no majority"),
        ({"first": "model"}, "first: must be"),
        ({"swap": True}, "swap"),
        ({"temperature": -1.0}, "temperature"),
        ({"temperature": math.nan}, "temperature"),
        ({"top_p": 1.5}, "top_p"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"scale": 0.0}, "scale"),
    ],
)
def test_a_rubric_that_cannot_be_is_refused_with_its_name(change, says):
    with pytest.raises(CatalogError, match=f"rubric 'plain': .*{says}"):
        judge(replace(PLAIN, **change))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({}, "needs a rubric"),
        ({"rubric": "sd-qa", "compat": "guess"}, "compat"),
        ({"rubric": "sd-qa", "compat": "two-integers"}, "does not read"),
        ({"rubric": "sd-qa", "unread": "random"}, "unread"),
        ({"rubric": "sd-qa", "vote": "3"}, "unknown option 'vote'"),
        ({"rubric": "sd-qa", "votes": "3"}, "votes"),
        ({"rubric": "sd-qa", "samples": "many"}, "samples"),
    ],
)
def test_a_recipe_that_cannot_be_is_refused_with_its_name(options, says):
    with pytest.raises(CatalogError, match=f"recipe 'judge/mine@1': .*{says}"):
        Recipe(RecipeSpec("judge/mine@1", "judge", options))


def test_an_unknown_rubric_has_close_matches():
    with pytest.raises(UnknownNameError, match=r"unknown rubric 'sdqa' \(did you mean sd-qa"):
        Recipe(RecipeSpec("judge/mine@1", "judge", {"rubric": "sdqa"}))


# A publisher's own words.


def test_an_official_file_replaces_our_words(tmp_path):
    plain, pair = tmp_path / "official.txt", tmp_path / "official.yaml"
    plain.write_text("Their question: {question}\nTheir answer: {answer}\n", "utf-8")
    pair.write_text("system: no\nuser: |\n  {answer} 评分\n", "utf-8")
    ours = judge(replace(PLAIN, system="ours"))
    theirs = judge(replace(PLAIN, system="ours"), official_file=str(plain))
    assert asked(theirs)[0].messages == (("user", "Their question: Capital of France?\nTheir answer: It is Paris."),)
    assert theirs.template.digest != ours.template.digest
    assert asked(judge(official_file=str(pair)))[0].messages == (("system", "no"), ("user", "It is Paris. 评分"))


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.txt", None, "No such file"),
        ("a.txt", "Without a field", "never show the answer"),
        ("a.txt", "{prompt} {answer}", r"no field '\{prompt\}'"),
        ("a.yaml", "user: [1]", "expected the texts"),
        ("a.yaml", "usr: x", "expected the texts"),
        ("a.yaml", "user: 'x", "official_file"),
        ("a.txt", b"\xff\xfe", "official_file"),
    ],
)
def test_an_official_file_that_cannot_be_used_is_told(tmp_path, name, content, says):
    if content is not None:
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(CatalogError, match=f"rubric 'plain': .*{says}"):
        judge(official_file=str(tmp_path / name))


# The catalogue.


@pytest.mark.parametrize("rubric", CATALOG.rubrics, ids=lambda rubric: rubric.name)
def test_every_rubric_can_be_asked_and_is_calibrated(rubric):
    hears = "{sound}" in rubric.user
    metric = (ListeningJudge if hears else Judge)(RecipeSpec("judge/test@1", "judge", {}), rubric)
    assert rubric.description
    assert rubric.source
    if hears:  # no recording is beyond doubt, and none is handed on
        assert not rubric.calibration
        spoken = {"speech": {"file": "ab/c.flac", "silent_share": 0.1}}
        assert asked(metric, Item("", "", meta={"question": "Sing!"}, given=spoken))
        return
    spec = CATALOG.calibration.get(rubric.calibration)
    for case, item in zip(spec.cases, items_of(spec), strict=True):
        assert asked(metric, item), metric.unasked(item, item.reference, item.prediction)
        assert case.answer in asked(metric, item)[0].messages[-1][1]


@pytest.mark.parametrize("spec", CATALOG.calibration, ids=lambda spec: spec.name)
def test_calibration_sets_are_half_good_half_bad(spec):
    good = [case for case in spec.cases if case.low >= 0.5 and case.high == 1]
    bad = [case for case in spec.cases if case.low == 0 and case.high <= 0.4]
    assert (len(good), len(bad), len(spec.cases)) == (5, 5, 10)
    assert len({(case.question, case.reference, case.answer) for case in spec.cases}) == 10
