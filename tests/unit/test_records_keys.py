"""Keys: equal for equal questions, different for different ones, the same in every process and version."""

import json
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audiobench_pytest.records.keys import canonical, digest, prediction_key, prompt_digest
from audiobench_pytest.types import Call, Message, Prompt, Sound

JSON = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**60), 2**60),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(),
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
NAMES = st.text(max_size=3)
QUESTIONS = st.tuples(
    NAMES,
    st.builds(Prompt, text=st.none() | NAMES, language=st.none() | NAMES),
    NAMES,
    st.none() | st.dictionaries(st.sampled_from(["reference", "sample_id"]), st.none() | NAMES, max_size=2),
    st.integers(0, 2),
)


def key(question):
    identity, prompt, audio, sees, repeat = question
    return prediction_key(identity, prompt, audio, sees=sees, repeat=repeat)


def meaning(question):
    """Return what a question asks: `None` and `{}` say the same, and a profile is a name only."""
    identity, prompt, audio, sees, repeat = question
    return identity, prompt.text, prompt.language, audio, sorted((sees or {}).items()), repeat


@given(QUESTIONS, QUESTIONS)
def test_two_questions_share_a_key_exactly_if_they_are_one(a, b):
    assert (key(a) == key(b)) == (meaning(a) == meaning(b))


@given(NAMES, NAMES, NAMES)
def test_no_value_runs_into_its_neighbour(a, b, c):
    shifted = prediction_key(a + b, Prompt(), c) == prediction_key(a, Prompt(), b + c)
    assert shifted == (b == "")


def test_each_part_of_a_question_is_in_its_key():
    same = ("identity", Prompt("say it", "en"), "audio", {"sample_id": "1"}, 0)
    others = [
        ("other", *same[1:]),
        (same[0], Prompt("say it!", "en"), *same[2:]),
        (same[0], Prompt("say it", None), *same[2:]),
        (*same[:2], "other", *same[3:]),
        (*same[:3], {"sample_id": "2"}, 0),
        (*same[:3], {"reference": "1"}, 0),
        (*same[:3], None, 0),
        (*same[:4], 1),
        (same[0], Prompt("say it", "en", voice_text="what the voice says"), *same[2:]),
        (same[0], Prompt("say it", "en", style="what the voice says"), *same[2:]),
    ]
    assert len({key(question) for question in [same, *others]}) == len(others) + 1


def test_the_name_of_the_profile_is_not_in_the_key():
    assert prediction_key("i", Prompt("p", profile="a"), "x") == prediction_key("i", Prompt("p", profile="b"), "x")


def test_keys_of_old_caches_stay_valid():
    """Written down: if one of these changes, everything that was ever answered is asked again."""
    assert digest({"model": "m", "args": {"b": 1, "a": [True, None, 0.5]}}) == "ab39910f23dff9ae02317129d3f23634"
    assert prediction_key("id", Prompt(), "ab") == "f5616a3ff21fc33e2c531502465e8dab"
    full = prediction_key("id", Prompt("Schreib ä 字", "de"), "ab", sees={"reference": "r"}, repeat=2)
    assert full == "6975764cc498ce241c1bfc4e214823d8"


@given(JSON)
def test_canonical_text_means_the_value_and_does_not_depend_on_order(value):
    text = canonical(value)
    assert json.loads(text) == value
    assert canonical(reordered(value)) == text


def reordered(value):
    if isinstance(value, dict):
        return {k: reordered(v) for k, v in reversed(value.items())}
    return [reordered(v) for v in value] if isinstance(value, list) else value


def test_a_key_does_not_depend_on_the_process():
    code = "from audiobench_pytest.records.keys import digest; print(digest({'b': [1, 'ä'], 'a': None}))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": "7"}
    )
    assert done.stdout.strip() == digest({"a": None, "b": [1, "ä"]})


@pytest.mark.parametrize(("value", "error"), [({"x": object()}, TypeError), ([float("nan")], ValueError)])
def test_a_value_without_one_text_is_refused(value, error):
    with pytest.raises(error):
        digest(value)


def test_half_a_surrogate_pair_has_a_key_of_its_own():
    assert len({digest("\ud800"), digest("\ud801"), digest("\\ud800"), digest("?"), digest("\ufffd")}) == 5


TALK = (Message("user", (Sound(), "What is it?")),)
TALKS = [
    Prompt("What is it?", messages=TALK),
    Prompt("What is it?", messages=(Message("user", ("What is it?", Sound())),)),
    Prompt("What is it?"),
    Prompt("What is it?", "en", messages=TALK),
    Prompt(messages=(Message("system", ("Be brief.",)), *TALK)),
    Prompt(messages=(Message("user", (Sound(), Sound("second"), "What is it?")),)),
    Prompt(messages=(Message("user", (Sound("second"), Sound(), "What is it?")),)),
    Prompt(messages=(*TALK, Message("assistant", (), (Call("look", {"at": "it"}),)))),
    Prompt(messages=(*TALK, Message("assistant", (), (Call("look", {"at": "me"}),)))),
    Prompt(messages=TALK, tools=({"name": "look"},)),
]


def test_each_part_of_a_conversation_is_in_its_key():
    keys = {prediction_key("i", prompt, "a", sounds={"second": "b"}) for prompt in TALKS}
    keys.add(prediction_key("i", TALKS[0], "other"))
    keys.add(prediction_key("i", TALKS[5], "a", sounds={"second": "other"}))
    assert len(keys) == len(TALKS) + 2


def test_a_sound_that_is_not_asked_about_is_not_in_the_key():
    assert prediction_key("i", TALKS[0], "a", sounds={"second": "b"}) == prediction_key("i", TALKS[0], "a")


def test_a_key_of_a_conversation_stays_what_it_was():
    assert prediction_key("id", TALKS[0], "ab") == "d5f7f8587a555d8db5ba0baabe0078cc"


def test_words_have_a_digest_and_what_has_none_has_none():
    assert prompt_digest(Prompt(language="en")) == ""
    assert len({prompt_digest(prompt) for prompt in TALKS}) == len(TALKS) - 1  # a hint is no word
