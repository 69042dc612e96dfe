"""Understanding, reasoning and oral conversation (URO-Bench); a judge reads the replies.

pytest benchmarks/uro --audiobench-set uro_dir=DIR --audiobench-set judge_url=URL --model openai:NAME
"""

import pytest


@pytest.mark.audiobench(task="uro")
def test_uro(audiobench, audiobench_collector):
    """Have the shard's samples replied to and collect what the judge says."""
    for outcome in audiobench.outcomes():
        audiobench_collector.check(outcome)
