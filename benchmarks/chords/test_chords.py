"""Chords: what is played, with its times.

pytest benchmarks/chords --dataset=isophonics-beatles=path/to/manifest.jsonl --model qwen2-audio
"""

import pytest


@pytest.mark.audiobench(task="chords")
def test_chords(audiobench, audiobench_collector):
    """Have the chords of the shard's samples written down and collect for how much of the time they are right."""
    for outcome in audiobench.outcomes():
        audiobench_collector.check(outcome)
