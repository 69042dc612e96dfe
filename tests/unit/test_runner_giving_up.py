"""A model that fails on everything is given up; one that fails on some clips, however many, is not."""

import random
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from hypothesis import given, settings
from hypothesis import strategies as st

from audiobench_pytest.catalog.schema import ModelSpec
from audiobench_pytest.models.base import ModelAdapter
from audiobench_pytest.runner.asking.giving_up import FailureStreak
from audiobench_pytest.runner.asking.inference import Budgets, ask
from audiobench_pytest.runner.asking.questions import Question
from audiobench_pytest.runner.asking.streaming import ask_streaming
from audiobench_pytest.types import Answer, Prompt, Sample

N = 60
BROKEN = "RuntimeError: out of order"


class Model(ModelAdapter):
    """Fails as `why` says: by the position of a clip, of which 0 is the shortest."""

    sees = frozenset({"sample_id"})
    batch_rows = 4
    batch_seconds = 1000.0

    def __init__(self, why, *, streams=False, slots=3, **attributes):
        super().__init__(ModelSpec("model", "model"), {})
        self.why, self.streams, self.slots, self.asked, self.failed = why, streams, slots, [], 0
        for name, value in attributes.items():
            setattr(self, name, value)

    def identity(self):
        return {}

    def load(self):
        pass

    def generate(self, batch):
        for request in batch:
            if (error := self.why(int(request.sample_id))) is not None:
                if len(batch) == 1:
                    self.asked.append(int(request.sample_id))
                    self.failed += 1
                raise RuntimeError(error)
        self.asked += [int(request.sample_id) for request in batch]
        return [Answer("fine") for _ in batch]

    def stream(self, requests):
        held = []
        for request in requests:
            held.append(request)
            self.asked.append(int(request.sample_id))
            if len(held) == self.slots:
                yield self.said(held.pop(0))
        while held:
            yield self.said(held.pop(0))

    def said(self, request):
        error = self.why(int(request.sample_id))
        self.failed += error is not None
        return request, Answer("fine") if error is None else Answer(error=f"RuntimeError: {error}")


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips")
    for i in range(N):
        sf.write(folder / f"{i}.wav", np.zeros(160 * (i + 1), np.float32), 16_000)
    return folder


def questions(clips, gone=()):
    return [
        Question(f"key {i}", Sample(f"{i}", (Path("/gone") if i in gone else clips) / f"{i}.wav", "r", "en"), Prompt())
        for i in range(N)
    ]


def replies(model, asked, streak=None, **budgets):
    pose = ask_streaming if model.streams else ask
    found = [reply for some in pose(model, asked, Budgets(**budgets), streak) for reply in some]
    assert sorted(int(reply.question.sample.id) for reply in found) == list(range(len(asked))), "one reply each"
    return found


BOTH = pytest.mark.parametrize("streams", [False, True], ids=["batches", "stream"])


@BOTH
def test_a_broken_model_is_not_asked_for_every_sample(clips, streams):
    model = Model(lambda i: "out of order", streams=streams)
    found = replies(model, questions(clips))
    # Twenty, in a stream those that were in flight by then, and one more that decides.
    assert 21 <= len(model.asked) <= 21 + (2 if streams else 0)
    asked = [reply for reply in found if reply.asked]
    assert sorted(int(reply.question.sample.id) for reply in asked) == sorted(model.asked)
    assert {reply.prediction.error for reply in asked} == {BROKEN}
    others = {reply.prediction.error for reply in found if not reply.asked}
    assert others == {f"given up after {len(model.asked)} failures in a row: {BROKEN}"}


@pytest.mark.parametrize("rows", [1, 7, 64])
def test_whatever_the_size_of_a_batch(clips, rows):
    model = Model(lambda i: "out of order", batch_rows=rows)
    replies(model, questions(clips))
    assert len(model.asked) == 21


def test_a_model_that_never_listens_is_given_up_too(clips):
    model = Model(lambda i: "out of order", sample_rate=None)
    replies(model, questions(clips, gone=range(N)))
    assert len(model.asked) == 21


def test_long_clips_that_fail_for_their_length_do_not_condemn_the_model(clips):
    """They come first, and with one error: 50 in a row. The shortest clip shows that the model works."""
    model = Model(lambda i: "out of memory" if i >= 10 else None)
    found = replies(model, questions(clips))
    assert sorted(model.asked) == list(range(N))
    assert {int(r.question.sample.id) for r in found if r.prediction.error is None} == set(range(10))


@BOTH
def test_a_model_that_recovers_is_asked_on(clips, streams):
    bad = 22 if streams else 20  # a stream has two more questions in flight when it stops handing them out
    model = Model(None, streams=streams)
    model.why = lambda i: "not yet" if model.failed < bad else None
    found = replies(model, questions(clips))
    assert all(reply.asked for reply in found)
    assert sum(reply.prediction.error is not None for reply in found) == bad


@BOTH
def test_errors_of_many_kinds_are_those_of_the_clips(clips, streams):
    model = Model(lambda i: f"wrong {chr(97 + i % 2)}", streams=streams)
    assert all(reply.asked for reply in replies(model, questions(clips)))


@BOTH
def test_zero_never_gives_up(clips, streams):
    model = Model(lambda i: "out of order", streams=streams)
    assert all(reply.asked for reply in replies(model, questions(clips), give_up_after=0))


@BOTH
def test_the_next_shard_asks_once(clips, streams):
    streak = FailureStreak()
    model = Model(lambda i: "out of order", streams=streams)
    replies(model, questions(clips), streak)
    before = len(model.asked)
    found = replies(model, questions(clips), streak)
    assert len(model.asked) == before + 1
    model.why = lambda i: None
    found = replies(model, questions(clips), streak)
    assert {reply.prediction.error for reply in found} == {None}


@BOTH
def test_a_clip_that_cannot_be_read_decides_nothing(clips, streams):
    """When the clip that was to decide is broken, the next one decides."""
    gone = {0, 1, 2, 25, 26, 27}
    bad = 22 if streams else 20
    model = Model(None, streams=streams)
    model.why = lambda i: "not yet" if model.failed < bad else None
    found = replies(model, questions(clips, gone))
    assert {int(r.question.sample.id) for r in found if r.broken} == gone
    assert all(reply.asked for reply in found)


@settings(max_examples=30, deadline=None)
@given(
    bad=st.sets(st.integers(0, N - 1)), rows=st.integers(1, 9), limit=st.integers(1, 5), streams=st.booleans(),
    seed=st.integers(0, 99),
)  # fmt: skip
def test_each_question_has_one_reply_and_each_answer_that_was_given_is_kept(clips, bad, rows, limit, streams, seed):
    model = Model(lambda i: "out of order" if i in bad else None, streams=streams, batch_rows=rows, slots=rows)
    asked = questions(clips)
    random.Random(seed).shuffle(asked)
    found = replies(model, asked, give_up_after=limit)
    for reply in found:
        i = int(reply.question.sample.id)
        if reply.asked:
            assert reply.prediction.error == (BROKEN if i in bad else None)
        else:
            assert reply.prediction.error.startswith("given up after ")
            assert i not in model.asked
    assert len(model.asked) == len(set(model.asked)) or not streams


def test_a_streak_is_of_one_error_and_ends_with_an_answer():
    streak = FailureStreak(limit=3)
    for error in ("A at 0x7f3c, 12.5 MiB", "A at 0x11, 3 MiB"):
        streak.note(error)
    assert (streak.count, streak.is_long) == (2, False)
    streak.note("B")
    assert streak.count == 1
    streak.note(None)
    assert (streak.count, streak.is_long) == (0, False)
    for _ in range(3):
        streak.note("A")
    assert streak.is_long
    assert streak.reason == "given up after 3 failures in a row: A"
    assert not FailureStreak(limit=0, count=99).is_long
