"""Singing, reciting and speaking with an emotion (URO-Bench); who scores it hears the answers.

pytest benchmarks/uro_aloud --audiobench-set uro_dir=DIR --audiobench-set listener_url=URL --model NAME
"""

import pytest


@pytest.mark.audiobench(task="uro-aloud")
def test_uro_aloud(audiobench, audiobench_collector):
    """Have the shard's samples performed aloud and collect what those say who hear it."""
    for outcome in audiobench.outcomes():
        audiobench_collector.check(outcome)
