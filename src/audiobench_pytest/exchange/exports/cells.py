"""The cells of one model of a run, as every summary for others needs them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from audiobench_pytest.errors import UsageError
from audiobench_pytest.frames import Run
from audiobench_pytest.types import Draws


@dataclass(frozen=True, slots=True)
class ExportedValue:
    """One value of a cell.

    Attributes:
        name: `wer`, `acc`, ...
        value: It; None where nothing was scored.
        low: Lower end of the 95 % interval, or None.
        high: Upper end, or None.
        unit: `%`, or another, or "" for a plain number.
        higher_is_better: The direction.
    """

    name: str
    value: float | None
    low: float | None
    high: float | None
    unit: str
    higher_is_better: bool

    @property
    def fraction(self) -> float | None:
        """The value as others have it that write no `%`: 0.053 for 5.3 %."""
        return self.value / 100.0 if self.unit == "%" and self.value is not None else self.value


@dataclass(frozen=True, slots=True)
class ExportedCell:
    """One cell, with what has to be known of it wherever its numbers go.

    Attributes:
        dataset, model, recipe, prompt, task, signature: As in `CellResult`.
        values: The headline first.
        scored: Samples behind the values, each counted once.
        expected: Samples selected, each counted once, or None.
        draws: How often each was answered.
        answers: Answers behind the values.
        wanted: Answers wanted, or None.
        coverage: Of the answers, 0 to 1.
        selection: Which part of the set, in words; "" for all.
        imported: Whose result file the answers are from; "" where they were asked by this run.
        weights: What tells the weights apart, or "".
        revision: Commit of the data on the hub, or "".
        digest: Of the data, or "".
    """

    dataset: str
    model: str
    recipe: str
    prompt: str
    task: str
    signature: str
    values: tuple[ExportedValue, ...]
    scored: int
    expected: int | None
    draws: int
    answers: int
    wanted: int | None
    coverage: float
    selection: str
    imported: str
    weights: str
    revision: str
    digest: str

    @property
    def asked(self) -> str:
        """What was asked: the data set, with the prompt where the run asks in several."""
        return f"{self.dataset} ({self.prompt})" if self.prompt else self.dataset

    def facts(self) -> dict[str, Any]:
        """Return what its numbers rest on, without what there is none of."""
        low, high = self.values[0].low, self.values[0].high
        known = {
            "recipe": self.recipe,
            "prompt": self.prompt,
            "signature": self.signature,
            "samples": self.scored,
            "expected": self.expected if self.expected != self.scored else None,
            "draws": self.draws if self.draws > 1 else None,
            "answers": self.answers if self.draws > 1 else None,
            "coverage": None if self.coverage == 1.0 else self.coverage,
            "selection": self.selection,
            "interval_95": None if low is None or high is None else [low, high],
            "imported": self.imported,
            "weights": self.weights,
            "data": self.digest,
        }
        return {name: value for name, value in known.items() if value not in (None, "")}

    def doubts(self) -> list[str]:
        """Return why a reader would take its headline for more than it is."""
        found = [] if self.values[0].value is not None else ["it has no value"]
        what = "samples" if self.draws == 1 else "answers"
        found += [] if self.coverage == 1.0 else [f"only {self.answers} of {self.wanted} {what} have a score"]
        found += [f"it was measured on the {self.selection} samples"] if self.selection else []
        return found + ([self.imported] if self.imported else [])


def cells_of(run: Run, model: str | None = None) -> list[ExportedCell]:
    """Return the cells of a run, or those of one model.

    Raises:
        UsageError: The run has no cell, or none of that model.
    """
    known = [] if run.cells.empty else list(dict.fromkeys(map(str, run.cells["model"])))
    if not known:
        raise UsageError(f"{run.path} holds no cell yet: nothing to export")
    if model is not None and model not in known:
        raise UsageError(f"{run.path} holds no model '{model}': it holds {', '.join(known)}")
    return [_cell(run, row) for row in run.cells.to_dict("records") if model is None or row["model"] == model]


def one_model(run: Run, model: str | None) -> tuple[str, list[ExportedCell]]:
    """Return the model that is meant and its cells, for a layout that holds one.

    Raises:
        UsageError: The run holds several and none is named, or as `cells_of`.
    """
    cells = cells_of(run, model)
    names = list(dict.fromkeys(cell.model for cell in cells))
    if len(names) > 1:
        raise UsageError(f"{run.path} holds {len(names)} models ({', '.join(names)}): name one with --model")
    return names[0], cells


def several_recipes(cells: Sequence[ExportedCell]) -> set[str]:
    """Return what was asked (`ExportedCell.asked`) and scored by several recipes."""
    names = [cell.asked for cell in cells]
    return {name for name in names if names.count(name) > 1}


_NAMES = ("dataset", "model", "recipe", "prompt")
"""What tells a cell from every other."""


def _cell(run: Run, row: dict[Any, Any]) -> ExportedCell:
    own = run.values
    for name in _NAMES:
        own = own[own[name] == row[name]]
    answers = int(sum(row[f"n_{state}"] for state in ("ok", "empty", "invalid")))
    wanted = None if (expected := _number(row["expected"])) is None else int(expected)
    drawn = row["draws"] if isinstance(row["draws"], Draws) else None
    draws = 1 if drawn is None else drawn.draws
    return ExportedCell(
        **{name: _text(row.get(name)) for name in (*_NAMES, "task", "signature")},
        values=tuple(
            ExportedValue(
                name=str(one["name"]),
                value=_number(one["value"]),
                low=_number(one["low"]),
                high=_number(one["high"]),
                unit=str(one["unit"]),
                higher_is_better=bool(one["higher_is_better"]),
            )
            for one in own.to_dict("records")
        ),
        scored=answers if drawn is None else drawn.clips,
        expected=None if wanted is None else wanted // draws,
        draws=draws,
        answers=answers,
        wanted=wanted,
        coverage=float(row["coverage"]),
        **{name: _text(row.get(name)) for name in ("selection", "imported", "weights")},
        revision=_text(row.get("data_revision")),
        digest=_text(row.get("data_digest")),
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None
