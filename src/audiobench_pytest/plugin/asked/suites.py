"""`--suite NAME`: plan the protocols behind published numbers, and say how far from them a run is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from audiobench_pytest.catalog.loader import SPOKEN
from audiobench_pytest.errors import UsageError

if TYPE_CHECKING:
    from audiobench_pytest.catalog.loader import Catalog
    from audiobench_pytest.catalog.schema import DatasetSpec, RecipeSpec
    from audiobench_pytest.catalog.suites import PlannedProtocol
    from audiobench_pytest.types import CellResult


@dataclass(frozen=True, slots=True)
class Suite:
    """A suite as this run can run it.

    Attributes:
        name: Its name.
        protocols: Its protocols in order.
        own_models: The user named models: they take the place of those that the numbers were published for.
    """

    name: str
    protocols: tuple[PlannedProtocol, ...]
    own_models: bool

    def runnable(self) -> list[PlannedProtocol]:
        """Return the protocols for which everything is there; a model that the user replaces may be missing."""
        return [
            planned for planned in self.protocols if len(planned.missing) == (self.own_models and planned.lacks_model)
        ]

    def models(self) -> list[str]:
        """Return the names of the models that the numbers were published for, as far as there are adapters for them."""
        return list(dict.fromkeys(planned.protocol.model for planned in self.runnable()))

    def datasets(self, catalog: Catalog) -> tuple[DatasetSpec, ...]:
        """Return the data sets of the protocols that can run."""
        names = dict.fromkeys(planned.protocol.dataset for planned in self.runnable())
        return tuple(catalog.datasets.get(name) for name in names)

    def recipes(self, catalog: Catalog, dataset: str) -> tuple[RecipeSpec, ...]:
        """Return the recipes of a data set's protocols."""
        found = dict.fromkeys(recipe_of(p) for p in self.runnable() if p.protocol.dataset == dataset)
        return tuple(catalog.recipes.get(name) for name in found)

    def channel(self, dataset: str) -> str:
        """Return the channel in which a data set's answers are scored."""
        channels = {p.protocol.channel for p in self.runnable() if p.protocol.dataset == dataset}
        return "speech" if "speech" in channels else "text"

    def has(self, dataset: str, model: str) -> bool:
        """Whether a data set is to be asked of a model."""
        return self.own_models or any(
            (p.protocol.dataset, p.protocol.model) == (dataset, model) for p in self.runnable()
        )

    def notes(self, results: Iterable[CellResult]) -> tuple[str, ...]:
        """Return what was published, what was found, and what could not be run."""
        found = {(r.cell.dataset, r.cell.recipe): r for r in results}
        lines = []
        for planned in self.runnable():
            protocol = planned.protocol
            result = found.get((protocol.dataset, recipe_of(planned)))
            if result is None or planned.expected is None:
                continue
            metric = protocol.value or f"{result.metric}_compat"
            value = result.named(metric) or result.headline
            if value.value is None:
                continue
            line = (
                f"{protocol.name}: published {planned.expected:g} ({protocol.expected.model}), here {value.value:.2f} "
            )
            line = f"{line}({result.cell.model}, {value.quantity.name}), {value.value - planned.expected:+.2f}"
            # A difference of two numbers that answer two questions is none of the models.
            lines.append(f"{line}; not the same question: {'; '.join(planned.differs)}" if planned.differs else line)
        lines += [
            f"{planned.protocol.name}: not run: {'; '.join(planned.missing)}"
            for planned in self.protocols
            if planned not in self.runnable()
        ]
        return tuple(lines)


def recipe_of(planned: PlannedProtocol) -> str:
    """Return the name of the recipe that scores a protocol here: of a spoken answer, what was heard in it."""
    return f"{SPOKEN}{planned.protocol.recipe}" if planned.protocol.channel == "speech" else planned.protocol.recipe


def find_suite(name: str | None, catalog: Catalog, *, own_models: bool) -> Suite | None:
    """Return the suite that was asked for, or None.

    Raises:
        UsageError: There is no such suite, or none of its protocols can be run.
    """
    if not name:
        return None
    from audiobench_pytest.catalog.suites import load_suites, plan

    try:
        spec = load_suites().get(name)
    except UsageError as exc:
        raise UsageError(f"--suite: {exc}") from None
    suite = Suite(spec.name, plan(spec, catalog), own_models)
    if not suite.runnable():
        reasons = dict.fromkeys(reason for planned in suite.protocols for reason in planned.missing)
        raise UsageError(
            f"--suite: none of the {len(suite.protocols)} protocols of '{spec.name}' can be run: {'; '.join(reasons)}; "
            "name a model of your own with --model to take the place of the published one"
        )
    return suite
