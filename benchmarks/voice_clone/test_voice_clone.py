"""Speech synthesis in a given voice: every dataset of task `voice-clone`, every model asked for.

pytest benchmarks/voice_clone --dataset voice-clone:path/to/manifest.jsonl --model MODEL
"""

import pytest


@pytest.mark.audiobench(task="voice-clone")
def test_voice_clone(audiobench, audiobench_collector):
    """Have each text said in the voice of a recording, and collect what is heard and whose voice it is."""
    for outcome in audiobench.outcomes():
        audiobench_collector.check(outcome)
