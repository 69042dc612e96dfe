"""What pictures are drawn of: the values in a run's `leaderboard.json`, put into panels that may be compared."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audiobench_pytest.errors import RecordError, UnknownNameError, UsageError
from audiobench_pytest.leaderboard.quantities import heading
from audiobench_pytest.report.run.json_file import stored_board
from audiobench_pytest.report.text import clean
from audiobench_pytest.types import SCORED_STATES, CellId


@dataclass(frozen=True, slots=True)
class Value:
    """One number of a cell as the leaderboard has it.

    Attributes:
        name: `wer`, `stoi`, `bit_rate`.
        unit: `%`, or "" for a plain number.
        higher_is_better: The direction.
        value: The number, or None.
        low: Lower end of its 95 % interval, or None.
        high: Upper end, or None.
    """

    name: str
    unit: str
    higher_is_better: bool
    value: float | None
    low: float | None
    high: float | None

    @property
    def axis(self) -> str:
        """What an axis of it is called: `WER in %, lower is better`."""
        unit = f" in {self.unit}" if self.unit else ""
        return f"{heading(self.name)}{unit}, {'higher' if self.higher_is_better else 'lower'} is better"

    @property
    def oriented(self) -> float | None:
        """The number with its sign turned where lower is better."""
        return self.value if self.value is None or self.higher_is_better else -self.value


@dataclass(frozen=True, slots=True)
class DrawnCell:
    """A cell of the leaderboard.

    Attributes:
        dataset: Name of its data set.
        model: Name of its model, with the prompt where several were asked.
        recipe: Name of its recipe.
        task: The data set's task.
        signature: What makes two values comparable.
        values: The headline first.
        rtfx: Seconds of sound per second of inference, or None.
        measured_earlier: Every answer came from the cache: its times are of another run.
        hardware: Fingerprints of what its times were taken on.
        is_whole: Every sample that was selected was scored.
    """

    dataset: str
    model: str
    recipe: str
    task: str
    signature: str
    values: tuple[Value, ...]
    rtfx: float | None
    measured_earlier: bool
    hardware: tuple[str, ...]
    is_whole: bool

    def named(self, name: str) -> Value | None:
        """Return the value of a name, or None."""
        return next((one for one in self.values if one.name == name), None)


@dataclass(frozen=True, slots=True)
class Panel:
    """Values of one name over the models, under one recipe on one data set.

    Attributes:
        title: The data set, with the recipe where several of the picture give it a value of this name.
        cells: By model, in order of the leaderboard; all have the value.
        name: Of the value.
        marks: What follows a model's name: `*` incomplete, `#1` its signature where they differ.
    """

    title: str
    cells: Mapping[str, DrawnCell]
    name: str
    marks: Mapping[str, str]

    @property
    def axis(self) -> str:
        """What the values are."""
        return self.value(next(iter(self.cells))).axis

    @property
    def higher_is_better(self) -> bool:
        """The direction of the values."""
        return self.value(next(iter(self.cells))).higher_is_better

    def value(self, model: str) -> Value:
        """Return the value of a model that the panel has."""
        found = self.cells[model].named(self.name)
        assert found is not None
        return found

    def label(self, model: str) -> str:
        """Return a model's name with its marks."""
        return clean(model) + self.marks[model]


def cells_of(run: Path, datasets: Collection[str] = ()) -> list[DrawnCell]:
    """Return the cells of a run's leaderboard.

    Args:
        run: A run directory with a leaderboard.
        datasets: Names of those to keep; none for all.

    Raises:
        UsageError: The run has no leaderboard or no cell, or a data set is not in it.
        RecordError: The leaderboard cannot be read.
    """
    board = stored_board(run)
    try:
        found = [_cell(document) for document in board["cells"]]
    except (KeyError, TypeError, AttributeError) as exc:
        raise RecordError(
            f"{run / 'leaderboard.json'} is not as this version writes it ({type(exc).__name__}: {exc}): "
            f"`audiobench gate {run} --output {run}` writes it anew"
        ) from exc
    if not found:
        raise UsageError(f"{run} has no cell: there is nothing to draw")
    known = list(dict.fromkeys(one.dataset for one in found))
    for name in datasets:
        if name not in known:
            raise UnknownNameError(f"data set of {run}", name, known)
    return [one for one in found if not datasets or one.dataset in datasets]


def panels_of(cells: Sequence[DrawnCell], metrics: Collection[str] = ()) -> list[Panel]:
    """Return the panels of some values, of the headlines unless metrics are named; those without a number are left out.

    Raises:
        UsageError: A metric is none of these cells', or no cell has a value.
    """
    known = list(dict.fromkeys(value.name for cell in cells for value in cell.values))
    for name in metrics:
        if name not in known:
            raise UnknownNameError("value of these cells", name, known)
    groups: dict[tuple[str, str, str], dict[str, DrawnCell]] = {}
    for cell in cells:
        for name in metrics or (cell.values[0].name,):
            value = cell.named(name)
            if value is not None and value.value is not None:
                groups.setdefault((cell.dataset, cell.recipe, name), {})[cell.model] = cell
    if not groups:
        raise UsageError("no cell has a value: nothing was scored")
    return [
        Panel(_title(group, groups), by_model, group[2], _marks(list(by_model.values())))
        for group, by_model in groups.items()
    ]


def _title(group: tuple[str, str, str], groups: Collection[tuple[str, str, str]]) -> str:
    dataset, recipe, name = group
    alike = {one for other, one, what in groups if (other, what) == (dataset, name)}
    return clean(dataset if len(alike) == 1 else f"{dataset} {recipe}")


def _marks(cells: Sequence[DrawnCell]) -> dict[str, str]:
    signatures = list(dict.fromkeys(cell.signature for cell in cells))
    marks = {one: f" #{number}" if len(signatures) > 1 else "" for number, one in enumerate(signatures, 1)}
    return {cell.model: ("" if cell.is_whole else "*") + marks[cell.signature] for cell in cells}


def caption(panels: Sequence[Panel]) -> Iterator[str]:
    """Yield what the marks of panels mean, where they stand."""
    if any(not cell.is_whole for panel in panels for cell in panel.cells.values()):
        yield "* not every sample was scored"
    if any("#" in mark for panel in panels for mark in panel.marks.values()):
        yield "#: scored under signatures that differ, see leaderboard.md"


def _cell(document: Mapping[str, Any]) -> DrawnCell:
    scored = sum(document["counts"][state] for state in SCORED_STATES)
    hardware = document["model_info"].get("hardware") or ()
    return DrawnCell(
        dataset=document["dataset"],
        model=CellId(document["dataset"], document["model"], document["recipe"], document.get("prompt", "")).row,
        recipe=document["recipe"],
        task=document["task"],
        signature=document["signature"],
        values=tuple(
            Value(one["name"], one["unit"], one["higher_is_better"], one["value"], one["low"], one["high"])
            for one in document["values"]
        ),
        rtfx=document["rtfx"],
        measured_earlier=document["cached"] == scored > 0,
        hardware=(hardware,) if isinstance(hardware, str) else tuple(map(str, hardware)),
        is_whole=document["coverage"] >= 1.0,
    )
