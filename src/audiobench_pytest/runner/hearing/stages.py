"""The stages that hear answers: a transcriber that writes down what was said, a rater that says how it sounds."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from audiobench_pytest.errors import UsageError
from audiobench_pytest.metrics.recipes import Recipe
from audiobench_pytest.metrics.speech.felt import Felt
from audiobench_pytest.metrics.speech.rated import Rated
from audiobench_pytest.metrics.speech.transcribed import Transcribed
from audiobench_pytest.records.answers.cache import PredictionCache
from audiobench_pytest.records.answers.spoken import sound_at
from audiobench_pytest.records.keys import digest
from audiobench_pytest.runner.hearing.asking import Hearing, model_of, needed
from audiobench_pytest.runner.scoring.scorer import item_of, language_of, with_score
from audiobench_pytest.runner.scoring.stages import Checked, Helpers, Stage, stage_of
from audiobench_pytest.runner.speaking import is_silent
from audiobench_pytest.types import ROUNDS, SPEECH, Outcome, Prediction, Sample, SampleScore, State


class _HearingStage(Stage):
    """What both have in common: whose sound is asked about, and whose is not."""

    def __init__(self, recipe: Recipe, settings: Any) -> None:
        self._recipe, self._settings = recipe, settings
        self._replied: set[str] = set()

    @functools.cached_property
    def _hearing(self) -> Hearing:
        return needed(self._settings)

    def signature(self) -> list[str]:
        """Return who heard: two values that other ears heard never compare."""
        return [f"{self.name}:{who}" for who in sorted(self._replied)]

    def _name(self, name: str) -> None:
        """Note who hears, also where a shard has nothing to be heard: its cell's other shards have."""
        spec = model_of(name)
        self._replied.add(f"{spec.name}#{digest(self._hearing.runner.pool.identity(spec))[:12]}")

    def _answered(self, outcome: Outcome) -> bool:
        """Whether there is a sound that anything can be heard in."""
        return outcome.prediction is not None and bool(outcome.speech) and not is_silent(dict(outcome.speech))

    def _sound(self, outcome: Outcome, name: str = "") -> Path | None:
        """Return the file of the answer, or of one of the sample's own sounds; None where it has no such sound."""
        if name:
            own = outcome.speech.get("sounds", {}).get(name)
            return Path(own) if own else None
        return sound_at(self._hearing.runner.cache.folders, str(outcome.speech["file"]))

    @staticmethod
    def _sample(outcome: Outcome, path: Path | None) -> Sample:
        return Sample(outcome.sample_id, path, "", language_of(outcome.language, outcome.meta))

    def _unheard(self, outcome: Outcome) -> Outcome:
        """Return an outcome without a sound, with the numbers of an answer of nothing."""
        item = dataclasses.replace(item_of(outcome), prediction="", given={})
        return with_score(outcome, self._recipe.score(item))


class TranscriptStage(_HearingStage):
    """Has answers written down by a recogniser, and scores the transcripts."""

    name = "transcript"

    def __init__(self, recipe: Recipe, settings: Any) -> None:
        super().__init__(recipe, settings)
        if not isinstance(recipe.metric, Transcribed):
            raise UsageError(f"the recipe '{recipe.spec.name}' needs no transcriber")
        self._metric = recipe.metric
        self._reader: Stage | None = None

    def with_helpers(self, helpers: Helpers) -> None:
        """Make the stage that reads the transcripts, where the metric has one: a judge."""
        if self._metric.inner.stage is not None:
            self._reader = stage_of(Recipe(self._metric.inner_spec), helpers)

    def signature(self) -> list[str]:
        """Return who heard, and who read what was heard."""
        return [*super().signature(), *(self._reader.signature() if self._reader is not None else ())]

    def check(self, cache: PredictionCache | None) -> Checked | None:
        """Have who reads the transcripts asked about known cases."""
        return self._reader.check(cache) if self._reader is not None else None

    def scored(self, outcomes: Sequence[Outcome], cache: PredictionCache | None) -> Iterator[Outcome]:
        """Yield outcomes with the numbers of what was heard; see `Stage.scored`.

        What nobody could write down has no score, which is not the model's fault.
        """
        if self._reader is None:
            yield from self._heard(outcomes)
            return
        written: list[Outcome] = []
        for outcome in self._heard(outcomes):
            if outcome.state is State.JUDGE_INVALID:  # nothing to be read
                yield outcome
            else:
                written.append(outcome)
        yield from self._reader.scored(written, cache)

    def _heard(self, outcomes: Sequence[Outcome]) -> Iterator[Outcome]:
        """Yield outcomes with what was heard; with its numbers, where nobody else reads it."""
        by_name: dict[str, list[Outcome]] = {}
        for name in sorted({self._transcriber(outcome) for outcome in outcomes}):
            self._name(name)
        for outcome in outcomes:
            if self._answered(outcome):
                by_name.setdefault(self._transcriber(outcome), []).append(outcome)
            else:
                (silent,), _ = self._rounds([_silenced(outcome)], self._transcriber(outcome))
                yield silent if self._reader is not None else self._unheard(silent)
        for name, answered in sorted(by_name.items()):
            heard = self._hearing.ask(model_of(name), [self._sample(one, self._sound(one)) for one in answered], "asr")
            floors: list[Prediction | None] = [None] * len(answered)
            if (floor := self._metric.floor) and all(self._sound(one, floor) for one in answered):
                below = [self._sample(one, self._sound(one, floor)) for one in answered]
                floors = [*self._hearing.ask(model_of(name), below, "asr")]
            answered, broken = self._rounds(answered, name)
            for number, (outcome, transcript, under) in enumerate(zip(answered, heard, floors, strict=True)):
                yield self._scored(outcome, name, broken.get(number, transcript), under)

    def _rounds(self, outcomes: Sequence[Outcome], name: str) -> tuple[list[Outcome], dict[int, Prediction]]:
        """Return outcomes of dialogues with what was heard in each round, and by position what could not be heard.

        Others stay as they are.
        """
        places = [
            (number, row)
            for number, outcome in enumerate(outcomes)
            for row, one in enumerate(outcome.meta.get(ROUNDS) or ())
            if not is_silent(one.get(SPEECH))
        ]
        broken: dict[int, Prediction] = {}
        folders = self._hearing.runner.cache.folders
        rounds = [[dict(one) for one in outcome.meta.get(ROUNDS) or ()] for outcome in outcomes]
        sounds = [sound_at(folders, str(rounds[number][row][SPEECH]["file"])) for number, row in places]
        samples = [self._sample(outcomes[number], sound) for (number, _), sound in zip(places, sounds, strict=True)]
        for one in (one for told in rounds for one in told):
            one["heard"] = ""
        asked = self._hearing.ask(model_of(name), samples, "asr") if samples else []
        for (number, row), heard in zip(places, asked, strict=True):
            rounds[number][row]["heard"] = heard.text
            if heard.error is not None:
                broken[number] = heard
        found = [
            dataclasses.replace(outcome, meta={**outcome.meta, ROUNDS: told}) if told else outcome
            for outcome, told in zip(outcomes, rounds, strict=True)
        ]
        return found, broken

    def _transcriber(self, outcome: Outcome) -> str:
        return self._hearing.transcriber or self._metric.transcriber(language_of(outcome.language, outcome.meta))

    def _scored(self, outcome: Outcome, name: str, heard: Prediction, floor: Prediction | None) -> Outcome:
        own = outcome.prediction or ""
        told = {**outcome.speech, **({"text": own} if own else {}), "transcriber": name}
        if heard.error is not None:
            reason = f"{name} could not write the answer down: {heard.error}"
            return with_score(
                dataclasses.replace(outcome, speech=told), SampleScore({}, "", "", State.JUDGE_INVALID, reason)
            )
        outcome = dataclasses.replace(outcome, prediction=heard.text, speech=told)
        if self._reader is not None:
            return outcome
        item = item_of(outcome)
        score = self._recipe.score(item)
        if floor is not None and floor.error is None:
            below = self._recipe.score(dataclasses.replace(item, prediction=floor.text))
            score = self._metric.with_floor(score, below)
        return with_score(outcome, score)


class RatingStage(_HearingStage):
    """Has answers rated by a scorer of sounds: how natural, how like a voice, how like a recording."""

    name = "rating"

    def __init__(self, recipe: Recipe, settings: Any) -> None:
        super().__init__(recipe, settings)
        if not isinstance(recipe.metric, Rated):
            raise UsageError(f"the recipe '{recipe.spec.name}' needs no rater")
        self._metric = recipe.metric

    def scored(self, outcomes: Sequence[Outcome], cache: PredictionCache | None) -> Iterator[Outcome]:
        """Yield outcomes with their ratings; see `Stage.scored`. What could not be rated has no score."""
        asked: list[tuple[Outcome, Sample]] = []
        self._name(self._metric.rater)
        against = self._metric.against
        for outcome in outcomes:
            if not self._answered(outcome):
                yield self._unheard(_silenced(outcome))
                continue
            reference = self._sound(outcome, against) if against else None
            if against and reference is None:
                reason = f"the sample has no sound '{against}' to compare the answer with"
                yield with_score(outcome, SampleScore({}, "", "", State.DATA_ERROR, reason))
                continue
            sounds = {"reference": reference} if reference is not None else {}
            language = language_of(outcome.language, outcome.meta)
            asked.append((outcome, Sample(outcome.sample_id, self._sound(outcome), "", language, sounds=sounds)))
        rated = self._hearing.ask(model_of(self._metric.rater), [sample for _, sample in asked], "rating")
        for (outcome, _), rating in zip(asked, rated, strict=True):
            if rating.error is not None:
                reason = f"{self._metric.rater} could not rate the answer: {rating.error}"
                yield with_score(outcome, SampleScore({}, "", "", State.JUDGE_INVALID, reason))
                continue
            item = item_of(outcome)
            given = {**item.given, "rating": rating.meta.get("rating", {})}
            yield with_score(outcome, self._recipe.score(dataclasses.replace(item, given=given)))


class FeltStage(_HearingStage):
    """Has answers written down and rated: how surely they are in an emotion, and what is said in them."""

    name = "felt"

    def __init__(self, recipe: Recipe, settings: Any) -> None:
        super().__init__(recipe, settings)
        if not isinstance(recipe.metric, Felt):
            raise UsageError(f"the recipe '{recipe.spec.name}' asks for no emotion")
        self._metric = recipe.metric

    def scored(self, outcomes: Sequence[Outcome], cache: PredictionCache | None) -> Iterator[Outcome]:
        """Yield outcomes with their numbers; see `Stage.scored`. What could not be heard has no score."""
        by_name: dict[str, list[Outcome]] = {}
        self._name(self._metric.rater)
        for outcome in outcomes:
            name = self._transcriber(outcome)
            self._name(name)
            if self._answered(outcome):
                by_name.setdefault(name, []).append(outcome)
            else:
                yield self._unheard(_silenced(outcome))
        for name, answered in sorted(by_name.items()):
            samples = [self._sample(one, self._sound(one)) for one in answered]
            heard = self._hearing.ask(model_of(name), samples, "asr")
            rated = self._hearing.ask(model_of(self._metric.rater), samples, "rating")
            for outcome, transcript, rating in zip(answered, heard, rated, strict=True):
                yield self._scored(outcome, name, transcript, rating)

    def _transcriber(self, outcome: Outcome) -> str:
        return self._hearing.transcriber or self._metric.transcriber(language_of(outcome.language, outcome.meta))

    def _scored(self, outcome: Outcome, name: str, heard: Prediction, rating: Prediction) -> Outcome:
        own = outcome.prediction or ""
        told = {**outcome.speech, **({"text": own} if own else {}), "transcriber": name}
        for who, what, found in (
            (name, "write the answer down", heard),
            (self._metric.rater, "rate the answer", rating),
        ):
            if found.error is not None:
                reason = f"{who} could not {what}: {found.error}"
                score = SampleScore({}, "", "", State.JUDGE_INVALID, reason)
                return with_score(dataclasses.replace(outcome, speech=told), score)
        outcome = dataclasses.replace(outcome, prediction=heard.text, speech=told)
        item = item_of(outcome)
        given = {**item.given, "rating": rating.meta.get("rating", {})}
        return with_score(outcome, self._recipe.score(dataclasses.replace(item, given=given)))


def _silenced(outcome: Outcome) -> Outcome:
    """Return an outcome without a sound as one that says nothing, whatever its text is."""
    return outcome if outcome.prediction is None else dataclasses.replace(outcome, prediction="")


def heard_by(recipe: Recipe, language: str, transcriber: str = "") -> tuple[str, ...]:
    """Return the names of the models that a recipe has answers in a language heard by; "" for one that nobody is.

    Args:
        recipe: The recipe.
        language: ISO 639 code of the answers.
        transcriber: Whom the user wants in place of the recipe's.
    """
    metric = recipe.metric
    raters = (metric.rater,) if isinstance(metric, Rated | Felt) else ()
    writers = (transcriber or metric.transcriber(language),) if isinstance(metric, Transcribed | Felt) else ()
    return (*writers, *raters)
