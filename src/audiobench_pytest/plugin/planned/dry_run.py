"""`--plan`: what a run would ask and what it lacks, without running or writing anything."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from audiobench_pytest.catalog.schema import DatasetSpec
from audiobench_pytest.datasets import count_samples
from audiobench_pytest.errors import AudiobenchError
from audiobench_pytest.plugin.collection import job_of, planned_cells, selected_datasets
from audiobench_pytest.plugin.planned.missing import of_data, of_model
from audiobench_pytest.plugin.session import BenchmarkSession
from audiobench_pytest.prompts.profiles import profile_for
from audiobench_pytest.records.runs.plan import PlannedCell


@dataclass(frozen=True, slots=True)
class CellPlan:
    """One cell of the plan, for people.

    Attributes:
        dataset: Its data set.
        model: Its model.
        recipe: What scores it.
        samples: Samples selected; None where nobody knows without reading.
        prompt: Name of the prompt, or "" for a model that is told nothing.
        where: Where the data is read from.
    """

    dataset: str
    model: str
    recipe: str
    samples: int | None
    prompt: str
    where: str


class PlanHooks:
    """Takes the place of the controller: collects, and shows the plan instead of running it."""

    def __init__(self, session: BenchmarkSession) -> None:
        self._session = session
        self._cells: list[CellPlan] = []
        self._prompts: dict[str, str] = {}
        self._missing: list[str] = []

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Look at what was selected; run none of it."""
        items = [item for item in session.items if job_of(item) is not None]
        self._cells = [self._cell(plan) for plan in planned_cells(self._session, items)]
        models = {spec.name: spec for spec in self._session.models}
        found = [line for name in dict.fromkeys(c.model for c in self._cells) for line in self._of(name, models)]
        found += [line for spec in selected_datasets(items) for line in of_data(self._session, spec)]
        self._missing = list(dict.fromkeys(found))
        path = self._session.settings.plan_json
        if path:
            Path(path).write_text(json.dumps(self.document(), indent=2, ensure_ascii=False) + "\n", "utf-8")
        return True

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the plan."""
        terminalreporter.section("audiobench plan")
        for line in self.lines():
            terminalreporter.line(line)

    def document(self) -> dict[str, Any]:
        """Return the plan as plain JSON values: `cells`, `prompts` by name, `missing`."""
        return {
            "cells": [
                {
                    "dataset": cell.dataset,
                    "model": cell.model,
                    "recipe": cell.recipe,
                    "samples": cell.samples,
                    "prompt": cell.prompt or None,
                    "where": cell.where,
                }
                for cell in self._cells
            ],
            "prompts": self._prompts,
            "missing": self._missing,
        }

    def lines(self) -> Iterator[str]:
        """Yield the plan as lines."""
        known = [cell.samples for cell in self._cells if cell.samples is not None]
        more = f" and those of {len(self._cells) - len(known)} more cells" if len(known) < len(self._cells) else ""
        yield f"{len(self._cells)} cells, {sum(known)} samples{more}; nothing was run"
        for cell in self._cells:
            samples = "unknown number of" if cell.samples is None else str(cell.samples)
            prompt = f", prompt {cell.prompt}" if cell.prompt else ""
            yield f"  {cell.dataset} x {cell.model}: {samples} samples, {cell.recipe}{prompt}, from {cell.where}"
        if self._prompts:
            yield "prompts"
            for name, text in self._prompts.items():
                yield f"  {name}: {text}"
        if self._missing:
            yield "missing"
            for line in self._missing:
                yield f"  {line}"
        else:
            yield "nothing is missing that can be told without loading"

    def _of(self, name: str, models: dict[str, Any]) -> Iterator[str]:
        return of_model(self._session, models[name])

    def _cell(self, plan: PlannedCell) -> CellPlan:
        session = self._session
        model = next(spec for spec in session.models if spec.name == plan.cell.model)
        data = next(spec for spec in session.datasets if spec.name == plan.cell.dataset)
        prompt = ""
        try:
            if session.is_told(model):
                found = profile_for(data.task, data.language, data.prompt)
                prompt = found.name
                self._prompts[prompt] = " ".join(found.text.split())
        except AudiobenchError as exc:
            self._missing.append(str(exc))
        where = "nowhere"
        if data.folder is not None and session.load.folders.get(data.folder.setting):
            where = str(Path(session.load.folders[data.folder.setting]) / data.folder.subfolder)
        elif data.manifest is not None:
            where = "this package" if data.manifest.bundled else data.manifest.path
        elif data.hub is not None:
            where = f"the hub, {data.hub.repo}"
        samples = self._samples(data) if plan.samples is None else plan.samples
        return CellPlan(plan.cell.dataset, plan.cell.model, plan.cell.recipe, samples, prompt, where)

    def _samples(self, data: DatasetSpec) -> int | None:
        """Return how many samples are selected, as far as that is known without asking the network."""
        if data.hub is not None and data.samples is None:
            return None
        try:
            return count_samples(data, self._session.load)
        except AudiobenchError:
            return None  # what keeps it from being read is listed below
