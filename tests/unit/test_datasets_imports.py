"""Importing the package and counting a manifest cost the standard library only."""

import json
import subprocess
import sys
from pathlib import Path

HEAVY = ("numpy", "soundfile", "soxr", "pyarrow", "huggingface_hub", "datasets", "filelock", "torch", "pandas")


def test_counting_and_naming_own_data_import_nothing_heavy(tmp_path: Path) -> None:
    manifest = tmp_path / "manifest.jsonl"
    manifest.write_text(json.dumps({"id": "a", "audio": "a.flac", "text": "x"}) + "\n")
    code = f"""
import sys
from pathlib import Path
from audiobench_pytest.catalog.schema import DatasetSpec, HubSource
from audiobench_pytest.datasets import LoadSettings, count_samples, load_dataset, spec_for_path
settings = LoadSettings(Path({str(tmp_path)!r}))
spec = spec_for_path({str(manifest)!r}, cwd=Path("/"))
assert count_samples(spec, settings) == len(load_dataset(spec, settings).samples) == 1
assert count_samples(DatasetSpec("hub", hub=HubSource("org/set", split="test"), samples=2620), settings) == 2620
print([name for name in {HEAVY!r} if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")
