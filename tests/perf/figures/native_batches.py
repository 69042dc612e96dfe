"""What a batch of 16 gains over one clip at a time, on every family that runs without a package of its own."""

import json

from inputs import CHILDREN, Inputs
from measuring import median, python, run
from result import Result

GOAL = 3.0
ROWS = 16
DOMINATES = 0.5
"""Share of the time alone that follows a model's first call, from which on decoding dominates a family."""


def measure(inputs: Inputs) -> Result:
    """Compare seconds per clip through each adapter, alone and in batches, in turns within one process per family."""
    pairs, tokens = inputs.times(3, 1), inputs.times(56, 32)
    done = run(python(CHILDREN / "native_batches.py", pairs, ROWS, tokens), cwd=inputs.folder)
    families = {row["family"]: row for row in map(json.loads, filter(_is_row, done.output.splitlines()))}
    ratios = {name: median(row["ratio"]) for name, row in families.items()}
    decoding = {name: median(row["decoding"]).value for name, row in families.items()}
    dominated = [name for name in families if decoding[name] >= DOMINATES]
    others = [name for name in families if name not in dominated]
    least = min(dominated, key=lambda name: ratios[name].value)

    def listed(names: list[str]) -> str:
        rows = sorted((ratios[name].value, name) for name in names)
        return ", ".join(f"{name} {ratio:.1f} x ({decoding[name]:.0%} decoding)" for ratio, name in rows)

    return Result(
        figure="batch 16 against batch 1, every native family",
        measured=f"{ratios[least].text('x', digits=2)} ({least})",
        value=ratios[least].value,
        goal=f">= {GOAL:g} x",
        met=ratios[least].value >= GOAL,
        how=f"tiny checkpoints (random, float32, CPU, one thread), {pairs * ROWS} clips of 1 to 4 s, at most {tokens} "
        f"tokens each, the smallest of {len(dominated)} families that spend half of their time or more behind the "
        f"first call of the model: {listed(dominated)}; not dominated by decoding: {listed(others)}",
        details={name: {**row, "median_ratio": ratios[name].plain()} for name, row in families.items()},
    )


def _is_row(line: str) -> bool:
    return line.startswith("{")
