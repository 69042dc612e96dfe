"""Speech recognition: every dataset of task `asr`, every model asked for.

pytest benchmarks/asr -m minispeech --model pocketsphinx
"""

import pytest


@pytest.mark.audiobench(task="asr")
def test_asr(audiobench, audiobench_collector):
    """Transcribe the shard's samples and collect their word or character errors."""
    for outcome in audiobench.outcomes():
        audiobench_collector.check_error_rate(outcome)
