"""What a set consists of: its samples or clusters, how many they effectively are, and what each has to say."""

from __future__ import annotations

import functools
import math
from typing import TYPE_CHECKING

import numpy as np

from audiobench_pytest.leaderboard.statistics import exact
from audiobench_pytest.leaderboard.statistics.bootstrap import unit_sums

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from audiobench_pytest.leaderboard.statistics.bootstrap import Array, Columns, Values
    from audiobench_pytest.types import Quantity

FEW = 12
"""Up to this many units that err, or differ, their number itself is what is uncertain, and is looked at exactly."""


def effective_number(sizes: NDArray[np.float64]) -> float:
    """Return how many clusters of equal size tell as much as these: (sum n)**2 / sum n**2 (Kish, Survey Sampling)."""
    squares = float((sizes**2).sum())
    return float(sizes.sum()) ** 2 / squares if squares else 0.0


class Units:
    """The samples of a set, or its clusters.

    Attributes:
        clustered: Whether a unit may hold several samples.
        size: Number of units.
        weights: `(units,)`: share of the samples that each holds.
        effective: Number of units of equal size that would tell as much.
    """

    def __init__(self, columns: Columns, values: Values, clusters: NDArray[np.intp] | None = None) -> None:
        """Take the numbers of the samples; arguments as in `bootstrap_sums`."""
        self._columns, self._values = columns, values
        samples = max((len(column) for column in columns.values()), default=0)
        sizes = np.ones(samples)
        if clusters is not None:
            sizes = unit_sums({"": sizes}, clusters)[1][0]
        self.clustered = len(sizes) != samples
        self._clusters = clusters if self.clustered else None
        self.size = len(sizes)
        self.weights: Array = sizes / max(1, samples)
        self.effective = effective_number(sizes)

    @functools.cached_property
    def _own(self) -> dict[str, Array]:
        return _values_of(self._columns, self._values)

    def own(self, quantity: str) -> Array:
        """Return `(samples,)`: a quantity of each sample alone, NaN where it has none."""
        return self._own[quantity]

    @functools.cached_property
    def _of_units(self) -> dict[str, Array]:
        if self._clusters is None:
            return self._own
        names, table = unit_sums(self._columns, self._clusters)
        return _values_of(dict(zip(names, table, strict=True)), self._values)

    def of_units(self, quantity: str) -> Array:
        """Return `(units,)`: a quantity of each sample, or cluster, alone."""
        return self._of_units[quantity]

    @staticmethod
    def whole(quantity: Quantity) -> float | None:
        """Return what a unit that is all wrong is off by, or None where nobody knows: a rate may exceed 100 %."""
        if quantity.minimum is not None and quantity.maximum is not None:
            return quantity.maximum - quantity.minimum
        return 100.0 if quantity.unit == "%" and None in (quantity.minimum, quantity.maximum) else None

    def wrong(self, quantity: Quantity) -> Array:
        """Return by how much each unit that is not perfect is off, in the quantity's unit; empty where none is."""
        best = quantity.maximum if quantity.higher_is_better else quantity.minimum
        if best is None:
            return np.empty(0)
        off = np.abs(self.of_units(quantity.name) - best)
        return off[np.isfinite(off) & (off > 0.0)]

    def more_hits(self, quantity: str, least: float, value: float, confidence: float) -> float:
        """Return by how much a rate may be higher for the number of units that have a part in it; 0 where many have.

        The bound of the number is the binomial's, and each unit more weighs what those weigh that there are.
        """
        off = self.of_units(quantity) - least
        hits = np.isfinite(off) & (off > 0.0)
        if not 0 < hits.sum() <= FEW or value <= least:
            return 0.0
        share = float(self.weights[hits].sum())
        rise = exact.upper(share * self.effective, self.effective, confidence) - share
        each = math.sqrt(float((self.weights[hits] * off[hits] ** 2).sum()) / share)
        return rise * each


def _values_of(columns: Columns, values: Values) -> dict[str, Array]:
    size = max((len(column) for column in columns.values()), default=0)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        found = values({name: np.asarray(column, np.float64) for name, column in columns.items()})
    return {name: np.broadcast_to(np.asarray(value, np.float64), size) for name, value in found.items()}
