"""What doctors listen to: heart, lungs, voice.

pytest benchmarks/medical -m heartbeat_sound --model qwen2-audio
"""

import pytest


@pytest.mark.audiobench(task="medical")
def test_medical(audiobench, audiobench_collector):
    """Ask what the shard's samples show and collect whether it is right."""
    for outcome in audiobench.outcomes():
        audiobench_collector.check(outcome)
