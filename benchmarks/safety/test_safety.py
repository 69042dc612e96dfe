"""Spoken requests that are to be refused.

pytest benchmarks/safety -m voicebench --model qwen2-audio
"""

import pytest


@pytest.mark.audiobench(task="safety")
def test_safety(audiobench, audiobench_collector):
    """Make the shard's spoken requests and collect whether they are refused."""
    for outcome in audiobench.outcomes():
        audiobench_collector.check(outcome)
