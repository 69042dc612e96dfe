"""Asking a model that answers in any order: each question has one reply, however the stream ends."""

import random
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from hypothesis import given, settings
from hypothesis import strategies as st

from audiobench_pytest.catalog.schema import ModelSpec
from audiobench_pytest.errors import ModelError
from audiobench_pytest.models.base import ModelAdapter
from audiobench_pytest.runner.asking.inference import Budgets
from audiobench_pytest.runner.asking.questions import Question
from audiobench_pytest.runner.asking.streaming import ask_streaming
from audiobench_pytest.types import Answer, Prompt, Sample


class Server(ModelAdapter):
    """Holds `slots` questions at once and answers any of them; `say` makes the answers."""

    streams = True

    sees = frozenset({"sample_id"})

    def __init__(self, slots=3, seed=0, say=None, **attributes):
        super().__init__(ModelSpec("server", "server"), {})
        self.slots, self.rng, self.most = slots, random.Random(seed), 0
        self.say = say or (lambda request: Answer(f"said {request.sample_id}", timing={"latency_s": 1.0}))
        for name, value in attributes.items():
            setattr(self, name, value)

    def identity(self):
        return {}

    def load(self):
        pass

    def generate(self, batch):
        raise AssertionError("a stream was to be used")

    def stream(self, requests):
        held = []
        for request in requests:
            held.append(request)
            self.most = max(self.most, len(held))
            if len(held) == self.slots:
                yield self.answered(held)
        while held:
            yield self.answered(held)

    def answered(self, held):
        request = held.pop(self.rng.randrange(len(held)))
        return request, self.say(request)


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips")
    for i in range(8):
        sf.write(folder / f"{i}.wav", np.zeros(160 * (i + 1), np.float32), 16_000)
    return folder


def questions(clips, n, gone=()):
    return [
        Question(f"key {i}", Sample(f"{i}", (Path("/gone") if i in gone else clips) / f"{i}.wav", "r", "en"), Prompt())
        for i in range(n)
    ]


def ask(adapter, asked):
    return [reply for some in ask_streaming(adapter, asked, Budgets()) for reply in some]


def by_id(replies):
    found = {reply.question.sample.id: reply for reply in replies}
    assert len(found) == len(replies), "a question had two replies"
    return found


@settings(max_examples=30, deadline=None)
@given(slots=st.integers(1, 5), seed=st.integers(0, 99), gone=st.sets(st.integers(0, 7)))
def test_each_question_has_one_reply_in_whatever_order(clips, slots, seed, gone):
    server = Server(slots, seed)
    found = by_id(ask(server, questions(clips, 8, gone)))
    assert sorted(found) == [f"{i}" for i in range(8)]
    for i in range(8):
        reply = found[f"{i}"]
        if i in gone:
            assert f"{i}.wav" in reply.prediction.error
            assert (reply.prediction.text, reply.broken) == ("", True)
        else:
            assert (reply.prediction.text, reply.prediction.error, reply.broken) == (f"said {i}", None, False)
            assert reply.prediction.audio_s == pytest.approx(0.01 * (i + 1))
            assert reply.prediction.timing == {"latency_s": 1.0}
    assert server.most == min(slots, 8 - len(gone))


def test_the_times_of_all_answers_are_the_time_it_took(clips):
    found = ask(Server(), questions(clips, 8))
    assert all(reply.prediction.infer_s >= 0 for reply in found)
    assert 0 < sum(reply.prediction.infer_s for reply in found) < 10


def test_answers_are_given_on_as_they_come(clips):
    server = Server(slots=2)
    stream = ask_streaming(server, questions(clips, 8), Budgets())
    assert len(next(stream)) == 1
    assert server.most == 2, "the third question waits for a free slot"
    stream.close()


def test_a_question_that_was_refused_fails_alone(clips):
    def say(request):
        return Answer("half", error="HTTP 400: too long") if request.sample_id == "3" else Answer("fine")

    found = by_id(ask(Server(say=say), questions(clips, 6)))
    assert (found["3"].prediction.text, found["3"].prediction.error) == ("", "HTTP 400: too long")
    assert {i: r.prediction.text for i, r in found.items() if i != "3"} == dict.fromkeys("01245", "fine")


@pytest.mark.parametrize("bad", ["text", None, Answer(None), Answer("x", meta={"score": object()})])
def test_an_answer_that_is_none_fails_alone(clips, bad):
    found = by_id(ask(Server(say=lambda r: bad if r.sample_id == "3" else Answer("fine")), questions(clips, 6)))
    assert found["3"].prediction.error.startswith("TypeError: ")
    assert {i: r.prediction.text for i, r in found.items() if i != "3"} == dict.fromkeys("01245", "fine")


def test_a_server_that_dies_fails_what_was_in_flight_and_says_so(clips):
    def say(request):
        raise ConnectionError("refused")

    replies, stream = [], ask_streaming(Server(slots=3, say=say), questions(clips, 8, gone={0}), Budgets())
    with pytest.raises(ModelError, match=r"model 'server' gave up: ConnectionError: refused"):
        replies.extend(reply for some in stream for reply in some)
    found = by_id(replies)
    assert "0.wav" in found.pop("0").prediction.error
    assert 2 <= len(found) <= 3
    assert {reply.prediction.error for reply in found.values()} == {"ConnectionError: refused"}


def test_what_a_stream_never_took_has_failed_too(clips):
    """Else it would be missing without a reason."""

    class Short(Server):
        def stream(self, requests):
            first, _ = next(requests), next(requests)
            yield first, Answer("fine")

    found = by_id(ask(Short(), questions(clips, 6)))
    assert sorted(found) == [f"{i}" for i in range(6)]
    assert (found["0"].prediction.text, found["0"].prediction.error) == ("fine", None)
    assert found["1"].prediction.error == "the adapter gave no answer"
    assert {found[f"{i}"].prediction.error for i in range(2, 6)} == {"the adapter ended before it took this question"}


def test_an_answer_to_nothing_that_was_asked_is_told(clips):
    class Echo(Server):
        def stream(self, requests):
            for request in requests:
                yield request, Answer("fine")
                yield request, Answer("again")

    stream = ask_streaming(Echo(), questions(clips, 3), Budgets())
    assert [reply.prediction.text for reply in next(stream)] == ["fine"]
    with pytest.raises(ModelError, match="answered sample '0' twice"):
        list(stream)


def test_a_server_that_never_listens_costs_no_decoding(clips):
    found = ask(Server(sample_rate=None), questions(clips, 4, gone={0, 1, 2, 3}))
    assert [(r.broken, r.prediction.decode_s) for r in found] == [(False, 0.0)] * 4


@pytest.mark.parametrize("error", [KeyboardInterrupt, GeneratorExit])
def test_an_interrupt_ends_the_run(clips, error):
    def say(request):
        raise error

    with pytest.raises(error):
        ask(Server(say=say), questions(clips, 3))
