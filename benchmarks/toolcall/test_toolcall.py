"""Calls of tools: every dataset of task `toolcall`, every model asked for.

pytest benchmarks/toolcall -m stepeval_toolcall --audiobench-set stepeval_toolcall_dir=DIR --model openai:NAME
"""

import pytest


@pytest.mark.audiobench(task="toolcall")
def test_toolcall(audiobench, audiobench_collector):
    """Continue the shard's dialogues and collect what was called."""
    for outcome in audiobench.outcomes():
        audiobench_collector.check(outcome)
