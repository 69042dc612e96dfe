"""Several channels become one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audiobench_pytest.errors import SampleError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_SILENT = 1e-6
"""Energy per sample (-60 dB) below which nobody can tell."""

_CANCELLED, _LOST = 0.01, 0.2
"""A stretch whose mean has a hundredth of the channels' energy (-20 dB) is in opposite phase; a fifth of the energy of
the whole may be lost that way before a file is refused."""

_STRETCH = 2048
"""Samples of a stretch."""


def mixed(path: str, block: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return one channel: the mean.

    Args:
        path: For the message.
        block: `(samples, channels)`.

    Raises:
        SampleError: The channels cancel each other out.
    """
    import numpy as np

    mono: NDArray[np.float32] = block.mean(axis=1, dtype="float32")
    whole = float(np.vdot(block, block)) / block.shape[1]
    if whole <= _SILENT * len(block):
        return mono
    starts = np.arange(0, len(block), _STRETCH)
    kept = np.add.reduceat(mono * mono, starts)
    there = np.add.reduceat(np.einsum("ij,ij->i", block, block) / np.float32(block.shape[1]), starts)
    lost = float(there[kept < _CANCELLED * there].sum()) / whole
    if lost > _LOST:
        raise SampleError(
            f"{path}: its {block.shape[1]} channels cancel each other out when they are mixed (opposite phase, "
            f"{100 * lost:.0f} % of its energy): give the file one channel"
        )
    return mono
