"""Processor time of the harness per sample, against the least that reads and scores the same files."""

from pathlib import Path

from inputs import CHILDREN, Inputs
from measuring import Run, marginal, median, pytest, python, run
from result import Result

GOAL = 1.4


def measure(inputs: Inputs) -> Result:
    """Compare the marginal cost of a cold `null` run between two sizes with that of the bare loop, in turns.

    Marginal, so that the start of the interpreter and the imports do not count; processor time, so that a neighbour on
    the machine counts little.
    """
    sizes = (200, 800) if inputs.quick else (2000, 8000)
    manifests = dict(zip(sizes, inputs.clips(*sizes), strict=True))

    def harness(manifest: Path) -> Run:
        command = pytest("benchmarks/asr", "--dataset", manifest, "--model", "null")
        return run(command, cwd=inputs.benchmark_project())

    def bare(manifest: Path) -> Run:
        return run(python(CHILDREN / "bare_score.py", manifest), cwd=inputs.folder)

    times = inputs.times(5)
    cost = marginal({"harness": harness, "bare": bare}, manifests, times)
    runs, small, large = cost.runs, cost.small, cost.large
    ours, theirs, ratio = median(cost.ms("harness")), median(cost.ms("bare")), cost.ratio("harness", "bare")
    rate = median([large / r.wall_s for r in runs["harness", large]])

    # A neighbour on the same core makes the caches cold and the seconds longer, never shorter: the fastest run of each
    # arm is the one that says most about the code.
    def lowest(name: str) -> float:
        return min(r.cpu_s for r in runs[name, large]) - min(r.cpu_s for r in runs[name, small])

    quietest = lowest("harness") / lowest("bare")
    return Result(
        figure="harness CPU per sample",
        measured=ratio.text("x bare"),
        value=ratio.value,
        goal=f"<= {GOAL:g} x a bare loop",
        met=ratio.value <= GOAL,
        how=f"null model, {small} to {large} distinct 1 s WAVs and texts, WER with the Whisper English normaliser, "
        f"cold cache, {times} pairs; harness {ours.text('ms', digits=3)}, bare {theirs.text('ms', digits=3)}; "
        f"from the fastest run of each {quietest:.2f} x; "
        f"the whole run of {large}: {rate.value:.0f} samples/s",
        details={
            "ratio": ratio.plain(),
            "ratio_of_fastest": quietest,
            "harness_ms": ours.plain(),
            "bare_ms": theirs.plain(),
            "start_cpu_s": median(
                [s.cpu_s - small * m / 1000 for s, m in zip(runs["harness", small], cost.ms("harness"), strict=True)]
            ).plain(),
            "wall_s_large": median([r.wall_s for r in runs["harness", large]]).plain(),
            "peak_mb_large": max(r.peak_mb for r in runs["harness", large]),
        },
    )
