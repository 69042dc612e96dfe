"""What xdist needs to know; the only code that knows xdist."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Generator, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from audiobench_pytest.catalog.loader import load_catalog
from audiobench_pytest.catalog.schema import ModelSpec
from audiobench_pytest.errors import AudiobenchError, UsageError
from audiobench_pytest.models.options import checked_args
from audiobench_pytest.models.registry import adapter_class
from audiobench_pytest.models.transformers.devices import VISIBLE
from audiobench_pytest.plugin.asked.choices import args_by_name, find_models
from audiobench_pytest.plugin.asked.settings import read_settings
from audiobench_pytest.plugin.session import BenchmarkSession, count
from audiobench_pytest.plugin.workers.leases import (
    UNLEASED,
    Demand,
    Leases,
    cut,
    refuse,
)
from audiobench_pytest.records.runs.directory import RunDirectory
from audiobench_pytest.runner.gpus import count_gpus, nvidia_smi

if TYPE_CHECKING:
    from execnet import XSpec
    from xdist.remote import Producer
    from xdist.workermanage import WorkerController

REFUSED = "audiobench_refused"
"""Key of a worker's output that says why what was asked for cannot be run."""

_INPUT = "audiobench"
_PER_GPU = "audiobench_per_gpu"
_LEASES = pytest.StashKey[Leases]()


def auto_workers(config: pytest.Config) -> int | None:
    """Return the number of workers that `-n auto` means, or None when that is xdist's to say.

    It is the number of leases where a model asked for takes a GPU: a worker per core would put a dozen copies of the
    model on each.

    Raises:
        pytest.UsageError: What was asked for does not exist.
    """
    if config.getoption("numprocesses") != "auto" or os.environ.get("PYTEST_XDIST_AUTO_NUM_WORKERS"):
        return None
    try:
        settings = read_settings(config)
        models = find_models(load_catalog(), settings)
        if not any(d.uses_gpu for d in demands(models, args_by_name(settings, models))):
            return None
        return len(_leases(config, settings.gpus_per_worker).values) or None
    except AudiobenchError as exc:
        raise pytest.UsageError(str(exc)) from None


def is_distributed(config: pytest.Config) -> bool:
    """Whether this process is xdist's controller, which collects and runs nothing itself."""
    option = config.option
    # xdist starts workers only where there is something to start: `--dist` alone changes nothing.
    return getattr(option, "dist", "no") != "no" and bool(getattr(option, "tx", None)) and not option.collectonly


class DistributedHooks:
    """Hooks of xdist's controller."""

    def __init__(self, session: BenchmarkSession) -> None:
        """Share out GPUs and cut data sets.

        Raises:
            UsageError: A worker could not hold one of the models asked for, or could not be told what was asked.
        """
        _refuse_untellable(session.config)
        self._session = session
        self._refused: str | None = None
        self._leases = _leases(session.config, session.settings.gpus_per_worker)
        refuse(self._leases, demands(session.models, session.model_args))
        cut_datasets(session)

    def pytest_report_header(self, config: pytest.Config) -> list[str]:
        """Say which workers are given which GPUs."""
        from execnet import XSpec
        from xdist.workermanage import parse_tx_spec_config

        if not config.getoption("tx"):
            return []
        told = self._leases.describe(sum(_takes_lease(XSpec(text)) for text in parse_tx_spec_config(config)))
        return [f"audiobench: {told}"] if told else []

    def pytest_xdist_setupnodes(self, specs: Sequence[XSpec]) -> None:
        """Give each worker its GPUs; they are set before it imports pytest, and so before anything that looks for one.

        The worker that replaces one that died is made from the same spec, so it comes back to the GPU that is now free;
        a number counted from its name (`gw8` of 8) would put it on one in use.
        """
        if self._leases.values:
            for number, spec in enumerate(filter(_takes_lease, specs)):
                spec.env[VISIBLE] = self._leases.value(number)

    def pytest_configure_node(self, node: WorkerController) -> None:
        """Tell a worker where the run is and how the data sets are cut: all workers must collect the same ids."""
        node.workerinput.update(worker_input(self._session))
        node.workerinput[_PER_GPU] = self._leases.most_on_each(node.workerinput["workercount"])

    def pytest_testnodedown(self, node: WorkerController) -> None:
        """Note why a worker could not run what was asked for."""
        self._refused = getattr(node, "workeroutput", {}).get(REFUSED) or self._refused

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self) -> Generator[None, object, object]:
        """End with the status of wrong usage where that is what a worker found: as without workers.

        Raises:
            pytest.UsageError: With what the worker said.
        """
        try:
            return (yield)
        except BaseException:
            if self._refused is not None:
                raise pytest.UsageError(self._refused) from None
            raise

    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Producer) -> Any:
        """Let idle workers steal from busy ones instead of cutting the items into fixed chunks.

        Items are in model-major order, so a worker that takes a run of neighbours loads few models: 17 loads against 40
        for 5 models on 8 workers. Only the default of `-n` is replaced, a distribution the user chose is kept.
        """
        if config.getoption("dist") != "load":
            return None
        from xdist.scheduler import WorkStealingScheduling

        return WorkStealingScheduling(config, log)


def _refuse_untellable(config: pytest.Config) -> None:
    """Refuse what xdist cannot hand to its workers: it sends text as UTF-8, and a file's name may be any bytes.

    Raises:
        UsageError: An argument, or a folder that modules are imported from, is none.
    """
    for text in (*map(str, config.invocation_params.args), str(Path.cwd()), *sys.path):
        try:
            text.encode()
        except UnicodeEncodeError:
            shown = os.fsencode(text).decode("utf-8", "backslashreplace")
            raise UsageError(
                f"{shown}: is not UTF-8, which is all that can be handed to workers: rename it, or leave out -n"
            ) from None


def cut_datasets(session: BenchmarkSession) -> None:
    """Decide into how many shards each data set is cut, where its number of samples is known before it is read."""
    count(session)
    size = session.settings.shard_size
    if size:
        session.shards.update(
            {name: max(1, math.ceil(n / size / session.settings.part.of)) for name, n in session.counts.items()}
        )


def worker_input(session: BenchmarkSession) -> dict[str, Any]:
    """Return what `join_run` needs to know in another process; all must collect the same ids."""
    if session.run is None:
        return {}
    told = {"run": str(session.run.path), "attempt": session.attempt}
    return {_INPUT: {**told, "shards": dict(session.shards), "counts": dict(session.counts)}}


def join_run(session: BenchmarkSession) -> None:
    """Let a worker take part in its controller's run."""
    told = session.config.workerinput  # type: ignore[attr-defined]
    session.workers, session.per_gpu = told.get("workercount", 1), told.get(_PER_GPU, 1)
    given = told.get(_INPUT)
    if given is not None:
        session.run = RunDirectory(Path(given["run"]))
        session.attempt = given["attempt"]
        session.shards.update(given["shards"])
        session.counts.update(given["counts"])
        session.worker = session.config.workerinput["workerid"]  # type: ignore[attr-defined]


def _leases(config: pytest.Config, size: int) -> Leases:
    if _LEASES not in config.stash:  # nvidia-smi is asked once: it may take seconds
        config.stash[_LEASES] = cut(count_gpus(os.environ, nvidia_smi), size) if size else UNLEASED
    return config.stash[_LEASES]


def demands(models: Iterable[ModelSpec], args: Mapping[str, Mapping[str, str]]) -> list[Demand]:
    """Return what each model asks of the GPUs of its process."""
    found = []
    for spec in models:
        values = checked_args(adapter_class(spec.adapter), spec, args.get(spec.name, {}))
        found.append(Demand.of(spec, str(values["device"] or "auto") if "device" in values else None))
    return found


def _takes_lease(spec: XSpec) -> bool:
    """Whether a worker is on this machine and the user has not said which GPUs it sees (`popen//env:NAME=VALUE`)."""
    return bool(spec.popen) and not spec.via and VISIBLE not in spec.env
