"""What handing a batch to an isolated model costs: `python tests/perf/isolated_transport.py [--json FILE]`.

A model that answers nothing at once, in a process of the running interpreter: what remains is writing the samples,
the messages both ways, and the copy that the model gets. Goal: 16 clips of 10 s in at most 15 ms.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np

from audiobench_pytest.catalog.schema import ModelSpec, RuntimeSpec
from audiobench_pytest.models.registry import create
from audiobench_pytest.types import Audio, Prompt, Request

MODEL = """
class Silent:
    def load(self, args):
        pass

    def generate(self, batch):
        return ["" for request in batch]
"""
GOAL_MS = 15.0
ROWS, SECONDS, RATE = 16, 10, 16_000


def measure(transport: str, folder: Path, batches: int) -> dict[str, float | str]:
    file = folder / "silent.py"
    file.write_text(MODEL)
    runtime = RuntimeSpec("isolated", f"{file}:Silent", python="running")
    adapter = create(ModelSpec("silent", adapter="isolated", runtime=runtime), {"transport": transport})
    rng = np.random.default_rng(0)
    clips = [rng.uniform(-1, 1, RATE * SECONDS).astype(np.float32) for _ in range(ROWS)]
    batch = [Request(f"s{i}", Audio(clip, RATE), Prompt()) for i, clip in enumerate(clips)]
    started = time.perf_counter()
    adapter.load()
    load = time.perf_counter() - started
    try:
        taken = []
        for _ in range(batches):
            started = time.perf_counter()
            adapter.generate(batch)
            taken.append(1000 * (time.perf_counter() - started))
    finally:
        adapter.close()
    steady = taken[1:]  # the first batch also makes the file and imports numpy on the other side
    return {
        "transport": transport,
        "start_ms": round(1000 * load, 1),
        "first_ms": round(taken[0], 1),
        "median_ms": round(statistics.median(steady), 2),
        "p95_ms": round(statistics.quantiles(steady, n=20)[-1], 2),
        "min_ms": round(min(steady), 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batches", type=int, default=101)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = [measure(transport, Path(folder), given.batches) for transport in ("shared", "bytes")]
    print(f"{ROWS} clips of {SECONDS} s at {RATE} Hz, float32; goal: {GOAL_MS:g} ms\n")
    print("  ".join(f"{name:>10}" for name in rows[0]))
    for row in rows:
        print("  ".join(f"{value:>10}" for value in row.values()))
    if given.json:
        given.json.write_text(json.dumps({"goal_ms": GOAL_MS, "rows": rows}, indent=1))


if __name__ == "__main__":
    main()
