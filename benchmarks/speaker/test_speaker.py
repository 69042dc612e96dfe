"""Traits of the speaker, such as gender and age.

pytest benchmarks/speaker -m ravdess --model qwen2-audio
"""

import pytest


@pytest.mark.audiobench(task="speaker")
def test_speaker(audiobench, audiobench_collector):
    """Ask for a trait of the shard's speakers and collect whether it is right."""
    for outcome in audiobench.outcomes():
        audiobench_collector.check(outcome)
