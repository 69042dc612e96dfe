"""`--plan`: what would be run, what is missing and what brings it; nothing is run, loaded or fetched."""

from __future__ import annotations

import dataclasses
import functools
import importlib.util
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from audiobench_pytest.catalog.loader import left_out
from audiobench_pytest.catalog.prices import estimated
from audiobench_pytest.catalog.schema import DatasetSpec
from audiobench_pytest.catalog.schema.protocols import SPEECH
from audiobench_pytest.datasets import Dataset, load_known, shard
from audiobench_pytest.errors import AudiobenchError, SampleError
from audiobench_pytest.metrics.recipes import Recipe
from audiobench_pytest.plugin.collection import Unasked, job_of, unasked_of
from audiobench_pytest.plugin.planned.missing import of_answers, of_model, of_recipe
from audiobench_pytest.plugin.planned.protocols import as_text as protocols_as_text
from audiobench_pytest.plugin.planned.protocols import resolved
from audiobench_pytest.plugin.session import BenchmarkSession
from audiobench_pytest.prompts.profiles import profile_for, prompt_for
from audiobench_pytest.records.keys import words_of
from audiobench_pytest.report.numbers import dollars
from audiobench_pytest.runner.job import Job

_MOST_NAMES = 3
"""Tasks or data sets that the line of a model names; there may be a hundred that it is not asked about."""

JSON_KEY = "audiobench_plan"
"""What the line of JSON begins with, so that it is found among pytest's own."""


@dataclass(frozen=True, slots=True)
class Missing:
    """Something that a cell cannot be run without.

    Attributes:
        what: What is not there.
        command: What brings it.
    """

    what: str
    command: str


@dataclass(frozen=True, slots=True)
class PlannedRun:
    """One cell as it would be run.

    Attributes:
        dataset, model, task, recipe: Their names.
        samples: Selected samples of this part, or None where nobody knows before the data is read.
        hours: Hours of sound, likewise.
        language, target_language: Of the sound, and of the answer where it is another.
        answer: What comes back: `text`, `speech`, or `calls` of tools.
        prompt: Name of the prompt; "" for a model that is told nothing.
        asked: What would be sent for the first sample, or the template where no sample is here; None without one.
        columns: Columns of the data by what they are used as.
        dropped: Columns that are not kept, with the reason.
        missing: What is not there.
        cost_usd: About what the answers cost, in US dollars, were none in the cache; None where that is not known, or
            no model is asked (`--stage`).
        draws: How often each sample is answered.
        not_asked: Why it is no cell, of this data set or, where none is named, of the whole task; "" for all others.
        not_able: What it is about the model, in a few words, where it is for the model's sake; else "".
    """

    dataset: str
    model: str
    task: str
    recipe: str
    samples: int | None
    hours: float | None
    language: str
    target_language: str
    answer: str
    prompt: str
    asked: Any
    columns: dict[str, str] = field(default_factory=dict)
    dropped: tuple[str, ...] = ()
    missing: tuple[Missing, ...] = ()
    cost_usd: float | None = None
    draws: int = 1
    not_asked: str = ""
    not_able: str = ""


class PlanHooks:
    """Hooks of a pytest run that only says what it would do."""

    def __init__(self, session: BenchmarkSession) -> None:
        self._session = session
        self._jobs: list[Job] = []
        self._unasked: list[Unasked] = []

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run nothing."""
        found = (job for item in session.items if (job := job_of(item)) is not None)
        self._jobs = list({job.cell: job for job in found}.values())
        left = (one for item in session.items if (one := unasked_of(item)) is not None)
        self._unasked = list(dict.fromkeys(left))
        return True

    @pytest.hookimpl(tryfirst=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the plan."""
        suite = self._session.suite
        try:
            cells = [*planned(self._session, self._jobs), *map(_not_asked, self._unasked)]
            protocols = resolved(self._session, suite) if suite else []
        except AudiobenchError as exc:
            raise pytest.UsageError(str(exc)) from None
        if self._session.settings.plan == "json":
            plain: dict[str, Any] = {JSON_KEY: [dataclasses.asdict(cell) for cell in cells]}
            if suite:
                plain["suite"] = {"name": suite.name, "protocols": [dataclasses.asdict(one) for one in protocols]}
            terminalreporter.write_line(json.dumps(plain, ensure_ascii=False))
            return
        part = self._session.settings.part
        which = f", part {part}" if part.of > 1 else ""
        terminalreporter.section(f"audiobench plan{which}: nothing is run")
        for line in (*as_text(cells), *_left_out()):
            terminalreporter.write_line(line)
        if suite:
            terminalreporter.write_line("")
            for line in protocols_as_text(suite, protocols):
                terminalreporter.write_line(line)


def planned(session: BenchmarkSession, jobs: list[Job]) -> list[PlannedRun]:
    """Return what would be run.

    Raises:
        AudiobenchError: A cell cannot be run as it was asked.
    """
    read: dict[str, Dataset | str | None] = {}
    lacking = {job.model.name: job.model for job in jobs}  # looking for an interpreter starts a few: once per model
    lacks = {name: [Missing(*one) for one in of_model(session, model)] for name, model in lacking.items()}
    scored: dict[tuple[str, str], tuple[Missing, ...]] = {}  # hundreds of cells share a recipe and a language
    return [cell for job in jobs for cell in _cells(session, job, read, lacks[job.model.name], scored)]


def _cells(
    session: BenchmarkSession,
    job: Job,
    read: dict[str, Dataset | str | None],
    model_lacks: list[Missing],
    scored: dict[tuple[str, str], tuple[Missing, ...]],
) -> Iterator[PlannedRun]:
    spec, model = job.dataset, job.model
    if spec.name not in read:
        try:
            read[spec.name] = load_known(spec, session.load)
        except AudiobenchError as exc:
            read[spec.name] = str(exc)
    known = read[spec.name]
    here = known if isinstance(known, Dataset) else None
    profile, asked = _asked(session, job, here)
    part = session.settings.part
    seconds = [sample.duration_s for sample in shard(here.samples, part.index, part.of)] if here else []
    hours = sum(s for s in seconds if s is not None) / 3600 if seconds and None not in seconds else None
    samples = len(seconds) if here else None if spec.samples is None else part.size(session.load.selected(spec.samples))
    for cell, recipe in job.cells():
        shared = (recipe.name, of_answers(spec))
        if shared not in scored:
            scored[shared] = tuple(_recipe_lacks(session, session.recipe(recipe), spec))
        missing = [*model_lacks, *_data_lacks(job, known), *scored[shared]]
        yield PlannedRun(
            dataset=cell.dataset,
            model=model.name,
            task=spec.task,
            recipe=cell.recipe,
            samples=samples,
            hours=None if hours is None else round(hours, 3),
            language=spec.language,
            target_language=spec.target_language,
            answer=job.answer if job.answer == SPEECH else session.catalog.tasks.get(spec.task).answer,
            prompt=profile,
            asked=asked,
            columns=_columns(job, here),
            dropped=here.dropped if here else (),
            missing=tuple(missing),
            cost_usd=_cost(job, seconds) if session.asks else None,
            draws=job.draws,
        )


def _cost(job: Job, seconds: list[float | None]) -> float | None:
    """Return about what the answers to a cell's samples cost, in US dollars, or None where that is not known."""
    price, known = job.model.price, [s for s in seconds if s is not None]
    if price is None or not seconds or len(known) < len(seconds):
        return None
    return round(job.draws * sum(estimated(price, s, aloud=job.answer == SPEECH) for s in known), 4)


def _not_asked(one: Unasked) -> PlannedRun:
    """Return what is known of a cell that there is not, for its data set's sake or the model's."""
    spec = one.dataset
    return PlannedRun(
        dataset=spec.name if spec is not None else "",
        model=one.model,
        task=one.task,
        recipe=one.recipe,
        samples=spec.samples if spec is not None else None,
        hours=None,
        language=spec.language if spec is not None else "",
        target_language=spec.target_language if spec is not None else "",
        answer="",
        prompt="",
        asked=None,
        not_asked=one.reason,
        not_able=one.short,
    )


def _asked(session: BenchmarkSession, job: Job, here: Dataset | None) -> tuple[str, Any]:
    """Return the name of the prompt, and what it says: for the first sample, or else its template."""
    if not session.is_told(job.model):
        return "", None
    first = next((sample for sample in here.samples if sample.problem is None), None) if here else None
    if first is None:
        profile = profile_for(job.asked, job.dataset.language)
        return profile.name, {"template": [[turn.role, turn.text] for turn in profile.turns]}
    try:
        prompt = prompt_for(first, job.asked, takes_instruction=True)
    except SampleError as exc:
        raise SampleError(f"{job.dataset.name}: sample '{first.id}': {exc}") from None
    return prompt.profile, words_of(prompt)


def _columns(job: Job, here: Dataset | None) -> dict[str, str]:
    """Return which column is used as what; other columns can be named by prompts and slices."""
    spec = job.dataset
    if spec.hub is not None and (spec.manifest is None):
        own = {"audio": spec.hub.audio_column, "text": spec.hub.text_column, "id": spec.hub.id_column}
        found = {ours: theirs for ours, theirs in own.items() if theirs is not None}
        found |= {ours: ", ".join(theirs) for ours, theirs in spec.hub.columns}
    elif spec.manifest is not None:
        found = {ours: ", ".join(theirs) for ours, theirs in spec.manifest.columns}
    else:
        found = {}
    others = sorted({name for sample in (here.samples[:1] if here else ()) for name in sample.meta} - set(found))
    return found | ({"others": ", ".join(others)} if others else {})


def _data_lacks(job: Job, known: Dataset | str | None) -> Iterator[Missing]:
    spec = job.dataset
    if isinstance(known, str):
        command = f"--dataset {spec.name}=PATH" if spec.access else "correct the entry or the data"
        if spec.folder is not None and spec.hub is None:
            command = f"--audiobench-set {spec.folder.setting}=DIR"
        yield Missing(known, command)
        return
    if known is not None or spec.hub is None:
        return
    for package in ("huggingface_hub", "pyarrow"):
        if not _is_installed(package):
            yield Missing(f"the package '{package}'", "pip install 'audiobench-pytest[hub]'")
    if spec.access and not os.environ.get("HF_TOKEN"):
        yield Missing(f"a login for {spec.hub.repo}", spec.how_to_get)
    yield Missing(f"the data of {spec.name}", f"fetched from {spec.hub.repo} by the run that first reads it")


@functools.cache
def _is_installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


def _recipe_lacks(session: BenchmarkSession, recipe: Recipe, data: DatasetSpec) -> Iterator[Missing]:
    yield from (Missing(what, command) for what, command in of_recipe(session, recipe, of_answers(data)))
    if recipe.metric.stage == "judge" and not session.settings.judge_url:
        yield Missing("a judge", "--audiobench-set judge_url=URL")
    if recipe.metric.stage == "listening" and not (session.settings.listener_url or session.settings.judge_url):
        yield Missing("a judge that hears", "--audiobench-set listener_url=URL")


def as_text(cells: list[PlannedRun]) -> Iterator[str]:
    """Yield the lines of a plan for people."""
    left = [cell for cell in cells if cell.not_asked]
    cells = [cell for cell in cells if not cell.not_asked]
    sizes = [cell.samples for cell in cells]
    known = sum(size for size in sizes if size is not None)
    more = " and more" if None in sizes else ""
    hours = [cell.hours for cell in cells]
    told = f", {sum(h for h in hours if h is not None):.2f} h of sound" if any(h is not None for h in hours) else ""
    # Cells that differ by their recipe alone share their answers.
    costs = {
        (cell.dataset, cell.model, cell.prompt, cell.answer): cell.cost_usd
        for cell in cells
        if cell.cost_usd is not None
    }
    paid = f", about {dollars(sum(costs.values()))}" if costs else ""
    yield f"{len(cells)} cell{'s' * (len(cells) != 1)}, {known} samples{more}{told}{paid}"
    shown: set[str] = set()
    for cell in cells:
        count = "samples not known yet" if cell.samples is None else f"{cell.samples} samples"
        count += f" x {cell.draws} draws" if cell.draws > 1 else ""
        into = f" to {cell.target_language}" if cell.target_language else ""
        length = "" if cell.hours is None else f", {cell.hours:.2f} h"
        length += "" if cell.cost_usd is None else f", about {dollars(cell.cost_usd)}"
        yield ""
        yield f"{cell.dataset} x {cell.model}: {cell.task}, {cell.language}{into}, {count}{length}; {cell.recipe}"
        if cell.prompt:
            yield f"  prompt {cell.prompt}"
            if cell.prompt not in shown:
                shown.add(cell.prompt)
                yield from (f"    {line}" for line in _said(cell.asked))
        if cell.columns:
            yield "  columns: " + "; ".join(f"{ours}: {theirs}" for ours, theirs in cell.columns.items())
        if cell.dropped:
            yield f"  dropped: {', '.join(cell.dropped)}"
    lacking: dict[Missing, list[str]] = {}
    for cell in cells:
        for one in cell.missing:
            lacking.setdefault(one, []).append(f"{cell.dataset} x {cell.model}")
    yield ""
    yield "missing:" if lacking else "nothing is missing"
    for one, of in lacking.items():
        where = "all cells" if len(of) == len(cells) else f"{of[0]} and {len(of) - 1} more" if len(of) > 1 else of[0]
        yield f"  {one.what} ({where}): {one.command}"
    if left:
        yield ""
        yield "not asked:"
        yield from _reasons(left)


def _reasons(left: list[PlannedRun]) -> Iterator[str]:
    """Yield why there are no cells: a line per data set that cannot be asked yet, and one per model and reason."""
    of_data: dict[str, dict[str, None]] = {}
    of_models: dict[tuple[str, str], dict[str, None]] = {}
    for cell in left:
        if not cell.not_able:
            of_data.setdefault(cell.not_asked, {})[cell.model] = None
            continue
        what = f"{cell.dataset} ({cell.language})" if cell.dataset else cell.task
        of_models.setdefault((cell.model, cell.not_able), {})[what] = None
    for reason, models in of_data.items():
        yield f"  {', '.join(models)}: {reason}"
    for (model, able), things in of_models.items():
        names = list(things)
        more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
        yield f"  {model} {able}, and is not asked: {', '.join(names[:_MOST_NAMES])}{more}"


def _left_out() -> Iterator[str]:
    """Yield a warning for each reason that entries of another project's registry have no counterpart here for."""
    names: dict[tuple[str, str], list[str]] = {}
    for left in left_out():
        names.setdefault((left.kind, left.reason), []).append(left.name)
    for (kind, reason), of in names.items():
        more = f" and {len(of) - 3} more" if len(of) > 3 else ""
        yield f"warning: {kind} {', '.join(of[:3])}{more} of UltraEval-Audio cannot be had: {reason}"


def _said(asked: Any) -> Iterator[str]:
    if tools := asked.get("tools"):
        yield f"tools: {', '.join(str(tool.get('name')) for tool in tools)}"
    if "text" in asked:
        yield from asked["text"].splitlines()
    for role, words, *_ in asked.get("messages", asked.get("template", ())):
        parts = words if isinstance(words, list) else [words]
        text = " ".join(part if isinstance(part, str) else f"<{part[1]}>" for part in parts)
        first, *rest = text.splitlines() or [""]
        yield f"{role}: {first}"
        yield from (f"  {line}" for line in rest)
