"""`--part K/N`: a K-th of the plan on one of N machines."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

from audiobench_pytest.errors import UsageError


@dataclass(frozen=True, slots=True)
class Part:
    """One of the parts a plan is cut into.

    Attributes:
        index: From 0.
        of: Number of parts.
    """

    index: int = 0
    of: int = 1

    def __str__(self) -> str:
        return f"{self.index + 1}/{self.of}"

    def size(self, samples: int) -> int:
        """Return how many of a set's samples this part takes."""
        return len(range(self.index, samples, self.of))

    def shards(self, in_part: int) -> tuple[list[int], int]:
        """Return the shards of this part and the number of all shards.

        A cell whose part is cut into `in_part` shards has `in_part * of` shards; each part takes every `of`-th of
        them, so that parts hold the same mix of lengths.
        """
        return [self.index + self.of * j for j in range(in_part)], self.of * in_part


def parse_part(text: str | None, environment: Mapping[str, str] = os.environ) -> Part:
    """Return the part that was asked for.

    Args:
        text: `K/N`, counted from 1; None takes the task of a Slurm array, or of a Kubernetes indexed job whose template
            says in `AUDIOBENCH_PARTS` how many there are, and else the whole plan. `1/1` is the whole plan anywhere.
        environment: Where the array's variables are looked for.

    Raises:
        UsageError: It is no K/N, or the array's variables make no sense.
    """
    if text is None:
        return _from_array(environment)
    match = re.fullmatch(r"(\d+)/(\d+)", text)
    if match is None or not 1 <= int(match[1]) <= int(match[2]):
        raise UsageError(f"--part must be K/N with K from 1 to N; it is {text!r}")
    return Part(int(match[1]) - 1, int(match[2]))


_ARRAYS = (
    # task, number of tasks, first task
    ("SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_COUNT", "SLURM_ARRAY_TASK_MIN"),
    ("JOB_COMPLETION_INDEX", "AUDIOBENCH_PARTS", ""),
)


def _from_array(environment: Mapping[str, str]) -> Part:
    for task, tasks, first in _ARRAYS:
        if task not in environment or tasks not in environment:
            continue
        try:
            index, count = int(environment[task]) - int(environment.get(first, "0")), int(environment[tasks])
        except ValueError:
            given = f"{task}={environment[task]!r}, {tasks}={environment[tasks]!r}"
            raise UsageError(f"{given}: not whole numbers; write --part K/N") from None
        if not 0 <= index < count:
            raise UsageError(
                f"{task}={environment[task]} is none of {count} tasks: number them in steps of one, or write --part K/N"
            )
        return Part(index, count)
    return Part()
