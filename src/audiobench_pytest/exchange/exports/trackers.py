"""Runs in experiment trackers: MLflow and Weights & Biases, a run of theirs per model of ours.

Numbers and what they rest on go there, never texts of samples. Both packages are extras. Tried with the packages
themselves writing to a folder; against a server of theirs nobody has tried it yet.
"""

from __future__ import annotations

import contextlib
import importlib
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from audiobench_pytest.errors import AudiobenchError, MissingExtraError, RecordError
from audiobench_pytest.exchange.exports.cells import ExportedCell, cells_of
from audiobench_pytest.frames import Run

PROJECT = "audiobench"
"""Experiment or project that runs go to where none is named."""


def to_mlflow(run: Run, model: str | None = None, *, project: str = PROJECT, place: str = "") -> list[str]:
    """Log a run to MLflow; return a line per run that was made there.

    Args:
        run: The run.
        model: Which of its models; None for all, a run each.
        project: Name of the experiment.
        place: Tracking URI, as `http://host:5000` or a folder; "" for MLflow's own settings.

    Raises:
        MissingExtraError: The package is not installed.
        RecordError: The tracker refuses it or cannot be reached.
        UsageError: The run holds no such model or no cell.
    """
    mlflow = _package("mlflow")
    lines: list[str] = []
    by_model = _by_model(cells_of(run, model))
    with _told("MLflow", lines):
        if place:
            mlflow.set_tracking_uri(place)
        mlflow.set_experiment(project)
        for name, cells in by_model.items():
            with mlflow.start_run(run_name=name) as made:
                mlflow.set_tags({"audiobench.run": run.path.name, "audiobench.model": name})
                mlflow.log_params(_params(cells))
                mlflow.log_metrics(_metrics(cells))
                mlflow.log_dict(_documents(cells), "audiobench.json")
                lines.append(f"mlflow: {name} is run {made.info.run_id} of experiment '{project}'")
    return lines


def to_wandb(run: Run, model: str | None = None, *, project: str = PROJECT, place: str = "") -> list[str]:
    """Log a run to Weights & Biases; return a line per run that was made there.

    Args:
        run: The run.
        model: Which of its models; None for all, a run each.
        project: Name of the project.
        place: Folder for its files; "" for the package's own. Without a network, `WANDB_MODE=offline` keeps them there.

    Raises:
        MissingExtraError: The package is not installed.
        RecordError: The tracker refuses it or cannot be reached.
        UsageError: The run holds no such model or no cell.
    """
    wandb = _package("wandb")
    lines: list[str] = []
    by_model = _by_model(cells_of(run, model))
    with _told("W&B", lines):
        if place:
            Path(place).mkdir(parents=True, exist_ok=True)
        for name, cells in by_model.items():
            made = wandb.init(project=project, name=name, dir=place or None, config=_documents(cells), job_type="eval")
            for key, value in _metrics(cells).items():
                made.summary[key] = value
            made.finish()
            lines.append(f"wandb: {name} is run {made.id} of project '{project}'")
    return lines


@contextlib.contextmanager
def _told(tracker: str, lines: list[str]) -> Iterator[None]:
    """Say what was written before a tracker failed.

    Raises:
        RecordError: Whatever a tracker, its client or the network raised.
    """
    try:
        yield
    except AudiobenchError:
        raise
    except Exception as exc:
        raise RecordError(f"{tracker} could not be written ({', '.join(lines) or 'nothing was'}): {exc}") from exc


def _package(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        raise MissingExtraError(f"the export to {name}", name, name) from None


def _by_model(cells: Iterable[ExportedCell]) -> dict[str, list[ExportedCell]]:
    found: dict[str, list[ExportedCell]] = {}
    for cell in cells:
        found.setdefault(cell.model, []).append(cell)
    return found


def _metrics(cells: Iterable[ExportedCell]) -> dict[str, float]:
    """Return every value by `data set/recipe/name`, in its own unit, with the ends of its interval.

    Where a run asks in several prompts, theirs stands behind the data set.
    """
    found = {}
    for cell in cells:
        for one in cell.values:
            for end, value in (("", one.value), ("_low", one.low), ("_high", one.high)):
                if value is not None:
                    found[_key(cell, f"{one.name}{end}")] = value
        found[_key(cell, "coverage")] = cell.coverage
    return found


def _params(cells: Iterable[ExportedCell]) -> dict[str, str]:
    """Return what the numbers rest on, one line a cell and fact; MLflow takes texts of at most 6,000 characters."""
    return {_key(cell, name): str(value)[:6000] for cell in cells for name, value in cell.facts().items()}


def _documents(cells: Iterable[ExportedCell]) -> dict[str, Any]:
    return {_key(cell): {"task": cell.task, **cell.facts()} for cell in cells}


def _key(cell: ExportedCell, *more: str) -> str:
    """Return a name of letters, digits and `_-./`, which both take."""
    parts = (cell.dataset, *([cell.prompt] if cell.prompt else ()), cell.recipe, *more)
    return "/".join(re.sub(r"[^\w.\-/]+", "_", part, flags=re.ASCII) for part in parts)
