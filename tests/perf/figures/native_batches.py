"""What a batch of 16 gains over one clip at a time, on every family that runs without a package of its own."""

import json

from inputs import CHILDREN, Inputs
from measuring import median, python, run
from result import Result

GOAL = 3.0
ROWS = 16
TOKENS = 64
"""Of an answer of a real model, as in `chat_wall`."""
DOMINATES = 0.5
"""Share of the time alone that follows a model's first call, from which on a family counts: it decodes mostly."""


def measure(inputs: Inputs) -> Result:
    """Compare seconds per clip through each adapter, alone and in batches, in turns within one process per family."""
    pairs = inputs.times(3, 1)
    done = run(python(CHILDREN / "native_batches.py", pairs, ROWS, TOKENS), cwd=inputs.folder)
    families = {row["family"]: row for row in map(json.loads, filter(_is_row, done.output.splitlines()))}
    ratios = {name: median(row["ratio"]) for name, row in families.items()}
    shares = {name: median(row["decoding"]).value for name, row in families.items()}
    counted = [name for name in families if shares[name] >= DOMINATES]
    others = [name for name in families if name not in counted]
    least = min(counted, key=lambda name: ratios[name].value)

    def told(name: str) -> str:
        parts = {part: median(families[name][f"ratio_{part}"]).value for part in ("decoding", "rest")}
        return (
            f"{name} {ratios[name].value:.1f} x ({shares[name]:.0%} decoding, which gains {parts['decoding']:.1f} x, "
            f"the rest {parts['rest']:.1f} x)"
        )

    def listed(names: list[str]) -> str:
        return ", ".join(told(name) for name in sorted(names, key=lambda name: ratios[name].value))

    below = [name for name in counted if ratios[name].value < GOAL]
    return Result(
        figure="batch 16 against batch 1, every native family",
        measured=f"{ratios[least].text('x', digits=2)} ({least}), {len(below)} of {len(counted)} below the goal",
        value=ratios[least].value,
        goal=f">= {GOAL:g} x",
        met=not below,
        how=f"tiny checkpoints (random, float32, CPU, one thread, its processor time), {pairs * ROWS} clips of 1 to "
        f"4 s, at most {TOKENS} tokens each, the least of those that count; a family counts where half of the time of "
        "an answer alone or more comes after the first call of the model, which is behind features, encoder and "
        f"question. Counted: {listed(counted)}. Not counted, because less is decoded: {listed(others)}",
        details={name: {**row, "median_ratio": ratios[name].plain()} for name, row in families.items()},
    )


def _is_row(line: str) -> bool:
    return line.startswith("{")
