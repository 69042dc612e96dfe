"""What a rater is, and what stands before each: packages behind them hang on, raise over or rate what is no sound."""

from __future__ import annotations

import abc
import hashlib
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from audiobench_pytest.models.base import ModelAdapter, waveform_of
from audiobench_pytest.types import Answer, Request

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

REFERENCE = "reference"
"""Name of the sound that raters which compare compare with."""

_LONGEST_LAG_S = 0.05
_SILENCE = 1e-3

_DIGITS = 6
"""Decimals of a rating: below that are the roundings of single precision, by which 1 would be more or less than 1."""


class Rater(ModelAdapter):
    """Rates one sound per request, each by itself, so that no batch changes a value.

    Attributes:
        compares: Whether it compares the sound with the one named `REFERENCE`.
        aligns: Whether the two are aligned first, where it compares: a lag of up to 50 ms is taken out, and the sound
            cut or filled up to the reference's length.
        distributions: Installed packages whose versions decide the ratings.
        shortest_s: Seconds below which a sound is not rated.
    """

    gives = frozenset({"rating"})
    extra = "speech"
    most_sounds = 2
    batch_rows = 8
    overlaps = False
    compares: ClassVar[bool] = False
    aligns: ClassVar[bool] = True
    distributions: ClassVar[tuple[str, ...]] = ()
    shortest_s: ClassVar[float] = 0.5

    def identity(self) -> dict[str, Any]:
        """Return the base identity, versions of packages, and digests of the weights inside them."""
        versions = {name: _version(name) for name in self.distributions}
        weights = {path.name: _digest(path) for path in self.weights()}
        # Voices were once compared after the answer had been cut to the reference's length: those are other ratings.
        whole = {"aligned": False} if self.compares and not self.aligns else {}
        return {**self.base_identity(), "packages": versions, **({"weights": weights} if weights else {}), **whole}

    def weights(self) -> Sequence[Path]:
        """Return the files of weights that decide the ratings, without loading them."""
        return ()

    def load(self) -> None:
        """Do nothing, where there is nothing to load."""

    def generate(self, batch: Sequence[Request]) -> list[Answer]:
        """Rate each sound."""
        return [self._answer(request) for request in batch]

    @abc.abstractmethod
    def rate(self, sound: NDArray[np.float32], reference: NDArray[np.float32] | None) -> Mapping[str, float]:
        """Return the ratings of one sound, by name.

        Args:
            sound: `(samples,) float32` at `sample_rate`, not silent, long enough, at most 1.
            reference: For raters that compare, of the same length where it aligns; else None.
        """

    def _answer(self, request: Request) -> Answer:
        import numpy as np

        rate = self.sample_rate or 16_000
        sound = waveform_of(request, rate, self.spec.name, numbers=False)
        reference = waveform_of(request, rate, self.spec.name, REFERENCE, numbers=False) if self.compares else None
        for name, one in (("answer", sound), ("recording to compare with", reference)):
            if one is not None and (why := unfit(one, rate, self.shortest_s)) is not None:
                return Answer(error=f"the {name} {why}")
        told: dict[str, Any] = {}
        if reference is not None and self.aligns:
            sound, told["lag"] = aligned(sound, reference, round(_LONGEST_LAG_S * rate))
        rated = {name: round(float(value), _DIGITS) for name, value in self.rate(sound, reference).items()}
        if not all(np.isfinite(value) for value in rated.values()):
            return Answer(error=f"rated {rated}, which is no number")
        return Answer(meta={"rating": rated, **told})


def unfit(sound: NDArray[np.float32], rate: int, shortest_s: float) -> str | None:
    """Return why a sound is not to be rated, or None."""
    import numpy as np

    if len(sound) < max(1, shortest_s * rate):
        return f"lasts {len(sound) / rate:.2f} s; {shortest_s:g} s are the least that can be rated"
    if not np.isfinite(sound).all():
        return "holds values that are no numbers"
    if float(np.abs(sound).max()) < _SILENCE:
        return "is silent"
    return None


def aligned(sound: NDArray[np.float32], reference: NDArray[np.float32], most: int) -> tuple[NDArray[np.float32], int]:
    """Return a sound without its lag behind a reference and of the reference's length, and that lag in samples.

    The lag is where the two correlate best, within `most` samples either way.
    """
    import numpy as np

    size = 1 << int(np.ceil(np.log2(len(sound) + len(reference))))
    spectrum = np.fft.rfft(sound, size) * np.conj(np.fft.rfft(reference, size))
    correlation = np.fft.irfft(spectrum, size)
    lags = np.concatenate([correlation[-most:], correlation[: most + 1]]) if most else correlation[:1]
    lag = int(np.argmax(lags)) - most
    shifted = sound[lag:] if lag >= 0 else np.pad(sound, (-lag, 0))
    length = len(reference)
    found: NDArray[np.float32] = (
        shifted[:length] if len(shifted) >= length else np.pad(shifted, (0, length - len(shifted)))
    )
    return found.astype(np.float32), lag


def within(sound: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a sound with what resampling has made larger than full scale cut off there."""
    import numpy as np

    return np.clip(sound, -1.0, 1.0)


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "not installed"


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
