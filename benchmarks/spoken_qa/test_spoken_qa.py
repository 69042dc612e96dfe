"""Questions that are asked in speech.

pytest benchmarks/spoken_qa -m llama_questions --model qwen2-audio
"""

import pytest


@pytest.mark.audiobench(task="spoken-qa")
def test_spoken_qa(audiobench, audiobench_collector):
    """Ask the shard's spoken questions and collect whether the answers are right."""
    for outcome in audiobench.outcomes():
        audiobench_collector.check(outcome)
