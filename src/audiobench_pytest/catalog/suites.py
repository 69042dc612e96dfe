"""Protocols and suites: how published numbers were made, as data that can be planned and compared with.

A protocol (`protocols/*.yaml`, key `protocols`) is one published number: data set, model, prompt, decoding, whether the
model was told the language, which channel of its answer was scored, the recipe, and the cell that prints the value. The
value itself is not typed again: it stands in the published table. A suite (`suites/*.yaml`, key `suites`) is a list of
protocols.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from audiobench_pytest.catalog.entries import Entries, Kind
from audiobench_pytest.catalog.loader import Catalog, load_catalog
from audiobench_pytest.catalog.published import PublishedRef, PublishedValue, load_published
from audiobench_pytest.errors import CatalogError, UnknownNameError

CHANNELS = ("text", "speech")
"""What of a model's answer can be scored: what it writes, or the transcript of what it says."""

ANSWERED = ("text", "speech")
"""What this version can ask of a model."""

HINTS = ("", "none", "prompt", "decoder")
"""How a model is told the language: not stated, not at all, by the prompt's wording, by a setting of the decoder."""


@dataclass(frozen=True, slots=True)
class ExpectedRef:
    """Names the cell that prints a protocol's value.

    Attributes:
        table: Name of the published table.
        model: As printed there.
        benchmark: As printed there.
        metric: As printed there.
        scale: Factor from what is printed to the recipe's value.
    """

    table: str
    model: str
    benchmark: str
    metric: str
    scale: float = 1.0

    @property
    def column(self) -> PublishedRef:
        """The table's column."""
        return PublishedRef(self.table, self.benchmark, self.metric, self.scale)


@dataclass(frozen=True, slots=True)
class ProtocolSpec:
    """How one published number was made.

    Attributes:
        name: `kimi-replication/librispeech-test-clean`.
        dataset: Name of the data set.
        model: Name of the model.
        recipe: Name of the recipe.
        expected: The cell that prints the value.
        data_version: Which version of the data was used, in words, or "" where the data set's name says it.
        prompt: Name of the prompt profile, or "" for the model's own.
        prompt_note: What is known of the prompt's wording.
        decoding: Settings that are published; empty where none are: then the model's defaults.
        language_hint: One of `HINTS`.
        channel: One of `CHANNELS`.
        value: Which of the recipe's values is meant, or "" for the source's own reading of the headline.
        notes: What has to be known.
    """

    name: str
    dataset: str
    model: str
    recipe: str
    expected: ExpectedRef
    data_version: str = ""
    prompt: str = ""
    prompt_note: str = ""
    decoding: dict[str, str] = field(default_factory=dict)
    language_hint: str = ""
    channel: str = "text"
    value: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SuiteSpec:
    """A list of protocols.

    Attributes:
        name: `kimi-replication`.
        title: One line.
        protocols: Names of the protocols, in order.
        description: One sentence for `list`.
        source: Where the numbers were published.
        aliases: Other names it is known by.
    """

    name: str
    title: str
    protocols: tuple[str, ...]
    description: str = ""
    source: str = ""
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PlannedProtocol:
    """One protocol of a suite, and whether this version can run it.

    Attributes:
        protocol: The protocol.
        published: The cell that prints the value.
        expected: The value in the recipe's unit, or None where the table leaves it open.
        tolerance: By how much the rounding of the printed value may have moved it, in the recipe's unit.
        missing: Why this version cannot run it, a sentence each; empty when it can.
        lacks_model: Whether the model is one of the reasons; nothing is in the way of another model if it is the only.
        differs: In what this version asks otherwise than the protocol, a clause each: the values are then not of the
            same question.
    """

    protocol: ProtocolSpec
    published: PublishedValue
    expected: float | None
    tolerance: float
    missing: tuple[str, ...]
    lacks_model: bool
    differs: tuple[str, ...] = ()

    @property
    def runnable(self) -> bool:
        """Whether this version has all that it needs."""
        return not self.missing


def load_suites() -> Entries[SuiteSpec]:
    """Return the suites: what ships with the package, and those of the user's own catalogue folders.

    Raises:
        CatalogError: A file is wrong; the message names file and entry.
    """
    return SUITES.load()


def load_protocols() -> Entries[ProtocolSpec]:
    """Return the protocols, found by name; otherwise as `load_suites`."""
    return PROTOCOLS.load()


def plan(suite: SuiteSpec, catalog: Catalog | None = None) -> tuple[PlannedProtocol, ...]:
    """Return the protocols of a suite in order, each with the value expected and what this version lacks to run it.

    Args:
        suite: The suite.
        catalog: What there is to run; None for the catalogue as it is loaded.

    Raises:
        CatalogError: A catalogue file is wrong.
    """
    protocols, known = load_protocols(), catalog or load_catalog()
    return tuple(_planned(protocols.get(name), known) for name in suite.protocols)


def _planned(protocol: ProtocolSpec, catalog: Catalog) -> PlannedProtocol:
    ref = protocol.expected
    published = load_published().value(ref.column, ref.model)
    assert published is not None, "checked when the protocol was loaded"
    value = published.value
    return PlannedProtocol(
        protocol,
        published,
        None if value is None else value * ref.scale,
        published.tolerance * ref.scale,
        tuple(_missing(protocol, catalog)),
        lacks_model=protocol.model not in catalog.models,
        differs=tuple(_differs(protocol, catalog)),
    )


def _differs(protocol: ProtocolSpec, catalog: Catalog) -> list[str]:
    found = []
    if protocol.prompt and protocol.prompt not in catalog.prompts:
        found.append(f"the prompt '{protocol.prompt}' is not known here, the task's own words ask")
    if protocol.decoding:
        said = ", ".join(f"{name}={value}" for name, value in sorted(protocol.decoding.items()))
        found.append(f"the decoding ({said}) is not set")
    if protocol.language_hint == "none":
        found.append("the model may be told the language")
    return found


def _missing(protocol: ProtocolSpec, catalog: Catalog) -> list[str]:
    found = []
    if protocol.dataset not in catalog.datasets:
        found.append(f"the catalogue has no data set '{protocol.dataset}'")
    if protocol.model not in catalog.models:
        found.append(f"the catalogue has no model '{protocol.model}'")
    if protocol.recipe not in catalog.recipes:
        found.append(f"this version has no recipe '{protocol.recipe}'")
    if protocol.channel not in ANSWERED:
        found.append(f"this version asks no model for {protocol.channel}")
    return found


def _check_suite(suite: SuiteSpec, where: str) -> None:
    protocols = load_protocols()
    for name in suite.protocols:
        try:
            protocols.get(name)
        except UnknownNameError as exc:
            raise CatalogError(f"{where}: {exc}") from None


def _check(protocol: ProtocolSpec, where: str) -> None:
    if protocol.channel not in CHANNELS:
        raise CatalogError(f"{where}: channel: expected one of {', '.join(CHANNELS)}, found '{protocol.channel}'")
    if protocol.language_hint not in HINTS:
        known = ", ".join(repr(hint) for hint in HINTS)
        raise CatalogError(f"{where}: language_hint: expected one of {known}, found '{protocol.language_hint}'")
    ref = protocol.expected
    published = load_published()
    published.check(ref.column, f"{where}: expected")
    if published.value(ref.column, ref.model) is None:
        raise CatalogError(f"{where}: expected: table '{ref.table}' prints nothing for '{ref.model}' there")


PROTOCOLS = Kind("protocol", "protocols", ProtocolSpec, check=_check)
SUITES = Kind("suite", "suites", SuiteSpec, check=_check_suite)
