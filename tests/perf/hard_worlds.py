"""Worlds in which intervals and gates go wrong most easily: few errors, few speakers, shares near their ends, times.

Each release is drawn by the rules of its world from the standard library's `random` alone, word by word and answer by
answer, so that nothing that the estimators compute with is used to make what they are judged by. The truth of each
world is known without simulation: it is what the rules say.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Spoken:
    """Test sets in words.

    Attributes:
        name: For the table.
        speakers: Utterances of each speaker; one number per utterance where none is named: see `named`.
        named: Whether the speakers are known, and resampled.
        words: Words of each utterance.
        percent: Word error rate in truth.
        hard: Half of the speakers (by a coin each) err this many times as often as the other half.
        bursts: A wrong word is followed by as many more, by chance, as make runs of this length on average.
        elsewhere: Share of the wrong places that a second run gets right; it is wrong elsewhere instead.
        allowed: Regression that is judged, in points.
    """

    name: str
    speakers: tuple[int, ...]
    words: int
    percent: float
    named: bool = True
    hard: float = 1.0
    bursts: float = 1.0
    elsewhere: float = 0.5
    allowed: float = 0.5

    def release(self, chance: random.Random, worse: float = 0.0) -> tuple[list[int], list[int], list[str]]:
        """Return the errors of a baseline and of a run that is worse by so many points, and each one's speaker."""
        first, second, voices = [], [], []
        for number, utterances in enumerate(self.speakers):
            factor = 2.0 * (self.hard if chance.random() < 0.5 else 1.0) / (1.0 + self.hard)
            for _ in range(utterances):
                ours, theirs = self._utterance(chance, self.percent / 100.0 * factor, worse / 100.0 * factor)
                first.append(ours)
                second.append(theirs)
                voices.append(f"voice {number}" if self.named else f"{len(first)}")
        return first, second, voices

    def _utterance(self, chance: random.Random, share: float, more: float) -> tuple[int, int]:
        """Return the errors of both runs in one utterance: runs of wrong words begin at any word."""
        begins, grows = share / self.bursts, more / self.bursts
        ours = theirs = 0
        for _ in range(self.words):
            moves = chance.random() < self.elsewhere
            if chance.random() < begins:
                length = self._run(chance)
                ours += length
                theirs += 0 if moves else length
            if moves and chance.random() < begins:
                theirs += self._run(chance)
            if chance.random() < grows:
                theirs += self._run(chance)
        return ours, theirs

    def _run(self, chance: random.Random) -> int:
        length = 1
        while chance.random() > 1.0 / self.bursts:
            length += 1
        return length


@dataclass(frozen=True)
class Answered:
    """Test sets of questions that are answered right or wrong, each by itself.

    Attributes:
        questions: How many.
        percent: Share of right answers in truth.
    """

    questions: int
    percent: float

    @property
    def name(self) -> str:
        """For the table."""
        return f"{self.questions} questions, {self.percent:g} % right"

    def release(self, chance: random.Random) -> list[int]:
        """Return which answers are right."""
        return [int(chance.random() < self.percent / 100.0) for _ in range(self.questions)]


@dataclass(frozen=True)
class Timed:
    """Times of answers, and a limit on a percentile of them.

    Attributes:
        shape: What the times are like.
        draw: Makes one, in seconds.
        quantile: The time below which a share of all lies, in truth.
        percent: Which percentile is limited.
        count: Times per set.
    """

    shape: str
    draw: Callable[[random.Random], float]
    quantile: Callable[[float], float]
    percent: int
    count: int

    @property
    def name(self) -> str:
        """For the table."""
        return f"{self.count} times, {self.shape}, p{self.percent}"

    def release(self, chance: random.Random) -> list[float]:
        """Return the times of a set."""
        return [self.draw(chance) for _ in range(self.count)]


def _two_speeds(chance: random.Random) -> float:
    return chance.uniform(0.1, 0.2) if chance.random() < 0.93 else chance.uniform(1.0, 3.0)


def _of_two_speeds(share: float) -> float:
    return 0.1 + 0.1 * share / 0.93 if share < 0.93 else 1.0 + 2.0 * (share - 0.93) / 0.07


def _exponential(share: float) -> float:
    return -math.log(1.0 - share)


EVEN = (30,) * 40
SPOKEN = (
    Spoken("500 utterances, WER 0.1 %", (1,) * 500, 10, 0.1, named=False, allowed=0.1),
    Spoken("200 utterances, WER 0.3 %", (1,) * 200, 10, 0.3, named=False, allowed=0.3),
    Spoken("50 utterances, WER 0.5 %", (1,) * 50, 10, 0.5, named=False, allowed=0.5),
    Spoken("200 utterances, WER 1 % in runs of 3 words", (1,) * 200, 20, 1.0, named=False, bursts=3.0),
    Spoken("10 answers of one word, WER 2 %", (1,) * 10, 1, 2.0, named=False, allowed=2.0),
    Spoken("20 speakers x 20, WER 0.3 %", (20,) * 20, 10, 0.3, hard=4.0, allowed=0.3),
    Spoken("6 speakers x 30, WER 8 %", (30,) * 6, 10, 8.0, hard=3.0, allowed=1.0),
    Spoken("4 speakers x 30, WER 8 %", (30,) * 4, 10, 8.0, hard=3.0, allowed=1.0),
    Spoken("2 speakers x 30, WER 8 %", (30,) * 2, 10, 8.0, hard=3.0, allowed=1.0),
    Spoken("8 speakers, one of them half of 240", (120, *(17,) * 6, 18), 10, 8.0, hard=3.0, allowed=1.0),
    Spoken("5 speakers, one with 3 in 4 of 160", (120, 10, 10, 10, 10), 10, 8.0, hard=3.0, allowed=1.0),
)
ANSWERED = tuple(
    Answered(questions, percent) for questions in (20, 100, 500) for percent in (50.0, 90.0, 97.0, 99.0, 99.9)
)
TIMED = tuple(
    Timed(shape, draw, quantile, percent, count)
    for shape, draw, quantile in (
        ("exponential", lambda chance: chance.expovariate(1.0), _exponential),
        ("7 in 100 ten times as slow", _two_speeds, _of_two_speeds),
    )
    for percent, count in ((50, 11), (50, 100), (95, 60), (95, 130), (95, 500))
)
