"""What every adapter has to pass, wherever its model is: in this process, or behind somebody's server."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from audiobench_pytest.models.base import ModelAdapter
from audiobench_pytest.runner.asking.decoding import Decoded
from audiobench_pytest.runner.asking.inference import Budgets, Plan, ask
from audiobench_pytest.runner.asking.questions import Question
from audiobench_pytest.types import Answer, Audio, Request, Sample

ClipOf = Callable[[float, int], Request]
"""A question about a made clip of so many seconds, another for each seed."""


class AnswersConformance:
    """Mixed into a class of tests with the fixtures `adapter` (loaded), `clips` (some questions) and `clip_of`."""

    @staticmethod
    def said(answers: Sequence[Answer]) -> list[Any]:
        """Return what has to be equal of answers to the same question."""
        return list(answers)

    def test_different_clips_are_answered_differently(self, adapter: ModelAdapter, clips: list[Request]) -> None:
        answers = adapter.generate(clips)
        assert [answer.error for answer in answers] == [None] * len(clips)
        assert all(answer.text for answer in answers)
        assert len({answer.text for answer in answers}) > 1

    def test_a_batch_gives_what_each_clip_gives_alone_in_any_order(
        self, adapter: ModelAdapter, clips: list[Request]
    ) -> None:
        together = adapter.generate(clips)
        assert self.said(together) == self.said([adapter.generate([clip])[0] for clip in clips])
        assert self.said(together) == self.said(adapter.generate(clips[::-1]))[::-1]

    def test_an_empty_batch_is_no_work(self, adapter: ModelAdapter) -> None:
        assert list(adapter.generate([])) == []

    def test_clips_of_no_length_to_speak_of_are_answered(self, adapter: ModelAdapter, clip_of: ClipOf) -> None:
        batch = [clip_of(seconds, seed) for seed, seconds in enumerate((0.0, 0.01, 1.0))]
        answers = adapter.generate(batch)
        assert [answer.error for answer in answers] == [None] * len(batch)
        assert self.said(answers) == self.said([adapter.generate([clip])[0] for clip in batch])

    def test_one_bad_clip_fails_alone(self, adapter: ModelAdapter, clips: list[Request]) -> None:
        rate = adapter.sample_rate or 0
        broken = Request("bad", Audio(np.full(rate, np.nan, np.float32), rate), clips[0].prompt)
        expected = {
            clip.sample_id: clip_answer.text for clip, clip_answer in zip(clips, adapter.generate(clips), strict=True)
        }
        got = self.asked(adapter, [*clips[:2], broken, *clips[2:]])
        assert got.pop("bad").error is not None
        assert {name: answer.text for name, answer in got.items()} == expected
        assert {answer.error for answer in got.values()} == {None}

    def test_sound_of_another_rate_is_refused(self, adapter: ModelAdapter, clips: list[Request]) -> None:
        rate = (adapter.sample_rate or 0) // 2
        other = Request("x", Audio(np.zeros(rate, np.float32), rate), clips[0].prompt)
        error = str(self.asked(adapter, [other])["x"].error)
        assert f"{adapter.sample_rate} Hz, got {rate} Hz" in error

    def test_what_answers_is_told_in_plain_values(self, adapter: ModelAdapter) -> None:
        assert json.loads(json.dumps([adapter.describe(), adapter.identity()])) == [
            adapter.describe(),
            adapter.identity(),
        ]

    @staticmethod
    def asked(adapter: ModelAdapter, batch: Sequence[Request]) -> dict[str, Any]:
        """Return what the runner makes of a batch, by sample."""
        questions = [Question(one.sample_id, Sample(one.sample_id, None, "x", "en"), one.prompt) for one in batch]
        clips = ([Decoded(one.audio, None, 0.0, one.sounds) for one in batch] for _ in range(1))
        replies = ask(adapter, questions, Budgets(), plan=Plan([questions], clips))
        return {reply.question.sample.id: reply.prediction for some in replies for reply in some}
