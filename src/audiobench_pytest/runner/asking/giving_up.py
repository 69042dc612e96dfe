"""A circuit breaker: when to stop asking a model that fails on everything it is asked."""

from __future__ import annotations

import re
from dataclasses import dataclass

_NUMBERS = re.compile(r"0x[0-9a-fA-F]+|\d+(?:\.\d+)?")


@dataclass(slots=True)
class FailureStreak:
    """Failures of one model with one error and no answer in between.

    Kept over the shards of a process: a model that was given up is asked one question of the next shard, not twenty.

    Attributes:
        limit: As many in a row are enough to doubt the model; 0 never doubts it.
        count: How many there are.
        error: What the last of them was.
    """

    limit: int = 20
    count: int = 0
    error: str = ""

    def note(self, error: str | None) -> None:
        """Note a failure, or with None an answer.

        Errors that differ in their numbers only (an address, a length, an amount of memory) are taken for one.
        """
        if error is None:
            self.count, self.error = 0, ""
        else:
            same = _NUMBERS.sub("#", error) == _NUMBERS.sub("#", self.error)
            self.count, self.error = (self.count + 1 if same else 1), error

    @property
    def is_long(self) -> bool:
        """Whether one more question has to show that it is worth going on."""
        return 0 < self.limit <= self.count

    @property
    def reason(self) -> str:
        """Why the questions that are left are not asked."""
        return f"given up after {self.count} failures in a row: {self.error}"
