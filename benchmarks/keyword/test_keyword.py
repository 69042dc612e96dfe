"""Single words and digits that are said, out of a closed set.

pytest benchmarks/keyword -m audio_mnist --model qwen2-audio
"""

import pytest


@pytest.mark.audiobench(task="keyword")
def test_keyword(audiobench, audiobench_collector):
    """Ask which word is said in the shard's samples and collect whether it is right."""
    for outcome in audiobench.outcomes():
        audiobench_collector.check(outcome)
