"""Spoken chat; a judge reads the replies.

pytest benchmarks/chat -m voicebench --model qwen2-audio --audiobench-set judge_url=URL
"""

import pytest


@pytest.mark.audiobench(task="chat")
def test_chat(audiobench, audiobench_collector):
    """Have the shard's samples replied to and collect what the judge says."""
    for outcome in audiobench.outcomes():
        audiobench_collector.check(outcome)
