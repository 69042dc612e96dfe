"""What was odd about the sounds that a cell was asked with, and about the script of its answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from audiobench_pytest.records.runs.table import CellTable

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SILENT, _BEYOND = 1e-3, 1.25
"""Peaks: -60 dB below full scale; a quarter above it, which resampling alone does not bring about."""

_CLIPPED_SHARE = 0.001
"""Share of a clip's samples at full scale from which on it counts as clipped: a lone peak there is none."""

_FAR_QUIETER_DB = 20.0
_FEWEST = 5
"""Clips from which on one may be quieter than the others."""


def heard_of(table: CellTable) -> dict[str, int]:
    """Return how many clips were heard, and how many of them are odd, by one of `types.HEARD`; old runs tell nothing.

    Args:
        table: The cell's samples.
    """
    peak, rms, full = (table.more.get(f"heard_{name}") for name in ("peak", "rms", "full"))
    if peak is None or rms is None:
        return {}
    there: NDArray[np.bool_] = ~np.isnan(peak)
    silent = there & (peak < _SILENT)
    found = {"clips": there, "silent": silent, "beyond": there & (peak > _BEYOND)}
    if full is not None:
        found["clipped"] = there & (full >= _CLIPPED_SHARE) & ~found["beyond"]
    if int(there.sum()) >= _FEWEST:
        usual = float(np.median(rms[there]))
        found["quiet"] = there & ~silent & (rms < usual - _FAR_QUIETER_DB)
    return {name: int(rows.sum()) for name, rows in found.items() if rows.any()}
