"""Music: instruments, genres, major and minor.

pytest benchmarks/music -m gtzan --model qwen2-audio
"""

import pytest


@pytest.mark.audiobench(task="music")
def test_music(audiobench, audiobench_collector):
    """Ask about the music of the shard's samples and collect whether it is right."""
    for outcome in audiobench.outcomes():
        audiobench_collector.check(outcome)
