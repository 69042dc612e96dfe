"""Emotion recognition: every dataset of task `emotion`, every model asked for.

pytest benchmarks/emotion --dataset emotion:path/to/manifest.jsonl --model qwen2-audio
"""

import pytest


@pytest.mark.audiobench(task="emotion")
def test_emotion(audiobench, audiobench_collector):
    """Ask for the emotion that each speaker expresses, and collect which are named rightly."""
    for outcome in audiobench.outcomes():
        audiobench_collector.check(outcome)
