"""Models that recognise nothing: for tests of the harness, and for measuring what the harness itself costs."""

from __future__ import annotations

import abc
import random
import re
import time
from collections.abc import Mapping, Sequence
from string import ascii_uppercase
from typing import Any, ClassVar

from audiobench_pytest.catalog.schema import ModelSpec
from audiobench_pytest.errors import UsageError
from audiobench_pytest.models.base import ModelAdapter, drawn_seed
from audiobench_pytest.models.options import Option
from audiobench_pytest.tool_calls.spelt import stated_call
from audiobench_pytest.types import Answer, Request

_SPEED = {
    "decode": Option(bool, True, "have every clip decoded and resampled, although nothing listens", (), False),
    "delay": Option(float, 0.0, "seconds to wait in every batch", (), False),
}


class _HarnessAdapter(ModelAdapter):
    """What they have in common: they take their answer from the request, and can be told to be slow."""

    options: ClassVar[Mapping[str, Option]] = _SPEED
    follows_instructions = True
    may_take_tools = True
    batch_rows = 16

    @classmethod
    def is_told(cls, spec: ModelSpec, args: Mapping[str, Any]) -> bool:
        """It answers any task, and is told nothing: what it answers does not come from the question."""
        return False

    def __init__(self, spec: ModelSpec, args: Mapping[str, Any]) -> None:
        super().__init__(spec, args)
        if self.args["delay"] < 0:
            raise UsageError(f"--model-args: delay={self.args['delay']} of model '{spec.name}' must not be negative")
        self.sample_rate = 16_000 if self.args["decode"] else None

    def identity(self) -> dict[str, Any]:
        """Return the base identity: there are no weights."""
        return self.base_identity()

    def load(self) -> None:
        """Do nothing: there is nothing to load."""

    def generate(self, batch: Sequence[Request]) -> list[Answer]:
        """Answer each request by itself, whatever else is in the batch."""
        if batch and self.args["delay"]:
            time.sleep(self.args["delay"])
        return [self._answer(request) for request in batch]

    @abc.abstractmethod
    def _answer(self, request: Request) -> Answer:
        """Answer one request."""


def as_chosen(choice: str, request: Request) -> str:
    """Return how a model names one of a question's choices: a label in a sentence, an option under its letter."""
    if request.closed:
        return f"It is {choice}."
    place = request.choices.index(choice)
    return f"{ascii_uppercase[place]}. {choice}" if place < len(ascii_uppercase) else choice


def _option_meant(reference: str, request: Request) -> str | None:
    """Return the choice that a reference is, by its text or by its letter, or None."""
    if reference in request.choices:
        return reference
    place = ascii_uppercase.find(reference) if len(reference) == 1 else -1
    return request.choices[place] if 0 <= place < len(request.choices) and not request.closed else None


class OracleAdapter(_HarnessAdapter):
    """Answers what is right, as a model would say it: every error rate of its cells is zero, every accuracy 100 %.

    A transcript or translation is the reference itself, a label stands in a sentence, an option under its letter, a
    call of a tool is one: what reads the answer is tried with it.
    """

    sees = frozenset({"reference", "choices"})

    def _answer(self, request: Request) -> Answer:
        if request.reference is None:
            return Answer(error="the oracle was handed no reference")
        if request.prompt.tools:
            call = stated_call(request.reference)
            return Answer(calls=(call,)) if call is not None else Answer(text="There is nothing to call.")
        meant = _option_meant(request.reference, request)
        return Answer(text=request.reference if meant is None else as_chosen(meant, request))


class ChanceAdapter(_HarnessAdapter):
    """Picks one of the choices, whatever the question: what a score is worth starts above what this one has.

    Which one depends on `seed` and the sample's id alone, never on order or batch.
    """

    sees = frozenset({"choices", "sample_id"})
    options: ClassVar[Mapping[str, Option]] = {"seed": Option(int, 0, "which choices are picked"), **_SPEED}

    def _answer(self, request: Request) -> Answer:
        if not request.choices:
            return Answer(error="there are no choices to pick from: chance answers labels and options only")
        rng = random.Random(f"{self.args['seed']}:{request.sample_id}")
        return Answer(text=as_chosen(rng.choice(request.choices), request))


class NoisyAdapter(_HarnessAdapter):
    """Answers the reference with word errors at a given rate.

    Every word is changed with probability `wer`, by one edit: another word in its place, no word, or one word more
    behind it. What changes depends on `seed`, the draw and the sample's id alone, never on order or batch. The words
    put in are none of any language, and the edits are such that the edits made are those counted: over many words the
    measured error rate is close to `wer`. A Han character counts as a word of its own.
    """

    sees = frozenset({"reference", "sample_id"})
    draws_at_random = True
    options: ClassVar[Mapping[str, Option]] = {
        "wer": Option(float, 0.1, "rate of words to change, 0 to 1"),
        "seed": Option(int, 0, "which words are changed, and how"),
        **_SPEED,
    }

    def __init__(self, spec: ModelSpec, args: Mapping[str, Any]) -> None:
        super().__init__(spec, args)
        if not 0 <= self.args["wer"] <= 1:
            raise UsageError(f"--model-args: wer={self.args['wer']} of model '{spec.name}' must be between 0 and 1")

    def _answer(self, request: Request) -> Answer:
        if request.reference is None:
            return Answer(error="the noisy model was handed no reference")
        # A text seeds by its digest, so the same in every process, unlike hash().
        rng = random.Random(f"{drawn_seed(self.args['seed'], request.draw)}:{request.sample_id}")
        return Answer(text=with_errors(request.reference, self.args["wer"], rng))


class NullAdapter(_HarnessAdapter):
    """Answers at once, with a text made from the sample's id: what its run takes is what the harness costs.

    With `decode` the cost of reading and decoding the audio is in it, without it is not.
    """

    sees = frozenset({"sample_id"})

    def _answer(self, request: Request) -> Answer:
        return Answer(text=f"null {request.sample_id}")


_HAN = "\u3400-\u4dbf\u4e00-\u9fff"
_UNIT = re.compile(rf"(\s*)([{_HAN}]|[^\s{_HAN}]+)")
_IS_HAN = re.compile(rf"[{_HAN}]")
_NONWORDS = ("blick", "dorv", "flinth", "gromp", "quonk", "snarv", "vrimp", "zorp")
_RARE_HAN = ("\u9f98", "\u9f49", "\u9ea4", "\u7228", "\u9e1e")


def with_errors(text: str, rate: float, rng: random.Random) -> str:
    """Return the text with about `rate` of its words substituted, deleted or followed by an inserted one.

    One text has deletions or insertions, not both. The edit distance is then exactly the number of words changed: each
    word put in costs one edit, and each word by which the text became shorter one more. With both, a deletion and an
    insertion further on could be accounted for by less.

    Args:
        text: What is right.
        rate: Probability of each word to be changed, 0 to 1.
        rng: Where the chance comes from.
    """
    shift = rng.choice(("delete", "insert"))
    pieces: list[str] = []
    for space, unit in _UNIT.findall(text):
        han = _IS_HAN.match(unit) is not None
        kind = rng.choice(("substitute", shift, shift)) if rng.random() < rate else "keep"
        foreign = rng.choice(_RARE_HAN if han else _NONWORDS)
        if kind in ("keep", "insert"):
            pieces += [space, unit]
        if kind == "insert":
            pieces += ["" if han else " ", foreign]
        if kind == "substitute":
            pieces += [space, foreign]
    return "".join(pieces).strip()
