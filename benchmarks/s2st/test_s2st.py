"""Speech-to-speech translation: every dataset of task `s2st`, every model asked for.

pytest benchmarks/s2st --dataset s2st:my.jsonl --model ./my_model.py:Speaker
"""

import pytest


@pytest.mark.audiobench(task="s2st")
def test_s2st(audiobench, audiobench_collector):
    """Have each recording said in another language, and collect what is heard and how it sounds."""
    for outcome in audiobench.outcomes():
        audiobench_collector.check(outcome)
