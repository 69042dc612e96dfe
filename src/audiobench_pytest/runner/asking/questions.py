"""One question to a model: made of a sample, answered by a reply, and what became of the sample in the end."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from audiobench_pytest.languages import other_script
from audiobench_pytest.metrics.fairness.replies import cut_thoughts
from audiobench_pytest.models.base import ModelAdapter
from audiobench_pytest.records.append import as_line
from audiobench_pytest.records.texts import storable
from audiobench_pytest.runner.asking.decoding import Decoded
from audiobench_pytest.runner.speaking import is_silent, spoken
from audiobench_pytest.tool_calls.spelt import calls_in
from audiobench_pytest.types import (
    SPEECH,
    Answer,
    Audio,
    Call,
    CellId,
    Outcome,
    Prediction,
    Prompt,
    Request,
    Sample,
    State,
)
from audiobench_pytest.types.answers import CALLS, HEARD_LEVELS

NOT_ANSWERED = "not answered yet: --stage predict asks the model"
"""Why a sample has no answer in a stage that asks no model."""


@dataclass(frozen=True, slots=True)
class Question:
    """A sample that can be asked.

    Attributes:
        key: Where its answer will be kept.
        sample: The sample.
        prompt: What is asked.
        said: Digest of its words, see `records.keys.prompt_digest`.
        closed: Whether its sample's choices are the labels of a closed set.
        draw: Which of several answers it asks for, from 0.
    """

    key: str
    sample: Sample
    prompt: Prompt
    said: str = ""
    closed: bool = False
    draw: int = 0


@dataclass(frozen=True, slots=True)
class Reply:
    """What became of one question.

    Attributes:
        question: The question.
        prediction: The answer, or why there is none.
        broken: Whether the sample is at fault (a bad file), not the model.
        asked: Whether the model's turn came at all.
        speech: The sound that was answered, until it is kept.
    """

    question: Question
    prediction: Prediction
    broken: bool = False
    asked: bool = True
    speech: Audio | None = None

    @classmethod
    def unreadable(cls, question: Question, problem: str) -> Self:
        """Return the reply to a question whose sound cannot be read."""
        return cls(question, no_answer("", question.sample, problem), broken=True)

    @classmethod
    def not_asked(cls, question: Question, reason: str) -> Self:
        """Return the reply to a question that the model was not asked."""
        return cls(question, no_answer(question.key, question.sample, reason), asked=False)


def request_for(adapter: ModelAdapter, question: Question, decoded: Decoded) -> Request:
    """Return what an adapter may see of a question: reference, choices and sample id only where it declared them.

    An id can give the answer away, too: in some sets it begins with the label.
    """
    reference = question.sample.reference if "reference" in adapter.sees else None
    sample_id = question.sample.id if "sample_id" in adapter.sees else ""
    choices = question.sample.choices if "choices" in adapter.sees else ()
    return Request(
        sample_id,
        decoded.audio,
        question.prompt,
        reference,
        decoded.sounds,
        choices=choices,
        closed=bool(choices) and question.closed,
        draw=question.draw,
    )


def checked(answer: Answer, wanted: str = "text") -> Answer:
    """Return an answer as it can be kept.

    Args:
        answer: What the adapter gave.
        wanted: The channel it was asked for in: `text` or `speech`.

    Raises:
        TypeError: It is none, or holds what JSON cannot, or a time that is no number.
    """
    if not isinstance(answer, Answer) or not isinstance(answer.text, str):
        raise TypeError(f"the adapter gave {answer!r:.100} where an Answer with a text belongs")
    as_line(answer.meta)
    if wanted == "speech":
        answer = spoken(answer)
    if answer.calls:
        as_line(answer.calls)
    for name, seconds in answer.timing.items():
        if not isinstance(seconds, int | float) or not math.isfinite(seconds):
            raise TypeError(f"the adapter gave {name}={seconds!r:.100} where a number of seconds belongs")
    try:
        answer.text.encode()
    except UnicodeEncodeError:  # half of a surrogate pair: no character, and not to be written as UTF-8
        text = answer.text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return dataclasses.replace(answer, text=text)
    return answer


def as_plain(calls: Iterable[Call]) -> list[dict[str, Any]]:
    """Return calls of tools as they are kept."""
    return [{"name": call.name, "arguments": dict(call.arguments)} for call in calls]


def reason_of(exc: BaseException) -> str:
    """Return an exception as one line."""
    text = storable(" ".join(str(exc).split()))
    return f"{type(exc).__name__}: {text[:500]}" if text else type(exc).__name__


def answered(
    question: Question, decoded: Decoded, answer: Answer, *, infer_s: float, batch: int, timing: Mapping[str, float]
) -> Reply:
    """Return the reply to a question that the model was asked.

    Args:
        question: The question.
        decoded: The sound it was asked with.
        answer: What the adapter gave, `checked`.
        infer_s: Seconds of inference attributed to it.
        batch: Rows of its batch.
        timing: As in `types.Prediction`.
    """
    heard = decoded.duration_s if decoded.audio else question.sample.duration_s
    more: dict[str, Any] = {HEARD_LEVELS: dict(decoded.levels)} if decoded.levels else {}
    if answer.calls:
        more[CALLS] = as_plain(answer.calls)
    said = answer.speech.duration_s if answer.speech is not None else 0.0
    return Reply(
        question,
        Prediction(
            key=question.key,
            text=answer.text if answer.error is None else "",
            error=answer.error,
            audio_s=heard or said,
            infer_s=infer_s,
            decode_s=decoded.seconds,
            batch=batch,
            meta={**answer.meta, **more} if more else answer.meta,
            timing=timing,
        ),
        speech=answer.speech,
    )


def outcome_of(
    cell: CellId,
    sample: Sample,
    prediction: Prediction,
    *,
    state: State | None = None,
    cached: bool = False,
    prompt: str = "",
    draw: int = 0,
) -> Outcome:
    """Return what became of a sample, unscored.

    Args:
        cell: The cell it belongs to.
        sample: The sample.
        prediction: The answer, or why there is none.
        state: Its state where the prediction does not tell it.
        cached: Whether the cache answered it.
        prompt: Digest of what was asked, see `records.keys.prompt_digest`.
        draw: Which of several answers it is.
    """
    if state is None:
        speech = prediction.meta.get(SPEECH)
        said = bool(prediction.text.strip() or prediction.meta.get(CALLS)) if speech is None else not is_silent(speech)
        answered = State.OK if said else State.EMPTY
        state = answered if prediction.error is None else State.FAILED
    return Outcome(
        cell=cell,
        sample_id=sample.id,
        state=state,
        reference=sample.reference,
        prediction=None if prediction.error is not None else prediction.text,
        reason=prediction.error,
        key=prediction.key or None,
        cached=cached,
        language=sample.language,
        audio_s=prediction.audio_s,
        infer_s=prediction.infer_s,
        decode_s=prediction.decode_s,
        timing=prediction.timing,
        meta=sample.kept_meta,
        prompt=prompt,
        calls=_calls_of(sample, prediction),
        ended=ending_of(prediction, offered=bool(sample.tools)),
        speech=_speech_of(sample, prediction) if SPEECH in prediction.meta else {},
        heard=prediction.meta.get(HEARD_LEVELS, {}),
        script=_script_of(sample, prediction),
        draw=draw,
    )


def _calls_of(sample: Sample, prediction: Prediction) -> tuple[Mapping[str, Any], ...]:
    """Return the calls of an answer: as they were given, or, where tools were offered, as its text spells them."""
    given = prediction.meta.get(CALLS, ())
    if given or not sample.tools or prediction.error is not None:
        return tuple(given)
    return tuple(storable(as_plain(calls_in(cut_thoughts(prediction.text))[1])))


def _script_of(sample: Sample, prediction: Prediction) -> str:
    """Return the script of an answer that is not in that of its language, where the reference is; else ""."""
    # Labels are in the language of whoever made the set, calls in none.
    if prediction.error is not None or sample.choices or sample.tools:
        return ""
    language = sample.target or str(sample.meta.get("target_language") or sample.language)
    found = other_script(language, prediction.text)
    return "" if found and other_script(language, sample.reference) else found


def _speech_of(sample: Sample, prediction: Prediction) -> dict[str, Any]:
    """Return what is known of a spoken answer, and where the sounds of its question lie."""
    own = {name: str(path) for name, path in sample.files.items()}
    codec = prediction.meta.get("codec")
    return {**prediction.meta[SPEECH], **({"codec": codec} if codec else {}), **({"sounds": own} if own else {})}


_ENDINGS = {
    "length": "length",
    "max_tokens": "length",
    "max_output_tokens": "length",
    "content_filter": "filter",
    "safety": "filter",
    "recitation": "filter",
    "blocklist": "filter",
    "prohibited_content": "filter",
    "spii": "filter",
    "refusal": "refusal",
}
"""How servers call it."""


def ending_of(prediction: Prediction, *, offered: bool = False) -> str:
    """Return how an answer ended, one of `types.ENDINGS`, or "" where it ended of itself as far as anybody says.

    Args:
        prediction: The answer.
        offered: Whether the question offered tools: then a call may be all that is wanted.
    """
    meta = prediction.meta
    if prediction.error is not None:
        return ""
    told = "refusal" if meta.get("refusal") else _ENDINGS.get(str(meta.get("finish_reason", "")).lower(), "")
    if told in ("refusal", "filter") or cut_thoughts(prediction.text).strip():
        return told
    if SPEECH in meta and not is_silent(meta[SPEECH]):
        return told
    if prediction.text.strip() or (told == "length" and meta.get("thoughts")):
        return "thoughts_cut"
    if meta.get(CALLS):
        return "" if offered else "tool_call"
    return told or "empty"


def data_error(cell: CellId, sample: Sample, problem: str, draw: int = 0) -> Outcome:
    """Return the outcome of a sample that cannot be asked."""
    return outcome_of(cell, sample, no_answer("", sample, problem), state=State.DATA_ERROR, draw=draw)


def no_answer(key: str, sample: Sample, reason: str) -> Prediction:
    """Return what stands for the answer of a sample that was not asked; without a key there never was a question."""
    return Prediction(key, "", reason, audio_s=sample.duration_s or 0.0, infer_s=0.0)
