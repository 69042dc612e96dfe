"""Speech synthesis as words describe it (InstructTTSEval); the judge that scores it hears the answers.

pytest benchmarks/instruct_tts -m instruct_tts_eval --audiobench-set listener_url=URL --model NAME
"""

import pytest


@pytest.mark.audiobench(task="instruct-tts")
def test_instruct_tts(audiobench, audiobench_collector):
    """Have each text said as its instruction describes, and collect what the judge heard."""
    for outcome in audiobench.outcomes():
        audiobench_collector.check(outcome)
