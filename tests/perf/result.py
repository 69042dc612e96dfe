"""What a figure says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Result:
    """One row of the table.

    Attributes:
        figure: What is measured.
        measured: The value for people, with its spread.
        value: The value that is compared with the goal, or None when it could not be taken.
        goal: The goal for people.
        met: Whether the value reaches the goal; None where there is nothing to compare.
        how: How the value was taken, in a few words.
        details: Whatever else was seen, as JSON values.
    """

    figure: str
    measured: str
    value: float | None
    goal: str
    met: bool | None
    how: str
    details: Mapping[str, Any] = field(default_factory=dict)
