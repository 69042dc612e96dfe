"""Descriptions of what is heard.

pytest benchmarks/caption -m audiocaps --model qwen2-audio
"""

import pytest


@pytest.mark.audiobench(task="caption")
def test_caption(audiobench, audiobench_collector):
    """Have the shard's samples described and collect what the scores are made of."""
    for outcome in audiobench.outcomes():
        audiobench_collector.check(outcome)
