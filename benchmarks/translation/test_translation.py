"""Speech translation: what is said in one language, written in another.

pytest benchmarks/translation -m covost2 --model qwen2-audio
"""

import pytest


@pytest.mark.audiobench(task="translation")
def test_translation(audiobench, audiobench_collector):
    """Translate the shard's samples and collect what their scores are made of."""
    for outcome in audiobench.outcomes():
        audiobench_collector.check(outcome)
