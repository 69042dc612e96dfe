"""Load the first 5 rows of a hub set and decode them; prints the peak memory of this process in MB."""

import re
import sys
from pathlib import Path

from audiobench_pytest.catalog.loader import load_catalog
from audiobench_pytest.datasets import LoadSettings, load_dataset
from audiobench_pytest.datasets.audio.decode import read_audio

dataset = load_dataset(load_catalog().datasets.get("librispeech-test-clean"), LoadSettings(Path(sys.argv[1]), limit=5))
assert [read_audio(sample.audio, 16_000).sample_rate for sample in dataset.samples] == [16_000] * 5
print(int(re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[1]) * 1024 / 1e6)
