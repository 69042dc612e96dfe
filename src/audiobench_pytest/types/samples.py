"""What is asked: a sample of a test set, its sound, the prompt, the request that a model sees."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

AUTO = "auto"
"""In place of the meta key of the clusters: the first of `CLUSTERS` of which the samples say anything."""

NO_CLUSTERS = "none"
"""In its place, too: every sample stands for itself."""

CLUSTERS = ("speaker", "session", "recording")
"""Meta keys whose samples are known to err together."""


@dataclass(frozen=True, slots=True)
class Audio:
    """Decoded mono sound.

    Attributes:
        samples: `(samples,) float32`, full scale is [-1, 1].
        sample_rate: In Hz.
    """

    samples: NDArray[np.float32]
    sample_rate: int

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return len(self.samples) / self.sample_rate


@dataclass(frozen=True, slots=True)
class Sample:
    """One row of a test set, not decoded.

    Attributes:
        id: The set's own key, or the content's digest; never the row position.
        audio: The encoded file; every source ends in files, so that one decoder and one digest serve all of them.
        reference: What the model should answer; raw, as the set spells it.
        language: ISO 639 code (`en`, `zh`, `yue`, ...).
        duration_s: Seconds, when the set tells; else None until the audio is read.
        meta: Every other key of the row, unchanged.
        problem: Why this sample cannot be asked, naming the file (it then becomes a `data_error` record), else None.
    """

    id: str
    audio: Path
    reference: str
    language: str
    duration_s: float | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Prompt:
    """What is asked of the model beside the sound.

    Attributes:
        text: The rendered instruction, or None for a model that needs none (a plain recogniser).
        language: The hint the model is given, or None where it has to find out by itself.
        profile: Name of the prompt profile, shown in the result.
    """

    text: str | None = None
    language: str | None = None
    profile: str = "plain"


@dataclass(frozen=True, slots=True)
class Request:
    """One question to a model, with everything an adapter may see.

    Attributes:
        sample_id: The sample's id, or "": only adapters that declare it in `sees` are handed one.
        audio: Decoded, at the adapter's `sample_rate`; None for an adapter whose `sample_rate` is None.
        prompt: What is asked.
        reference: The expected answer, or None: only adapters that declare it in `sees` are handed one.
    """

    sample_id: str
    audio: Audio | None
    prompt: Prompt
    reference: str | None = None
