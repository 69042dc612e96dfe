"""Asks a model that answers many questions at once and in any order: a server."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from audiobench_pytest.errors import ModelError
from audiobench_pytest.models.base import ModelAdapter
from audiobench_pytest.runner.decoding import Decoded, decode_ahead
from audiobench_pytest.runner.inference import Budgets, Question, Reply, checked, reason_of, request_for
from audiobench_pytest.types import Answer, Request

_CLIPS_AHEAD = 32
"""Decoded clips that wait for a free slot: 32 clips of 10 s are 20 MB, and refill 64 slots faster than they empty."""


def ask_streaming(adapter: ModelAdapter, questions: Sequence[Question], budgets: Budgets) -> Iterator[list[Reply]]:
    """Yield replies as they come.

    The inference time attributed to an answer is the time since the one before it: their sum is the time the server was
    busy, however many answers were in flight. What one question took is in the answer's meta (`latency_s`).

    Args:
        adapter: A loaded model with `streams`.
        questions: What to ask.
        budgets: Decoding limits.

    Raises:
        ModelError: The adapter gave up; what was in flight has been yielded as failed.
    """
    broken: list[Reply] = []
    in_flight: dict[int, tuple[Request, Question, Decoded]] = {}
    taken = 0

    def requests() -> Iterator[Request]:
        nonlocal taken
        for question, decoded in _decoded(adapter, questions, budgets):
            taken += 1
            if decoded.problem is not None:
                broken.append(Reply(question, problem=decoded.problem, decode_s=decoded.seconds))
                continue
            request = request_for(adapter, question, decoded)
            in_flight[id(request)] = (request, question, decoded)
            yield request

    def reply(request: Request, text: str, error: str | None, infer_s: float, meta: dict[str, object]) -> Reply:
        if id(request) not in in_flight:
            raise RuntimeError(f"the adapter answered sample '{request.sample_id}' twice, or with a request of its own")
        _, question, decoded = in_flight.pop(id(request))
        audio_s = decoded.audio.duration_s if decoded.audio else question.sample.duration_s or 0.0
        return Reply(question, text, error, None, audio_s, infer_s, decoded.seconds, 1, meta)

    failure = "the adapter gave no answer"
    last = time.perf_counter()
    try:
        for request, answer in adapter.stream(requests()):
            try:
                kept = checked(answer)
            except TypeError as exc:  # the outcome of this question, as in a batch
                kept = Answer(error=reason_of(exc))
            now = time.perf_counter()
            text = kept.text if kept.error is None else ""
            done = [*broken, reply(request, text, kept.error, now - last, dict(kept.meta))]
            last = now
            broken.clear()
            yield done
    except Exception as exc:  # whatever a model raises is the outcome of what was in flight
        failure = reason_of(exc)
        yield [*broken, *(reply(r, "", failure, 0.0, {}) for r, _, _ in list(in_flight.values()))]
        raise ModelError(f"model '{adapter.spec.name}' gave up: {failure}") from None
    left = [*broken, *(reply(r, "", failure, 0.0, {}) for r, _, _ in list(in_flight.values()))]
    left += [Reply(question, error="the adapter ended before it took this question") for question in questions[taken:]]
    if left:
        yield left


def _decoded(
    adapter: ModelAdapter, questions: Sequence[Question], budgets: Budgets
) -> Iterator[tuple[Question, Decoded]]:
    if adapter.sample_rate is None:
        yield from ((question, Decoded(None, None, 0.0)) for question in questions)
        return
    clips = decode_ahead(
        [[question.sample] for question in questions],
        sample_rate=adapter.sample_rate,
        max_seconds=budgets.max_audio_s,
        threads=budgets.decode_threads,
        ahead=_CLIPS_AHEAD,
    )
    for question, (decoded,) in zip(questions, clips, strict=True):
        yield question, decoded
