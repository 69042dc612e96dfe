"""Protocols and suites: how published numbers were made, as data that can be planned and compared with.

A protocol is one published number: data set, model, prompt, decoding, whether the model was told the language, which
channel of its answer was scored, the recipe, and the cell that prints the value. The value itself stands in the
published table and nowhere else. Protocols are written one by one (`protocols/*.yaml`, key `protocols`), or a table at
a time (key `patterns`, see the module of that name). A suite (`suites/*.yaml`, key `suites`) is a list of protocols.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from audiobench_pytest.catalog.entries import Entries, Kind
from audiobench_pytest.catalog.loader import SPOKEN, Catalog, is_of_sounds, load_catalog
from audiobench_pytest.catalog.patterns import PATTERNS, protocols_of
from audiobench_pytest.catalog.published import PublishedValue, load_published
from audiobench_pytest.catalog.schema import DatasetSpec
from audiobench_pytest.catalog.schema.protocols import CHANNELS, HINTS, SPEECH, ProtocolSpec, SuiteSpec
from audiobench_pytest.errors import CatalogError, UnknownNameError


@dataclass(frozen=True, slots=True)
class PlannedProtocol:
    """One protocol of a suite, and whether this version can run it.

    Attributes:
        protocol: The protocol.
        published: The cell that prints the value.
        expected: The value in the recipe's unit, or None where the table leaves it open.
        tolerance: By how much the rounding of the printed value may have moved it, in the recipe's unit.
        missing: Why this version cannot run it, a sentence each; empty when it can.
        model_lacks: Those of the reasons that are the model's: another model can take its place.
        differs: In what this version asks otherwise than the protocol, a clause each: the values are then not of the
            same question.
    """

    protocol: ProtocolSpec
    published: PublishedValue
    expected: float | None
    tolerance: float
    missing: tuple[str, ...]
    model_lacks: tuple[str, ...]
    differs: tuple[str, ...] = ()

    @property
    def runnable(self) -> bool:
        """Whether this version has all that it needs."""
        return not self.missing

    @property
    def runnable_by_another(self) -> bool:
        """Whether there is all that it needs, the model aside."""
        return set(self.missing) == set(self.model_lacks)


def load_suites() -> Entries[SuiteSpec]:
    """Return the suites: what ships with the package, and those of the user's own catalogue folders.

    Raises:
        CatalogError: A file is wrong; the message names file and entry.
    """
    return SUITES.load()


def load_protocols() -> Entries[ProtocolSpec]:
    """Return the protocols, found by name; otherwise as `load_suites`."""
    return PROTOCOLS.load()


def plan(
    suite: SuiteSpec, catalog: Catalog | None = None, copies: Mapping[str, DatasetSpec] | None = None
) -> tuple[PlannedProtocol, ...]:
    """Return the protocols of a suite in order, each with the value expected and what this version lacks to run it.

    Args:
        suite: The suite.
        catalog: What there is to run; None for the catalogue as it is loaded.
        copies: The user's own copies of data sets, by name.

    Raises:
        CatalogError: A catalogue file is wrong.
    """
    known = catalog or load_catalog()
    return tuple(_planned(protocol, known, copies or {}) for protocol in _members(suite))


def _members(suite: SuiteSpec) -> Iterator[ProtocolSpec]:
    """Yield the protocols of a suite.

    Raises:
        UnknownNameError: One does not exist, or nothing begins like a pattern.
    """
    protocols = load_protocols()
    for name in suite.protocols:
        found = [one for one in protocols if fnmatchcase(one.name, name)] if "*" in name else []
        yield from found or [protocols.get(name)]


def _planned(protocol: ProtocolSpec, catalog: Catalog, copies: Mapping[str, DatasetSpec]) -> PlannedProtocol:
    ref = protocol.expected
    published = load_published().value(ref, ref.model)
    assert published is not None, "checked when the protocol was loaded"
    value = published.value
    reasons = list(_missing(protocol, catalog, copies))
    if value is None:
        reasons.append(("nothing is printed there to compare with", False))
    return PlannedProtocol(
        protocol,
        published,
        None if value is None else value * ref.scale,
        published.tolerance * ref.scale,
        tuple(reason for reason, _ in reasons),
        tuple(reason for reason, is_models in reasons if is_models),
        differs=tuple(_differs(protocol, catalog)),
    )


def _differs(protocol: ProtocolSpec, catalog: Catalog) -> Iterator[str]:
    yield from protocol.differs
    if protocol.prompt and protocol.prompt not in catalog.prompts:
        yield f"the prompt '{protocol.prompt}' is not known here, the task's own words ask"
    args = catalog.models.get(protocol.model).args if protocol.model in catalog.models else {}
    unset = {name: value for name, value in protocol.decoding.items() if str(args.get(name)) != value}
    if unset:
        said = ", ".join(f"{name}={value}" for name, value in sorted(unset.items()))
        yield f"the decoding ({said}) is not set"
    if protocol.language_hint == "none":
        yield "the model may be told the language"


def _missing(protocol: ProtocolSpec, catalog: Catalog, copies: Mapping[str, DatasetSpec]) -> Iterator[tuple[str, bool]]:
    """Yield what is in the way, each with whether it is the model's."""
    if protocol.not_run:
        yield protocol.not_run, False
    dataset = copies.get(protocol.dataset)
    if dataset is None and protocol.dataset in catalog.datasets:
        dataset = catalog.datasets.get(protocol.dataset)
    if not protocol.not_run:
        if dataset is None:
            yield f"the catalogue has no data set '{protocol.dataset}'", False
        elif dataset.access and dataset.is_nowhere:
            yield f"{dataset.name}: {dataset.how_to_get}", False
    yield from ((reason, True) for reason in _model_lacks(protocol, catalog, dataset))
    if not protocol.not_run and protocol.recipe not in catalog.recipes:
        yield f"this version has no recipe '{protocol.recipe}'", False


def _model_lacks(protocol: ProtocolSpec, catalog: Catalog, dataset: DatasetSpec | None) -> Iterator[str]:
    if protocol.model not in catalog.models:
        yield protocol.no_model or f"the catalogue has no model '{protocol.model}'"
        return
    model = catalog.models.get(protocol.model)
    if dataset is None:
        return
    if dataset.is_published and not model.knows(dataset.language):
        yield f"model {model.name} knows {', '.join(model.languages)}, as far as the catalogue says"
    # Spoken answers to a set may be those of a task that borrows it: a recording is coded, a translation said aloud.
    asked = {one.name for one in catalog.tasks if protocol.channel == SPEECH and dataset.task in one.borrows}
    if model.tasks and not {dataset.task, *asked} & set(model.tasks):
        yield f"model {model.name} does {', '.join(model.tasks)}, as far as the catalogue says"


def _check_suite(suite: SuiteSpec, where: str) -> None:
    try:
        list(_members(suite))
    except UnknownNameError as exc:
        raise CatalogError(f"{where}: {exc}") from None


def _check(protocol: ProtocolSpec, where: str) -> None:
    if protocol.channel not in CHANNELS:
        raise CatalogError(f"{where}: channel: expected one of {', '.join(CHANNELS)}, found '{protocol.channel}'")
    if protocol.language_hint not in HINTS:
        known = ", ".join(repr(hint) for hint in HINTS)
        raise CatalogError(f"{where}: language_hint: expected one of {known}, found '{protocol.language_hint}'")
    recipes = load_catalog().recipes
    is_spoken = protocol.channel == SPEECH
    if protocol.recipe in recipes and is_of_sounds(recipes.get(protocol.recipe)) != is_spoken:
        mend = f"write {SPOKEN}{protocol.recipe}" if is_spoken else f"write channel: {SPEECH}"
        raise CatalogError(
            f"{where}: recipe: '{protocol.recipe}' scores no answers in {protocol.channel}, which is its channel: "
            f"{mend}, or correct the other of the two"
        )
    ref = protocol.expected
    published = load_published()
    published.check(ref, f"{where}: expected")
    if published.value(ref, ref.model) is None:
        raise CatalogError(f"{where}: expected: table '{ref.table}' prints nothing for '{ref.model}' there")


def _with_patterns(protocols: list[ProtocolSpec]) -> Iterator[ProtocolSpec]:
    yield from protocols
    for pattern in PATTERNS.load():
        for protocol in protocols_of(pattern):
            _check(protocol, f"protocol pattern '{pattern.name}': '{protocol.name}'")
            yield protocol


PROTOCOLS = Kind("protocol", "protocols", ProtocolSpec, check=_check, finish=_with_patterns, beside=(PATTERNS.key,))
SUITES = Kind("suite", "suites", SuiteSpec, check=_check_suite)
