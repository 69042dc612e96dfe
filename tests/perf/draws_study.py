"""Do intervals over several answers to each clip cover? Simulates sets whose true value is known.

    python tests/perf/draws_study.py            # the table of docs/statistics.md, in ten minutes of one core
    python tests/perf/draws_study.py --quick    # 60 sets of each kind: shows that it runs, no more

Each set is drawn anew: clips of their own length and difficulty, and K answers to each, whose errors scatter by chance
and by a difficulty of the draw. What makes the intervals is the package's own code (`whole clips`); beside it stand
two other ways, of which one knows nothing of clips and the other draws answers again within each clip drawn.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from audiobench_pytest.leaderboard.statistics.intervals import intervals
from audiobench_pytest.types import Quantity

Numbers = NDArray[np.float64]
RATE = Quantity("rate")


@dataclass(frozen=True)
class World:
    """What sets are like.

    Attributes:
        clips: Number of clips.
        draws: Answers to each.
        spread: Standard deviation of a clip's difficulty over its mean (gamma distributed).
        scatter: The same of one draw's, within a clip.
        percent: True error rate.
    """

    clips: int
    draws: int
    spread: float
    scatter: float
    percent: float = 8.0


WORLDS = tuple(
    World(clips, draws, spread, scatter)
    for clips, draws in ((30, 2), (30, 5), (100, 3), (300, 3))
    for spread, scatter in ((0.8, 0.3), (0.4, 1.5))
)


def answered(world: World, rng: np.random.Generator) -> tuple[Mapping[str, Numbers], NDArray[np.intp]]:
    """Return errors and units of all answers, and the clip of each."""
    units = rng.integers(5, 40, world.clips).astype(np.float64)
    clip = rng.gamma(1 / world.spread**2, world.spread**2, world.clips)
    draw = rng.gamma(1 / world.scatter**2, world.scatter**2, (world.clips, world.draws))
    errors = rng.poisson(world.percent / 100 * units[:, None] * clip[:, None] * draw).astype(np.float64)
    return (
        {"errors": errors.reshape(-1), "units": np.repeat(units, world.draws)},
        np.repeat(np.arange(world.clips), world.draws),
    )


def rate(sums: Mapping[str, Numbers]) -> Mapping[str, Numbers]:
    """Return the error rate in %."""
    return {"rate": 100.0 * sums["errors"] / sums["units"]}


def within(columns: Mapping[str, Numbers], world: World, rng: np.random.Generator, resamples: int = 1000) -> Numbers:
    """Return rates under resampling of clips, and of the answers to each clip drawn."""
    errors, units = (columns[name].reshape(world.clips, world.draws) for name in ("errors", "units"))
    found = np.empty(resamples)
    for number in range(resamples):
        clips = rng.integers(0, world.clips, world.clips)
        picked = rng.integers(0, world.draws, (world.clips, world.draws))
        found[number] = 100.0 * errors[clips[:, None], picked].sum() / units[clips[:, None], picked].sum()
    return found


WAYS = ("whole clips", "answers as samples", "answers within clips")


def study(world: World, sets: int, seed: int) -> dict[str, tuple[float, float]]:
    """Return per way the share of the 95 % intervals that hold the true value, in %, and their mean width."""
    held: dict[str, list[bool]] = {way: [] for way in WAYS}
    wide: dict[str, list[float]] = {way: [] for way in WAYS}
    for number in range(sets):
        rng = np.random.default_rng([seed, number])
        columns, clips = answered(world, rng)
        ends = {
            WAYS[0]: intervals(columns, rate, clips, quantities=[RATE])["rate"],
            WAYS[1]: intervals(columns, rate, quantities=[RATE])["rate"],
            WAYS[2]: tuple(np.quantile(within(columns, world, rng), [0.025, 0.975])),
        }
        for way, found in ends.items():
            low, high = found if found is not None else (np.nan, np.nan)
            held[way].append(bool(low <= world.percent <= high))
            wide[way].append(float(high - low))
    return {way: (100.0 * float(np.mean(held[way])), float(np.nanmean(wide[way]))) for way in WAYS}


def main(given: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="60 sets of each kind")
    parser.add_argument("--sets", type=int, default=1000, metavar="N", help="sets of each kind (default: 1000)")
    parser.add_argument("--seed", type=int, default=1, metavar="S")
    asked = parser.parse_args(given)
    sets = 60 if asked.quick else asked.sets
    print(f"| clips x draws | what scatters most | {' | '.join(f'{way}: covers' for way in WAYS)} | width |")
    print("|---|---|---:|---:|---:|---|")
    for world in WORLDS:
        found = study(world, sets, asked.seed)
        more = "clips" if world.spread > world.scatter else "draws"
        covers = " | ".join(f"{found[way][0]:.1f} %" for way in WAYS)
        widths = ", ".join(f"{found[way][1]:.2f}" for way in WAYS)
        print(f"| {world.clips} x {world.draws} | {more} | {covers} | {widths} |", flush=True)


if __name__ == "__main__":
    main()
