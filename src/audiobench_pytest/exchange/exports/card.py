"""A run of one model as the `model-index` of a model card on the hub."""

from __future__ import annotations

from typing import Any

import yaml

from audiobench_pytest.catalog.loader import load_catalog
from audiobench_pytest.exchange.exports.cells import ExportedCell, one_model
from audiobench_pytest.frames import Run

_HUB_TASKS = {
    "asr": "automatic-speech-recognition",
    "translation": "automatic-speech-recognition",
    "tts": "text-to-speech",
    "instruct-tts": "text-to-speech",
    "voice-clone": "text-to-speech",
    "codec": "audio-to-audio",
    "emotion": "audio-classification",
    "sentiment": "audio-classification",
    "speaker": "audio-classification",
    "sound": "audio-classification",
    "medical": "audio-classification",
    "music": "audio-classification",
    "keyword": "audio-classification",
    "paralinguistic": "audio-classification",
}
"""What the hub calls our tasks; all else is a question about a sound."""

_OTHER = "audio-text-to-text"


def as_model_index(run: Run, model: str | None = None, name: str | None = None) -> bytes:
    """Return YAML for the head of a model card; cells without a value are left out.

    Percentages stay percentages, as is usual on cards. Recipe, prompt, signature, samples and interval stand in the
    metric's `args`; nothing is marked as verified.

    Args:
        run: The run.
        model: Which of its models; None where it holds one.
        name: What the card calls it; None for the same.

    Raises:
        UsageError: The run holds several models and none is named, or no cell.
    """
    found, cells = one_model(run, model)
    datasets = dict.fromkeys(cell.dataset for cell in cells)
    results = [_result([cell for cell in cells if cell.dataset == one]) for one in datasets]
    document = {"model-index": [{"name": name or found, "results": [one for one in results if one["metrics"]]}]}
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120).encode("utf-8", "backslashreplace")


def _result(cells: list[ExportedCell]) -> dict[str, Any]:
    cell = cells[0]
    tasks = load_catalog().tasks
    task: dict[str, Any] = {"type": _HUB_TASKS.get(cell.task, _OTHER)}
    if cell.task in tasks:
        task["name"] = tasks.get(cell.task).title
    return {"task": task, "dataset": _dataset(cell), "metrics": [_metric(cell) for cell in cells if _has_value(cell)]}


def _dataset(cell: ExportedCell) -> dict[str, Any]:
    """Return what was asked: a repository of the hub only where the data came from there, not for somebody's copy."""
    datasets = load_catalog().datasets
    spec = datasets.get(cell.dataset) if cell.dataset in datasets else None
    if spec is None or spec.hub is None or not cell.revision:
        return {"name": cell.dataset, "type": cell.dataset}
    known = {
        "name": cell.dataset,
        "type": spec.hub.repo,
        "config": spec.hub.config,
        "split": spec.hub.split,
        "revision": cell.revision,
    }
    return {key: value for key, value in known.items() if value is not None}


def _has_value(cell: ExportedCell) -> bool:
    return cell.values[0].value is not None


def _metric(cell: ExportedCell) -> dict[str, Any]:
    head = cell.values[0]
    unit = f" ({head.unit})" if head.unit else ""
    words = f", asked as {cell.prompt}" if cell.prompt else ""
    part = f", {cell.selection} samples" if cell.selection else ""
    return {
        "type": head.name,
        "value": head.value,
        "name": f"{head.name.upper()}{unit} by {cell.recipe}{words}{part}",
        "args": cell.facts(),
    }
