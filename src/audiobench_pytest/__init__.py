"""A pytest plugin that benchmarks audio models and gates their releases.

From a notebook: `audiobench_pytest.evaluate(model, dataset)` and `audiobench_pytest.read_run("DIR")`. On the command
line: `pytest benchmarks/asr -m librispeech --model whisper-large-v3`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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
    from audiobench_pytest.evaluation import evaluate
    from audiobench_pytest.frames import Run, read_run
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
    "evaluate",
    "read_run",
]


_ROOMS = ("types", "errors", "frames", "evaluation")


def __getattr__(name: str) -> Any:
    # The pytest plugin is a part of this package, so every pytest run of the environment imports it: the nouns (13 ms
    # of dataclasses) and pandas (0.3 s) are loaded when one of them is asked for.
    if name in __all__:
        for room in _ROOMS:
            module = importlib.import_module(f"audiobench_pytest.{room}")
            if hasattr(module, name):
                return getattr(module, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
