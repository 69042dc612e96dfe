"""Are the intervals, tests and regression gates honest? Simulates releases whose true value is known.

    python tests/perf/coverage_study.py              # the tables of docs/statistics.md, in an hour of one core
    python tests/perf/coverage_study.py --quick      # 100 releases of each kind: shows that it runs, no more

Each release is a test set drawn anew: speakers of their own difficulty, utterances of their own length and difficulty,
errors by chance. A second run meets the same utterances and errs elsewhere now and then, on some speakers more often.
What judges them is the package's own code. Tables 5 to 8 are of the worlds of `hard_worlds.py`, which share no code
with it.
"""

from __future__ import annotations

import argparse
import dataclasses
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from hard_worlds import ANSWERED, SPOKEN, TIMED, Answered, Spoken, Timed
from numpy.typing import NDArray

from audiobench_pytest.leaderboard.statistics import exact
from audiobench_pytest.leaderboard.statistics.bootstrap import estimates
from audiobench_pytest.leaderboard.statistics.comparison import compare
from audiobench_pytest.leaderboard.statistics.intervals import intervals
from audiobench_pytest.leaderboard.statistics.pairs import ScoredSamples, pair
from audiobench_pytest.leaderboard.statistics.regression import regression
from audiobench_pytest.types import Quantity

Columns = dict[str, NDArray[np.float64]]
RATE = Quantity("rate")
SHARE = Quantity("rate", maximum=100.0)
IGNORED_EVERY = 20
"""Every which release is also looked at as if it had no speakers: that takes ten times as long."""

TURN_SPREAD = 0.3
"""Standard deviation, over speakers, of how much a second run errs elsewhere, over its mean."""


@dataclass(frozen=True)
class World:
    """What test sets are like, and two runs on them.

    Attributes:
        name: For the table.
        speakers: Number of speakers, or 0 where each utterance has its own difficulty only.
        utterances: Mean number per speaker, or the number of all without speakers.
        speaker_spread: Standard deviation of a speaker's difficulty over its mean (gamma distributed).
        uneven: The same for the number of utterances per speaker.
        spread: The same for an utterance's difficulty.
        percent: True value.
        units: Mean number of words per utterance; 1 is right or wrong (accuracy, as a share of wrong answers).
        loops: Share of utterances that a model answers with 50 to 200 words too many.
        changed: Share of the errors that a second run makes elsewhere; its speakers vary in it.
        relative: Also judge a limit that is a share of the baseline's value.
    """

    name: str
    speakers: int
    utterances: int
    speaker_spread: float = 0.6
    uneven: float = 0.4
    spread: float = 1.0
    percent: float = 5.0
    units: int = 20
    loops: float = 0.0
    changed: float = 0.3
    relative: bool = False

    @property
    def truth(self) -> float:
        """The value that an endless test set would give, in percent."""
        return self.percent + self.loops * 124.5 / self.units * 100.0


VALUES = (
    World("100 speakers x 30 utterances", 100, 30),
    World("40 speakers x 30", 40, 30),
    World("20 speakers x 30", 20, 30),
    World("10 speakers x 30", 10, 30),
    World("40 speakers, some with five times as much as others", 40, 30, uneven=1.2),
    World("20 speakers, some ten times as hard as others", 20, 30, speaker_spread=1.2),
    World("accuracy 90 %, 30 speakers x 20 questions", 30, 20, percent=10.0, units=1, spread=0.0),
    World("6,000 utterances, no clusters", 0, 6000),
    World("2,620 utterances, no clusters", 0, 2620),
    World("500 utterances, no clusters", 0, 500),
    World("100 utterances, no clusters", 0, 100),
    World("accuracy 90 %, 1,000 questions", 0, 1000, percent=10.0, units=1, spread=0.0),
)
HARD = (
    World("6 speakers x 30", 6, 30),
    World("4 speakers x 30", 4, 30),
    World("10 utterances, no clusters", 0, 10),
    World("accuracy 90 %, 100 questions", 0, 100, percent=10.0, units=1, spread=0.0),
    World("accuracy 97 %, 100 questions", 0, 100, percent=3.0, units=1, spread=0.0),
    World("2,620 utterances, 1 in 500 a loop of 50 to 200 words", 0, 2620, loops=0.002),
    World("500 utterances, 1 in 500 a loop of 50 to 200 words", 0, 500, loops=0.002),
)
PAIRS = (
    World("40 speakers x 30 utterances", 40, 30, relative=True),
    World("20 speakers x 30", 20, 30, relative=True),
    World("10 speakers x 30", 10, 30),
    World("500 utterances, no clusters", 0, 500),
    World("500 utterances, 3 in 100 errors elsewhere", 0, 500, changed=0.03),
    World("accuracy 90 %, 30 speakers x 20 questions", 30, 20, percent=10.0, units=1, spread=0.0),
    World("accuracy 90 %, 500 questions", 0, 500, percent=10.0, units=1, spread=0.0),
)
POWERS = (*PAIRS, World("500 utterances, 5 in 1,000 errors elsewhere", 0, 500, changed=0.005))


def release(
    world: World, rng: np.random.Generator, worse: float = 0.0
) -> tuple[Columns, Columns, NDArray[np.intp] | None]:
    """Return the numbers of a baseline and of a second run, worse by `worse` percent in truth, and the speakers."""
    clusters = None
    count, hardness, turn = world.utterances, np.ones(1), np.ones(1)
    if world.speakers:
        sizes = world.utterances * _spread(world.uneven, rng, world.speakers)
        clusters = np.repeat(np.arange(world.speakers), np.maximum(1, rng.poisson(sizes)))
        count = len(clusters)
        hardness = _spread(world.speaker_spread, rng, world.speakers)[clusters]
        turn = _spread(TURN_SPREAD, rng, world.speakers)[clusters]
    hardness = hardness * _spread(world.spread, rng, count)
    if world.units == 1:
        wrong = np.clip(world.percent / 100.0 * hardness, 0.0, 1.0)
        chance = rng.random(count)
        again = np.where(rng.random(count) < world.changed, rng.random(count), chance)
        grown = world.percent * (1.0 + world.changed * (turn - 1.0)) + worse
        grown = np.clip(grown / 100.0 * hardness, 0.0, 1.0)
        first, second, units = chance < wrong, again < grown, np.ones(count)
    else:
        units = 1.0 + rng.negative_binomial(3, 3.0 / (2.0 + world.units), count)
        expected = units * world.percent / 100.0 * hardness
        first = rng.poisson(expected)
        kept = rng.binomial(first, 1.0 - world.changed)
        second = kept + rng.poisson(expected * (world.changed * turn + worse / world.percent))
        loops = (rng.random(count) < world.loops) * rng.integers(50, 200, count)
        first, second = first + loops, second + loops
    return (
        {"errors": first.astype(float), "units": units},
        {"errors": second.astype(float), "units": units},
        clusters,
    )


def _spread(relative: float, rng: np.random.Generator, count: int) -> NDArray[np.float64]:
    """Return gamma numbers of mean 1."""
    return rng.gamma(1.0 / relative**2, relative**2, count) if relative else np.ones(count)


def rate(sums: Mapping[str, NDArray[np.float64]]) -> dict[str, NDArray[np.float64]]:
    """Return errors over units in percent."""
    return {"rate": 100.0 * sums["errors"] / sums["units"]}


def coverage(worlds: Sequence[World], releases: int) -> Iterator[Sequence[str]]:
    """Yield the rows of the table of intervals."""
    yield (
        "test set",
        "releases",
        "covered",
        "true value below",
        "above",
        "no interval",
        "percentile interval",
        "if clusters are ignored",
    )
    for world in worlds:
        rng = np.random.default_rng(1)
        ours, percentile, ignored = [], [], []
        # A draw of speakers takes a tenth of the time of a draw of utterances.
        count = 5 * releases if world.speakers else releases
        for number in range(count):
            columns, _, clusters = release(world, rng)
            found = estimates(columns, rate, clusters)["rate"]
            known = intervals(columns, rate, clusters, quantities=[SHARE if world.units == 1 else RATE])["rate"]
            ours.append(_where(known, world.truth))
            percentile.append(_where(dataclasses.replace(found, ratios=None).interval(), world.truth))
            if clusters is not None and not number % IGNORED_EVERY:
                ignored.append(_where(estimates(columns, rate)["rate"].interval(), world.truth))
        yield (
            world.name,
            f"{count:,}",
            *(_percent(np.equal(ours, place)) for place in ("inside", "below", "above", "none")),
            _percent(np.equal(percentile, "inside")),
            _percent(np.equal(ignored, "inside")) if ignored else "-",
        )


def gates(worlds: Sequence[World], releases: int) -> Iterator[Sequence[str]]:
    """Yield the rows of the table of regression gates."""
    yield (
        "test set",
        "true worsening",
        "allowed",
        "releases",
        "fail",
        "inconclusive",
        "pass",
        "95 % interval of the difference covers",
    )
    for world in worlds:
        limit = world.percent / 10.0
        for worse, allowed, relative in (
            (0.0, 0.0, False),
            (0.0, limit, False),
            (limit, limit, False),
            (2.0 * limit, limit, False),
            *([(limit, 0.1, True)] if world.relative else []),
        ):
            rng = np.random.default_rng(2)
            verdicts, covered = [], []
            # Where the truth lies on the limit, the share that fails is what the gate promises.
            count = 5 * releases if worse == limit or not allowed else releases
            for number in range(count):
                base, new, clusters = release(world, rng, worse)
                found = regression(new, base, rate, RATE, allowed, relative=relative, clusters=clusters)
                verdicts.append(str(found.verdict))
                if not (relative or allowed) and number < releases:
                    covered.append(_covers(base, new, clusters, worse))
            shares = (_percent(np.equal(verdicts, verdict)) for verdict in ("fail", "inconclusive", "pass"))
            shown = f"{100 * allowed:g} % of the value" if relative else f"{allowed:g} points"
            yield (
                world.name,
                f"{worse:g} points",
                shown,
                f"{count:,}",
                *shares,
                _percent(np.array(covered)) if covered else "-",
            )


def tests(worlds: Sequence[World], releases: int) -> Iterator[Sequence[str]]:
    """Yield the rows of the table of p-values and power."""
    yield ("test set", "p < 0.05 without a difference", "smallest difference it claims to see", "p < 0.05 there")
    for world in worlds:
        rng = np.random.default_rng(3)
        seen = [_compared(world, rng, 0.0) for _ in range(releases)]
        false = np.array([p < 0.05 for p, _ in seen])
        claim = float(np.mean([smallest for _, smallest in seen if smallest is not None]))
        # A difference changes the standard error a little: the claim at that difference is what counts.
        for _ in range(2):
            claim = float(np.mean([_compared(world, rng, claim)[1] or claim for _ in range(min(200, releases))]))
        there = np.array([_compared(world, rng, claim)[0] < 0.05 for _ in range(releases)])
        yield world.name, _percent(false), f"{claim:.2f} points", _percent(there)


def rare(worlds: Sequence[Spoken], releases: int) -> Iterator[Sequence[str]]:
    """Yield the rows of the table of intervals where errors or speakers are few."""
    yield "test set", "releases", "covered", "true value below", "above", "no interval", "plain percentiles cover"
    for world in worlds:
        chance = random.Random(5)
        ours, plain = [], []
        for _ in range(releases):
            first, _, voices = world.release(chance)
            columns, clusters = _columns(first, world.words), _numbered(voices)
            ends = intervals(columns, rate, clusters, quantities=[RATE])["rate"]
            ours.append(_where(ends, world.percent))
            drawn = dataclasses.replace(estimates(columns, rate, clusters)["rate"], ratios=None)
            plain.append(_where(drawn.interval(), world.percent))
        shares = (_percent(np.equal(ours, place)) for place in ("inside", "below", "above", "none"))
        yield world.name, f"{releases:,}", *shares, _percent(np.equal(plain, "inside"))


def rare_gates(worlds: Sequence[Spoken], releases: int) -> Iterator[Sequence[str]]:
    """Yield the rows of the table of gates where errors or speakers are few."""
    yield "test set", "true worsening", "allowed", "releases", "fail", "inconclusive", "pass"
    for world in worlds:
        for worse in (0.0, world.allowed, 2.0 * world.allowed):
            chance = random.Random(6)
            verdicts = []
            for _ in range(releases):
                first, second, voices = world.release(chance, worse)
                found = regression(
                    _columns(second, world.words),
                    _columns(first, world.words),
                    rate,
                    RATE,
                    world.allowed,
                    clusters=_numbered(voices),
                )
                verdicts.append(str(found.verdict))
            shares = (_percent(np.equal(verdicts, verdict)) for verdict in ("fail", "inconclusive", "pass"))
            yield world.name, f"{worse:g} points", f"{world.allowed:g} points", f"{releases:,}", *shares


def answered(worlds: Sequence[Answered], releases: int) -> Iterator[Sequence[str]]:
    """Yield the rows of the table of intervals of shares near their ends."""
    yield "test set", "releases", "covered", "true value below", "above", "no interval", "bootstrap covers"
    right = Quantity("rate", higher_is_better=True, maximum=100.0)
    for world in worlds:
        chance = random.Random(7)
        ours, drawn = [], []
        for _ in range(releases):
            columns = {"errors": np.array(world.release(chance), float), "units": np.ones(world.questions)}
            ours.append(_where(intervals(columns, rate, quantities=[right], resamples=2)["rate"], world.percent))
            ends = estimates(columns, rate)["rate"].interval(bounds=(0.0, 100.0))
            drawn.append(_where(ends, world.percent))
        shares = (_percent(np.equal(ours, place)) for place in ("inside", "below", "above", "none"))
        yield world.name, f"{releases:,}", *shares, _percent(np.equal(drawn, "inside"))


def timed(worlds: Sequence[Timed], releases: int) -> Iterator[Sequence[str]]:
    """Yield the rows of the table of limits on percentiles, each just below what the percentile is in truth."""
    yield "times", "sets", "pass though the percentile is above", "by the percentile itself", "pass at 1.5 times"
    for world in worlds:
        chance = random.Random(8)
        truth = world.quantile(world.percent / 100.0)
        bound, itself, generous = [], [], []
        for _ in range(10 * releases):
            times = sorted(world.release(chance))
            beyond = exact.most_beyond(world.count, world.percent)
            high = float("inf") if beyond is None else times[world.count - 1 - beyond]
            bound.append(high < truth)
            itself.append(times[-(-world.percent * world.count // 100) - 1] < truth)
            generous.append(high < 1.5 * truth)
        yield world.name, f"{10 * releases:,}", *(_percent(np.array(one)) for one in (bound, itself, generous))


def _columns(errors: Sequence[int], words: int) -> Columns:
    return {"errors": np.array(errors, float), "units": np.full(len(errors), float(words))}


def _numbered(voices: Sequence[str]) -> NDArray[np.intp]:
    return np.unique(np.array(voices), return_inverse=True)[1].astype(np.intp)


def _covers(base: Columns, new: Columns, clusters: NDArray[np.intp] | None, worse: float) -> bool:
    two_sided = regression(new, base, rate, RATE, 0.0, 0.975, clusters=clusters)
    return two_sided.low is not None and two_sided.high is not None and two_sided.low <= worse <= two_sided.high


def _compared(world: World, rng: np.random.Generator, worse: float) -> tuple[float, float | None]:
    first, second, clusters = release(world, rng, worse)
    names = None if clusters is None else [str(number) for number in clusters]
    ids = [f"{number:06}" for number in range(len(first["units"]))]
    found = compare(pair(ScoredSamples(ids, first, names), ScoredSamples(ids, second, names)), rate, RATE)
    return 1.0 if found.p is None else found.p, found.smallest


def _where(interval: tuple[float, float] | None, truth: float) -> str:
    if interval is None:
        return "none"
    return "below" if truth < interval[0] else "above" if truth > interval[1] else "inside"


def _percent(hits: NDArray[np.bool_]) -> str:
    return f"{100.0 * float(np.mean(hits)):.1f} %"


def main() -> None:
    """Print the tables, row by row as they come."""
    parser = argparse.ArgumentParser(prog="python tests/perf/coverage_study.py", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="100 releases instead of 2,000")
    parser.add_argument("--releases", type=int, default=2000, metavar="N", help="releases (2,000)")
    parser.add_argument(
        "--table", type=int, nargs="+", choices=range(1, 9), metavar="N", help="some tables only, 1 to 8"
    )
    options = parser.parse_args()
    releases = 100 if options.quick else options.releases
    error, fifth = (100.0 * (0.95 * 0.05 / count) ** 0.5 for count in (releases, 5 * releases))
    print(f"A share near 95 % or 5 % of {releases:,} releases has a standard error of {error:.1f} %,")
    print(f"of {5 * releases:,} releases one of {fifth:.1f} %.")
    began = time.monotonic()
    studies: tuple[tuple[str, Callable[[Any, int], Iterator[Sequence[str]]], Sequence[Any]], ...] = (
        ("95 % intervals of a value", coverage, VALUES),
        ("95 % intervals of small and awkward sets", coverage, HARD),
        ("Regression gates at confidence 0.95", gates, PAIRS),
        ("Two-sided test and power", tests, POWERS),
        ("95 % intervals where errors or speakers are few", rare, SPOKEN),
        ("Regression gates where errors or speakers are few", rare_gates, SPOKEN),
        ("95 % intervals of right and wrong answers", answered, ANSWERED),
        ("Limits on percentiles of times", timed, TIMED),
    )
    for number, (title, study, worlds) in enumerate(studies, 1):
        if number not in (options.table or (number,)):
            continue
        print(f"\n### {title}\n")
        for line, row in enumerate(study(worlds, releases)):
            print(f"| {' | '.join(row)} |", flush=True)
            if not line:
                print("|" + "---|" * len(row), flush=True)
    print(f"\ntook {(time.monotonic() - began) / 60.0:.0f} minutes, {time.process_time() / 60.0:.0f} of processor time")


if __name__ == "__main__":
    main()
