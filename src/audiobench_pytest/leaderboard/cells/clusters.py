"""Which samples of a cell err together: whose voice, session or recording they are of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from audiobench_pytest.leaderboard.statistics.units import effective_number
from audiobench_pytest.types import AUTO, CLIP

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from audiobench_pytest.records.runs.plan import PlannedCell
    from audiobench_pytest.records.runs.table import CellTable


@dataclass(frozen=True, slots=True)
class Clusters:
    """The clusters of some samples.

    Attributes:
        key: The meta key that names them, `clip` for the draws of a sample, or "" where every sample stands for itself.
        names: Cluster of each sample; a sample that says nothing has one of its own.
    """

    key: str = ""
    names: Sequence[str] = ()

    @property
    def numbers(self) -> NDArray[np.intp] | None:
        """`(samples,)`: the cluster of each sample by number, or None without clusters."""
        if not self.key:
            return None
        return np.unique(np.array(self.names, dtype=str), return_inverse=True)[1].astype(np.intp).reshape(-1)

    @property
    def sizes(self) -> NDArray[np.intp]:
        """`(clusters,)`: samples of each; empty without clusters."""
        numbers = self.numbers
        return np.empty(0, np.intp) if numbers is None else np.bincount(numbers)

    @property
    def effective(self) -> float | None:
        """How many clusters of equal size would tell as much; None without clusters."""
        return effective_number(self.sizes.astype(np.float64)) if self.key else None

    @property
    def largest(self) -> float | None:
        """Share of the samples in the largest cluster, 0 to 1; None without clusters, or without samples."""
        sizes = self.sizes
        return float(sizes.max() / sizes.sum()) if len(sizes) else None


def clusters_of(plan: PlannedCell, table: CellTable, counted: NDArray[np.bool_]) -> Clusters:
    """Return the clusters of the counted samples of a cell.

    The planned key is used if any sample says something of it. Where the plan leaves it to the samples, it is the first
    of the known keys of which they do, and by which they are not all apart. Several answers to one sample never stand
    for themselves: without such a key the sample is their cluster.
    """
    rows = np.flatnonzero(counted).tolist()
    samples = table.samples
    several = plan.draws > 1
    for key in plan.cluster_keys:
        texts = table.keys.get(key, ())
        if not any(texts):
            continue
        if plan.clusters == AUTO and len(texts) > 1 and _all_apart(texts, samples if several else ()):
            continue
        # A sample that does not say whose it is stands for itself.
        return Clusters(key, [texts[row] or f"\0{samples[row] if several else row}" for row in rows])
    return clips_of(table, counted) if several else Clusters()


def clips_of(table: CellTable, counted: NDArray[np.bool_]) -> Clusters:
    """Return the clips of the counted answers: what answers to one clip are never resampled apart from."""
    return Clusters(CLIP, [table.samples[row] for row in np.flatnonzero(counted).tolist()])


def _all_apart(texts: Sequence[str], samples: Sequence[str]) -> bool:
    """Whether no two samples are of one cluster; the draws of a sample are one."""
    told = dict(zip(samples, texts, strict=True)).values() if samples else texts
    return len(set(told)) == len(told)
