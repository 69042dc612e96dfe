"""Whether a model fits into memory beside the one that is being asked, as far as its entry says what it takes."""

from __future__ import annotations

import os
from dataclasses import dataclass

from audiobench_pytest.models.base import ModelAdapter
from audiobench_pytest.models.transformers.devices import memory_gib
from audiobench_pytest.runner import hardware

_MARGIN = 1.2
_MARGIN_GIB = 1.0
"""What has to be free beyond what a model takes: the one that is asked may still want some."""

_FILES_SHARE = 0.5
"""Share of what is free that may be filled with files that are read ahead: the system forgets them first."""


@dataclass(frozen=True, slots=True)
class Room:
    """The memory that a process may count on.

    Attributes:
        workers: Processes of this run among which the memory of the machine is shared out.
        per_gpu: How many of them share a GPU.
    """

    workers: int = 1
    per_gpu: int = 1

    def holds(self, adapter: ModelAdapter) -> bool:
        """Whether a model fits beside what is in memory now, in the machine's and in that of each GPU it may be put on.

        Where it is not known what it takes, or what is free, it does not.
        """
        takes, free = adapter.takes_gib(), hardware.free_gib()
        if takes is None or free is None or not _fits(takes, free / self.workers):
            return False
        if {**adapter.spec.args, **adapter.args}.get("device") == "cpu":
            return True
        gpus = memory_gib(os.environ)
        if gpus is None:
            return False
        return all(
            free >= adapter.fills_gpu * total if adapter.fills_gpu else _fits(takes, free / self.per_gpu)
            for free, total in gpus
        )

    def holds_files(self, count: int) -> bool:
        """Whether so many bytes of files can be read without what the models work on being put out of memory."""
        free = hardware.free_gib()
        return free is not None and count / (1 << 30) <= _FILES_SHARE * free / self.workers


def _fits(takes: float, free: float) -> bool:
    return takes * _MARGIN + _MARGIN_GIB <= free
