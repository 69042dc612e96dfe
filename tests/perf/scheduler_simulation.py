"""Would a scheduler with model affinity pay? Simulates sweeps over models and data sets under several schedulers.

    python tests/perf/scheduler_simulation.py            # the tables of docs/scheduling.md, in about half a minute
    python tests/perf/scheduler_simulation.py --json sweeps.json --seeds 2

`load` and `worksteal` are not modelled: the scheduler classes of the installed pytest-xdist run as they are, against
the workers and the clock of `simulated_workers`.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import xdist
from simulated_workers import POLICIES, SHARD_S, Sweep, simulate

LOADS_S = (10.0, 30.0, 90.0)
WORKERS = (2, 4, 8)
MODELS = (2, 5, 10)
SETS = (2, 3, 4)
SPEEDS: dict[str, tuple[float, float]] = {"5 to 15": (5.0, 15.0), "5 to 120": SHARD_S, "40 to 120": (40.0, 120.0)}
"""Ranges from which each model draws its own time per shard, in seconds: all fast, of every kind, all slow."""

WORTH_PERCENT = 10.0


def grid(seeds: int) -> list[dict[str, Any]]:
    """Simulate every combination; the same sweep is given to every scheduler."""
    rows = []
    for load_s, workers, models, sets, (speed, span) in itertools.product(
        LOADS_S, WORKERS, MODELS, SETS, SPEEDS.items()
    ):
        for seed in range(seeds):
            rng = random.Random(f"{load_s}:{models}:{sets}:{speed}:{seed}")
            sweep = Sweep.draw(rng, models=models, sets=sets, load_s=load_s, speed=span)
            results = {policy: simulate(sweep, workers, policy) for policy in POLICIES}
            rows.append(
                {
                    "load_s": load_s,
                    "workers": workers,
                    "models": models,
                    "sets": sets,
                    "shard_s": speed,
                    "seed": seed,
                    "items": len(sweep.models),
                    "bound": sweep.bound(workers),
                    "wall": {policy: result.wall for policy, result in results.items()},
                    "loads": {policy: result.loads for policy, result in results.items()},
                }
            )
    return rows


def saving(row: dict[str, Any], policy: str, over: str = "worksteal") -> float:
    """Return which share of the wall a scheduler saves over another one, in percent."""
    return 100 * (1 - float(row["wall"][policy]) / float(row["wall"][over]))


def table(rows: list[dict[str, Any]], by: Sequence[str], best: str) -> str:
    """Return a Markdown table: a line per value of the columns `by`, means over all else."""
    shown = ("load", "worksteal", best)
    head = [
        *(name.replace("load_s", "load time, s") for name in by),
        "items",
        *(f"wall {p}" for p in shown),
        "bound",
        *(f"loads {p}" for p in shown),
        "saved",
        "could be saved at most",
    ]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault(tuple(row[name] for name in by), []).append(row)
    for key, members in groups.items():
        mean = {p: statistics.fmean(r["wall"][p] for r in members) for p in shown}
        cells = [f"{x:g}" if isinstance(x, float) else str(x) for x in key]
        cells.append(f"{statistics.fmean(r['items'] for r in members):.0f}")
        cells += [f"{mean[p]:.0f} s" for p in shown]
        cells.append(f"{statistics.fmean(r['bound'] for r in members):.0f} s")
        cells += [f"{statistics.fmean(r['loads'][p] for r in members):.1f}" for p in shown]
        cells.append(f"{statistics.fmean(saving(r, best) for r in members):.1f} %")
        cells.append(f"{statistics.fmean(100 * (1 - r['bound'] / r['wall']['worksteal']) for r in members):.1f} %")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def summary(rows: list[dict[str, Any]]) -> str:
    """Return a Markdown table: what each scheduler saves of the wall of `worksteal`, over the whole grid."""
    lines = [
        "| scheduler | wall, sum | saved, mean | saved, median | saved, 5th to 95th percentile | loads, mean |",
        "|---|---|---|---|---|---|",
    ]
    for policy in POLICIES:
        saved = sorted(saving(row, policy) for row in rows)
        cuts = statistics.quantiles(saved, n=20)
        lines.append(
            f"| {policy} | {sum(r['wall'][policy] for r in rows) / 3600:.0f} h | {statistics.fmean(saved):.1f} % | "
            f"{statistics.median(saved):.1f} % | {cuts[0]:.1f} to {cuts[-1]:.1f} % | "
            f"{statistics.fmean(r['loads'][policy] for r in rows):.1f} |"
        )
    return "\n".join(lines)


def savings(rows: list[dict[str, Any]], policy: str) -> str:
    """Return a Markdown table: mean saving over `worksteal` by load time, time per shard, and number of workers."""
    lines = [
        "| load time | time per shard | " + " | ".join(f"{n} workers" for n in WORKERS) + " |",
        "|" + "---|" * (2 + len(WORKERS)),
    ]
    for load_s, speed in itertools.product(LOADS_S, SPEEDS):
        cells = []
        for workers in WORKERS:
            key = (load_s, speed, workers)
            found = [saving(r, policy) for r in rows if (r["load_s"], r["shard_s"], r["workers"]) == key]
            cells.append(f"{statistics.fmean(found):.1f} %")
        lines.append(f"| {load_s:g} s | {speed} s | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def conclusion(rows: list[dict[str, Any]], policy: str) -> str:
    """Return what follows: a scheduler of our own has to save a tenth of the wall to be worth its lines."""
    saved = [saving(row, policy) for row in rows]
    mean = statistics.fmean(saved)
    often = 100 * sum(s >= WORTH_PERCENT for s in saved) / len(saved)
    return (
        f"The best affinity scheduler ({policy}) saves {mean:.1f} % of worksteal's wall on average, and "
        f"{WORTH_PERCENT:g} % or more in {often:.0f} % of the sweeps: "
        f"{'worth' if mean >= WORTH_PERCENT else 'not worth'} a scheduler of our own."
    )


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=10, help="sweeps drawn per combination (default: 10)")
    parser.add_argument("--json", type=Path, help="also write every simulated sweep to this file")
    args = parser.parse_args()
    rows = grid(args.seeds)
    candidates = [policy for policy in POLICIES if policy.startswith("affinity")]
    best = max(candidates, key=lambda policy: statistics.fmean(saving(row, policy) for row in rows))
    print(f"pytest-xdist {xdist.__version__}, {len(rows)} sweeps, {args.seeds} per combination\n")
    print(summary(rows), savings(rows, best), table(rows, ["load_s", "workers", "models"], best), sep="\n\n")
    print("\n" + conclusion(rows, best))
    if args.json:
        args.json.write_text(json.dumps({"xdist": xdist.__version__, "best": best, "sweeps": rows}, indent=1))


if __name__ == "__main__":
    main()
