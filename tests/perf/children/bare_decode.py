"""Decode and resample every N-th file of a manifest from K on; prints when it began and ended (monotonic clock)."""

import json
import sys
import time
from pathlib import Path

import soundfile
import soxr

manifest, k, n = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
rows = [json.loads(line) for line in manifest.read_text().splitlines()][k::n]
soxr.resample(soundfile.read(manifest.parent / rows[0]["audio"], dtype="float32")[0], 24_000, 16_000, quality="HQ")
began, began_cpu = time.monotonic(), time.process_time()
for row in rows:
    samples, rate = soundfile.read(manifest.parent / row["audio"], dtype="float32")
    samples = soxr.resample(samples, rate, 16_000, quality="HQ")
print(json.dumps({"began": began, "ended": time.monotonic(), "cpu": time.process_time() - began_cpu}))
