"""What a sound looks like: its waveform and spectrogram, small enough to stand beside it in the data of a page.

A page that is opened from disk may play a file and not read it, so that it cannot draw what it plays.
"""

from __future__ import annotations

import base64
import itertools
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

COLUMNS, LINES = 200, 40
"""Of a picture: columns of time; lines of the spectrogram, from 0 to 8 kHz."""

RATE = 16_000
"""Hz of the sounds that pictures are made of."""

_WINDOW = 512
_RANGE_DB = 70.0


def picture_of(samples: NDArray[np.float32] | None) -> dict[str, Any] | None:
    """Return a sound's picture: `peaks` and `levels` as base64 of bytes, and its `columns` and `lines`.

    `peaks` are `(columns,)` largest absolute samples, 255 at full scale; `levels` are `(lines, columns)` from the
    highest frequency down, 255 at the loudest point of the sound and 0 at 70 dB below it.

    Args:
        samples: `(samples,)` at `RATE` Hz, or None where it cannot be decoded: it is then heard, and not seen.

    Returns:
        None where there is nothing to see.
    """
    import numpy as np

    if samples is None or not samples.size:
        return None
    edges = np.linspace(0, samples.size, COLUMNS + 1).astype(int)
    peaks = np.array([np.abs(samples[a : max(b, a + 1)]).max() for a, b in itertools.pairwise(edges)])
    return {
        "columns": COLUMNS,
        "lines": LINES,
        "peaks": _bytes(np.clip(peaks, 0, 1)),
        "levels": _bytes(_levels(samples, (edges[:-1] + edges[1:]) // 2)),
    }


def _levels(samples: NDArray[np.float32], centres: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return `(lines, columns)` from 0 to 1, the highest frequency first."""
    import numpy as np

    padded = np.pad(samples.astype(np.float64), _WINDOW // 2)
    frames = np.stack([padded[at : at + _WINDOW] for at in centres]) * np.hanning(_WINDOW)
    power = np.abs(np.fft.rfft(frames, axis=1)) ** 2
    bands = np.linspace(0, power.shape[1], LINES + 1).astype(int)
    summed = np.stack([power[:, a:b].mean(axis=1) for a, b in itertools.pairwise(bands)])
    loudest = summed.max()
    if loudest <= 0:
        return np.zeros_like(summed)
    decibels = 10 * np.log10(np.maximum(summed / loudest, 1e-12))
    shares: NDArray[np.float64] = np.clip(1 + decibels / _RANGE_DB, 0, 1)[::-1]
    return shares


def _bytes(shares: NDArray[Any]) -> str:
    """Return shares from 0 to 1 as base64 of a byte each."""
    return base64.b64encode((255 * shares).round().astype("uint8").tobytes()).decode("ascii")
