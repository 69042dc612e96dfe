"""Asking a model: whatever it does, each question has exactly one reply."""

import gc
import weakref
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from hypothesis import given, settings
from hypothesis import strategies as st

from audiobench_pytest.catalog.schema import ModelSpec
from audiobench_pytest.models.base import ModelAdapter
from audiobench_pytest.records.append import as_line
from audiobench_pytest.runner.asking.inference import Budgets, ask
from audiobench_pytest.runner.asking.questions import Question
from audiobench_pytest.types import Answer, Prompt, Sample


class Fake(ModelAdapter):
    """Answers each request with its id; `do` may do something else first."""

    sees = frozenset({"sample_id"})
    batch_rows = 4
    batch_seconds = 1000.0

    def __init__(self, do=None, spec=None, **attributes):
        super().__init__(spec or ModelSpec("fake", "fake"), {})
        self.do, self.batches = do, []
        for name, value in attributes.items():
            setattr(self, name, value)

    def identity(self):
        return {}

    def load(self):
        pass

    def generate(self, batch):
        self.batches.append([request.sample_id for request in batch])
        if self.do is not None and (answers := self.do(batch)) is not None:
            return answers
        return [Answer(f"said {request.sample_id}", meta={"id": request.sample_id}) for request in batch]


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    """Clips of 0.01, 0.02, ... seconds."""
    folder = tmp_path_factory.mktemp("clips")
    for i in range(8):
        sf.write(folder / f"{i}.wav", np.zeros(160 * (i + 1), np.float32), 16_000)
    return folder


def question(clips, i, **more):
    sample = Sample(str(i), clips / f"{i}.wav", f"reference {i}", "en", **more)
    return Question(f"key {i}", sample, Prompt(language="en"))


def replies(adapter, questions, **budgets):
    return [reply for batch in ask(adapter, questions, Budgets(**budgets)) for reply in batch]


def by_id(found):
    return {reply.question.sample.id: reply for reply in sorted(found, key=lambda r: r.question.sample.id)}


def test_each_question_is_answered_once_longest_first(clips):
    adapter = Fake()
    found = replies(adapter, [question(clips, i) for i in range(6)])
    assert adapter.batches == [["5", "4", "3", "2"], ["1", "0"]]
    assert [(r.question.key, r.prediction.text, r.prediction.error, r.broken, r.prediction.batch) for r in found] == [
        (f"key {i}", f"said {i}", None, False, 4 if i > 1 else 2) for i in (5, 4, 3, 2, 1, 0)
    ]
    assert [r.prediction.audio_s for r in found] == pytest.approx([0.06, 0.05, 0.04, 0.03, 0.02, 0.01])
    assert all(
        r.prediction.infer_s > 0 and r.prediction.decode_s > 0 and r.prediction.meta["id"] == r.question.sample.id
        for r in found
    )


@pytest.mark.parametrize(
    ("spec", "budgets", "expected"),
    [
        ({}, {}, [4, 2]),
        ({"batch_rows": 3}, {}, [3, 3]),
        ({"batch_rows": 3}, {"rows": 5}, [5, 1]),
        ({"batch_seconds": 0.1}, {}, [1, 2, 3]),
        ({"batch_seconds": 0.1}, {"seconds": 1000.0}, [4, 2]),
        ({}, {"seconds": 0.001}, [1] * 6),
    ],
)
def test_what_the_user_says_wins_over_the_catalogue_and_that_over_the_adapter(clips, spec, budgets, expected):
    adapter = Fake(spec=ModelSpec("fake", "fake", **spec))
    replies(adapter, [question(clips, i) for i in range(6)], **budgets)
    assert [len(batch) for batch in adapter.batches] == expected


def test_stated_durations_are_believed_for_batching_only(clips):
    adapter = Fake(batch_seconds=10.0)
    found = replies(adapter, [question(clips, 0, duration_s=9.0), question(clips, 1), question(clips, 2)])
    assert adapter.batches == [["0"], ["2", "1"]]
    assert by_id(found)["0"].prediction.audio_s == pytest.approx(0.01)


def test_one_bad_request_fails_alone(clips):
    def do(batch):
        if any(r.sample_id == "3" for r in batch):
            raise RuntimeError("device\n  on fire")

    adapter = Fake(do, batch_rows=8)
    found = by_id(replies(adapter, [question(clips, i) for i in range(8)]))
    assert {i: r.prediction.error for i, r in found.items() if r.prediction.error} == {
        "3": "RuntimeError: device on fire"
    }
    assert found["3"].prediction.text == ""
    assert all(r.prediction.text == f"said {i}" for i, r in found.items() if i != "3")
    assert len(adapter.batches) == 7, "halved three times, not asked one by one"


@settings(max_examples=40, deadline=None)
@given(bad=st.sets(st.integers(0, 7)), rows=st.integers(1, 8))
def test_whichever_requests_fail_the_others_are_answered(clips, bad, rows):
    def do(batch):
        if any(int(r.sample_id) in bad for r in batch):
            raise ValueError

    found = by_id(replies(Fake(do, batch_rows=rows), [question(clips, i) for i in range(8)]))
    assert sorted(found) == [str(i) for i in range(8)]
    assert {int(i) for i, r in found.items() if r.prediction.error == "ValueError"} == bad


def test_halves_are_asked_after_the_failed_batch_is_forgotten(clips):
    """Else its tensors still fill the memory that the halves need."""
    tensors = []

    def do(batch):
        gc_free_survivors = [t for t in tensors if t() is not None]
        assert gc_free_survivors == []
        if len(batch) > 1:
            activations = np.zeros(1000)
            tensors.append(weakref.ref(activations))
            raise MemoryError("CUDA out of memory")

    gc.disable()
    try:
        found = replies(Fake(do), [question(clips, i) for i in range(4)])
    finally:
        gc.enable()
    assert [r.prediction.error for r in found] == [None] * 4
    assert len(tensors) == 3


def test_a_request_that_the_model_itself_refused_is_not_asked_again(clips):
    adapter = Fake(lambda batch: [Answer("half", error="too long" if r.sample_id == "1" else None) for r in batch])
    found = by_id(replies(adapter, [question(clips, i) for i in range(3)]))
    assert (found["1"].prediction.error, found["1"].prediction.text) == ("too long", "")
    assert found["0"].prediction.text == "half"
    assert len(adapter.batches) == 1


WRONG = {
    "one too few": lambda batch: [Answer("x")] * (len(batch) - 1),
    "one too many": lambda batch: [Answer("x")] * (len(batch) + 1),
    "texts": lambda batch: ["x"] * len(batch),
    "no text": lambda batch: [Answer(None)] * len(batch),
    "meta that is no JSON": lambda batch: [Answer("x", meta={"score": np.float32(0.5)})] * len(batch),
}


@pytest.mark.parametrize("kind", WRONG)
def test_an_adapter_that_breaks_its_contract_fails_with_a_reason(clips, kind):
    found = replies(Fake(WRONG[kind]), [question(clips, i) for i in range(3)])
    assert len(found) == 3
    for reply in found:
        assert reply.prediction.text == ""
        assert reply.prediction.error.startswith(("TypeError: ", "RuntimeError: the adapter gave "))


@pytest.mark.parametrize(
    ("said", "kept"), [("a\ud800b", "a\ufffdb"), ("\ud83d\ude00", "\U0001f600"), ("字\udc00", "字\ufffd")]
)
def test_what_is_no_character_is_replaced_before_it_is_kept_and_scored(clips, said, kept):
    (reply,) = replies(Fake(lambda batch: [Answer(said, meta={"raw": said})]), [question(clips, 0)])
    assert (reply.prediction.text, reply.prediction.error) == (kept, None)
    assert as_line(reply.prediction.meta)


def test_a_long_error_is_cut(clips):
    def do(batch):
        raise RuntimeError("x" * 100_000)

    (reply,) = replies(Fake(do), [question(clips, 0)])
    assert len(reply.prediction.error) < 600


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_ends_the_run(clips, error):
    def do(batch):
        raise error

    with pytest.raises(error):
        replies(Fake(do), [question(clips, 0), question(clips, 1)])


def test_a_file_that_cannot_be_read_is_the_samples_problem_and_never_reaches_the_model(clips):
    adapter = Fake()
    gone = Question("k", Sample("gone", Path("/nowhere/gone.wav"), "r", "en"), Prompt())
    found = by_id(replies(adapter, [question(clips, 0), gone, question(clips, 1)]))
    assert (found["gone"].prediction.text, found["gone"].broken) == ("", True)
    assert "gone.wav" in found["gone"].prediction.error
    assert [found[i].prediction.text for i in "01"] == ["said 0", "said 1"]
    assert adapter.batches == [["1", "0"]]


def test_a_batch_of_bad_files_alone_asks_nothing():
    adapter = Fake()
    (reply,) = replies(adapter, [Question("k", Sample("gone", Path("/nowhere.wav"), "r", "en", 1.0), Prompt())])
    assert reply.broken
    assert adapter.batches == []


def test_a_clip_longer_than_allowed_is_a_problem_of_the_data(clips):
    found = by_id(replies(Fake(), [question(clips, 0), question(clips, 7)], max_audio_s=0.05))
    assert not found["0"].broken
    assert "too long" in found["7"].prediction.error


def test_a_model_without_a_mask_is_given_clips_of_one_length(clips, tmp_path):
    questions = [question(clips, i) for i in (0, 1, 2)]
    for name in ("twin", "triplet"):
        sf.write(tmp_path / f"{name}.wav", np.ones(320, np.float32), 16_000)
        questions.append(Question(name, Sample(name, tmp_path / f"{name}.wav", "r", "en"), Prompt()))
    adapter = Fake(equal_length=True, batch_rows=8)
    assert len(replies(adapter, questions)) == 5
    assert sorted(sorted(batch) for batch in adapter.batches) == [["0"], ["1", "triplet", "twin"], ["2"]]


def test_a_model_that_never_listens_costs_no_decoding():
    adapter = Fake(sample_rate=None, batch_rows=2)
    questions = [Question(str(i), Sample(str(i), Path("/nowhere.wav"), "r", "en", 2.5), Prompt()) for i in range(5)]
    found = replies(adapter, questions)
    assert adapter.batches == [["0", "1"], ["2", "3"], ["4"]]
    assert [(r.broken, r.prediction.audio_s, r.prediction.decode_s) for r in found] == [(False, 2.5, 0.0)] * 5


@pytest.mark.parametrize(("sees", "reference"), [((), None), (("sample_id",), None), (("reference",), "reference 0")])
def test_the_reference_is_handed_only_to_a_model_that_declares_it(clips, sees, reference):
    seen = []
    adapter = Fake(lambda batch: seen.extend(r.reference for r in batch), sees=frozenset(sees))
    replies(adapter, [question(clips, 0)])
    assert seen == [reference]


def test_replies_come_batch_by_batch(clips):
    adapter = Fake(batch_rows=2)
    stream = ask(adapter, [question(clips, i) for i in range(6)], Budgets())
    for number in (1, 2, 3):
        assert len(next(stream)) == 2
        assert len(adapter.batches) == number, "a later batch is not begun before this one could be kept"
    assert list(stream) == []
