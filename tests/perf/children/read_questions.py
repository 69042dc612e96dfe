"""Read a manifest of questions through the package, as a run does, and print how many rows it has."""

import sys
from pathlib import Path

from audiobench_pytest.datasets import LoadSettings, load_dataset, spec_for_path

spec = spec_for_path(f"audio-qa:{sys.argv[1]}", cwd=Path.cwd())
samples = load_dataset(spec, LoadSettings(Path.cwd())).samples
assert all(len(sample.files) == int(sys.argv[2]) and len(sample.choices) == 4 for sample in samples)
assert not any(sample.problem for sample in samples)
print(len(samples))
