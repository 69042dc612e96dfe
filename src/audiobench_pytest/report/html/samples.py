"""The samples of a cell as the pages show them: texts, alignment, times, sound."""

from __future__ import annotations

import dataclasses
import heapq
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audiobench_pytest.errors import UsageError
from audiobench_pytest.leaderboard.cells.planned import recipe_of
from audiobench_pytest.leaderboard.cells.slices import DURATION_BINS, duration_bin
from audiobench_pytest.metrics.accuracy.confusion import confusion
from audiobench_pytest.metrics.error_rate.metric import ErrorRate
from audiobench_pytest.metrics.recipes import Recipe
from audiobench_pytest.records.runs.cells import CellData
from audiobench_pytest.records.runs.directory import RunDirectory
from audiobench_pytest.types import SCORED_STATES, Outcome, State

_MOST_CONFUSED = 30
_MOST_GROUPS = 60


@dataclass(frozen=True, slots=True)
class Shown:
    """What a page shows of a sample.

    Attributes:
        fields: Plain values: `id`, `state`, `reference`, `prediction`, `errors`, `units`, `rate`, `steps`, `seconds`,
            `reason`, `keys`, `before`, `prompt` (digest of what was asked), `key`, `calls` (of tools, spelt), `scores`.
        sound: The file, or None.
        spoken: The file of an answer that is spoken, or None.
    """

    fields: Mapping[str, Any]
    sound: Path | None
    spoken: Path | None = None


class Before:
    """The cells of a baseline run, found for those of another."""

    def __init__(self, run: Path | None) -> None:
        """Read the run; None has no cells.

        Raises:
            UsageError: It is no run directory.
        """
        if run is not None and RunDirectory(run).manifest() is None:
            raise UsageError(f"{run} is not a run directory: it holds no run.json")
        self._cells = [] if run is None else RunDirectory(run).cells()

    def of(self, data: CellData) -> CellData | None:
        """Return the cell of the same data set under the same recipe: of the same model, or of the only one there."""
        cell = data.plan.cell
        same = [one for one in self._cells if dataclasses.replace(one.plan.cell, model=cell.model) == cell]
        own = [one for one in same if one.plan.cell.model == cell.model]
        return own[0] if own else same[0] if len(same) == 1 else None


def samples_of(
    data: CellData,
    before: CellData | None,
    sounds: Mapping[str, Path],
    spoken: Mapping[str, Path] | None = None,
    *,
    private: bool,
) -> Iterator[Shown]:
    """Yield the samples of a cell, the worst first: those without a score before all others.

    Args:
        data: The cell.
        before: The same cell of a baseline run, or None.
        sounds: Where the sound of each sample is, by id.
        spoken: Where the sound of each spoken answer is, by `types.row_id`.
        private: Leave out texts and sounds.
    """
    recipe = recipe_of(data.plan)
    for number, outcome in enumerate(sorted(data.outcomes.values(), key=_badness), 1):
        fields = _sample(recipe, outcome, before, private)
        sound = None if private else sounds.get(outcome.sample_id)
        said = None if private else (spoken or {}).get(outcome.row)
        yield Shown({**fields, "id": f"sample {number}"} if private else fields, sound, said)


def worst_of(data: CellData, most: int) -> list[Mapping[str, Any]]:
    """Return the fields of the worst samples of a cell that are wrong at all; only these are aligned."""
    recipe = recipe_of(data.plan)
    wrong = [one for one in data.outcomes.values() if one.state is not State.OK or _errors(_numbers(one))[0]]
    return [_sample(recipe, outcome, None, False) for outcome in heapq.nsmallest(most, wrong, key=_badness)]


def _badness(outcome: Outcome) -> tuple[Any, ...]:
    errors, units = _errors(_numbers(outcome))
    rate = 100.0 * errors / units if units else 0.0
    return (outcome.state in SCORED_STATES, -errors, -rate, outcome.sample_id, outcome.draw)


def _numbers(outcome: Outcome) -> dict[str, float]:
    """Return the numbers of a sample; none where it has no score."""
    return dict(outcome.score.numbers) if outcome.score is not None and outcome.state in SCORED_STATES else {}


def confusions(samples: list[Shown]) -> dict[str, list[tuple[str, str, int]]]:
    """Return the most frequent substitutions, deletions and insertions, each with how often."""
    counts: dict[str, Counter[tuple[str, str]]] = {"replace": Counter(), "delete": Counter(), "insert": Counter()}
    for sample in samples:
        for what, left, right in sample.fields["steps"]:
            if what in counts:
                counts[what][left, right] += 1
    return {
        what: [(left, right, n) for (left, right), n in sorted(found.items(), key=lambda one: (-one[1], one[0]))][
            :_MOST_CONFUSED
        ]
        for what, found in counts.items()
    }


def _sample(recipe: Recipe, outcome: Outcome, before: CellData | None, private: bool) -> dict[str, Any]:
    score = outcome.score
    numbers = _numbers(outcome)
    errors, units = _errors(numbers)
    fields: dict[str, Any] = {
        "id": outcome.sample_id if not outcome.draw else f"{outcome.sample_id} (draw {outcome.draw + 1})",
        "state": str(outcome.state),
        "errors": errors,
        "units": units,
        "rate": 100.0 * errors / units if units else None,
        "seconds": outcome.audio_s,
        "infer_s": outcome.infer_s,
        "language": outcome.language,
        "reason": "" if private else outcome.reason or "",
        "reference": "" if private else outcome.reference,
        "prediction": None if private else outcome.prediction,
        "steps": [],
        "keys": {} if private else {k: str(v) for k, v in sorted(outcome.meta.items()) if isinstance(v, str | int)},
        "before": None,
        "prompt": "" if private else outcome.prompt,
        "key": "" if private else outcome.key or "",
        "calls": [] if private else [f"{call['name']}({_arguments(call)})" for call in outcome.calls],
        "scores": _heard(outcome, numbers),
    }
    if score is not None and numbers and not private and isinstance(recipe.metric, ErrorRate):
        rule = recipe.spec.rule(outcome.language)
        fields["steps"] = recipe.metric.steps(score, outcome.language, rule)
    earlier = before.outcomes.get(outcome.row) if before is not None else None
    if earlier is not None:
        old = _numbers(earlier)
        told = None if private else earlier.prediction
        fields["before"] = {"state": str(earlier.state), "errors": _errors(old)[0], "prediction": told}
    return fields


def _arguments(call: Mapping[str, Any]) -> str:
    return json.dumps(call.get("arguments", {}), ensure_ascii=False)


def _heard(outcome: Outcome, numbers: Mapping[str, float]) -> str:
    """Return what is known of a spoken answer's sound, and the numbers it was given."""
    if not outcome.speech:
        return ""
    seen = {name: outcome.speech.get(name) for name in ("seconds", "peak", "silent_share", "leading_s")}
    told = {**{k: v for k, v in seen.items() if isinstance(v, int | float)}, **numbers}
    return ", ".join(f"{name} {value:.4g}" for name, value in told.items())


def labels_of(samples: Iterable[Outcome]) -> dict[str, Any] | None:
    """Return which label was answered for which, `names` and `counts[right][answered]`; None where none are counted."""
    sums: Counter[str] = Counter()
    for one in samples:
        sums.update(_numbers(one))
    names, counts = confusion(sums)
    return {"names": names, "counts": counts} if names else None


def groups_of(outcomes: Iterable[Outcome], *, private: bool) -> list[dict[str, Any]]:
    """Return where the errors of a cell are: by duration, language and speaker, each with samples, errors and units.

    What the slices of a run say with intervals, this says of every run without: it is there to be read, not judged.

    Args:
        outcomes: Of the cell.
        private: Leave out who speaks.
    """
    sums: dict[tuple[str, str], list[float]] = {}
    for one in outcomes:
        errors, units = _errors(_numbers(one))
        if one.state not in SCORED_STATES or not units:
            continue
        speaker = "" if private else str(one.meta.get("speaker") or "")
        for key, name in (("duration", duration_bin(one.audio_s)), ("language", one.language), ("speaker", speaker)):
            if name:
                found = sums.setdefault((key, name), [0, 0.0, 0.0])
                found[:] = (found[0] + 1, found[1] + errors, found[2] + units)
    many = {
        key for key in ("duration", "language", "speaker") if 1 < sum(one == key for one, _ in sums) <= _MOST_GROUPS
    }
    order = {name: place for place, name in enumerate(DURATION_BINS)}
    return [
        {"key": key, "name": name, "samples": int(n), "errors": errors, "units": units}
        for (key, name), (n, errors, units) in sorted(
            sums.items(), key=lambda one: (one[0][0], order.get(one[0][1], 0), one[0])
        )
        if key in many
    ]


def _errors(numbers: Mapping[str, float]) -> tuple[float, float]:
    """Return errors and units of a sample under any recipe; a wrong choice is one error of one."""
    if "errors" in numbers:
        return numbers["errors"], numbers.get("units", 0.0)
    if "n" in numbers:
        return numbers["n"] - numbers.get("correct", 0.0), numbers["n"]
    return 0.0, 0.0
