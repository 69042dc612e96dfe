"""What a run lacks on this machine, each with what brings it: told before anything loads."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path

from audiobench_pytest.catalog.schema import DatasetSpec, ModelSpec
from audiobench_pytest.errors import AudiobenchError, UsageError
from audiobench_pytest.models.registry import adapter_class
from audiobench_pytest.plugin.session import BenchmarkSession

_HUB_PACKAGES = ("huggingface_hub", "pyarrow")


def of_model(session: BenchmarkSession, spec: ModelSpec) -> Iterator[str]:
    """Yield what a model lacks: packages, an interpreter, a key, an address, GPUs."""
    adapter = adapter_class(spec.adapter)
    try:
        adapter.require(spec)
    except AudiobenchError as exc:
        yield str(exc)
        return
    yield from adapter.lacks(spec, session.args_of(spec))
    if spec.gpus:
        from audiobench_pytest.plugin.workers.leases import count_gpus, nvidia_smi

        there = len(count_gpus(os.environ, nvidia_smi).names)
        if there < spec.gpus:
            wanted = f"{spec.gpus} GPU{'s' * (spec.gpus > 1)}"
            yield f"model '{spec.name}' needs {wanted}; this machine shows {there or 'none'}"


def refuse_missing(session: BenchmarkSession) -> None:
    """Refuse models that lack something on this machine; one whose answers another machine has given may do without.

    Raises:
        UsageError: One does; the message says what of each.
    """
    found = [line for spec in session.models for line in of_model(session, spec) if not _has_answers(session, spec)]
    if found:
        raise UsageError(f"{'; '.join(found)}; --plan shows the whole of it")


def of_data(session: BenchmarkSession, spec: DatasetSpec) -> Iterator[str]:
    """Yield what a data set lacks before it can be read; the network is not asked."""
    if spec.folder is not None and session.load.folders.get(spec.folder.setting):
        root = Path(session.load.folders[spec.folder.setting]).expanduser()
        if not root.is_dir():
            yield f"data set '{spec.name}': {spec.folder.setting} names {root}, which is no folder"
        return
    if spec.manifest is not None:
        path = Path(spec.manifest.path).expanduser()
        if not spec.manifest.bundled and not path.is_file():
            yield f"data set '{spec.name}': there is no manifest {path}"
        return
    absent = [name for name in _HUB_PACKAGES if importlib.util.find_spec(name) is None]
    if spec.hub is not None and absent:
        yield (
            f"data set '{spec.name}' is on the hub, which needs {' and '.join(absent)}: "
            "pip install 'audiobench-pytest[hub]'"
        )
    elif spec.hub is None:
        yield f"data set '{spec.name}': the catalogue names no place where it can be read"


def _has_answers(session: BenchmarkSession, spec: ModelSpec) -> bool:
    """Whether the cache holds answers of a model as it is configured in this run."""
    from audiobench_pytest.models.registry import create
    from audiobench_pytest.records.answers.cache import PredictionCache

    identity = create(spec, session.model_args.get(spec.name, {})).identity()
    folders = PredictionCache(session.settings.cache).model_folders(spec.name, identity)
    return any(folder.is_dir() for folder in folders)
