"""Asks a judge: many questions at once, every reply kept as it comes, each asked again only where it cannot be read.

What is to be asked and what a reply is worth is `metrics.judge`'s; how a server is pressed is `models.openai.chat`'s.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from audiobench_pytest.errors import ModelError, UsageError
from audiobench_pytest.metrics.item import Item
from audiobench_pytest.metrics.judge.metric import Judge, JudgeCall
from audiobench_pytest.metrics.judge.prompts import SOUND
from audiobench_pytest.metrics.judge.replies import JudgeReply
from audiobench_pytest.metrics.recipes import Recipe
from audiobench_pytest.models.openai.chat import ChatClient
from audiobench_pytest.records.answers.cache import ModelCache, PredictionCache
from audiobench_pytest.records.keys import digest
from audiobench_pytest.runner.scoring.judge_record import JudgeRecord, JudgeSettings
from audiobench_pytest.runner.scoring.judge_sound import sound_part, with_sound
from audiobench_pytest.types import Answer, Prediction, SampleScore

GIVE_UP_AFTER = 32
"""Answers whose questions all failed, before one succeeded, after which a judge is taken to be out of order."""

NOT_JUDGED = "not judged yet: --stage derive asks"
"""Why there is no verdict in a stage that asks no model."""

_SYNC_EVERY_S = 5.0
_SEED_STEP = 1000


def judge_of(recipe: Recipe) -> Judge:
    """Return the judge of a recipe.

    Raises:
        UsageError: It needs none.
    """
    if not isinstance(recipe.metric, Judge):
        raise UsageError(f"the recipe '{recipe.spec.name}' needs no judge: leave the judge's options out")
    return recipe.metric


def judge_scores(
    recipe: Recipe,
    items: Iterable[Item],
    settings: JudgeSettings,
    cache: PredictionCache | None = None,
    *,
    record: JudgeRecord | None = None,
) -> Iterator[tuple[Item, SampleScore]]:
    """Yield each answer with its score, in the order in which scores are known.

    Answers that need no judge and those whose replies are in the cache come first, and need no server; a reply is
    in the cache before its score is yielded, so that a judging that is stopped loses nothing. An answer whose judge did
    not reply, or said nothing usable in three attempts, has `State.JUDGE_INVALID` with the reason; what had no reply is
    asked again by the next run.

    Args:
        recipe: Its metric is a judge.
        items: The answers; all are taken before the first question is sent.
        settings: Which judge.
        cache: Where replies are kept, or None to keep nothing.
        record: Is filled in.

    Raises:
        UsageError: The recipe needs no judge, no judge or no address is named.
        ModelError: The judge cannot be reached, or not one question had a reply. What was judged before has been
            yielded, and is kept.
        RecordError: A reply cannot be kept.
    """
    session = _Session(recipe, settings, cache, record if record is not None else JudgeRecord())
    return session.scores(items)


@dataclass(slots=True, eq=False)
class _Case:
    """One answer on its way to a score."""

    item: Item
    reference: str
    prediction: str | None
    calls: tuple[JudgeCall, ...]
    replies: list[list[JudgeReply]]

    @property
    def unanswered(self) -> str | None:
        return next((tried[-1].error for tried in self.replies if tried and tried[-1].error is not None), None)


@dataclass(frozen=True, slots=True)
class _Ask:
    """One question to be sent."""

    key: str
    call: JudgeCall
    attempt: int


class _Session:
    """One judging."""

    def __init__(
        self, recipe: Recipe, settings: JudgeSettings, cache: PredictionCache | None, record: JudgeRecord
    ) -> None:
        self.recipe, self.judge, self.settings, self.record = recipe, judge_of(recipe), settings, record
        self.model = settings.model or self.judge.rubric.judge
        if not self.model:
            raise UsageError(f"the rubric '{self.judge.rubric.name}' names no judge: write --judge-model NAME")
        sampling = self.judge.sampling
        self.sampling = {name: value for name, value in sampling.items() if name not in settings.omit}
        record.model, record.sampling = self.model, dict(self.sampling)
        record.omitted = tuple(sorted(settings.omit & sampling.keys()))
        record.rubric = f"{self.judge.rubric.name}#{self.judge.template.digest}"
        # Where it runs is not in it: the same model behind another port is the same judge.
        identity = {"judge": self.model, "sampling": self.sampling, "rubric": self.judge.template.digest}
        self.identity = digest(identity)
        self.sounds = cache.folders if cache is not None else ()
        self.cache: ModelCache | None = cache.model(f"judge-{self.model}", identity) if cache is not None else None
        self.known: dict[str, JudgeReply] = {}
        self.queue: deque[_Ask] = deque()
        self.waiting: dict[str, list[tuple[_Case, int]]] = {}
        self.answered = 0

    def scores(self, items: Iterable[Item]) -> Iterator[tuple[Item, SampleScore]]:
        try:
            open_cases: list[_Case] = []
            for item in items:
                reference, prediction = self.recipe.texts(item)
                calls = self.judge.calls(item, reference, prediction)
                case = _Case(item, reference, prediction, calls, [[] for _ in calls])
                if self._prepared(case):
                    yield item, self._score(case)
                else:
                    open_cases.append(case)
            if open_cases and not self.settings.asks:
                yield from ((case.item, self._score(self._unjudged(case))) for case in open_cases)
            elif open_cases:
                with closing(self._ask_all(open_cases)) as judged:
                    yield from self._held_back(judged, len(open_cases))
        finally:
            if self.cache is not None:
                self.cache.sync()
                self.cache.close()

    def _unjudged(self, case: _Case) -> _Case:
        """Return a case whose open questions are answered by the reason why nobody asks them."""
        for call, tried in zip(case.calls, case.replies, strict=True):
            if self.judge.wants(call, tried):
                tried.append(JudgeReply("", NOT_JUDGED))
        return case

    def _prepared(self, case: _Case) -> bool:
        """Take what the cache knows; whether that is all."""
        ready = [not self._continue(case, index, ask=False) for index in range(len(case.calls))]
        return all(ready)

    def _ask_all(self, cases: list[_Case]) -> Generator[_Case, None, None]:
        """Yield cases as their last reply comes in."""
        for case in cases:
            for index in range(len(case.calls)):
                self._continue(case, index, ask=True)
        client = ChatClient(self.settings, f"the judge '{self.model}'", "--judge-url ")
        self.record.endpoints = tuple(client.urls)
        open_calls = {
            id(case): sum(self.judge.wants(*pair) for pair in zip(case.calls, case.replies, strict=True))
            for case in cases
        }
        try:
            # A repetition joins the queue while others are in flight; what comes too late is asked in another round.
            while self.queue:
                with closing(client.ask(self._drained(), self._body)) as answers:
                    for ask, answer in answers:
                        reply = self._kept(ask, answer)
                        for case, index in self.waiting.pop(ask.key):
                            case.replies[index].append(reply)
                            if not self._continue(case, index, ask=True):
                                open_calls[id(case)] -= 1
                                if open_calls[id(case)] == 0:
                                    yield case
        finally:
            client.close()

    def _held_back(self, cases: Iterator[_Case], expected: int) -> Iterator[tuple[Item, SampleScore]]:
        """Yield scores; while no question has had a reply, hold the failed ones back: the judge may be out of order."""
        held: list[_Case] = []
        for case in cases:
            if self.answered == 0:
                held.append(case)
                if len(held) >= GIVE_UP_AFTER:
                    break
                continue
            for one in (*held, case):
                yield one.item, self._score(one)
            held.clear()
        if not held:
            return
        if self.answered:
            for one in held:
                yield one.item, self._score(one)
            return
        asked = f"{len(held)} of {expected} answers" if len(held) < expected else f"all {expected} answers"
        raise ModelError(
            f"the judge '{self.model}' at {' '.join(self.record.endpoints)} replied to nothing that it was asked about "
            f"{asked}: {held[0].unanswered}. See that it runs and serves this model, or name another one with "
            "--judge-url and --judge-model; replies of earlier runs are kept"
        )

    def _continue(self, case: _Case, index: int, *, ask: bool) -> bool:
        """Take known replies to one question of a case; whether it still wants one, which is then queued."""
        call, tried = case.calls[index], case.replies[index]
        while self.judge.wants(call, tried):
            heard = [call.sound] if call.sound else []
            key = digest([self.identity, call.messages, call.sample, len(tried), *heard])
            reply = self._known(key)
            if reply is None:
                if ask:
                    if key not in self.waiting:
                        self.queue.append(_Ask(key, call, len(tried)))
                    self.waiting.setdefault(key, []).append((case, index))
                return True
            tried.append(reply)
        return False

    def _known(self, key: str) -> JudgeReply | None:
        if key not in self.known and self.cache is not None and (found := self.cache.get(key)) is not None:
            self.record.cached += 1
            self.record.note(found)
            self.known[key] = _reply(found)
        return self.known.get(key)

    def _drained(self) -> Iterator[_Ask]:
        while self.queue:
            yield self.queue.popleft()

    def _body(self, ask: _Ask) -> dict[str, Any]:
        body: dict[str, Any] = {"model": self.model, **self.sampling}
        if "seed" in body:
            # The same seed would give the same sample, and the same unreadable reply, again.
            body["seed"] += ask.call.sample + _SEED_STEP * ask.attempt
        sound = sound_part(self.sounds, ask.call.sound) if ask.call.sound else None
        body["messages"] = [
            {"role": role, "content": text if sound is None or SOUND not in text else with_sound(text, sound)}
            for role, text in ask.call.messages
        ]
        return body

    def _kept(self, ask: _Ask, answer: Answer) -> JudgeReply:
        text = "" if answer.error is not None else answer.text
        latency = answer.timing.get("latency_s", 0.0)
        prediction = Prediction(ask.key, text, answer.error, 0.0, latency, meta=answer.meta, timing=answer.timing)
        if self.cache is not None:
            self.cache.put(prediction)
            self.cache.sync(every_s=_SYNC_EVERY_S)
        record = self.record
        record.asked += 1
        record.repeated += ask.attempt > 0
        reply = _reply(prediction)
        if answer.error is not None:
            record.unanswered += 1
            return reply
        self.answered += 1
        record.note(prediction)
        for name in ("tokens", "prompt_tokens"):
            told = answer.meta.get(name)
            setattr(record, name, getattr(record, name) + (told if isinstance(told, int) else 0))
        self.known[ask.key] = reply
        return reply

    def _score(self, case: _Case) -> SampleScore:
        return self.judge.score_replies(case.item, case.reference, case.prediction, case.replies)


def _reply(prediction: Prediction) -> JudgeReply:
    # What the server cut off or filtered out is no verdict, even if its last word looks like one.
    cut = prediction.meta.get("finish_reason") in ("length", "content_filter")
    return JudgeReply(prediction.text, prediction.error, cut)
