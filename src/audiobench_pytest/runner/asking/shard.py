"""One shard of one cell: what the cache knows, what must be asked, what became of each sample."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from typing import Any

from audiobench_pytest.catalog.schema import DatasetSpec, ModelSpec, RecipeSpec
from audiobench_pytest.datasets import Dataset, LoadSettings, load_dataset, shard
from audiobench_pytest.errors import RecordError, SampleError, UsageError
from audiobench_pytest.metrics.recipes import Recipe
from audiobench_pytest.models.base import ModelAdapter
from audiobench_pytest.models.pool import ModelPool
from audiobench_pytest.prompts.profiles import prompt_for
from audiobench_pytest.records.answers.cache import ModelCache, PredictionCache
from audiobench_pytest.records.digests import file_digest
from audiobench_pytest.records.keys import digest, prediction_key
from audiobench_pytest.records.runs.directory import ResultWriter
from audiobench_pytest.records.runs.plan import ShardReceipt
from audiobench_pytest.runner import hardware
from audiobench_pytest.runner.asking.ahead import Ahead
from audiobench_pytest.runner.asking.giving_up import FailureStreak
from audiobench_pytest.runner.asking.inference import Budgets, Question, Reply, ask, not_asked, planned
from audiobench_pytest.runner.asking.probing import Probe, compared
from audiobench_pytest.runner.asking.streaming import ask_streaming
from audiobench_pytest.runner.asking.timing import Spent, warm_up
from audiobench_pytest.runner.job import Job
from audiobench_pytest.runner.scoring.scorer import Scorer, language_of
from audiobench_pytest.types import CellId, Outcome, Prediction, Sample, State

_STREAM_SYNC_S = 0.5
"""What a power loss may cost a stream; a killed process loses nothing."""


@dataclass
class Runner:
    """What the shards of one process share: the model in memory, the cache, the result file, the data sets.

    Attributes:
        pool: At most one loaded model.
        cache: Where answers are kept.
        results: Where this run's outcomes are written.
        load: How data sets are read and which samples are selected.
        budgets: Batch and decoding limits.
        writer: Name of this process (`main`, `gw0`).
        datasets: Those that were read already.
        probe: Which samples are asked twice, or None.
    """

    pool: ModelPool
    cache: PredictionCache
    results: ResultWriter
    load: LoadSettings
    budgets: Budgets
    writer: str = "main"
    datasets: dict[DatasetSpec, Dataset] = field(default_factory=dict)
    probe: Probe | None = None
    _scorers: dict[str, Scorer] = field(default_factory=dict)
    _caches: dict[str, ModelCache] = field(default_factory=dict)
    _receipts: dict[CellId, ShardReceipt] = field(default_factory=dict)
    _streaks: dict[str, FailureStreak] = field(default_factory=dict)

    def dataset(self, spec: DatasetSpec) -> Dataset:
        """Return a data set with its selection; read once per process.

        Raises:
            DatasetError: It cannot be read.
        """
        if spec not in self.datasets:
            self.datasets[spec] = load_dataset(spec, self.load)
        return self.datasets[spec]

    def scorer(self, spec: RecipeSpec) -> Scorer:
        """Return a recipe with the scores that the cache knows, put together once per process.

        Raises:
            CatalogError: The recipe names a step that does not exist.
        """
        if spec.name not in self._scorers:
            self._scorers[spec.name] = Scorer(Recipe(spec), self.cache.folders, writer=self.writer)
        return self._scorers[spec.name]

    def answers(self, spec: ModelSpec) -> ModelCache:
        """Return the part of the cache that belongs to a model as it is configured in this run."""
        if spec.name not in self._caches:
            self._caches[spec.name] = self.cache.model(spec.name, self.pool.identity(spec), writer=self.writer)
        return self._caches[spec.name]

    def streak(self, spec: ModelSpec) -> FailureStreak:
        """Return the failures of a model since its last answer, over all shards of this process."""
        return self._streaks.setdefault(spec.name, FailureStreak(self.budgets.give_up_after))

    def write_receipt(self, receipt: ShardReceipt) -> None:
        """Write what a shard says of itself.

        Raises:
            RecordError: It cannot be written.
        """
        self._receipts[receipt.cell] = receipt
        self.results.shard(receipt)

    def sign(self, cell: CellId, signature: str) -> None:
        """Write the last receipt of a cell again with what is known of its scoring only now: which judge replied.

        Raises:
            RecordError: It cannot be written.
        """
        if cell in self._receipts:
            self.write_receipt(dataclasses.replace(self._receipts[cell], signature=signature))

    def close(self) -> None:
        """Free the model and close all files, also when one of them fails to close."""
        with contextlib.ExitStack() as stack:
            stack.callback(self.results.close)
            for cache in self._caches.values():
                stack.callback(cache.close)
            for scorer in self._scorers.values():
                stack.callback(scorer.close)
            stack.callback(self.pool.close)


def run_shard(runner: Runner, job: Job) -> Generator[Outcome]:
    """Yield what became of each sample of a shard, unscored: first what needs no model, then batch by batch.

    Predictions are in the cache before they are yielded; stopping at any moment loses none.

    Raises:
        DatasetError: The data set cannot be read.
        ModelError: The model cannot be loaded; samples that the cache knows were yielded before.
        RecordError: The cache cannot be written.
    """
    dataset = runner.dataset(job.dataset)
    samples = shard(dataset.samples, job.shard, job.of)
    adapter = runner.pool.adapter(job.model)
    identity = runner.pool.identity(job.model)
    receipt = ShardReceipt(
        job.cell,
        job.shard,
        job.of,
        expected=len(samples),
        total=len(dataset.samples),
        started=time.time(),
        dataset={"revision": dataset.revision, "digest": dataset.digest, "source": dataset.source},
        model={
            "identity": identity,
            "takes_language_hint": adapter.takes_language_hint,
            "CUDA_VISIBLE_DEVICES": os.environ.get("CUDA_VISIBLE_DEVICES"),
        },
    )
    scored_in = {language_of(s.language, s.meta) for s in dataset.samples}
    _write_receipts(runner, job, receipt, scored_in)
    _refuse_unknown_language(job.model, {s.language for s in dataset.samples})
    cache = runner.answers(job.model)
    questions: list[Question] = []
    asked: set[str] = set()
    twins: list[Question] = []
    for sample in samples:
        question = _question(job, sample, adapter, cache.identity)
        if isinstance(question, Outcome):
            yield question
        elif (known := cache.get(question.key)) is not None:
            yield _outcome(job.cell, question, known, cached=True)
        elif question.key in asked:
            twins.append(question)  # the same sound under two ids: answered once
        else:
            asked.add(question.key)
            questions.append(question)
    loads = dict(runner.pool.loads)
    streak = runner.streak(job.model)
    spent = Spent()
    pose = ask_streaming if adapter.streams else ask
    if questions:
        steps = _steps(runner, job.model, questions, spent)
        # A stream gives its answers one by one: an fsync for each (3.5 ms) would keep its slots empty.
        sync_every_s = _STREAM_SYNC_S if adapter.streams else 0.0
        with contextlib.closing(_overlapping(steps, job.cell, cache) if adapter.overlaps else steps) as batches:
            for replies in batches:
                yield from _kept(job.cell, cache, replies, sync_every_s=sync_every_s)
        cache.sync()
    for twin in twins:
        known = cache.get(twin.key)
        if known is not None:
            yield _outcome(job.cell, twin, known, cached=True)
        elif streak.is_long:
            yield from _kept(job.cell, cache, [not_asked(twin, streak.reason)])
        else:
            for replies in pose(adapter, [twin], runner.budgets, streak, spent):
                yield from _kept(job.cell, cache, replies)
    if runner.probe is not None and not streak.is_long:
        _ask_twice(runner, runner.probe, job, samples, spent)
    ended = dataclasses.replace(
        receipt,
        ended=time.time(),
        model={**receipt.model, **_described(adapter)} if questions else receipt.model,
        loads=runner.pool.loads.get(job.model.name, 0) - loads.get(job.model.name, 0),
        spent=spent.plain(),
    )
    _write_receipts(runner, job, ended, scored_in)


def _ask_twice(runner: Runner, probe: Probe, job: Job, samples: list[Sample], spent: Spent) -> None:
    """Ask the probed samples of a shard a second time; the answers are kept under a key of their own, and unscored."""
    adapter, cache = runner.pool.adapter(job.model), runner.answers(job.model)
    chosen = [sample for sample in samples if sample.id in probe.ids(runner.dataset(job.dataset).samples)]
    rounds = [[_question(job, sample, adapter, cache.identity, repeat) for sample in chosen] for repeat in (0, 1)]
    pairs = [
        (first, second)
        for first, second in zip(*rounds, strict=True)
        # A sample that cannot be asked, or had no answer, has none to compare with.
        if isinstance(first, Question) and isinstance(second, Question) and cache.get(first.key) is not None
    ]
    left = list({second.key: second for _, second in pairs if cache.get(second.key) is None}.values())
    errors: dict[str, str] = {}
    if left:
        for replies in _steps(runner, job.model, left, spent):
            errors |= {reply.question.key: reply.problem or reply.error or "" for reply in replies}
            for _ in _kept(job.cell, cache, replies):
                pass
    for cell, spec in job.cells():
        for first, second in pairs:
            answers = [
                _outcome(cell, question, known, cached=True)
                for question in (first, second)
                if (known := cache.get(question.key)) is not None
            ]
            runner.results.probe(compared(runner.scorer(spec), answers, errors.get(second.key)))


def _steps(runner: Runner, model: ModelSpec, questions: list[Question], spent: Spent) -> Generator[list[Reply]]:
    """Load the model, while the first clips are being decoded; return what yields its replies batch by batch.

    Raises:
        ModelError: It cannot be loaded.
    """
    adapter, loads = runner.pool.adapter(model), dict(runner.pool.loads)
    plan = None if adapter.streams else planned(adapter, questions, runner.budgets)
    began = time.perf_counter()
    try:
        runner.pool.load(model)
    except BaseException:
        if plan is not None:
            plan.clips.close()
        raise
    fresh = runner.pool.loads != loads
    spent.load_s += time.perf_counter() - began if fresh else 0.0
    streak = runner.streak(model)

    def replies() -> Generator[list[Reply]]:
        with contextlib.nullcontext() if plan is None else contextlib.closing(plan.clips):
            if fresh and adapter.warm_up:  # here, since it is the thread that asks which has to be warm
                warm_up(adapter, questions[0].prompt, spent)
            if adapter.streams:
                yield from ask_streaming(adapter, questions, runner.budgets, streak, spent)
            else:
                yield from ask(adapter, questions, runner.budgets, streak, spent, plan)

    return replies()


def _overlapping(steps: Generator[list[Reply]], cell: CellId, cache: ModelCache) -> Generator[list[Reply]]:
    """Yield replies while the next batch is being answered; what was answered when the run ends is kept, too."""
    ahead = Ahead(steps)
    try:
        yield from ahead
    finally:
        for replies in ahead.stop():
            with contextlib.suppress(RecordError):  # a full disk may be what ends the run
                list(_kept(cell, cache, replies))


def _described(adapter: ModelAdapter) -> dict[str, Any]:
    """Return what the adapter tells of itself, and what it ran on; of a server's machine nothing is known."""
    told = adapter.describe()
    if adapter.streams:
        return told
    facts = hardware.machine()
    return {**told, "machine": hardware.as_text(facts), "hardware": hardware.fingerprint(facts, told)}


def _write_receipts(runner: Runner, job: Job, receipt: ShardReceipt, languages: set[str]) -> None:
    """Write what the shard says of itself once per recipe: each is a cell, with a signature of its own."""
    for cell, spec in job.cells():
        signature = runner.scorer(spec).recipe.signature(languages)
        runner.write_receipt(dataclasses.replace(receipt, cell=cell, signature=signature))


def _refuse_unknown_language(model: ModelSpec, languages: set[str]) -> None:
    unknown = sorted(code for code in languages if model.languages and code.split("-")[0] not in model.languages)
    if unknown:
        raise UsageError(
            f"model '{model.name}' knows {', '.join(model.languages)}, but the data set holds {', '.join(unknown)}"
        )


def _question(job: Job, sample: Sample, adapter: ModelAdapter, identity: str, repeat: int = 0) -> Question | Outcome:
    problem = sample.problem
    audio = ""
    if problem is None:
        try:
            audio = file_digest(sample.audio)
        except SampleError as exc:
            problem = str(exc)
    if problem is not None:
        return _data_error(job.cell, sample, problem)
    sees: dict[str, str | None] = {}
    if "reference" in adapter.sees:
        sees["reference"] = digest(sample.reference)
    if "sample_id" in adapter.sees:
        sees["sample_id"] = sample.id
    try:
        prompt = prompt_for(
            sample,
            takes_language_hint=adapter.takes_language_hint,
            takes_instruction=adapter.takes_instruction,
            task=job.dataset.task,
            named=job.dataset.prompt,
        )
    except SampleError as exc:
        return _data_error(job.cell, sample, str(exc))
    return Question(prediction_key(identity, prompt, audio, sees=sees, repeat=repeat), sample, prompt)


def _kept(cell: CellId, cache: ModelCache, replies: list[Reply], *, sync_every_s: float = 0.0) -> Iterator[Outcome]:
    outcomes = []
    for reply in replies:
        if reply.problem is not None:
            outcomes.append(_data_error(cell, reply.question.sample, reply.problem))
            continue
        prediction = Prediction(
            key=reply.question.key,
            text=reply.text,
            error=reply.error,
            audio_s=reply.audio_s,
            infer_s=reply.infer_s,
            decode_s=reply.decode_s,
            batch=reply.batch,
            meta=reply.meta,
            timing=reply.timing,
        )
        if reply.asked:
            cache.put(prediction)
        outcomes.append(_outcome(cell, reply.question, prediction, cached=False))
    cache.sync(every_s=sync_every_s)
    yield from outcomes


def _data_error(cell: CellId, sample: Sample, problem: str) -> Outcome:
    return Outcome(
        cell=cell,
        sample_id=sample.id,
        state=State.DATA_ERROR,
        reference=sample.reference,
        prediction=None,
        reason=problem,
        language=sample.language,
        audio_s=sample.duration_s or 0.0,
        meta=dict(sample.meta),
    )


def _outcome(cell: CellId, question: Question, prediction: Prediction, *, cached: bool) -> Outcome:
    sample = question.sample
    answered = State.OK if prediction.text.strip() else State.EMPTY
    return Outcome(
        cell=cell,
        sample_id=sample.id,
        state=answered if prediction.error is None else State.FAILED,
        reference=sample.reference,
        prediction=None if prediction.error is not None else prediction.text,
        reason=prediction.error,
        key=prediction.key,
        cached=cached,
        language=sample.language,
        audio_s=prediction.audio_s,
        infer_s=prediction.infer_s,
        decode_s=prediction.decode_s,
        timing=prediction.timing,
        meta=dict(sample.meta),
    )
