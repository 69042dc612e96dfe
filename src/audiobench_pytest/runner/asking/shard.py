"""One shard of one cell: what the cache knows, what must be asked, what became of each sample."""

from __future__ import annotations

import dataclasses
import itertools
import os
import time
from array import array
from collections import Counter
from collections.abc import Generator, Iterable, Sequence
from typing import Any

from audiobench_pytest.catalog.prices import COST
from audiobench_pytest.catalog.schema import ModelSpec
from audiobench_pytest.datasets import Dataset, shard
from audiobench_pytest.errors import ModelError, UsageError
from audiobench_pytest.languages import english_name, other_script
from audiobench_pytest.models.base import ModelAdapter
from audiobench_pytest.records.identities import pins
from audiobench_pytest.records.runs.plan import ShardReceipt
from audiobench_pytest.runner import hardware
from audiobench_pytest.runner.asking.probing import compared
from audiobench_pytest.runner.asking.questions import NOT_ANSWERED, Question, no_answer, outcome_of
from audiobench_pytest.runner.asking.resources import Runner
from audiobench_pytest.runner.asking.session import InferenceSession
from audiobench_pytest.runner.job import Job
from audiobench_pytest.runner.observing import CHANGED, FIRST, SAME, Observed
from audiobench_pytest.runner.scoring.scorer import language_of
from audiobench_pytest.types import Outcome, Prediction, Sample, State
from audiobench_pytest.types.results import STOPPED


def run_shard(runner: Runner, job: Job) -> Generator[Outcome]:
    """Yield what became of each sample of a shard, unscored: first what needs no model, then batch by batch.

    Predictions are in the cache before they are yielded; stopping at any moment loses none.

    Raises:
        DatasetError: The data set cannot be read.
        ModelError: The model cannot be loaded; samples that the cache knows were yielded before.
        RecordError: The cache cannot be written.
    """
    observed = runner.observe(job.model)
    dataset = runner.dataset(job.dataset)
    samples = shard(dataset.samples, job.shard, job.of)
    session = InferenceSession(runner, job)
    receipt = _receipt(runner, job, dataset, len(samples) * job.draws, session.adapter, observed)
    scored_in = {s.target or language_of(s.language, s.meta) for s in dataset.samples}
    _write_receipts(runner, job, receipt, scored_in)
    _refuse_unknown_language(job.model, {s.language for s in dataset.samples})
    reused = Reused(runner.began)
    questions: dict[str, Question] = {}
    twins: list[Question] = []
    dialogues, samples = [s for s in samples if s.is_open], [s for s in samples if not s.is_open]
    for question in session.questions(samples, job.draws):
        if isinstance(question, Outcome):
            yield question
        elif (known := session.known(question.key)) is not None:
            reused.add(known, question)
            yield _known(job, question, known)
        elif question.key in questions:
            twins.append(question)  # the same sound under two ids: answered once
        else:
            questions[question.key] = question
    if questions and not runner.asks:
        for question in (*questions.values(), *twins):
            yield _unasked(job, question)
        questions, twins = {}, []
    try:
        if questions:
            yield from session.outcomes(list(questions.values()))
        yield from session.dialogues(dialogues, job.draws)
    except ModelError as exc:  # samples that were never asked have no record in which to say why
        _write_receipts(
            runner, job, dataclasses.replace(receipt, model={**receipt.model, STOPPED: str(exc)}), scored_in
        )
        raise
    for twin in twins:
        if (known := session.known(twin.key)) is not None:
            yield _known(job, twin, known)
        elif session.streak.is_long:
            unasked = no_answer(twin.key, twin.sample, session.streak.reason)
            yield outcome_of(job.cell, twin.sample, unasked, draw=twin.draw)
        else:
            yield from session.outcomes([twin])
    refused = runner.purse is not None and runner.purse.refused
    if runner.asks:
        runner.describe(job.model)
    if runner.probe is not None and runner.asks and not session.streak.is_long and not refused:
        probed = runner.probe.ids(dataset.samples)
        _ask_twice(runner, job, session, [sample for sample in samples if sample.id in probed])
    timed = () if refused else _timed_afresh(runner, dataset, session, reused.questions)
    ended = dataclasses.replace(
        receipt,
        ended=time.time(),
        model={**receipt.model, **_described(session.adapter)}
        if questions or timed or session.asked_rounds
        else receipt.model,
        loads=session.loads,
        spent=session.spent.plain(),
        reused=reused.plain(),
        failed_first=reused.failed_first + _failed_first(session, questions),
        cost=_cost(runner, job, reused.paid_usd, session.paid_usd),
        remeasured=timed,
    )
    _write_receipts(runner, job, ended, scored_in)


def _known(job: Job, question: Question, known: Prediction) -> Outcome:
    """Return the outcome of a question that the cache answered."""
    return outcome_of(job.cell, question.sample, known, cached=True, prompt=question.said, draw=question.draw)


def _unasked(job: Job, question: Question) -> Outcome:
    """Return the outcome of a question whose answer is not kept, where the model is not asked."""
    none = no_answer(question.key, question.sample, NOT_ANSWERED)
    return outcome_of(job.cell, question.sample, none, state=State.MISSING, draw=question.draw)


_LOOKED_AT = 200
"""References whose script is compared with their language: more tell no more."""

_SCRIPT_SHARE = 0.03
"""Of those references: below, names and words of other languages may well be all there is to it."""


def _script_note(samples: Sequence[Sample]) -> str:
    """Say how many references are not written as their language is, where it is more than a few of them."""
    texts = (
        (language_of(s.language, s.meta), s.reference) for s in samples if s.reference and not (s.choices or s.tools)
    )
    looked = list(itertools.islice(texts, _LOOKED_AT))
    found = Counter((code, script) for code, text in looked if (script := other_script(code, text)))
    if not found or sum(found.values()) < _SCRIPT_SHARE * len(looked):
        return ""
    (code, script), _ = found.most_common(1)[0]
    return (
        f"{sum(found.values())} of {len(looked)} references looked at are not written in the script of their language "
        f"('{code}', written in {script}): say the language in each line, or with --audiobench-set language=CODE"
    )


def _language_note(dataset: Dataset) -> str:
    """Say in which language a set is taken to be of which nobody says it; "" for any other."""
    if not dataset.assumed:
        return ""
    return (
        f"its lines name no language, so it is taken to be {english_name(dataset.assumed)}: write "
        f'"language": "{dataset.assumed}" into each, or give --audiobench-set language=CODE'
    )


class Reused:
    """The answers of a shard that the cache gave, and which of them are of another run.

    Attributes:
        failed_first: How many came only after the question had been asked in vain.
        paid_usd: What they cost, in US dollars, as far as that was noted.
        questions: Those whose answers are of another run.
    """

    def __init__(self, began: float) -> None:
        self._began, self._given = began, array("d")
        self.failed_first = 0
        self.paid_usd = 0.0
        self.questions: list[Question] = []

    def add(self, known: Prediction, question: Question) -> None:
        """Count an answer of the cache."""
        self.failed_first += known.failures > 0
        self.paid_usd += known.meta.get(COST, 0.0)
        if (given := known.at / 1e9) < self._began:
            self._given.append(given)
            self.questions.append(question)

    def plain(self) -> dict[str, float]:
        """Return it as a receipt keeps it."""
        if not self._given:
            return {}
        return {"answers": len(self._given), "oldest": min(self._given), "newest": max(self._given)}


def _cost(runner: Runner, job: Job, reused_usd: float, new_usd: float) -> dict[str, float]:
    if job.model.price is None:
        return {}
    refused = runner.purse is not None and runner.purse.refused
    return {"usd": reused_usd + new_usd, "new_usd": new_usd, **({"refused": 1.0} if refused else {})}


def _failed_first(session: InferenceSession, asked: Iterable[str]) -> int:
    found = (session.cache.get(key) for key in asked)
    return sum(known is not None and known.failures > 0 for known in found)


def _timed_afresh(
    runner: Runner, dataset: Dataset, session: InferenceSession, questions: Sequence[Question]
) -> tuple[dict[str, float], ...]:
    """Ask samples once more whose answers are of another run, and return their seconds; the answers are let go."""
    if runner.remeasure is None or not runner.asks or session.streak.is_long:
        return ()
    picked = runner.remeasure.ids(dataset.samples)
    wanted = [question for question in questions if question.sample.id in picked]
    found = []
    for replies in session.replies(wanted, keep=False) if wanted else ():
        for one in (reply.prediction for reply in replies if reply.prediction.error is None):
            taken = {"audio_s": one.audio_s, "infer_s": one.infer_s, "decode_s": one.decode_s}
            found.append({**taken, **one.timing})
    return tuple(found)


def _ask_twice(runner: Runner, job: Job, session: InferenceSession, samples: Sequence[Sample]) -> None:
    """Ask samples a second time; the answers are kept under a key of their own, and unscored."""
    cache = session.cache
    rounds = [[session.question(sample, repeat) for sample in samples] for repeat in (0, 1)]
    pairs = [
        (first, second)
        for first, second in zip(*rounds, strict=True)
        # A sample that cannot be asked, or had no answer, has none to compare with.
        if isinstance(first, Question) and isinstance(second, Question) and cache.get(first.key) is not None
    ]
    left = {second.key: second for _, second in pairs if cache.get(second.key) is None}
    errors: dict[str, str | None] = {}
    if left:
        for replies in session.replies(list(left.values())):
            errors |= {reply.question.key: reply.prediction.error for reply in replies}
    for cell, spec in job.cells():
        for first, second in pairs:
            answers = [
                outcome_of(cell, question.sample, known, cached=True)
                for question in (first, second)
                if (known := cache.get(question.key)) is not None
            ]
            runner.results.probe(compared(runner.scorer(spec), answers, errors.get(second.key)))


def _receipt(
    runner: Runner, job: Job, dataset: Dataset, expected: int, adapter: ModelAdapter, observed: Observed | None
) -> ShardReceipt:
    """Return what the shard says of itself when it starts."""
    return ShardReceipt(
        job.cell,
        job.shard,
        job.of,
        expected=expected,
        total=len(dataset.samples) * job.draws,
        draws=job.draws,
        started=time.time(),
        dataset={
            "revision": dataset.revision,
            "digest": dataset.digest,
            "source": dataset.source,
            "size": dataset.size,
            "selection": dataset.selection or None,
            "script": _script_note(dataset.samples) or None,
            "language": _language_note(dataset) or None,
        },
        model={
            "identity": runner.pool.identity(job.model),
            "takes_language_hint": adapter.takes_language_hint,
            "pinned": not adapter.streams
            or pins(runner.pool.identity(job.model))
            or (observed is not None and observed.state in (FIRST, SAME, CHANGED)),
            "way": job.model.way or None,
            "observed": None if observed is None else observed.state,
            "CUDA_VISIBLE_DEVICES": os.environ.get("CUDA_VISIBLE_DEVICES"),
        },
    )


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
