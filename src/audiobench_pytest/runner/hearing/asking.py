"""A sound is a sample like any other: its transcript or rating is an answer, asked for in batches, kept by content."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audiobench_pytest.catalog.schema import DatasetSpec, ModelSpec, RecipeSpec
from audiobench_pytest.datasets import LoadSettings
from audiobench_pytest.errors import UsageError
from audiobench_pytest.models.pool import ModelPool
from audiobench_pytest.records.answers.cache import PredictionCache
from audiobench_pytest.records.runs.directory import ResultWriter
from audiobench_pytest.runner.asking.inference import Budgets
from audiobench_pytest.runner.asking.questions import Question
from audiobench_pytest.runner.asking.resources import Runner
from audiobench_pytest.runner.asking.session import InferenceSession
from audiobench_pytest.runner.job import Job
from audiobench_pytest.types import CellId, Outcome, Prediction, Sample

NOT_HEARD = "not heard yet: --stage derive asks"
"""Why nothing is known of a sound in a stage that asks no model."""

ANSWERS = "answers"
"""What the sounds that models answered with are called where a data set has its name."""


@dataclass(frozen=True, slots=True)
class Hearing:
    """By what means answers are heard.

    Attributes:
        runner: Asks transcribers and raters; its pool is not that of the models under test, so that a small one stays
            in memory beside them.
        under_test: That one's runner, whose model makes room on an accelerator; None where nothing is under test.
        transcriber: Name of the transcriber that the user wants in place of the recipe's, or "".
    """

    runner: Runner
    under_test: Runner | None = None
    transcriber: str = ""

    def ask(self, spec: ModelSpec, samples: Sequence[Sample], task: str) -> list[Prediction]:
        """Return what a model says of sounds, in their order; what the cache knows is not asked again.

        Args:
            spec: A transcriber, or a rater.
            samples: The sounds; equal content is asked about once.
            task: `asr` or `rating`.

        Raises:
            ModelError: It cannot be loaded.
            RecordError: The cache cannot be written.
        """
        data = DatasetSpec(name=ANSWERS, task=task)
        job = Job(CellId(ANSWERS, spec.name, ""), data, spec, RecipeSpec("", ""))
        session = InferenceSession(self.runner, job)
        found: dict[str, Prediction] = {}
        open_questions: dict[str, Question] = {}
        asked: list[str | Prediction] = []
        for question in session.questions(samples):
            if isinstance(question, Outcome):
                asked.append(Prediction("", "", question.reason or "cannot be asked", audio_s=0.0, infer_s=0.0))
                continue
            asked.append(question.key)
            known = session.cache.get(question.key)
            if known is not None:
                found[question.key] = known
            else:
                open_questions.setdefault(question.key, question)
        if open_questions and not self.runner.asks:
            for key in open_questions:
                found[key] = Prediction(key, "", NOT_HEARD, audio_s=0.0, infer_s=0.0)
        elif open_questions:
            self._make_room(session)
            with contextlib.closing(session.replies(list(open_questions.values()))) as batches:
                for reply in (one for replies in batches for one in replies):
                    found[reply.question.key] = reply.prediction
        if self.runner.asks:
            self.runner.describe(spec)
        return [one if isinstance(one, Prediction) else found[one] for one in asked]

    def _make_room(self, session: InferenceSession) -> None:
        """Free the model under test where both would be on one accelerator, whose memory is made for one."""
        if self.under_test is not None and "device" in session.adapter.options:
            self.under_test.pool.make_room()

    def close(self) -> None:
        """Free what was loaded to hear, and close the files."""
        self.runner.close_answers()


def model_of(name: str) -> ModelSpec:
    """Return the entry of a transcriber or rater.

    Raises:
        UsageError: There is none of this name.
    """
    from audiobench_pytest.catalog.loader import load_catalog
    from audiobench_pytest.models.ways import find

    # Its own way unless one is named: who heard is part of a score, on whatever machine.
    return find(name, load_catalog().models.get, {}, chooses=False)


def needed(hearing: object) -> Hearing:
    """Return by what means answers are heard.

    Args:
        hearing: What a stage was given: those means, or who makes them when they are wanted.

    Raises:
        UsageError: Nothing was said of it.
    """
    hearing = hearing() if callable(hearing) else hearing
    if not isinstance(hearing, Hearing):
        raise UsageError("the recipe hears answers, which needs the run's cache: score it with pytest or `rescore`")
    return hearing


class _Unread(ResultWriter):
    """Takes what a run would note; where there is no run, nobody reads it."""

    def __init__(self) -> None:
        """Open no file."""

    def prompts(self, prompts: Mapping[str, Mapping[str, Any]]) -> None:
        """Note nothing."""

    def close(self) -> None:
        """Close nothing."""


def hearing_for(cache: Path, transcriber: str = "") -> Hearing:
    """Return means to hear the answers of a run that has ended.

    Args:
        cache: Where its answers and their sounds are kept, and what is heard in them will be.
        transcriber: Whom the user wants in place of the recipe's.
    """
    runner = Runner(
        pool=ModelPool(several=True),
        cache=PredictionCache([cache]),
        results=_Unread(),
        load=LoadSettings(cache=cache),
        budgets=Budgets(),
        writer="rescore",
    )
    return Hearing(runner, transcriber=transcriber)
