"""How something is said, described; a judge compares with a reference.

pytest benchmarks/paralinguistic --model qwen2-audio --audiobench-set judge_url=URL
"""

import pytest


@pytest.mark.audiobench(task="paralinguistic")
def test_paralinguistic(audiobench, audiobench_collector):
    """Have the shard's voices described and collect what the judge says."""
    for outcome in audiobench.outcomes():
        audiobench_collector.check(outcome)
