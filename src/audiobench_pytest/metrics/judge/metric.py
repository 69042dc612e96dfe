"""Scores given by a language model that reads the question, the answer and mostly a reference: a judge.

Nothing here talks to one: `Judge` says what is to be asked (`calls`) and makes a score of what was replied
(`score_replies`); `runner.scoring.judging` asks. A judge reads texts: of a spoken answer it sees the transcript only.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from audiobench_pytest.catalog.loader import load_catalog
from audiobench_pytest.catalog.schema import LanguageRule, RecipeSpec, RubricSpec
from audiobench_pytest.errors import CatalogError, UsageError, did_you_mean
from audiobench_pytest.metrics.base import Metric, one_of, ratio, total
from audiobench_pytest.metrics.item import Item
from audiobench_pytest.metrics.judge.prompts import Messages, Shown, Template, said_in
from audiobench_pytest.metrics.judge.replies import (
    PARSERS,
    SOURCE_RULES,
    JudgeReply,
    Verdict,
    majority_as_written,
    unusable,
    without_thoughts,
)
from audiobench_pytest.types import ROUNDS, Quantity, SampleScore, State

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from audiobench_pytest.metrics.base import Sums

ATTEMPTS = 3
"""How often one sample of a question is asked at most: a reply that cannot be read is asked for twice more."""


@dataclass(frozen=True, slots=True)
class JudgeCall:
    """One question to the judge.

    Attributes:
        messages: Role and text of each message.
        sample: Which of the rubric's samples it is, from 0.
        swapped: Whether the two answers stand in the other order than the rubric's own.
        sound: Name of the answer's sound in the cache, for a judge that hears it; it stands where `prompts.SOUND` does.
    """

    messages: Messages
    sample: int
    swapped: bool = False
    sound: str = ""


class Judge(Metric):
    """Mean points, share of yes, or win rate that a judge gives.

    Per judged sample: `n`, and `points` (0 or 1 for a yes or no, the mean over samples of the reply for points). Of two
    answers compared: `wins` (1, 0, or a half where the two orders disagree), `agree` and `orders`, and where both get
    points `points`, `reference_points`, `reference_n`. A sample whose judge said nothing usable has `judge_invalid`
    instead. The source's own reading of the first replies is in `compat_n`, `compat_points`, `compat_wins`.

    An empty answer, and one that a step of the recipe could extract nothing from, gets the worst verdict unasked.
    `hears` says whether the sound of the answer is sent.

    Options:
        rubric: Name of the catalogue's rubric.
        compat: How the source reads a reply, one of `SOURCE_RULES`; without it there is no `_compat` value.
        unread: What the source does with a reply it cannot read: `dropped` (the default) or `worst`.
        samples, temperature: Instead of the rubric's.
        question: Key of the row that holds the question; `question` unless given.
        official_file: The publisher's own words, see `RubricSpec`.
        votes: What several samples of a yes or no come to: their `majority` (the default), or the `mean` of them.
    """

    stage: ClassVar[str | None] = "judge"
    hears: ClassVar[bool] = False
    options: ClassVar[Mapping[str, Callable[[str], object]]] = {
        "rubric": str,
        "compat": one_of(*SOURCE_RULES),
        "unread": one_of("dropped", "worst"),
        "samples": int,
        "temperature": float,
        "question": str,
        "official_file": str,
        "votes": one_of("majority", "mean"),
    }

    def __init__(self, spec: RecipeSpec, rubric: RubricSpec | None = None) -> None:
        """Check recipe and rubric.

        Args:
            spec: The recipe.
            rubric: The rubric, where it is not the catalogue's.

        Raises:
            CatalogError: The rubric does not exist, or says what cannot be.
        """
        super().__init__(spec)
        if rubric is None:
            if "rubric" not in self.given:
                raise CatalogError("a judge needs a rubric: write it under `options`")
            rubric = load_catalog().rubrics.get(str(self.given["rubric"]))
        own = {name: self.given[name] for name in ("samples", "temperature", "official_file") if name in self.given}
        self.rubric: RubricSpec = dataclasses.replace(rubric, **own)  # type: ignore[arg-type]
        try:
            self._check(self.rubric)
            self.template = Template(self.rubric)
            if ("sound" in self.template.fields) != self.hears:
                raise CatalogError("{sound} is for judges that hear, which the score 'listened' asks, and they need it")
            if self.template.pair != self.parser.pair:
                shown = "two answers" if self.template.pair else "one answer"
                raise CatalogError(f"it shows {shown}, which '{self.rubric.parse}' cannot judge")
        except CatalogError as error:
            raise CatalogError(f"rubric '{rubric.name}': {error}") from None
        shows = {"reference", "references", "first"} & set(self.template.fields)
        self.needs_reference = bool(shows)  # type: ignore[misc]  # the rubric's, not the class's
        self._mean_vote = self.given.get("votes") == "mean"
        self._question = str(self.given.get("question", "question"))
        self._compat = str(self.given["compat"]) if "compat" in self.given else None
        if (self._compat in ("two-integers", "ordered-list")) != self.parser.pair and self._compat is not None:
            raise CatalogError(f"compat: '{self._compat}' does not read what '{self.rubric.parse}' reads")

    def _check(self, rubric: RubricSpec) -> None:
        if rubric.parse not in PARSERS:
            raise CatalogError(f"unknown parser '{rubric.parse}'{did_you_mean(rubric.parse, PARSERS)}")
        self.parser = PARSERS[rubric.parse]
        if rubric.samples < 1:
            raise CatalogError("samples: must be at least 1")
        if rubric.samples % 2 == 0 and not self.parser.points:
            raise CatalogError(f"samples: {rubric.samples} votes may have no majority: take an odd number")
        if rubric.first not in ("answer", "reference"):
            raise CatalogError(f"first: must be answer or reference, found '{rubric.first}'")
        if rubric.swap and not self.parser.pair:
            raise CatalogError("swap: only a comparison can be asked in the other order")
        for name, least, most in (("temperature", 0.0, 2.0), ("top_p", 0.0, 1.0), ("max_tokens", 1, math.inf)):
            value = getattr(rubric, name)
            if value is not None and not least <= value <= most:
                raise CatalogError(f"{name}: {value} is out of range")
        if not 0 < rubric.scale < math.inf:
            raise CatalogError("scale: must be more than 0")

    # Asking.

    def calls(self, item: Item, reference: str, prediction: str | None) -> tuple[JudgeCall, ...]:
        """Return what is to be asked for one answer; nothing where `unasked` has the score.

        Args:
            item: The row.
            reference: The reference after the recipe's steps.
            prediction: The answer after the recipe's steps, or None where a step could extract nothing.
        """
        if prediction is None or self.unasked(item, reference, prediction) is not None:
            return ()
        orders = (False, True) if self.rubric.swap else (False,)
        own_first = self.rubric.first == "answer"
        texts = {
            swapped: self.template.messages(self._shown(item, reference, prediction, own_first != swapped))
            for swapped in orders
        }
        return tuple(
            JudgeCall(texts[swapped], sample, swapped) for swapped in orders for sample in range(self.rubric.samples)
        )

    def unasked(self, item: Item, reference: str, prediction: str | None) -> SampleScore | None:
        """Return the score that needs no judge, or None: a row that cannot be judged, an answer that says nothing."""
        lacks = self.template.missing(self._shown(item, reference, prediction or "", True))
        if lacks is not None:
            return SampleScore({}, reference, prediction or "", State.DATA_ERROR, lacks)
        if prediction is None:
            why = "no answer could be extracted"
            return SampleScore(self._worst(), reference, "", State.INVALID, why)
        in_rounds = "dialogue" in self.template.fields and any(map(said_in, item.meta.get(ROUNDS) or ()))
        if not prediction.strip() and not in_rounds:
            why = "the answer is empty: the worst verdict, unasked"
            return SampleScore(self._worst(), reference, prediction, State.EMPTY, why)
        return None

    def read(self, call: JudgeCall, reply: JudgeReply) -> Verdict | None:
        """Return the verdict of a reply, read strictly: of a comparison the answer's and the reference's; else None."""
        if reply.error is not None or reply.cut:
            return None
        text = without_thoughts(reply.text)
        found = None if text is None else self.parser.read(text)
        return found if found is None or not self.parser.pair else self._own_first(found, call.swapped)

    def wants(self, call: JudgeCall, replies: Sequence[JudgeReply]) -> bool:
        """Whether a question must be asked (again): no reply yet, or none that can be read and attempts left."""
        if not replies:
            return True
        return replies[-1].error is None and len(replies) < ATTEMPTS and self.read(call, replies[-1]) is None

    def _shown(self, item: Item, reference: str, prediction: str, answer_first: bool) -> Shown:
        question = item.meta.get(self._question)
        return Shown(item, reference, prediction, "" if question is None else str(question), answer_first)

    def _own_first(self, found: Verdict, swapped: bool) -> Verdict:
        return found if (self.rubric.first == "answer") != swapped else found[::-1]

    # Scoring.

    def score(self, item: Item, reference: str, prediction: str | None, rule: LanguageRule) -> SampleScore:
        """Refuse: without a judge there is no score, not even of an answer whose verdict needs none.

        Raises:
            UsageError: Always.
        """
        raise UsageError(
            f"the recipe '{self.spec.name}' needs a judge: "
            f"audiobench score --recipe {self.spec.name} --judge-url http://localhost:8000/v1 "
            f"--judge-model {self.rubric.judge or 'NAME'}"
        )

    def score_replies(
        self, item: Item, reference: str, prediction: str | None, replies: Sequence[Sequence[JudgeReply]]
    ) -> SampleScore:
        """Return the score of one answer.

        Args:
            item: The row.
            reference: The reference after the recipe's steps.
            prediction: The answer after the recipe's steps.
            replies: For each of `calls`, all replies in the order in which they came.

        Raises:
            ValueError: There are not as many as calls.
        """
        unasked = self.unasked(item, reference, prediction)
        if unasked is not None:
            return unasked
        calls = self.calls(item, reference, prediction)
        numbers = self._as_source(calls, replies)
        verdicts: list[tuple[JudgeCall, Verdict]] = []
        for call, tried in zip(calls, replies, strict=True):
            found = self.read(call, tried[-1]) if tried else None
            if found is None:
                why = unusable(tried)
                return SampleScore(
                    {**numbers, "judge_invalid": 1}, reference, prediction or "", State.JUDGE_INVALID, why
                )
            verdicts.append((call, found))
        numbers |= self._pair(verdicts) if self.parser.pair else self._single([found[0] for _, found in verdicts])
        return SampleScore(numbers, reference, prediction or "")

    def level(self, score: SampleScore) -> float | None:
        """Return a verdict from 0 (the worst there is) to 1 (the best), or None for a sample that has none."""
        if not score.numbers.get("n"):
            return None
        if self.parser.pair:
            return score.numbers.get("wins", 0.0)
        low, high = self.parser.low, self.parser.high
        return (score.numbers.get("points", 0.0) - low) / (high - low)

    def _single(self, votes: Sequence[float]) -> dict[str, float]:
        mean = math.fsum(votes) / len(votes)
        return {"n": 1, "points": mean if self.parser.points or self._mean_vote else float(mean > 0.5)}

    def _pair(self, verdicts: Sequence[tuple[JudgeCall, Verdict]]) -> dict[str, float]:
        orders = [
            [found for call, found in verdicts if call.swapped is swapped]
            for swapped in ((False, True) if self.rubric.swap else (False,))
        ]
        means = [tuple(math.fsum(side) / len(order) for side in zip(*order, strict=True)) for order in orders]
        wins = [float(own > other) for own, other in means]
        numbers = {"n": 1.0, "wins": math.fsum(wins) / len(wins)}
        if self.rubric.swap:
            signs = {(own > other) - (own < other) for own, other in means}
            numbers |= {"orders": 1, "agree": float(len(signs) == 1)}
        if self.parser.points:
            own, other = (math.fsum(side) / len(means) for side in zip(*means, strict=True))
            numbers |= {"points": own, "reference_points": other, "reference_n": 1}
        return numbers

    def _worst(self) -> dict[str, float]:
        low = self.parser.low if self.parser.points else 0.0
        numbers = {"n": 1.0, "points": low}
        if self._compat is not None:
            # Where every reply counts by itself, so does every reply that was saved.
            replies = 1 if self._compat == "is-yes" else self.rubric.samples
            numbers |= {"compat_n": replies, "compat_points": replies * low}
        return numbers

    def _as_source(self, calls: Sequence[JudgeCall], replies: Sequence[Sequence[JudgeReply]]) -> dict[str, float]:
        """Read the first reply of each question in the rubric's own order, as the source would have."""
        if self._compat is None:
            return {}
        asked = [(call, tried[0]) for call, tried in zip(calls, replies, strict=True) if tried and not call.swapped]
        texts = [reply.text for _, reply in asked if reply.error is None]
        if self._compat == "is-yes":
            return {"compat_n": 1.0, "compat_points": majority_as_written(texts)} if texts else {}
        found = [(call, SOURCE_RULES[self._compat](reply.text)) for call, reply in asked if reply.error is None]
        if self.given.get("unread") == "worst":
            worst = self._worst_read()
            found = [(call, worst if verdict is None else verdict) for call, verdict in found]
        read = [self._own_first(v, call.swapped) if self.parser.pair else v for call, v in found if v is not None]
        numbers = {"compat_n": float(len(read)), "compat_points": math.fsum(verdict[0] for verdict in read)}
        if self.parser.pair:
            numbers["compat_wins"] = float(sum(own > other for own, other in read))
        return numbers

    def _worst_read(self) -> Verdict:
        return (0.0, 0.0) if self.parser.pair else (0.0,)

    # Reducing.

    def quantities(self, languages: Iterable[str]) -> tuple[Quantity, ...]:
        """Return points, accuracy or win rate, the source's reading of it, and how often the judge said nothing."""
        found: list[Quantity] = []
        if self.parser.points:
            found.append(self._points("score"))
            found += [self._points("reference_score")] if self.parser.pair else []
        if self.parser.pair:
            found.append(_share("win_rate"))
            found += [_share("order_agreement")] if self.rubric.swap else []
        elif not self.parser.points:
            found.append(_share("acc"))
        if self._compat is not None:
            # Sources do not check the range of what they read; two take any number for points, or for a yes.
            least = None if self._compat in ("number-or-first-bracket", "last-token") else 0.0
            loose = dataclasses.replace(self._points("score_compat"), minimum=least, maximum=None)
            found += [loose] if self.parser.points else []
            if self.parser.pair:
                found.append(_share("win_rate_compat"))
            elif not self.parser.points:
                share = _share("acc_compat")
                found.append(share if least == 0.0 else dataclasses.replace(share, minimum=None, maximum=None))
        return (*found, Quantity("judge_invalid_rate", maximum=100.0))

    def values(self, sums: Sums) -> dict[str, NDArray[np.float64]]:
        """Return means over judged samples; the judge's silence is a share of all that it was or would be asked."""
        n, invalid, compat_n = total(sums, "n"), total(sums, "judge_invalid"), total(sums, "compat_n")
        scale = self.rubric.scale
        win_rate, win_compat = ratio(total(sums, "wins"), n), ratio(total(sums, "compat_wins"), compat_n)
        found = {
            "win_rate": win_rate,
            "win_rate_compat": win_compat,
            "order_agreement": ratio(total(sums, "agree"), total(sums, "orders")),
            "judge_invalid_rate": ratio(invalid, n + invalid),
        }
        points, compat = total(sums, "points"), total(sums, "compat_points")
        found |= {"acc": ratio(points, n), "acc_compat": ratio(compat, compat_n)}
        found |= {"score": ratio(points, n, scale), "score_compat": ratio(compat, compat_n, scale)}
        found["reference_score"] = ratio(total(sums, "reference_points"), total(sums, "reference_n"), scale)
        return {quantity.name: found[quantity.name] for quantity in self.quantities(())}

    def signature(self, languages: Iterable[str]) -> list[str]:
        """Return rubric, parser and sampling; which model judged is known only when it has replied."""
        rubric = self.rubric
        fields = [f"rubric:{rubric.name}#{self.template.digest}", f"parse:{rubric.parse}", f"samples:{rubric.samples}"]
        fields += [
            f"{name}:{value:g}" if isinstance(value, float) else f"{name}:{value}"
            for name, value in self.sampling.items()
        ]
        if self.parser.pair:
            fields.append(f"order:{'both' if rubric.swap else rubric.first + '-first'}")
        fields += [f"retries:{ATTEMPTS - 1}", "empty:worst"]
        if self._mean_vote:
            fields.append("votes:mean")
        if self._question != "question":
            fields.append(f"question:{self._question}")
        if self._compat is not None:
            order = f",{rubric.first}-first" if self.parser.pair else ""
            fields.append(f"compat:{self._compat},first-reply,unread-{self.given.get('unread', 'dropped')}{order}")
        return fields

    def _points(self, name: str) -> Quantity:
        low, high = self.parser.low * self.rubric.scale, self.parser.high * self.rubric.scale
        return Quantity(name, "points", higher_is_better=True, minimum=low, maximum=high)

    @property
    def sampling(self) -> dict[str, float]:
        """What is sent with each question, without what the rubric leaves to the server; the seed is the first one."""
        names = ("temperature", "top_p", "max_tokens", "seed")
        return {name: value for name in names if (value := getattr(self.rubric, name)) is not None}


def _share(name: str) -> Quantity:
    return Quantity(name, higher_is_better=True, maximum=100.0)
