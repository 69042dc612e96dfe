"""Scores given by a language model that hears the answer: how something is sung or recited no transcript tells."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import ClassVar

from audiobench_pytest.metrics.item import Item
from audiobench_pytest.metrics.judge.metric import Judge, JudgeCall
from audiobench_pytest.metrics.judge.prompts import SOUND
from audiobench_pytest.types import SampleScore


class ListeningJudge(Judge):
    """What `Judge` is, with the sound of the answer in the place of `{sound}`.

    An answer in which nothing is heard gets the worst verdict unasked, whatever its text is.
    """

    stage: ClassVar[str | None] = "listening"
    hears: ClassVar[bool] = True
    sees: ClassVar = ("given", "choices", "aliases", "id", "meta")

    def calls(self, item: Item, reference: str, prediction: str | None) -> tuple[JudgeCall, ...]:
        """Return what is to be asked, with the sound; see the base class."""
        calls = super().calls(item, reference, prediction or "")
        return tuple(dataclasses.replace(call, sound=_sound_of(item)) for call in calls)

    def unasked(self, item: Item, reference: str, prediction: str | None) -> SampleScore | None:
        """Return the score that needs no judge, or None; what counts is whether anything is heard."""
        found = super().unasked(item, reference, SOUND if _sound_of(item) else "")
        return found if found is None else dataclasses.replace(found, prediction=prediction or "")

    def signature(self, languages: Iterable[str]) -> list[str]:
        """Return the base class's fields, and that the sound was heard."""
        return [*super().signature(languages), "shown:sound"]


def _sound_of(item: Item) -> str:
    """Return the name of the answer's sound in the cache, or "" where nothing is heard in it."""
    speech = item.given.get("speech", {})
    return str(speech.get("file", "")) if float(speech.get("silent_share", 1.0)) < 1.0 else ""
