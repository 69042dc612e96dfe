"""Moshi: a tiny random checkpoint through the adapter that runs the real ones."""

import numpy as np
import pytest
from tiny_speech import build_codec, build_moshi

from audiobench_pytest.catalog.loader import load_catalog
from audiobench_pytest.catalog.schema import ModelSpec
from audiobench_pytest.errors import ModelError, UsageError
from audiobench_pytest.models.registry import create
from audiobench_pytest.types import Audio, Message, Prompt, Request, Sound

pytest.importorskip("torch", reason="needs the extra 'local'")
pytest.importorskip("transformers", reason="needs the extra 'local'")

RATE, FRAME = 24_000, 1_920


def moshi(folder, **args):
    # Of one thread: its many small steps wait for each other longest where every core is busy.
    args = {"device": "cpu", "threads": "1", "answer_seconds": "0.4", **args}
    return create(ModelSpec("moshi", "transformers-moshi", source=str(folder)), args)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return build_moshi(tmp_path_factory.mktemp("moshi"))


@pytest.fixture(scope="module")
def model(folder):
    found = moshi(folder)
    found.load()
    yield found
    found.close()


def clip(seed, seconds=0.5):
    rng = np.random.default_rng(seed)
    return Audio((0.2 * rng.standard_normal(int(seconds * RATE))).astype(np.float32), RATE)


ALONE = Prompt(profile="spoken-qa/sound-alone", messages=(Message("user", (Sound("audio"),)),), answer="speech")


def asked(sound, prompt=ALONE, draw=0):
    return Request("", sound, prompt, draw=draw)


def ask(model, *requests):
    answers = model.generate(requests)
    assert [answer.error for answer in answers] == [None] * len(requests)
    return answers


def test_it_answers_in_words_and_in_a_sound_of_its_own_time(model):
    for seconds in (0.5, 0.08, 1.0):
        (answer,) = ask(model, asked(clip(0, seconds)))
        assert (answer.speech.sample_rate, answer.speech.samples.shape) == (RATE, (5 * FRAME,))
        assert np.isfinite(answer.speech.samples).all()
        assert np.abs(answer.speech.samples).max() > 0
        words = answer.text.split()
        assert 1 <= len(words) <= 6
        assert all(word.startswith("w") for word in words)


def test_a_text_is_the_same_one_without_its_sound(model):
    spoken, written = ask(model, asked(clip(1)), asked(clip(1), Prompt(profile="p", messages=ALONE.messages)))
    assert written.speech is None
    assert written.text == spoken.text


def test_it_hears_what_is_asked(model):
    answers = ask(model, *(asked(clip(seed)) for seed in range(4)))
    assert len({answer.text for answer in answers}) > 1


def test_a_batch_is_what_single_questions_are(model):
    requests = [asked(clip(seed, 0.3 + 0.2 * seed)) for seed in range(3)]
    together = ask(model, *requests)
    alone = [ask(model, one)[0] for one in reversed(requests)][::-1]
    for one, other in zip(together, alone, strict=True):
        assert one.text == other.text
        assert np.array_equal(one.speech.samples, other.speech.samples)


def test_a_draw_is_its_own_and_comes_again(model):
    first, other, again = (ask(model, asked(clip(5), draw=draw))[0] for draw in (0, 1, 0))
    assert first.text == again.text != other.text
    assert np.array_equal(first.speech.samples, again.speech.samples)


def test_more_time_gives_a_longer_answer(folder):
    found = moshi(folder, answer_seconds="0.8")
    found.load()
    (answer,) = ask(found, asked(clip(0)))
    found.close()
    assert answer.speech.samples.shape == (10 * FRAME,)


@pytest.mark.parametrize(
    "prompt",
    [
        Prompt("Answer briefly."),
        Prompt(messages=(Message("user", (Sound("audio"), "Answer briefly.")),)),
        Prompt(messages=(Message("system", ("You help.",)), Message("user", (Sound("audio"),)))),
    ],
)
def test_words_are_refused_and_not_left_out(model, prompt):
    (answer,) = model.generate([asked(clip(0), prompt)])
    assert "hears one sound and no words" in answer.error
    assert "--prompt spoken-qa/sound-alone" in model.refuses(prompt)
    assert model.refuses(ALONE) is None


def test_what_is_longer_than_it_remembers_is_an_error(model):
    (answer,) = model.generate([asked(clip(0, 4.4))])
    assert answer.error == "hears 4.24 s where it answers for 0.4 s"
    ask(model, asked(clip(0, 4.24)))


def test_another_checkpoint_and_no_time_are_refused(folder, tmp_path):
    with pytest.raises(ModelError, match="is of type 'mimi', not 'moshi'"):
        moshi(build_codec(tmp_path, "mimi"))
    with pytest.raises(UsageError, match=r"answer_seconds=0\.0 of 'moshi' must be above 0"):
        moshi(folder, answer_seconds="0")


def test_its_time_is_in_its_identity_and_it_is_said_to_draw(folder):
    assert moshi(folder).identity() != moshi(folder, answer_seconds="1").identity()
    spec = load_catalog().models.get("moshi")
    assert spec.verified is False
    assert spec.tasks == ("chat", "instruction", "safety", "spoken-qa")
