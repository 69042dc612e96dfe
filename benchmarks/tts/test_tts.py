"""Speech synthesis: every dataset of task `tts`, every model asked for.

pytest benchmarks/tts -m minitts --model espeak-ng
"""

import pytest


@pytest.mark.audiobench(task="tts")
def test_tts(audiobench, audiobench_collector):
    """Have each text said, and collect what is heard and how it sounds."""
    for outcome in audiobench.outcomes():
        audiobench_collector.check(outcome)
