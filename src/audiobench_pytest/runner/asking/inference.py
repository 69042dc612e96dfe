"""Asks a loaded model, batch by batch, while the next clips are decoded."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass

from audiobench_pytest.datasets.audio.decode import audio_seconds
from audiobench_pytest.errors import SampleError
from audiobench_pytest.models.base import ModelAdapter
from audiobench_pytest.runner.asking.batches import equal_length_groups, make_batches
from audiobench_pytest.runner.asking.decoding import DecodeAhead, Decoded, decode
from audiobench_pytest.runner.asking.giving_up import FailureStreak
from audiobench_pytest.runner.asking.questions import Question, Reply, answered, checked, reason_of, request_for
from audiobench_pytest.runner.asking.timing import Spent, timed_waits
from audiobench_pytest.types import Answer, Sample


@dataclass(frozen=True, slots=True)
class Budgets:
    """How much goes into one batch, and how audio is read.

    Attributes:
        rows: Most rows; None means what the adapter says.
        seconds: Most padded seconds; None means what the adapter says.
        max_audio_s: Longer clips are refused as a data error.
        decode_threads: Threads that decode ahead.
        give_up_after: Failures in a row after which a model is given up; 0 asks it everything.
    """

    rows: int | None = None
    seconds: float | None = None
    max_audio_s: float = 7200.0
    decode_threads: int = 2
    give_up_after: int = 20


_Pair = tuple[Question, Decoded]
Clips = DecodeAhead | Generator[list[Decoded]]
"""The decoded clips of batches, one batch after the other, to be closed."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is asked in which batch.

    Attributes:
        batches: Questions, longest clips first.
        clips: The clips of each batch; decoding began when the plan was made.
    """

    batches: list[list[Question]]
    clips: Clips


def ask(
    adapter: ModelAdapter,
    questions: Sequence[Question],
    budgets: Budgets,
    streak: FailureStreak | None = None,
    spent: Spent | None = None,
    plan: Plan | None = None,
) -> Generator[list[Reply]]:
    """Yield the replies of one batch after the other.

    A model that fails on everything is given up. The longest clips come first and may fail for their length, so before
    that the shortest one that is left is asked: when it has an answer, all goes on.

    Args:
        adapter: A loaded model.
        questions: What to ask, in any order.
        budgets: Batch and decoding limits.
        streak: Failures of this model so far; none when left out.
        spent: Takes the seconds of inference and of waiting for clips; they are lost when left out.
        plan: What `planned` made of the questions; made here when left out.
    """
    streak = FailureStreak(budgets.give_up_after) if streak is None else streak
    spent = Spent() if spent is None else spent
    plan = planned(adapter, questions, budgets) if plan is None else plan
    replied: set[int] = set()
    shortest = (question for batch in reversed(plan.batches) for question in reversed(batch))
    with contextlib.closing(plan.clips) as clips:
        for batch, decoded in zip(plan.batches, timed_waits(clips, spent), strict=True):
            pairs = [(q, d) for q, d in zip(batch, decoded, strict=True) if id(q) not in replied]
            unread = [Reply.unreadable(q, d.problem) for q, d in pairs if d.problem is not None]
            if unread:
                yield _noted(unread, replied)
            for piece in _pieces(adapter, [(q, d) for q, d in pairs if d.problem is None]):
                left = piece
                while left := [pair for pair in left if id(pair[0]) not in replied]:
                    if not streak.is_long:
                        replies = _answer(adapter, left, streak, spent)
                        yield _noted([reply for reply in replies if reply.asked], replied)
                        continue
                    probe, failures = next(q for q in shortest if id(q) not in replied), streak.count
                    yield _noted(_alone(adapter, probe, budgets, streak, spent), replied)
                    if streak.count > failures:
                        if unasked := [q for q in questions if id(q) not in replied]:
                            yield [Reply.not_asked(question, streak.reason) for question in unasked]
                        return


def planned(adapter: ModelAdapter, questions: Sequence[Question], budgets: Budgets) -> Plan:
    """Cut questions into batches and begin to decode the first of them; the model need not be loaded yet.

    Args:
        adapter: The model.
        questions: What to ask, in any order.
        budgets: Batch and decoding limits.
    """
    rows = budgets.rows or adapter.spec.batch_rows or adapter.batch_rows
    if adapter.sample_rate is None:  # it never looks at the sound: there is nothing to sort by
        batches = [list(questions[start : start + rows]) for start in range(0, len(questions), rows)]
    else:
        seconds = budgets.seconds or adapter.spec.batch_seconds or adapter.batch_seconds
        durations = [_duration(q.sample) for q in questions]
        batches = [[questions[i] for i in batch] for batch in make_batches(durations, rows=rows, seconds=seconds)]
    return Plan(batches, clips_of(adapter, batches, budgets))


def clips_of(
    adapter: ModelAdapter, batches: Sequence[Sequence[Question]], budgets: Budgets, *, ahead: int = 2
) -> Clips:
    """Begin to decode batches of questions, `ahead` of them in advance; nothing for a model that never looks at it."""
    if adapter.sample_rate is None:
        return ([Decoded(None, None, 0.0)] * len(batch) for batch in batches)
    return DecodeAhead(
        [[q.sample for q in batch] for batch in batches],
        sample_rate=adapter.sample_rate,
        max_seconds=budgets.max_audio_s,
        threads=budgets.decode_threads,
        ahead=ahead,
    )


def _pieces(adapter: ModelAdapter, batch: list[_Pair]) -> Iterator[list[_Pair]]:
    """Yield a batch in the pieces that the model takes, each cut when its turn comes."""
    if not batch:
        return
    groups = [batch]
    if adapter.equal_length and adapter.sample_rate is not None:
        lengths = [len(d.audio.samples) for _, d in batch if d.audio is not None]
        groups = [[batch[i] for i in group] for group in equal_length_groups(lengths)]
    for group in groups:
        yield from _fitting(adapter, group)


def _alone(
    adapter: ModelAdapter, question: Question, budgets: Budgets, streak: FailureStreak, spent: Spent
) -> list[Reply]:
    rate = adapter.sample_rate
    decoded = Decoded(None, None, 0.0) if rate is None else decode(question.sample, rate, budgets.max_audio_s)
    if decoded.problem is not None:
        return [Reply.unreadable(question, decoded.problem)]
    return _answer(adapter, [(question, decoded)], streak, spent)


def _noted(replies: list[Reply], replied: set[int]) -> list[Reply]:
    replied.update(id(reply.question) for reply in replies)
    return replies


def _duration(sample: Sample) -> float:
    known = sample.duration_s
    files = [*sample.sounds.values()] if known is not None else [*sample.files.values()]
    if not files:
        return known or 0.0
    try:
        return (known or 0.0) + sum(map(audio_seconds, files))
    except SampleError:
        return known or 0.0  # decoding will say what is wrong with it


def _fitting(adapter: ModelAdapter, batch: list[_Pair]) -> list[list[_Pair]]:
    """Cut a batch that was planned before the model ran out of memory into pieces that fit."""
    if adapter.fitting_seconds is None:
        return [batch]
    pieces = make_batches([_seconds(adapter, d) for _, d in batch], rows=len(batch), seconds=adapter.fitting_seconds)
    return [[batch[i] for i in piece] for piece in pieces]


def _learn_what_fits(adapter: ModelAdapter, batch: list[_Pair]) -> None:
    """Remember half of what did not fit, in padded seconds: later batches of shorter clips may still have many rows.

    Of a model that fills every clip up by itself, shorter clips are no smaller.
    """
    half = len(batch) * max(_seconds(adapter, d) for _, d in batch) / 2
    adapter.fitting_seconds = min(half, adapter.fitting_seconds or half)


def _seconds(adapter: ModelAdapter, decoded: Decoded) -> float:
    return max(decoded.duration_s, adapter.least_seconds)


def _out_of_memory(exc: BaseException) -> bool:
    # torch's own class is not imported here; CUDA libraries below it raise plain errors that only say so.
    return isinstance(exc, MemoryError) or "OutOfMemory" in type(exc).__name__ or "out of memory" in str(exc).lower()


def _answer(adapter: ModelAdapter, batch: list[_Pair], streak: FailureStreak, spent: Spent) -> list[Reply]:
    """Ask for one batch; when it fails, ask for its halves, so that one bad clip fails alone.

    When that goes on for too long, what is left of the batch is not asked.
    """
    requests = [request_for(adapter, question, decoded) for question, decoded in batch]
    answers: list[Answer] = []
    failure: str | None = None
    started = time.perf_counter()
    took = None
    try:
        given = list(adapter.generate(requests))
        adapter.synchronize()
        took = time.perf_counter() - started
        if len(given) != len(requests):
            raise RuntimeError(f"the adapter gave {len(given)} answers to {len(requests)} requests")
        answers = [checked(one, request.prompt.answer) for one, request in zip(given, requests, strict=True)]
    except Exception as exc:  # whatever a model raises is the outcome of these samples, and the run goes on
        failure = reason_of(exc)
        if _out_of_memory(exc) and len(batch) > 1:
            _learn_what_fits(adapter, batch)
    took = time.perf_counter() - started if took is None else took
    spent.infer_s += took
    # Asked again behind the `except`, not in it: the exception holds the frames it passed through, and with them the
    # tensors of the batch that ran out of memory.
    if failure is not None:
        if len(batch) > 1:
            middle = (len(batch) + 1) // 2
            replies = _answer(adapter, batch[:middle], streak, spent)
            if streak.is_long:
                return replies + [Reply.not_asked(question, failure) for question, _ in batch[middle:]]
            return replies + _answer(adapter, batch[middle:], streak, spent)
        answers = [Answer(error=failure)]
    for answer in answers:
        streak.note(answer.error)
    each, latency = took / len(batch), {"latency_s": round(took, 6)}
    return [
        answered(
            question,
            decoded,
            answer,
            infer_s=each,
            batch=len(batch),
            timing={**latency, **answer.timing} if answer.timing else latency,
        )
        for (question, decoded), answer in zip(batch, answers, strict=True)
    ]
