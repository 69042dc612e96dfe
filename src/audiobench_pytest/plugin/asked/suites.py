"""`--suite NAME`: plan the protocols behind published numbers, and say how far from them a run is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from audiobench_pytest.errors import UsageError

if TYPE_CHECKING:
    from audiobench_pytest.catalog.loader import Catalog
    from audiobench_pytest.catalog.schema import DatasetSpec
    from audiobench_pytest.catalog.schema.protocols import ProtocolSpec
    from audiobench_pytest.catalog.suites import PlannedProtocol
    from audiobench_pytest.types import CellResult, MetricValue


@dataclass(frozen=True, slots=True)
class Suite:
    """A suite as this run can run it.

    Attributes:
        name: Its name.
        protocols: Its protocols in order.
        own_models: The user named models: they take the place of those that the numbers were published for.
        copies: The user's own copies of its data sets, by name.
    """

    name: str
    protocols: tuple[PlannedProtocol, ...]
    own_models: bool
    copies: Mapping[str, DatasetSpec] = field(default_factory=dict)

    def runs(self, planned: PlannedProtocol) -> bool:
        """Whether everything is there for a protocol; a model that the user replaces may be missing."""
        return planned.runnable_by_another if self.own_models else planned.runnable

    def runnable(self) -> list[PlannedProtocol]:
        """Return the protocols for which everything is there."""
        return [planned for planned in self.protocols if self.runs(planned)]

    def models(self) -> list[str]:
        """Return the names of the models that the numbers were published for, as far as there are adapters for them."""
        return list(dict.fromkeys(planned.protocol.model for planned in self.runnable()))

    def datasets(self, catalog: Catalog) -> tuple[DatasetSpec, ...]:
        """Return the data sets of the protocols that can run."""
        names = dict.fromkeys(planned.protocol.dataset for planned in self.runnable())
        return tuple(self.dataset(catalog, name) for name in names)

    def dataset(self, catalog: Catalog, name: str) -> DatasetSpec:
        """Return a data set as it is asked: the user's own copy, or the catalogue's."""
        return self.copies.get(name) or catalog.datasets.get(name)

    def recipes(self, dataset: str, model: str) -> dict[str, list[str]]:
        """Return the names of the recipes that a data set's answers are scored by, by the channel of the answers."""
        found: dict[str, list[str]] = {}
        for one in self._asked(dataset, model):
            names = found.setdefault(one.channel, [])
            names += [one.recipe] if one.recipe not in names else []
        return found

    def slices(self) -> tuple[str, ...]:
        """Return the keys of the parts of data sets that some of its numbers are of."""
        found = (planned.protocol.slice.partition("=")[0] for planned in self.runnable())
        return tuple(dict.fromkeys(key for key in found if key))

    def has(self, dataset: str, model: str) -> bool:
        """Whether a data set is to be asked of a model."""
        return any(True for _ in self._asked(dataset, model))

    def _asked(self, dataset: str, model: str) -> Iterator[ProtocolSpec]:
        """Yield the protocols by which a data set is asked of a model; the user's own takes any model's place."""
        for planned in self.runnable():
            one = planned.protocol
            if one.dataset == dataset and (self.own_models or one.model == model):
                yield one

    def notes(self, results: Iterable[CellResult]) -> tuple[str, ...]:
        """Return what was published, what was found, and what could not be run."""
        return (*self._compared(list(results)), *self.not_run())

    def not_run(self) -> list[str]:
        """Return a line for each reason that protocols are not run for, with their names."""
        left = [planned for planned in self.protocols if not self.runs(planned)]
        names: dict[str, list[str]] = {}
        for planned in left:
            reasons = [one for one in planned.missing if not self.own_models or one not in planned.model_lacks]
            names.setdefault("; ".join(reasons), []).append(planned.protocol.name)
        return [f"{_listed(found)}: not run: {reason}" for reason, found in names.items()]

    def _compared(self, results: list[CellResult]) -> Iterator[str]:
        """Yield what was published beside what was found.

        A model of the user's is compared with its own published numbers where there are some, else with all of them.
        """
        for result in results:
            of_cell = [
                planned
                for planned in self.runnable()
                if (planned.protocol.dataset, planned.protocol.recipe) == (result.cell.dataset, result.cell.recipe)
                and planned.expected is not None
            ]
            own = [planned for planned in of_cell if planned.protocol.model == result.cell.model]
            groups: dict[tuple[str, str, str], list[PlannedProtocol]] = {}
            for planned in own or (of_cell if self.own_models else []):
                one = planned.protocol
                groups.setdefault((one.expected.table, one.expected.benchmark, one.expected.metric), []).append(planned)
            for group in groups.values():
                value = _found(result, group[0])
                if value is not None and value.value is not None:
                    yield _told(result, value.quantity.name, value.value, group)


def _found(result: CellResult, planned: PlannedProtocol) -> MetricValue | None:
    """Return the value that a protocol's number is: the source's own reading, where the recipe keeps one."""
    protocol, values = planned.protocol, result.values
    if protocol.slice:
        key, _, name = protocol.slice.partition("=")
        values = next((part.values for part in result.slices if (part.key, part.name) == (key, name)), ())
    named = {value.quantity.name: value for value in values}
    return named.get(protocol.value or f"{result.metric}_compat") or next(iter(values), None)


def _told(result: CellResult, name: str, value: float, group: list[PlannedProtocol]) -> str:
    first = group[0]
    part = f", {first.protocol.slice}" if first.protocol.slice else ""
    here = f"{value:.2f} ({result.cell.model}, {name}{part})"
    if len(group) == 1:
        expected = first.expected or 0.0
        line = f"{first.protocol.name}: published {expected:g} ({first.protocol.expected.model}), here {here}, "
        line += f"{value - expected:+.2f}"
    else:
        printed = sorted((one.expected or 0.0, one.protocol.expected.model) for one in group)
        (low, lowest), (high, highest) = printed[0], printed[-1]
        line = (
            f"{first.published.table}, {first.published.benchmark}: published for {len(group)} models, from {low:g} "
            f"({lowest}) to {high:g} ({highest}), here {here}"
        )
    differs = dict.fromkeys(clause for one in group for clause in one.differs)
    # A difference of two numbers that answer two questions is none of the models.
    return f"{line}; not the same question: {'; '.join(differs)}" if differs else line


def _listed(names: list[str]) -> str:
    """Return names in short: a table of a hundred cells may lack one thing."""
    return ", ".join(names) if len(names) < 4 else f"{names[0]}, {names[1]} and {len(names) - 2} more"


def find_suite(
    name: str | None,
    catalog: Catalog,
    *,
    own_models: bool,
    given: Iterable[DatasetSpec] = (),
    only_planned: bool = False,
) -> Suite | None:
    """Return the suite that was asked for, or None.

    Args:
        name: Its name, or None.
        catalog: What there is to run.
        own_models: Whether the user named models.
        given: Data sets that the user named: their own copies of the suite's.
        only_planned: Nothing is to be run: then it is no mistake that nothing can be.

    Raises:
        UsageError: There is no such suite, none of its protocols can be run, or a data set is no copy of one of its.
    """
    if not name:
        return None
    from audiobench_pytest.catalog.suites import load_suites, plan

    try:
        spec = load_suites().get(name)
    except UsageError as exc:
        raise UsageError(f"--suite: {exc}") from None
    copies = {one.name: one for one in given}
    protocols = plan(spec, catalog, copies)
    own = {planned.protocol.dataset for planned in protocols}
    for one in copies.values():
        if one.name not in own or one.manifest is None or one.manifest.bundled:
            raise UsageError(
                f"--suite names its data sets itself: leave out --dataset {one.name}, or the suite; a copy of one of "
                "its data sets is given as --dataset NAME=PATH"
            )
    suite = Suite(spec.name, protocols, own_models, copies)
    if not suite.runnable() and not only_planned:
        reasons = dict.fromkeys(reason for planned in suite.protocols for reason in planned.missing)
        raise UsageError(
            f"--suite: none of the {len(suite.protocols)} protocols of '{spec.name}' can be run: {'; '.join(reasons)}; "
            "--plan lists them one by one; name a model of your own with --model to take the place of the published one"
        )
    return suite
