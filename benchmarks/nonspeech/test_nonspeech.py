"""Silence, noise, hums, tones: what a model says where nobody speaks.

pytest benchmarks/nonspeech --model whisper-large-v3
"""

import pytest


@pytest.mark.audiobench(task="nonspeech")
def test_nonspeech(audiobench, audiobench_collector):
    """Have the shard's clips written down and collect the words that were invented."""
    for outcome in audiobench.outcomes():
        audiobench_collector.check(outcome)
