"""What a second xdist worker gains on a model that keeps a core busy, against two bare processes."""

import json

from inputs import CHILDREN, Inputs
from measuring import Run, in_turns, median, pytest, python, run, start
from result import Result

GOAL = 0.85


def measure(inputs: Inputs) -> Result:
    """Compare the speed-up of `-n 2` over `-n 0` with that of two bare loops over one, all four in turns.

    By the clock, from the start of the command to its end, imports and model loads included on both sides: two
    workers load two models, and so do two bare processes.
    """
    limit = 8 if inputs.quick else 32
    # Two shards a worker at least: with the default of 128 samples a shard, one worker would have nothing to do.
    shard = limit // 8

    def harness(workers: int) -> Run:
        project = inputs.benchmark_project()
        arguments = ["-m", "minispeech", "--model", "pocketsphinx", "--limit", limit, "-n", workers]
        settings = ["--audiobench-set", f"shard_size={shard}", "--audiobench-run", "out"]
        done = run(pytest("benchmarks/asr", *arguments, *settings), cwd=project)
        (cell,) = json.loads((project / "out" / "leaderboard.json").read_text())["cells"]
        if cell["counts"]["ok"] + cell["counts"]["empty"] != limit:
            raise RuntimeError(f"-n {workers} answered {cell['counts']} of {limit}")
        return done

    def bare(processes: int) -> Run:
        commands = [python(CHILDREN / "bare_recognise.py", limit, k, processes) for k in range(processes)]
        children = [start(command, cwd=inputs.folder) for command in commands]
        done = [child.wait() for child in children]
        wall = max(one.began + one.wall_s for one in done) - min(one.began for one in done)
        return Run(wall, sum(one.cpu_s for one in done), 0.0, done[0].began, "")

    arms = {
        "n0": lambda: harness(0),
        "bare1": lambda: bare(1),
        "n2": lambda: harness(2),
        "bare2": lambda: bare(2),
    }
    times = inputs.times(3, 1)
    runs = in_turns(arms, times, warm_up=False)

    def speed_up(one: str, two: str) -> list[float]:
        return [a.wall_s / b.wall_s for a, b in zip(runs[one], runs[two], strict=True)]

    ours, theirs = median(speed_up("n0", "n2")), median(speed_up("bare1", "bare2"))
    ratio = median([a / b for a, b in zip(speed_up("n0", "n2"), speed_up("bare1", "bare2"), strict=True)])
    used = {name: median([r.cpu_s for r in found]) for name, found in runs.items()}
    clock = {name: median([r.wall_s for r in found]) for name, found in runs.items()}
    return Result(
        figure="-n 2 against -n 0, CPU-bound",
        measured=ratio.text("of two bare processes", digits=2),
        value=ratio.value,
        goal=f">= {GOAL:g} of the speed-up of two bare processes",
        met=ratio.value >= GOAL,
        how=f"pocketsphinx, {limit} clips of minispeech in shards of {shard}, by the clock, {times} rounds; speed-up "
        f"-n 2 {ours.text('x')}, bare {theirs.text('x')}; -n 0 {clock['n0'].text('s')}, -n 2 {clock['n2'].text('s')}, "
        f"bare {clock['bare1'].text('s')} and {clock['bare2'].text('s')}; CPU -n 0 {used['n0'].value:.1f} s, -n 2 "
        f"{used['n2'].value:.1f} s, bare {used['bare1'].value:.1f} s and {used['bare2'].value:.1f} s",
        details={"ratio": ratio.plain(), "speed_up": ours.plain(), "bare_speed_up": theirs.plain()}
        | {f"wall_s_{name}": value.plain() for name, value in clock.items()}
        | {f"cpu_s_{name}": value.plain() for name, value in used.items()},
    )
