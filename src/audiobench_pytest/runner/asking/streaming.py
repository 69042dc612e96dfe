"""Asks a model that answers many questions at once and in any order: a server."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Generator, Iterator, Sequence

from audiobench_pytest.errors import ModelError
from audiobench_pytest.models.base import ModelAdapter
from audiobench_pytest.runner.asking.decoding import Decoded
from audiobench_pytest.runner.asking.giving_up import FailureStreak
from audiobench_pytest.runner.asking.inference import Budgets, clips_of
from audiobench_pytest.runner.asking.questions import Question, Reply, answered, checked, reason_of, request_for
from audiobench_pytest.runner.asking.timing import Spent
from audiobench_pytest.types import Answer, Request

_CLIPS_AHEAD = 32
"""Decoded clips that wait for a free slot: 32 clips of 10 s are 20 MB, and refill 64 slots faster than they empty."""


def ask_streaming(
    adapter: ModelAdapter,
    questions: Sequence[Question],
    budgets: Budgets,
    streak: FailureStreak | None = None,
    spent: Spent | None = None,
    admit: Callable[[Question, float], bool] | None = None,
) -> Generator[list[Reply]]:
    """Yield replies as they come.

    A model that fails on everything is given up: no more questions are handed out, and when those in flight have come
    back one more has to show whether it is worth going on.

    The inference time attributed to an answer is the time since the one before it: their sum is the time the server was
    busy, however many answers were in flight. What one question took the adapter tells in the answer's timing.

    Args:
        adapter: A loaded model with `streams`.
        questions: What to ask.
        budgets: Decoding limits.
        streak: Failures of this model so far; none when left out.
        spent: Takes the seconds of inference; they are lost when left out.
        admit: Whether a question with so many seconds of sound may be asked: where it may not, it has to wait until
            those in flight have come back, and where it may not then, it and those behind it have no reply.

    Raises:
        ModelError: The adapter gave up; what was in flight has been yielded as failed.
    """
    streak = FailureStreak(budgets.give_up_after) if streak is None else streak
    spent = Spent() if spent is None else spent
    left = list(questions)
    while left:
        doubtful, failures = streak.is_long, streak.count
        taken = yield from _stream(adapter, left[:1] if doubtful else left, budgets, streak, spent, admit)
        if not taken:
            return
        left = left[taken:]
        if doubtful and streak.count > failures and left:
            yield [Reply.not_asked(question, streak.reason) for question in left]
            return


def _stream(
    adapter: ModelAdapter,
    questions: Sequence[Question],
    budgets: Budgets,
    streak: FailureStreak,
    spent: Spent,
    admit: Callable[[Question, float], bool] | None,
) -> Generator[list[Reply], None, int]:
    """Yield replies until each question has one, the streak of failures becomes long, or one may not be asked.

    Returns:
        How many have one.
    """
    was_long, stopped = streak.is_long, False
    unread: list[Reply] = []
    in_flight: dict[int, tuple[Request, Question, Decoded]] = {}
    taken = 0

    def requests() -> Iterator[Request]:
        nonlocal taken, stopped
        clips = clips_of(adapter, [[question] for question in questions], budgets, ahead=_CLIPS_AHEAD)
        with contextlib.closing(clips):
            for question, (decoded,) in zip(questions, clips, strict=True):
                if streak.is_long and not was_long:
                    stopped = True
                    return
                if admit is not None and decoded.problem is None and not admit(question, decoded.duration_s):
                    stopped = True
                    return
                taken += 1
                if decoded.problem is not None:
                    unread.append(Reply.unreadable(question, decoded.problem))
                    continue
                request = request_for(adapter, question, decoded)
                in_flight[id(request)] = (request, question, decoded)
                yield request

    def reply(request: Request, answer: Answer, infer_s: float = 0.0) -> Reply:
        if id(request) not in in_flight:
            raise RuntimeError(f"the adapter answered sample '{request.sample_id}' twice, or with a request of its own")
        _, question, decoded = in_flight.pop(id(request))
        return answered(question, decoded, answer, infer_s=infer_s, batch=1, timing=answer.timing)

    failure = "the adapter gave no answer"
    last = time.perf_counter()
    try:
        for request, answer in adapter.stream(requests()):
            try:
                kept = checked(answer, request.prompt.answer)
            except TypeError as exc:  # the outcome of this question, as in a batch
                kept = Answer(error=reason_of(exc))
            now = time.perf_counter()
            streak.note(kept.error)
            done = [*unread, reply(request, kept, now - last)]
            spent.infer_s += now - last
            last = now
            unread.clear()
            yield done
    except Exception as exc:  # whatever a model raises is the outcome of what was in flight
        failure = reason_of(exc)
        yield [*unread, *(reply(r, Answer(error=failure)) for r, _, _ in list(in_flight.values()))]
        raise ModelError(f"model '{adapter.spec.name}' gave up: {failure}") from None
    left = [*unread, *(reply(r, Answer(error=failure)) for r, _, _ in list(in_flight.values()))]
    if not stopped:
        left += [
            Reply.not_asked(question, "the adapter ended before it took this question")
            for question in questions[taken:]
        ]
        taken = len(questions)
    if left:
        yield left
    return taken
