"""A run directory of imported answers: what everything that reads runs takes for one of its own, and says so."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import metadata
from pathlib import Path
from typing import Any

from audiobench_pytest.catalog.loader import load_catalog
from audiobench_pytest.catalog.packing import carried, packed
from audiobench_pytest.catalog.schema import RecipeSpec
from audiobench_pytest.errors import UsageError
from audiobench_pytest.exchange.imports.rows import Row
from audiobench_pytest.metrics.recipes import Recipe
from audiobench_pytest.records.keys import digest
from audiobench_pytest.records.runs.directory import ResultWriter, RunDirectory
from audiobench_pytest.records.runs.plan import IMPORTED, PlannedCell, ShardReceipt
from audiobench_pytest.runner.asking.questions import data_error, outcome_of
from audiobench_pytest.runner.scoring.scorer import language_of
from audiobench_pytest.runner.scoring.stages import Helpers, Scored, score_all
from audiobench_pytest.types import CellId, Outcome, Prediction, Sample, State


@dataclass(frozen=True, slots=True)
class ImportedSet:
    """The answers of one data set.

    Attributes:
        name: Of the data set.
        pairs: Its samples, each with its answer, or None where the files have none.
        formats: Whose files they are, in words.
        files: `name` and `sha256` of each, and its `format` where they are of several.
        recipes: What scores them, the cell's own first.
        data: What is known of the data, as `ShardReceipt.dataset`.
        task: Its task, or "".
        family: Its family, or "".
        own_recipe: The data set's own recipe, or "".
        clusters: As in `PlannedCell`.
        slices: As in `PlannedCell`.
        taken: How answers were taken from the files, where not in the usual way: `answer` (the field that was named),
            `subset` (whose rows), `references` (the segments that words were cut at).
    """

    name: str
    pairs: Sequence[tuple[Sample, Row | None]]
    formats: str
    files: Sequence[Mapping[str, str]]
    recipes: Sequence[RecipeSpec]
    data: Mapping[str, Any]
    task: str = ""
    family: str = ""
    own_recipe: str = ""
    clusters: str = ""
    slices: tuple[str, ...] = ()
    taken: Mapping[str, Any] = field(default_factory=dict)

    @property
    def identity(self) -> dict[str, Any]:
        """What the answers depend on, as far as anybody knows: the files, and how they were taken from them."""
        return {IMPORTED: {"format": self.formats, "files": [dict(one) for one in self.files], **self.taken}}


@dataclass(frozen=True, slots=True)
class Asked:
    """What an import was asked for.

    Attributes:
        model: What the model is called.
        command: The command line.
        selection: `limit` of the data sets.
        caches: Where what other models say of answers is kept.
        helpers: Who is asked, for recipes that have a stage.
        tell: Takes sentences for people.
    """

    model: str
    command: Sequence[str]
    selection: Mapping[str, Any]
    caches: Sequence[Path] = ()
    helpers: Helpers = field(default_factory=dict)
    tell: Callable[[str], object] = print


def write_run(path: Path, sets: Sequence[ImportedSet], asked: Asked) -> RunDirectory:
    """Score imported answers and write them as a run; the same import into the same directory is a further attempt.

    Everything is scored before the directory is made: an answer that cannot be scored leaves nothing behind.

    Raises:
        UsageError: A set has no reference at all that its recipe needs, or the directory holds another plan.
        ModelError: Who a recipe asks cannot be reached.
        RecordError: It cannot be written.
    """
    started = time.time()
    scored = [(one, spec, _scored(one, spec, asked)) for one in sets for spec in one.recipes]
    run = RunDirectory(path)
    attempt = run.begin(_facts(sets, asked, started), asked=_asked(sets, asked))
    run.write_plan([_planned(one, spec, asked.model) for one, spec, _ in scored])
    writer = run.writer("import", attempt)
    try:
        for one, spec, found in scored:
            _write(writer, _receipt(one, spec, asked.model, found, started), found.outcomes)
    finally:
        writer.close()
    run.keep_doubts({spec.name: "; ".join(found.notes) for _, spec, found in scored if not found.is_trusted})
    return run


def _scored(one: ImportedSet, spec: RecipeSpec, asked: Asked) -> Scored:
    recipe = Recipe(spec)
    needs = recipe.metric.needs_reference
    if needs and not any(sample.reference.strip() for sample, row in one.pairs if row is not None):
        raise UsageError(
            f"{one.name}: no answer has a reference, and {spec.name} needs one: name the data set of the catalogue "
            "with --dataset, or a file with --references"
        )
    cell = CellId(one.name, asked.model, spec.name)
    outcomes = [_outcome(cell, sample, row, needs) for sample, row in one.pairs]
    # As `audiobench score` does: what costs nothing is not kept.
    caches = asked.caches if recipe.metric.stage is not None else []
    found = score_all(recipe, outcomes, (), caches=caches, helpers=asked.helpers)
    for note in found.notes:
        asked.tell(note)
    return found


def _outcome(cell: CellId, sample: Sample, row: Row | None, needs_reference: bool) -> Outcome:
    if row is None:
        nothing = Prediction("", "", "the imported files hold no answer of it", sample.duration_s or 0.0, 0.0)
        return outcome_of(cell, sample, nothing, state=State.MISSING)
    if needs_reference and row.answer is not None and not sample.reference.strip():
        return data_error(cell, sample, f"no reference ({row.where})")
    seconds = row.audio_s or sample.duration_s or 0.0
    error = (row.reason or "no answer") if row.answer is None else None
    answer = Prediction("", row.answer or "", error, audio_s=seconds, infer_s=row.infer_s)
    return outcome_of(cell, sample, answer, cached=True)


def _planned(one: ImportedSet, spec: RecipeSpec, model: str) -> PlannedCell:
    return PlannedCell(
        CellId(one.name, model, spec.name),
        task=one.task,
        family=one.family,
        node="import",
        shards=1,
        selected=(0,),
        samples=len(one.pairs),
        recipe=packed(spec),
        carried=carried(spec, load_catalog()),
        clusters=one.clusters,
        slices=one.slices,
        own_recipe=one.own_recipe if one.own_recipe and one.own_recipe != spec.name else None,
    )


def _receipt(one: ImportedSet, spec: RecipeSpec, model: str, found: Scored, started: float) -> ShardReceipt:
    answered = sum(row is not None and row.answer is not None for _, row in one.pairs)
    return ShardReceipt(
        CellId(one.name, model, spec.name),
        0,
        1,
        expected=len(one.pairs),
        total=len(one.pairs),
        started=started,
        signature=found.signature,
        dataset=one.data,
        model={"identity": one.identity},
        # When they were given nobody knows: a file's time is that of its last copy.
        reused={"answers": answered, "oldest": 0.0, "newest": 0.0},
    )


def _write(writer: ResultWriter, receipt: ShardReceipt, outcomes: Sequence[Outcome]) -> None:
    writer.shard(receipt)
    for outcome in outcomes:
        writer.outcome(outcome)
    writer.shard(replace(receipt, ended=receipt.started))


def language_note(
    pairs: Sequence[tuple[Sample, Row | None]], spoken: Sequence[tuple[Sample, Row | None]], named: str
) -> str:
    """Say which language answers are taken to be in where nobody says it; "" where somebody does.

    Args:
        pairs: Samples as their references have them, with their answers.
        spoken: The same in the language that each is taken to be in.
        named: The language that the user named, or "".
    """
    if named:
        return ""
    open_ones = [
        sample
        for (asked, row), (sample, _) in zip(pairs, spoken, strict=True)
        if row is not None and not asked.language and not row.language
    ]
    if not open_ones:
        return ""
    languages = sorted({language_of(sample.language, sample.meta) for sample in open_ones})
    return f"the imported rows name no language, so they are taken to be {', '.join(languages)}: give --language CODE"


def _asked(sets: Sequence[ImportedSet], asked: Asked) -> str:
    return digest(
        {
            "model": asked.model,
            "sets": [[one.name, one.identity, one.data.get("digest"), [s.name for s in one.recipes]] for one in sets],
        }
    )


def _facts(sets: Sequence[ImportedSet], asked: Asked, started: float) -> dict[str, Any]:
    return {
        "started": started,
        "command": list(asked.command),
        "models": {asked.model: {}},
        "datasets": [one.name for one in sets],
        "recipes": list(dict.fromkeys(spec.name for one in sets for spec in one.recipes)),
        "selection": {"limit": asked.selection.get("limit"), "sample": None, "seed": 0},
        "versions": {"audiobench-pytest": metadata.version("audiobench-pytest")},
        IMPORTED: {one.name: one.identity[IMPORTED] for one in sets},
    }
