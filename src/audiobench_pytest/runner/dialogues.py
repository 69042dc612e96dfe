"""Dialogues whose assistant is the model itself: what it answers in one round is part of what it is asked in the next.

A row's conversation has an empty turn of the assistant where the model is to speak, and the model speaks last. The
dialogue is asked as a chain of questions, each of which holds all that was said before; what became of it is one
outcome, whose row says it round by round under `ROUNDS`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from audiobench_pytest.types import MAIN_SOUND, ROUNDS, SPEECH, Message, Prediction, Sample, Sound

_UNSAID = "..."
"""Stands for an answer that is not there yet, where it is only looked at whether a model can be asked."""


@dataclasses.dataclass(slots=True)
class Dialogue:
    """One dialogue on its way.

    Attributes:
        sample: The row.
        draw: Which of several answers is wanted.
        answers: What was answered so far, round by round.
    """

    sample: Sample
    draw: int = 0
    answers: list[Prediction] = dataclasses.field(default_factory=list)

    @property
    def asked(self) -> Sample:
        """The row as it is asked now: the conversation up to the next turn of the model."""
        return _cut(self.sample, [answer.text for answer in self.answers])

    @property
    def whole(self) -> Sample:
        """The row with all of its turns, as it would be asked last; for whoever says whether it can be."""
        return _cut(self.sample, [_UNSAID] * (len(self._questions) - 1))

    @property
    def ended(self) -> bool:
        """Whether the model has said all that it is to say."""
        return len(self.answers) == len(self._questions)

    @property
    def outcome(self) -> tuple[Sample, Prediction]:
        """The row with what was said in each round, and the last answer, with the seconds of all."""
        rounds = list(self._questions)
        if self.unfit() is None:  # else it is scored as one in which nothing was said
            rounds = [
                {**told, "reply": answer.text, **({SPEECH: answer.meta[SPEECH]} if SPEECH in answer.meta else {})}
                for told, answer in zip(rounds, self.answers, strict=True)
            ]
        sample = dataclasses.replace(self.sample, meta={**self.sample.meta, ROUNDS: rounds})
        last = self.answers[-1]
        if SPEECH in last.meta:
            files = [one.meta[SPEECH]["file"] for one in self.answers if SPEECH in one.meta]
            last = dataclasses.replace(last, meta={**last.meta, SPEECH: {**last.meta[SPEECH], ROUNDS: files}})
        seconds = {name: sum(getattr(one, name) for one in self.answers) for name in ("audio_s", "infer_s", "decode_s")}
        return sample, dataclasses.replace(last, **seconds)

    def unfit(self) -> str | None:
        """Return why what was answered last cannot stand in the next question, or None."""
        last = self.answers[-1]
        if last.error is not None:
            return f"round {len(self.answers)}: {last.error}"
        if SPEECH in last.meta and not last.text.strip() and not self.ended:
            return (
                f"round {len(self.answers)}: answered in sound without its words, which the next question has to hold"
            )
        return None

    @property
    def _questions(self) -> list[Mapping[str, Any]]:
        """What is known of each round before it is asked: as the row tells it, else the words of the turn before."""
        turns = self.sample.turns
        places = [number for number, turn in enumerate(turns) if turn.is_open]
        if turns[-1].role != "assistant":
            places.append(len(turns))
        told = self.sample.meta.get(ROUNDS)
        if isinstance(told, Sequence) and not isinstance(told, str) and len(told) == len(places):
            return list(told)
        return [{"question": _words(turns[place - 1]) if place else ""} for place in places]


def _cut(sample: Sample, replies: Sequence[str]) -> Sample:
    """Return a row whose conversation ends before the first turn of the model that no reply is there for."""
    left, turns = list(replies), []
    for turn in sample.turns:
        if not turn.is_open:
            turns.append(turn)
        elif left:
            said = left.pop(0)
            turns.append(dataclasses.replace(turn, parts=(said,)))
        else:
            break
    heard = {part.name for turn in turns for part in turn.parts if isinstance(part, Sound)}
    return dataclasses.replace(
        sample,
        turns=tuple(turns),
        audio=sample.audio if MAIN_SOUND in heard else None,
        sounds={name: path for name, path in sample.sounds.items() if name in heard},
        duration_s=None,
    )


def _words(turn: Message) -> str:
    return " ".join(part for part in turn.parts if isinstance(part, str))
