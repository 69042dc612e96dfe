"""Take intervals of an error rate's quantities on a made-up set of so many utterances, so many times; prints JSON."""

import json
import re
import sys
import time
from pathlib import Path

import numpy as np

from audiobench_pytest.catalog.loader import load_catalog
from audiobench_pytest.leaderboard.statistics.intervals import intervals
from audiobench_pytest.metrics.recipes import Recipe

size, times = int(sys.argv[1]), int(sys.argv[2])
rng = np.random.default_rng(0)
columns = {name: rng.poisson(0.4, size).astype(float) for name in ("substitutions", "deletions", "insertions")}
columns["errors"] = sum(columns.values())
columns["units"] = 1.0 + rng.poisson(19, size)
values = Recipe(load_catalog().recipes.get("wer/audiobench-pytest@1")).values


def peak_mb() -> float:
    return int(re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[1]) * 1024 / 1e6


before, taken = peak_mb(), []
for _ in range(times):
    began = time.monotonic(), time.process_time()
    intervals(columns, values)
    taken.append({"wall_s": time.monotonic() - began[0], "cpu_s": time.process_time() - began[1]})
print(json.dumps({"runs": taken, "more_memory_mb": peak_mb() - before}))
