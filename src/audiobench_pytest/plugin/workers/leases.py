"""Which GPUs each worker sees: leases of equal size."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from audiobench_pytest.catalog.schema import ModelSpec
from audiobench_pytest.errors import UsageError
from audiobench_pytest.runner.gpus import Gpus


@dataclass(frozen=True, slots=True)
class Leases:
    """GPUs shared out among workers.

    Attributes:
        gpus: All of them.
        size: GPUs per worker.
        values: `CUDA_VISIBLE_DEVICES` of each lease; empty when there is no GPU: nothing is set then.
    """

    gpus: Gpus
    size: int
    values: tuple[str, ...]

    def value(self, worker: int) -> str:
        """Return `CUDA_VISIBLE_DEVICES` of a worker; workers beyond the number of leases share them in turn."""
        return self.values[worker % len(self.values)]

    def most_on_each(self, workers: int) -> int:
        """Return how many workers share a lease at most; all of them share what is leased to nobody."""
        return -(-workers // max(1, len(self.values)))

    def describe(self, workers: int) -> str:
        """Return a sentence for the header on what this number of workers is given, or "" when that is nothing."""
        if self.gpus.problem:
            return f"no worker is given a GPU of its own: {self.gpus.problem}"
        if not self.values or not workers:
            return ""
        used = self.values[:workers]
        devices = " | ".join(
            ",".join(name[:12] for name in value.split(",")) for value in used
        )  # CUDA too takes 12 digits
        what = "one GPU" if self.size == 1 else f"{self.size} GPUs"
        of = f"of {_number(len(self.gpus.names), 'GPU')} by {self.gpus.told_by.partition('=')[0]}"
        if workers <= len(self.values):
            return f"{_number(workers, 'worker')}, {what} each: {devices} ({of})"
        most = self.most_on_each(workers)
        return (
            f"{workers} workers share {_number(len(used), 'lease')} of {what}, up to {most} on each: {devices} ({of})"
        )


UNLEASED = Leases(Gpus((), "nobody"), 0, ())
"""What a run has whose user sees to the devices of workers by other means (`gpus_per_worker=0`)."""


def cut(gpus: Gpus, size: int) -> Leases:
    """Share GPUs out, `size` neighbours to a lease; what remains is leased to nobody.

    Raises:
        UsageError: There are fewer GPUs than one lease takes, or a lease would hold several MIG devices.
    """
    if not gpus.names:
        return Leases(gpus, size, ())
    if size > len(gpus.names):
        raise UsageError(
            f"gpus_per_worker={size}, but there {_are(len(gpus.names))} ({gpus.told_by}): "
            f"set gpus_per_worker to {len(gpus.names)} or less"
        )
    if size > 1 and any(name.startswith("MIG-") for name in gpus.names):
        raise UsageError(
            f"gpus_per_worker={size}, but the GPUs are cut into MIG devices ({gpus.told_by}), of which CUDA shows a "
            "process only one: set gpus_per_worker=1"
        )
    starts = range(0, len(gpus.names) - size + 1, size)
    return Leases(gpus, size, tuple(",".join(gpus.names[i : i + size]) for i in starts))


@dataclass(frozen=True, slots=True)
class Demand:
    """What one model asks of the GPUs a worker sees.

    Attributes:
        model: Its name.
        least: GPUs it cannot do without.
        device: What the user or the catalogue say of its device (`auto`, `cuda:1`), or None when its adapter has no say
            in where it runs (a server, a model without weights).
    """

    model: str
    least: int
    device: str | None

    @classmethod
    def of(cls, spec: ModelSpec, device: str | None) -> Demand:
        """Return the demand of a catalogue entry; on the CPU a model asks nothing, whatever the entry says."""
        return cls(spec.name, 0 if device in ("cpu", "mps") else spec.gpus, device)

    @property
    def uses_gpu(self) -> bool:
        """Whether it takes a GPU where there is one."""
        return self.least > 0 or (self.device is not None and self.device not in ("cpu", "mps"))


def refuse(leases: Leases, demands: Iterable[Demand]) -> None:
    """Stop a run whose workers could not hold a model asked for.

    Raises:
        UsageError: A model needs more GPUs than a lease has, or a device that no worker sees.
    """
    if not leases.size:
        return
    total = len(leases.gpus.names)
    for demand in demands:
        needs = f"model '{demand.model}' needs {_number(demand.least, 'GPU')}"
        if demand.least > total:
            why = leases.gpus.problem or leases.gpus.told_by
            raise UsageError(f"{needs}, but there {_are(total)} ({why}): run it where there are {demand.least}")
        if demand.least > leases.size:
            raise UsageError(
                f"{needs}, but each worker is given {leases.size}: add --audiobench-set "
                f"gpus_per_worker={demand.least} (the {total} GPUs are then enough for "
                f"{_number(total // demand.least, 'worker')})"
            )
        index = re.fullmatch(r"cuda:(\d+)", demand.device or "")
        if index and leases.values and int(index[1]) >= leases.size:
            raise UsageError(
                f"--model-args: device={demand.device} of model '{demand.model}': each worker sees only its own "
                f"{_number(leases.size, 'GPU')}, counted from cuda:0: write device=cuda, or add --audiobench-set "
                "gpus_per_worker=0 to let every worker see all of them"
            )


def _number(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


def _are(n: int) -> str:
    return "is no GPU" if not n else "is 1 GPU" if n == 1 else f"are {n} GPUs"
