"""One model, asked for one shard: from samples to questions, from questions to replies that are kept."""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Generator, Iterable, Mapping, Sequence
from typing import Any

from audiobench_pytest.catalog.loader import load_catalog
from audiobench_pytest.catalog.prices import COST, cost_of
from audiobench_pytest.datasets import shard
from audiobench_pytest.errors import RecordError, SampleError
from audiobench_pytest.prompts.profiles import prompt_for
from audiobench_pytest.records.answers.spoken import sound_at
from audiobench_pytest.records.digests import file_digest
from audiobench_pytest.records.keys import digest, prediction_key, prompt_digest, words_of
from audiobench_pytest.runner.ahead import Ahead
from audiobench_pytest.runner.asking.inference import ask, planned
from audiobench_pytest.runner.asking.questions import (
    NOT_ANSWERED,
    Question,
    Reply,
    data_error,
    no_answer,
    outcome_of,
)
from audiobench_pytest.runner.asking.resources import Runner
from audiobench_pytest.runner.asking.streaming import ask_streaming
from audiobench_pytest.runner.asking.timing import Spent, warm_up
from audiobench_pytest.runner.dialogues import Dialogue
from audiobench_pytest.runner.job import Job
from audiobench_pytest.runner.speaking import kept
from audiobench_pytest.types import SPEECH, Outcome, Prediction, Prompt, Sample, State

_MOST_WORDS = 10_000

_STREAM_SYNC_S = 0.5
"""What a power loss may cost a stream; a killed process loses nothing."""


class InferenceSession:
    """A model as one shard asks it; loaded when the first question is asked.

    Attributes:
        adapter: The model.
        cache: Its part of the cache.
        streak: Its failures since its last answer, also in earlier shards.
        spent: Where the time of this shard goes.
        loads: How often this shard had to load it.
        paid_usd: What its answers to this shard cost, in US dollars, where it has a price.
        asked_rounds: Rounds of dialogues that it was asked.
    """

    def __init__(self, runner: Runner, job: Job) -> None:
        self._runner, self._job, self._asked = runner, job, job.asked
        self.adapter = runner.pool.adapter(job.model)
        self.cache = runner.answers(job.model)
        self.streak = runner.streak(job.model)
        tasks = load_catalog().tasks
        # What raters are asked is no task of the catalogue.
        self._closed = job.dataset.task in tasks and tasks.get(job.dataset.task).closed
        self._digests: dict[str, str] = {}
        self._prompts: dict[str, Mapping[str, Any]] = {}
        self.spent = Spent()
        self.loads = 0
        self.paid_usd = 0.0
        self.asked_rounds = 0

    def question(self, sample: Sample, repeat: int = 0, draw: int = 0) -> Question | Outcome:
        """Return what is asked about a sample, or its outcome where it cannot be asked.

        Args:
            sample: The sample.
            repeat: Index of the repetition when it is asked again from the same seed.
            draw: Which of several answers is wanted, each from a seed of its own.
        """
        if sample.problem is not None:
            return data_error(self._job.cell, sample, sample.problem, draw)
        try:
            audio = file_digest(sample.audio) if sample.audio is not None else ""
            prompt = prompt_for(
                sample,
                self._asked,
                takes_language_hint=self.adapter.takes_language_hint,
                takes_instruction=self.adapter.takes_instruction,
                reads_aloud=self.adapter.reads_aloud,
            )
            sounds = {name: file_digest(path) for name, path in sample.sounds.items()} if sample.sounds else None
        except SampleError as exc:
            return data_error(self._job.cell, sample, str(exc), draw)
        if (prompt.messages or prompt.tools or prompt.style) and (why := self.adapter.refuses(prompt)) is not None:
            return data_error(self._job.cell, sample, why, draw)
        sees: dict[str, str | None] = {}
        if "reference" in self.adapter.sees:
            sees["reference"] = digest(sample.reference)
        if "sample_id" in self.adapter.sees:
            sees["sample_id"] = sample.id
        if "choices" in self.adapter.sees and sample.choices:
            sees["choices"] = digest([list(sample.choices), self._closed])
        key = prediction_key(self.cache.identity, prompt, audio, sees=sees, repeat=repeat, sounds=sounds, draw=draw)
        return Question(key, sample, prompt, self._said(prompt), self._closed, draw)

    def known(self, key: str) -> Prediction | None:
        """Return the kept answer of a question; one whose sound is gone has to be given again."""
        found = self.cache.get(key)
        if found is None or self._asked.answer != "speech":
            return found
        file = found.meta.get(SPEECH, {}).get("file")
        there = not file or sound_at(self._runner.cache.folders, file).is_file()
        return found if there else None

    def questions(self, samples: Sequence[Sample], draws: int = 1) -> Iterable[Question | Outcome]:
        """Return what is asked about samples, draw by draw; what is put into words is in the run before it is told."""
        found = (self.question(sample, draw=draw) for draw in range(draws) for sample in samples)
        if not self.adapter.takes_instruction:
            return found
        questions = list(found)
        self._runner.results.prompts(self._prompts)
        self._prompts = {}
        return questions

    def _said(self, prompt: Prompt) -> str:
        """Return the digest of a prompt's words, and note them for the run."""
        if prompt.text is None and not prompt.messages:
            return ""
        plain = prompt.text if prompt.text is not None and not prompt.messages else None
        found = self._digests.get(plain) if plain is not None else None
        if found is None:
            found = prompt_digest(prompt)
            self._prompts[found] = {"profile": prompt.profile, **words_of(prompt)}
            if plain is not None and len(self._digests) < _MOST_WORDS:
                self._digests[plain] = found
        return found

    def dialogues(self, samples: Sequence[Sample], draws: int) -> Generator[Outcome]:
        """Ask dialogues, each round of all of them at once, and yield what became of them; see `runner.dialogues`.

        Raises:
            ModelError: The model cannot be loaded.
            RecordError: The cache cannot be written.
        """
        going = []
        for one in (Dialogue(sample, draw) for draw in range(draws) for sample in samples):
            # Whether it can be asked at all is told of its last question, before the first is asked.
            whole = self.question(one.sample if one.sample.problem is not None else one.whole, draw=one.draw)
            if isinstance(whole, Outcome):
                yield dataclasses.replace(whole, meta=one.sample.kept_meta)
            else:
                going.append(one)
        cached: dict[int, bool] = {}
        while going:
            asked: list[tuple[Dialogue, Question]] = []
            for one in going:
                question = self.question(one.asked, draw=one.draw)
                if isinstance(question, Outcome):  # what it was to hear has gone since the first round
                    yield dataclasses.replace(question, meta=one.sample.kept_meta)
                else:
                    asked.append((one, question))
            self._runner.results.prompts(self._prompts)
            self._prompts = {}
            going = []
            for one, question, reply in self._round(asked):
                cached[id(one)] = cached.get(id(one), True) and reply is None
                known = self.known(question.key) if reply is None else reply.prediction
                if known is None:
                    none = no_answer(question.key, one.sample, NOT_ANSWERED)
                    yield outcome_of(self._job.cell, one.sample, none, state=State.MISSING, draw=one.draw)
                    continue
                one.answers.append(known)
                why = one.unfit()
                if why is None and not one.ended:
                    going.append(one)
                    continue
                sample, last = one.outcome
                yield outcome_of(
                    self._job.cell,
                    sample,
                    last if why is None else dataclasses.replace(last, text="", error=why),
                    state=State.DATA_ERROR if reply is not None and reply.broken else None,
                    cached=cached[id(one)],
                    prompt=question.said,
                    draw=one.draw,
                )

    def _round(self, asked: Sequence[tuple[Dialogue, Question]]) -> Generator[tuple[Dialogue, Question, Reply | None]]:
        """Yield the dialogues of a round, each with its question, and the reply where the cache had none."""
        fresh = {question.key: question for _, question in asked if self.known(question.key) is None}
        replies: dict[str, Reply] = {}
        if fresh and self._runner.asks:
            self.asked_rounds += len(fresh)
            for batch in self.replies(list(fresh.values())):
                replies |= {reply.question.key: reply for reply in batch}
        for one, question in asked:
            yield one, question, replies.get(question.key)

    def outcomes(self, questions: Sequence[Question]) -> Generator[Outcome]:
        """Ask, and yield the outcomes batch by batch; see `replies`."""
        with contextlib.closing(self.replies(questions)) as batches:
            for replies in batches:
                for reply in replies:
                    state = State.DATA_ERROR if reply.broken else None
                    question = reply.question
                    yield outcome_of(
                        self._job.cell,
                        question.sample,
                        reply.prediction,
                        state=state,
                        prompt=question.said,
                        draw=question.draw,
                    )

    def replies(self, questions: Sequence[Question], *, keep: bool = True) -> Generator[list[Reply]]:
        """Ask, and yield the replies batch by batch once their predictions are in the cache.

        Args:
            questions: What is asked.
            keep: Whether the answers are kept; not where they are asked for their time alone.

        Raises:
            ModelError: The model cannot be loaded.
            RecordError: The cache cannot be written.
        """
        steps = self._steps(questions)
        # A stream gives its answers one by one: an fsync for each (3.5 ms) would keep its slots empty.
        every_s = _STREAM_SYNC_S if self.adapter.streams else 0.0
        with contextlib.closing(self._overlapping(steps) if self.adapter.overlaps else steps) as batches:
            for replies in batches:
                self._bring_next()
                replies = [self._paid(reply) for reply in replies]
                yield self._kept(replies, every_s) if keep else replies
        self.cache.sync()

    def _bring_next(self) -> None:
        """Begin with the model that is asked next, where this one's last shard is being asked."""
        next_model = self._runner.next_model
        if next_model is not None and next_model.is_due(self._job):
            # What hears the answers to this shard is put where the next model would be; a judge is a server elsewhere.
            stages = {self._runner.scorer(spec).recipe.metric.stage for _, spec in self._job.cells()}
            next_model.begin(self._job, self._has_questions, beside=stages <= {None, "judge"})

    def _has_questions(self, job: Job) -> bool:
        """Whether a model has to be loaded for a shard: not where the cache knows all of it."""
        if self._runner.observes(job.model):
            return True
        if job.dataset not in self._runner.datasets:  # what is not read yet is not read for this alone
            return self._runner.answers(job.model).is_empty
        session = InferenceSession(self._runner, job)
        samples = shard(self._runner.dataset(job.dataset).samples, job.shard, job.of)
        found = (session.question(sample, draw=draw) for draw in range(job.draws) for sample in samples)
        return any(isinstance(one, Question) and session.known(one.key) is None for one in found)

    def _admit(self, question: Question, seconds: float) -> bool:
        """Whether the run can still pay for a question."""
        price, purse = self._job.model.price, self._runner.purse
        if price is None or purse is None:
            return True
        asked, aloud = question.prompt.text or "", question.prompt.answer == "speech"
        return purse.admit(price, question.key, seconds, asked, aloud=aloud)

    def _paid(self, reply: Reply) -> Reply:
        """Return a reply with what it cost, which is paid then."""
        price, purse, prediction = self._job.model.price, self._runner.purse, reply.prediction
        if price is None or not reply.asked or reply.broken:
            return reply
        usd = 0.0
        if prediction.error is None:
            asked = reply.question.prompt.text or ""
            usd = cost_of(price, prediction.audio_s, asked, prediction.text, prediction.meta)
            prediction = dataclasses.replace(prediction, meta={**prediction.meta, COST: usd})
        if purse is not None:
            purse.settle(reply.question.key, usd)
        self.paid_usd += usd
        return dataclasses.replace(reply, prediction=prediction)

    def _kept(self, replies: list[Reply], every_s: float = 0.0) -> list[Reply]:
        """Return replies as they stand in the cache; a sound is there before the line that names it."""
        if self._asked.answer == "speech":
            replies = [
                dataclasses.replace(
                    reply, prediction=kept(reply.prediction, reply.speech, self._runner.sounds), speech=None
                )
                for reply in replies
            ]
        for reply in replies:
            if reply.asked and not reply.broken:
                self.cache.put(reply.prediction)
        self.cache.sync(every_s=every_s)
        return replies

    def _steps(self, questions: Sequence[Question]) -> Generator[list[Reply]]:
        """Load the model, while the first clips are being decoded; return what yields its replies batch by batch."""
        adapter, pool, budgets = self.adapter, self._runner.pool, self._runner.budgets
        plan = None if adapter.streams else planned(adapter, questions, budgets)
        loads, began = dict(pool.loads), time.perf_counter()
        try:
            before = self._runner.load_model(self._job.model)
        except BaseException:
            if plan is not None:
                plan.clips.close()
            raise
        fresh = pool.loads != loads
        if fresh:
            self.loads += 1
            self.spent.load_s += before + time.perf_counter() - began
            self.spent.load_ahead_s += before

        def replies() -> Generator[list[Reply]]:
            with contextlib.nullcontext() if plan is None else contextlib.closing(plan.clips):
                if fresh and adapter.warm_up:  # here, since it is the thread that asks which has to be warm
                    warm_up(adapter, questions[0].prompt, self.spent)
                if plan is None:
                    yield from ask_streaming(adapter, questions, budgets, self.streak, self.spent, self._admit)
                else:
                    yield from ask(adapter, questions, budgets, self.streak, self.spent, plan)

        return replies()

    def _overlapping(self, steps: Generator[list[Reply]]) -> Generator[list[Reply]]:
        """Yield replies while the next batch is being answered; what was answered when the run ends is kept, too."""
        ahead = Ahead(steps)
        try:
            yield from ahead
        finally:
            for replies in ahead.stop():
                with contextlib.suppress(RecordError):  # a full disk may be what ends the run
                    self._kept(replies)
