"""Realtime models pass what every adapter has to pass: in text and in speech, in both dialects."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest

pytest.importorskip("httpx", reason="needs the extra 'realtime'")
pytest.importorskip("websockets", reason="needs the extra 'realtime'")
pytest.register_assert_rewrite("answers_conformance")

from answers_conformance import AnswersConformance, ClipOf  # noqa: E402
from realtime_server import RealtimeServer, said  # noqa: E402

from audiobench_pytest.models.base import ModelAdapter  # noqa: E402
from audiobench_pytest.models.registry import create, spec_from  # noqa: E402
from audiobench_pytest.types import Answer, Audio, Prompt, Request  # noqa: E402

QUESTION = "what is said?"


def what_it_heard(asked: Any) -> list[object]:
    """Answer with what identifies the sound, so that another sound has another answer."""
    return said(asked, hashlib.sha256(b"".join(sound.tobytes() for sound in asked.sounds)).hexdigest())


@pytest.mark.parametrize(
    ("dialect", "answer"),
    [("ga", "text"), ("ga", "speech"), ("preview", "text"), ("preview", "speech")],
    scope="class",
)
class TestOverLoopback(AnswersConformance):
    @staticmethod
    def said(answers: Sequence[Answer]) -> list[Any]:
        """All but how long it took."""
        sounds = [None if one.speech is None else one.speech.samples.tolist() for one in answers]
        return [(one.text, one.error, dict(one.meta), sound) for one, sound in zip(answers, sounds, strict=True)]

    @pytest.fixture(scope="class")
    @classmethod
    def adapter(cls, dialect: str, answer: str) -> Iterator[ModelAdapter]:
        with RealtimeServer(what_it_heard) as server:
            adapter = create(spec_from("openai-realtime:tiny"), {"url": server.url, "dialect": dialect, "slots": "3"})
            adapter.load()
            yield adapter
            adapter.close()
            assert server.wrong == []
            assert {asked.aloud for asked in server.questions} == {answer == "speech"}

    @pytest.fixture
    def clip_of(self, adapter: ModelAdapter, answer: str) -> ClipOf:
        rate = adapter.sample_rate
        assert rate is not None

        def clip(seconds: float, seed: int) -> Request:
            sound = np.random.default_rng(seed).normal(0, 0.1, int(seconds * rate)).astype(np.float32)
            return Request(f"s{seed}", Audio(sound, rate), Prompt(QUESTION, answer=answer))

        return clip

    @pytest.fixture
    def clips(self, clip_of: ClipOf) -> list[Request]:
        return [clip_of(seconds, seed) for seed, seconds in enumerate((1.0, 1.0, 0.6, 2.2))]

    def test_speech_is_given_where_it_is_asked_for(
        self, adapter: ModelAdapter, clips: list[Request], answer: str
    ) -> None:
        assert [one.speech is not None for one in adapter.generate(clips)] == [answer == "speech"] * len(clips)
