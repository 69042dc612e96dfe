"""How much a score depends on the words of the question: its spread over the prompts of one run."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from audiobench_pytest.types import CellResult, Quantity


@dataclass(frozen=True, slots=True)
class PromptSpread:
    """The headline value of one data set, model and recipe over several prompts.

    Attributes:
        dataset, model, recipe: Their names.
        quantity: What the values are.
        values: Value by prompt, lowest first.
        prompts: How many prompts were asked.
        lacking: Prompts whose value is none, or not of all samples: they are not among the values.
    """

    dataset: str
    model: str
    recipe: str
    quantity: Quantity
    values: tuple[tuple[str, float], ...]
    prompts: int
    lacking: tuple[str, ...] = ()

    @property
    def range(self) -> float | None:
        """The greatest value less the least, or None with fewer than two."""
        return self.values[-1][1] - self.values[0][1] if len(self.values) > 1 else None

    @property
    def deviation(self) -> float | None:
        """The standard deviation over the prompts as a sample of all there could be, or None with fewer than two."""
        if len(self.values) < 2:
            return None
        mean = math.fsum(value for _, value in self.values) / len(self.values)
        return math.sqrt(math.fsum((value - mean) ** 2 for _, value in self.values) / (len(self.values) - 1))


def prompt_spreads(results: Iterable[CellResult]) -> tuple[PromptSpread, ...]:
    """Return the spread of each data set, model and recipe that was asked in several words, in order of appearance.

    A value that is not of all samples is left out: which samples it lacks may have to do with the words.
    """
    groups: dict[tuple[str, str, str], list[CellResult]] = {}
    for result in results:
        if result.cell.prompt:
            key = (result.cell.dataset, result.cell.model, result.cell.recipe)
            groups.setdefault(key, []).append(result)
    return tuple(_spread(*key, cells) for key, cells in groups.items())


def _spread(dataset: str, model: str, recipe: str, cells: list[CellResult]) -> PromptSpread:
    values = [(cell.cell.prompt, cell.value) for cell in cells if cell.value is not None and cell.coverage >= 1.0]
    there = {prompt for prompt, _ in values}
    return PromptSpread(
        dataset,
        model,
        recipe,
        cells[0].headline.quantity,
        tuple(sorted(values, key=lambda pair: pair[1])),
        len(cells),
        tuple(cell.cell.prompt for cell in cells if cell.cell.prompt not in there),
    )
