"""The nouns that flow through the rooms; frozen, none does any work, importing them costs the standard library only."""

from audiobench_pytest.types.answers import Answer, Prediction
from audiobench_pytest.types.outcomes import SCORED_STATES, CellId, Outcome, SampleScore, State
from audiobench_pytest.types.results import (
    CellResult,
    Evidence,
    GateResult,
    MetricValue,
    Quantity,
    SliceResult,
    Verdict,
)
from audiobench_pytest.types.samples import Audio, Prompt, Request, Sample

__all__ = [
    "SCORED_STATES",
    "Answer",
    "Audio",
    "CellId",
    "CellResult",
    "Evidence",
    "GateResult",
    "MetricValue",
    "Outcome",
    "Prediction",
    "Prompt",
    "Quantity",
    "Request",
    "Sample",
    "SampleScore",
    "SliceResult",
    "State",
    "Verdict",
]
