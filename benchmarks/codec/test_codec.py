"""Speech coding: every dataset of task `codec`, every model asked for.

pytest benchmarks/codec -m minispeech --model identity,mu-law,opus-32k,opus-16k,opus-8k,opus-6k
"""

import pytest


@pytest.mark.audiobench(task="codec")
def test_codec(audiobench, audiobench_collector):
    """Code each recording, and collect how what comes out compares with what went in."""
    for outcome in audiobench.outcomes():
        audiobench_collector.check(outcome)
