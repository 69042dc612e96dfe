"""Rate every file of a manifest with nothing but a rater of the package: read it, rate it, next.

Prints the seconds from before the rater is loaded to after the last clip, by the clock.
"""

import json
import sys
import time
from pathlib import Path

import soundfile
import soxr

from audiobench_pytest.catalog.loader import load_catalog
from audiobench_pytest.models.registry import create
from audiobench_pytest.types import Audio, Prompt, Request

manifest, name = Path(sys.argv[1]), sys.argv[2]
began = time.monotonic()
rater = create(load_catalog().models.get(name), {})
rater.load()
ratings = []
for line in manifest.read_text().splitlines():
    samples, rate = soundfile.read(manifest.parent / json.loads(line)["audio"], dtype="float32")
    heard = Audio(soxr.resample(samples, rate, 16_000, quality="HQ"), 16_000)
    (answer,) = rater.generate([Request("", heard, Prompt())])
    ratings.append(answer.meta["rating"])
print(json.dumps({"wall_s": time.monotonic() - began, "clips": len(ratings)}))
