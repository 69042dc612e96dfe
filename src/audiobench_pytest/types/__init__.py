"""The nouns that flow through the rooms; frozen, none does any work, importing them costs the standard library only."""

from audiobench_pytest.types.answers import SPEECH, Answer, KeptSpeech, Prediction
from audiobench_pytest.types.outcomes import ENDINGS, SCORED_STATES, CellId, Outcome, SampleScore, State
from audiobench_pytest.types.results import (
    CellResult,
    Evidence,
    GateResult,
    MetricValue,
    Percentile,
    Quantity,
    SliceResult,
    Verdict,
)
from audiobench_pytest.types.samples import (
    AUTO,
    CLUSTERS,
    MAIN_SOUND,
    NO_CLUSTERS,
    Audio,
    Call,
    Message,
    Prompt,
    Request,
    Sample,
    Sound,
)

__all__ = [
    "AUTO",
    "CLUSTERS",
    "ENDINGS",
    "MAIN_SOUND",
    "NO_CLUSTERS",
    "SCORED_STATES",
    "SPEECH",
    "Answer",
    "Audio",
    "Call",
    "CellId",
    "CellResult",
    "Evidence",
    "GateResult",
    "KeptSpeech",
    "Message",
    "MetricValue",
    "Outcome",
    "Percentile",
    "Prediction",
    "Prompt",
    "Quantity",
    "Request",
    "Sample",
    "SampleScore",
    "SliceResult",
    "Sound",
    "State",
    "Verdict",
]
