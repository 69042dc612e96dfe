"""Which metric a recipe's `score` names; importing this loads none of them."""

from __future__ import annotations

import importlib

from audiobench_pytest import others
from audiobench_pytest.errors import CatalogError, did_you_mean
from audiobench_pytest.metrics.base import Metric

METRICS: dict[str, str] = {
    "wer": "audiobench_pytest.metrics.error_rate.metric:ErrorRate",
    "repeated": "audiobench_pytest.metrics.error_rate.repeated:Repeated",
    "accuracy": "audiobench_pytest.metrics.accuracy.metric:Accuracy",
    "bleu": "audiobench_pytest.metrics.ngrams.bleu:Bleu",
    "chrf": "audiobench_pytest.metrics.ngrams.chrf:Chrf",
    "captions": "audiobench_pytest.metrics.ngrams.captions:Captions",
    "match": "audiobench_pytest.metrics.accuracy.matching:Match",
    "chords": "audiobench_pytest.metrics.chords:Chords",
    "judge": "audiobench_pytest.metrics.judge.metric:Judge",
    "ifeval": "audiobench_pytest.metrics.ifeval.metric:InstructionFollowing",
    "bbh": "audiobench_pytest.metrics.bbh.metric:BigBenchHard",
    "invented": "audiobench_pytest.metrics.invented:InventedWords",
    "transcribed": "audiobench_pytest.metrics.speech.transcribed:Transcribed",
    "rated": "audiobench_pytest.metrics.speech.rated:Rated",
    "felt": "audiobench_pytest.metrics.speech.felt:Felt",
    "listened": "audiobench_pytest.metrics.judge.listened:ListeningJudge",
    "shape": "audiobench_pytest.metrics.speech.shape:SpeechShape",
    "bit_rate": "audiobench_pytest.metrics.speech.bit_rate:BitRate",
    "tool_calls": "audiobench_pytest.metrics.calls.metric:ToolCalls",
    "judged_tool_calls": "audiobench_pytest.metrics.calls.judged:JudgedToolCalls",
    "refusal": "audiobench_pytest.metrics.refusal:Refusal",
}
"""`module:Class` by the name it has in a recipe."""


def metric_class(name: str) -> type[Metric]:
    """Return the class of a metric.

    Raises:
        CatalogError: There is none of this name; the message lists close matches.
    """
    if name not in METRICS and not (others.asked() and name in METRICS):
        raise CatalogError(f"unknown metric '{name}'{did_you_mean(name, METRICS)}")
    module, _, attribute = METRICS[name].partition(":")
    found: type[Metric] = getattr(importlib.import_module(module), attribute)
    return found
