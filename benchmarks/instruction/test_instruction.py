"""Instructions that are given in speech, checked by rules.

pytest benchmarks/instruction -m voicebench --model qwen2-audio
"""

import pytest


@pytest.mark.audiobench(task="instruction")
def test_instruction(audiobench, audiobench_collector):
    """Give the shard's spoken instructions and collect whether they are followed."""
    for outcome in audiobench.outcomes():
        audiobench_collector.check(outcome)
