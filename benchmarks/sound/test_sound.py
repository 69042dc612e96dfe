"""Sounds: events, scenes, animals.

pytest benchmarks/sound -m vocalsound --model qwen2-audio
"""

import pytest


@pytest.mark.audiobench(task="sound")
def test_sound(audiobench, audiobench_collector):
    """Ask what is heard in the shard's samples and collect whether it is right."""
    for outcome in audiobench.outcomes():
        audiobench_collector.check(outcome)
