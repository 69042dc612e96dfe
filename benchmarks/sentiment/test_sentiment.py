"""Sentiment: positive, negative or neutral.

pytest benchmarks/sentiment -m meld --model qwen2-audio
"""

import pytest


@pytest.mark.audiobench(task="sentiment")
def test_sentiment(audiobench, audiobench_collector):
    """Ask for the sentiment of the shard's samples and collect whether it is right."""
    for outcome in audiobench.outcomes():
        audiobench_collector.check(outcome)
