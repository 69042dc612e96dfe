"""A model that runs out of memory: the batch is halved, and later batches are cut to what fitted."""

import numpy as np
import pytest
import soundfile as sf

from audiobench_pytest.catalog.schema import ModelSpec
from audiobench_pytest.models.base import ModelAdapter
from audiobench_pytest.runner.asking.inference import Budgets, ask
from audiobench_pytest.runner.asking.questions import Question
from audiobench_pytest.types import Answer, Prompt, Sample


class OutOfMemoryError(RuntimeError):
    """Named as torch's is."""


class Small(ModelAdapter):
    """Holds two padded seconds."""

    sees = frozenset({"sample_id"})
    batch_rows = 8
    error: type[Exception] = OutOfMemoryError

    def identity(self):
        return self.base_identity()

    def load(self):
        self.sizes = []

    def generate(self, batch):
        padded = len(batch) * max(r.audio.duration_s for r in batch)
        self.sizes.append(len(batch))
        if padded > 2.0:
            raise self.error("CUDA out of memory: tried to allocate 20 GiB")
        return [Answer(r.sample_id) for r in batch]


@pytest.fixture
def questions(tmp_path):
    found = []
    for i, seconds in enumerate([0.5] * 16 + [0.25] * 16):
        path = tmp_path / f"{i}.wav"
        sf.write(path, np.full(int(16_000 * seconds), 0.1, dtype="float32"), 16_000)
        found.append(Question(f"k{i}", Sample(f"s{i}", path, "x", "en", seconds), Prompt()))
    return found


@pytest.mark.parametrize("error", [OutOfMemoryError, MemoryError, RuntimeError])
def test_batches_shrink_once_and_all_are_answered(questions, error):
    adapter = Small(ModelSpec("small", "small"), {})
    adapter.error = error
    adapter.load()
    replies = [reply for batch in ask(adapter, questions, Budgets()) for reply in batch]
    assert sorted(r.prediction.text for r in replies) == sorted(q.sample.id for q in questions)
    assert all(r.prediction.error is None for r in replies)
    # Eight clips of half a second do not fit; then four do, and of the shorter ones eight again.
    assert adapter.sizes == [8, 4, 4, 4, 4, 8, 8]
    assert adapter.fitting_seconds == 2.0


@pytest.mark.parametrize("first", [0, 16], ids=["long clips first", "short clips first"])
def test_of_a_model_that_fills_clips_up_as_many_fit_whatever_their_length(questions, first):
    class Filling(Small):
        """Holds four rows, whatever is in them, as one that fills every clip up to half a second."""

        least_seconds = 0.5

        def generate(self, batch):
            self.sizes.append(len(batch))
            if len(batch) > 4:
                raise self.error("CUDA out of memory")
            return [Answer(r.sample_id) for r in batch]

    adapter = Filling(ModelSpec("filling", "filling"), {})
    adapter.load()
    parts = [questions[:16], questions[16:]]
    for part in parts[::-1] if first else parts:
        assert all(reply.prediction.error is None for batch in ask(adapter, part, Budgets()) for reply in batch)
    assert adapter.sizes == [8, 4, 4, 4, 4, *[4] * 4], "learned once, and neither forgotten nor overdone"


def test_another_error_teaches_nothing(questions):
    class Broken(Small):
        def generate(self, batch):
            self.sizes.append(len(batch))
            if len(batch) > 1:
                raise RuntimeError("shape mismatch")
            return [Answer("x")]

    adapter = Broken(ModelSpec("broken", "broken"), {})
    adapter.load()
    list(ask(adapter, questions[:16], Budgets()))
    assert adapter.fitting_seconds is None
    assert adapter.sizes.count(8) == 2
