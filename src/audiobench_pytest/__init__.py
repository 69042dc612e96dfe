"""A pytest plugin that benchmarks audio models and gates their releases.

From a notebook: `audiobench_pytest.read_run("DIR")`. On the command line:
`pytest benchmarks/asr -m librispeech --model whisper-large-v3`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from audiobench_pytest.errors import (
    AudiobenchError,
    CatalogError,
    DatasetError,
    MissingExtraError,
    ModelError,
    RecordError,
    SampleError,
    UsageError,
)
from audiobench_pytest.types import (
    Answer,
    Audio,
    CellId,
    CellResult,
    GateResult,
    Outcome,
    Prediction,
    Prompt,
    Request,
    Sample,
    SampleScore,
    State,
    Verdict,
)

if TYPE_CHECKING:
    from audiobench_pytest.frames import Run, read_run

__all__ = [
    "Answer",
    "Audio",
    "AudiobenchError",
    "CatalogError",
    "CellId",
    "CellResult",
    "DatasetError",
    "GateResult",
    "MissingExtraError",
    "ModelError",
    "Outcome",
    "Prediction",
    "Prompt",
    "RecordError",
    "Request",
    "Run",
    "Sample",
    "SampleError",
    "SampleScore",
    "State",
    "UsageError",
    "Verdict",
    "read_run",
]


def __getattr__(name: str) -> Any:
    # pandas takes 0.3 s to import: it is loaded when a run is read, not when the package is.
    if name in ("Run", "read_run"):
        from audiobench_pytest import frames

        return getattr(frames, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
