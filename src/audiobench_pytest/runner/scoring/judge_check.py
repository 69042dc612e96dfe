"""A frozen set of clear cases, judged beside each run: notices a judge that cannot judge, or that has changed.

Names such as `gpt-4o-mini` are aliases that move, and a server's owner may put other weights behind a name.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from audiobench_pytest.catalog.loader import load_catalog
from audiobench_pytest.catalog.schema import CalibrationCase, CalibrationSpec
from audiobench_pytest.errors import UsageError
from audiobench_pytest.metrics.item import Item
from audiobench_pytest.metrics.judge.metric import Judge
from audiobench_pytest.metrics.recipes import Recipe
from audiobench_pytest.records.answers.cache import ModelCache, PredictionCache
from audiobench_pytest.records.keys import digest
from audiobench_pytest.runner.scoring.judge_record import JudgeRecord, JudgeSettings
from audiobench_pytest.runner.scoring.judging import judge_of, judge_scores
from audiobench_pytest.types import ROUNDS, Prediction

LEAST_AGREEMENT = 0.8
"""Share of the clear cases that a judge must get right. One that always says the same gets half of them."""

MOST_FLIPS = 1
"""Cases that may change from right to wrong or back between two judgings: a sampled verdict may."""

MOST_SHIFT = 0.1
"""How far the mean verdict may move, from 0 (worst) to 1 (best): less than half a point of 1 to 5."""


@dataclass(frozen=True, slots=True)
class CalibrationResult:
    """What a judge made of the clear cases.

    Attributes:
        agreement: Share of cases judged as they must be, 0 to 1.
        expected: The least share that is accepted.
        drifted: Whether its scores are not to be trusted, or not to be compared with earlier ones.
        message: One sentence for people.
        cases: Number of cases.
        wrong: Numbers of the cases judged otherwise, from 1, with the verdict (0 to 1), or None where there was none.
        served: The dated names that the judge said it is.
        earlier: The dated names at the earlier judging that this one was compared with; empty where there was none.
    """

    agreement: float
    expected: float
    drifted: bool
    message: str
    cases: int
    wrong: Mapping[int, float | None]
    served: tuple[str, ...]
    earlier: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Judging:
    """Verdicts on all cases, in their order; None where the judge said nothing usable."""

    served: tuple[str, ...]
    levels: tuple[float | None, ...]


def has_calibration(recipe: Recipe) -> bool:
    """Whether a recipe's rubric names a calibration set; one of a user's own need not."""
    return isinstance(recipe.metric, Judge) and bool(recipe.metric.rubric.calibration)


def calibration(recipe: Recipe, settings: JudgeSettings, cache: PredictionCache | None = None) -> CalibrationResult:
    """Have the clear cases judged, anew in each run, and compare.

    Args:
        recipe: Its metric is a judge.
        settings: Which judge.
        cache: Where earlier verdicts are found and these are kept. Replies are not taken from it: the point is what the
            judge says today. None compares with what is expected only.

    Raises:
        UsageError: The recipe needs no judge, or its rubric names no calibration set.
        UnknownNameError: There is no such calibration set.
        ModelError: The judge cannot be reached.
        RecordError: The verdicts cannot be kept.
    """
    judge = judge_of(recipe)
    if not judge.rubric.calibration:
        raise UsageError(f"the rubric '{judge.rubric.name}' names no calibration set")
    spec = load_catalog().calibration.get(judge.rubric.calibration)
    record = JudgeRecord()
    levels: list[float | None] = [None] * len(spec.cases)
    for item, score in judge_scores(recipe, items_of(spec), settings, record=record):
        levels[int(item.id)] = judge.level(score)
    now = _Judging(tuple(sorted(record.served) or [record.model]), tuple(levels))
    if cache is None:
        return _compared(spec, record.model, now, None)
    identity = {
        "calibration": [[case.question, case.reference, case.answer, *case.rounds] for case in spec.cases],
        "judge": record.model,
        "sampling": record.sampling,
        "rubric": judge.template.digest,
        "samples": judge.rubric.samples,
    }
    kept = cache.model(f"judge-calibration-{record.model}", identity)
    try:
        history = list(_history(kept))
        if now not in history[-1:]:
            _keep(kept, len(history), now)
    finally:
        kept.close()
    return _compared(spec, record.model, now, _to_compare(history, now))


def items_of(spec: CalibrationSpec) -> list[Item]:
    """Return the cases as answers to be judged; the id is the position."""
    return [
        Item(
            case.reference,
            case.answer,
            choices=case.choices,
            aliases=case.aliases,
            id=str(position),
            meta={"question": case.question, **_in_rounds(case), **case.meta},
        )
        for position, case in enumerate(spec.cases)
    ]


def _in_rounds(case: CalibrationCase) -> dict[str, Any]:
    """Return a case that is a dialogue round by round, as the row of one has it; nothing of any other."""
    if not case.rounds:
        return {}
    last = {"question": case.question, "expected": case.reference, "reply": case.answer}
    return {ROUNDS: [*case.rounds, last]}


def _is_right(case: CalibrationCase, level: float | None) -> bool:
    return level is not None and case.low <= level <= case.high


def _compared(spec: CalibrationSpec, model: str, now: _Judging, then: _Judging | None) -> CalibrationResult:
    right = [_is_right(case, level) for case, level in zip(spec.cases, now.levels, strict=True)]
    agreement = sum(right) / len(right)
    said = f"the judge {_named(model, now)} agrees on {sum(right)} of {len(right)} clear cases ('{spec.name}')"
    drifted = agreement < LEAST_AGREEMENT
    if drifted:
        said += f", fewer than {LEAST_AGREEMENT:.0%}: its scores are not to be trusted"
    if then is not None:
        moved = _moved(spec, now, then)
        before = f"an earlier judging, by {_names(then)}" if then.served != now.served else "an earlier judging"
        if moved is not None:
            drifted = True
            said += f"; since {before}, {moved}: scores from then are not to be compared with these"
        elif then.served != now.served:
            said += f"; its verdicts are those of {before}"
    return CalibrationResult(
        agreement,
        LEAST_AGREEMENT,
        drifted,
        said,
        len(right),
        {n: now.levels[n - 1] for n, good in enumerate(right, start=1) if not good},
        now.served,
        then.served if then is not None else (),
    )


def _moved(spec: CalibrationSpec, now: _Judging, then: _Judging) -> str | None:
    """Return how far verdicts have moved, or None where no further than chance lets them."""
    pairs = list(zip(spec.cases, then.levels, now.levels, strict=True))
    flips = sum(_is_right(case, before) != _is_right(case, after) for case, before, after in pairs)
    both = [(before, after) for _, before, after in pairs if before is not None and after is not None]
    shift = math.fsum(after - before for before, after in both) / len(both) if both else 0.0
    if flips <= MOST_FLIPS and abs(shift) <= MOST_SHIFT:
        return None
    return f"{flips} verdicts have turned and the mean verdict has moved by {shift:+.2f} of its range"


def _to_compare(history: list[_Judging], now: _Judging) -> _Judging | None:
    """Return the newest judging under another dated name, else the oldest under this one: a creep must show too."""
    others = [one for one in history if one.served != now.served]
    return others[-1] if others else history[0] if history else None


def _history(kept: ModelCache) -> Iterator[_Judging]:
    position = 0
    while (found := kept.get(_key(position))) is not None:
        content = json.loads(found.text)
        yield _Judging(tuple(content["served"]), tuple(content["levels"]))
        position += 1


def _keep(kept: ModelCache, position: int, judging: _Judging) -> None:
    text = json.dumps({"served": judging.served, "levels": judging.levels})
    kept.put(Prediction(_key(position), text, None, 0.0, 0.0, meta={"at": round(time.time())}))
    kept.sync()


def _key(position: int) -> str:
    return digest(["calibration", position])


def _names(judging: _Judging) -> str:
    return " and ".join(f"'{name}'" for name in judging.served)


def _named(model: str, judging: _Judging) -> str:
    return f"'{model}'" if judging.served == (model,) else f"'{model}' ({_names(judging)})"
