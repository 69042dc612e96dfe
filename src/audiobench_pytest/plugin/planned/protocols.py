"""`--suite NAME --plan`: each protocol of a suite as this machine would run it, or why it would not."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from audiobench_pytest.catalog.schema import DatasetSpec, ModelSpec
from audiobench_pytest.catalog.suites import PlannedProtocol
from audiobench_pytest.datasets import known_revision
from audiobench_pytest.errors import UsageError
from audiobench_pytest.plugin.asked.suites import Suite
from audiobench_pytest.plugin.session import BenchmarkSession
from audiobench_pytest.prompts.asked import Asked
from audiobench_pytest.prompts.profiles import profile_for

_HINTS = {
    "": "whether the language was told is not stated",
    "none": "the language was not told",
    "prompt": "the language was told by the prompt",
    "decoder": "the language was told to the decoder",
}


@dataclass(frozen=True, slots=True)
class ResolvedProtocol:
    """One published number, and what would be asked here for it.

    Attributes:
        name: The protocol's.
        expected: The published value in the recipe's unit, or None where the table leaves it open.
        tolerance: By how much the rounding of what is printed may have moved it.
        printed: Where it is printed: table, row, column.
        dataset, model, recipe: Their names.
        source: Where the data is read from, or "" where nobody knows.
        revision: Commit of the data, or None for the newest, which the first load records, and for files.
        data_version: Which version the number was made with, in words.
        slice: Which part of the data, or "".
        prompt: Name of the prompt that would ask here; "" where the model is told nothing, or none fits.
        published_prompt: Name of the prompt that the number was made with, or "" where that is not known.
        prompt_note: What is known of its wording.
        decoding: Published settings of the decoding; empty where none are.
        language_hint: How the model was told the language: `none`, `prompt`, `decoder`, or "" where that is not stated.
        channel: What is scored: `text` or `speech`.
        differs: In what the question here is another one.
        notes: What has to be known, of the protocol and of the printed cell.
        not_run: Why it would not be run, a sentence each.
    """

    name: str
    expected: float | None
    tolerance: float
    printed: str
    dataset: str
    model: str
    recipe: str
    source: str
    revision: str | None
    data_version: str
    slice: str
    prompt: str
    published_prompt: str
    prompt_note: str
    decoding: Mapping[str, str] = field(default_factory=dict)
    language_hint: str = ""
    channel: str = "text"
    differs: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    not_run: tuple[str, ...] = ()


def resolved(session: BenchmarkSession, suite: Suite) -> list[ResolvedProtocol]:
    """Return the protocols of a suite in order, each with what would be asked for it here."""
    return [_resolved(session, suite, planned) for planned in suite.protocols]


def _resolved(session: BenchmarkSession, suite: Suite, planned: PlannedProtocol) -> ResolvedProtocol:
    protocol, printed = planned.protocol, planned.published
    known = suite.copies.get(protocol.dataset)
    if known is None and protocol.dataset in session.catalog.datasets:
        known = session.catalog.datasets.get(protocol.dataset)
    models = session.catalog.models
    model = models.get(protocol.model) if protocol.model in models else None
    prompt = _prompt(session, known, model, protocol.channel) if known else ""
    differs = planned.differs
    if prompt and protocol.prompt in session.catalog.prompts and prompt != protocol.prompt:
        differs = (*differs, f"the prompt '{prompt}' asks in place of '{protocol.prompt}'")
    return ResolvedProtocol(
        name=protocol.name,
        expected=planned.expected,
        tolerance=planned.tolerance,
        printed=f"{printed.table}: {printed.model}, {printed.benchmark}, {printed.metric}",
        dataset=protocol.dataset,
        model=protocol.model,
        recipe=protocol.recipe,
        source=_source(known) if known else "",
        revision=known_revision(known, session.load) if known else None,
        data_version=protocol.data_version,
        slice=protocol.slice,
        prompt=prompt,
        published_prompt=protocol.prompt,
        prompt_note=protocol.prompt_note,
        decoding=protocol.decoding,
        language_hint=protocol.language_hint,
        channel=protocol.channel,
        differs=differs,
        notes=(*protocol.notes, *printed.notes),
        not_run=() if suite.runs(planned) else planned.missing,
    )


def _source(spec: DatasetSpec) -> str:
    if spec.manifest is not None:
        return spec.manifest.path
    if spec.hub is not None:
        return " ".join(part for part in (spec.hub.repo, spec.hub.config, spec.hub.split) if part)
    return ""


def _prompt(session: BenchmarkSession, dataset: DatasetSpec, model: ModelSpec | None, channel: str) -> str:
    if model is not None and not session.is_told(model):
        return ""
    given = next(iter(session.prompts(dataset.task)), None)
    asked = Asked(dataset.task, dataset.prompt, dataset.name, model.name if model else "", given, channel)
    with contextlib.suppress(UsageError):  # the cell itself says so, where it would run
        return profile_for(asked, dataset.language).name
    return ""


def as_text(suite: Suite, protocols: list[ResolvedProtocol]) -> Iterator[str]:
    """Yield the lines of a suite's plan for people."""
    runs = sum(not one.not_run for one in protocols)
    yield f"suite {suite.name}: {runs} of {len(protocols)} published numbers would be run"
    for one in protocols:
        yield from ("", *_block(one))


def _block(one: ResolvedProtocol) -> Iterator[str]:
    yield f"{one.name}: expected {_number(one)} ({one.printed})"
    part = f", {one.slice}" if one.slice else ""
    version = f"; {one.data_version}" if one.data_version else ""
    yield f"  data: {one.dataset}{part}, {_place(one)}{version}"
    yield f"  recipe: {one.recipe}, of answers in {one.channel}; model: {one.model}"
    yield f"  prompt: {_asked(one)}"
    settings = ", ".join(f"{name}={value}" for name, value in sorted(one.decoding.items()))
    yield f"  decoding: {settings or 'not stated'}; {_HINTS[one.language_hint]}"
    for head, lines in (("differs", one.differs), ("note", one.notes), ("not run", one.not_run)):
        yield from (f"  {head}: {line}" for line in lines)


def _number(one: ResolvedProtocol) -> str:
    return "nothing (not printed)" if one.expected is None else f"{one.expected:g} +- {one.tolerance:g}"


def _place(one: ResolvedProtocol) -> str:
    if one.revision is not None:
        return f"{one.source} at {one.revision}"
    return f"{one.source} at its newest revision, which the first load records" if one.source else "no source known"


def _asked(one: ResolvedProtocol) -> str:
    words = one.prompt or "none, the model is told nothing"
    if one.published_prompt != one.prompt:
        words += f" (published: {one.published_prompt or 'not stated'})"
    return f"{words}; {one.prompt_note}" if one.prompt_note else words
