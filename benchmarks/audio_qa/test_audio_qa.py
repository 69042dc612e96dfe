"""Written questions about a recording, with options or without.

pytest benchmarks/audio_qa -m mmau --model qwen2-audio
"""

import pytest


@pytest.mark.audiobench(task="audio-qa")
def test_audio_qa(audiobench, audiobench_collector):
    """Ask the questions of the shard's samples and collect whether the answers are right."""
    for outcome in audiobench.outcomes():
        audiobench_collector.check(outcome)
