"""How fast audio reaches a model that does nothing with it, against two bare decode loops."""

import json

from inputs import CHILDREN, Inputs
from measuring import Run, in_turns, median, pytest, python, run, start
from result import Result

GOAL = 0.9
CORES = 2


def measure(inputs: Inputs) -> Result:
    """Compare seconds of sound per second: a cold `null` run from its first to its last moment, and two processes.

    Both decode FLAC and resample it to 16 kHz. The run's time is the wall time that its leaderboard states for the
    cell: digests, keys, batches, scores and records are in it, start-up and imports are not; nor are the loops' own.
    """
    count = 100 if inputs.quick else 800
    manifest = inputs.speech(count)
    seconds = 20.0 * count
    rates: dict[str, list[float]] = {"harness": [], "bare": []}
    used: dict[str, list[float]] = {"harness": [], "bare": []}

    def harness() -> Run:
        project = inputs.benchmark_project()
        settings = ["--audiobench-set", f"decode_threads={CORES}", "--audiobench-run", "out"]
        command = pytest("benchmarks/asr", "--dataset", manifest, "--model", "null", *settings)
        done = run(command, cwd=project)
        (cell,) = json.loads((project / "out" / "leaderboard.json").read_text())["cells"]
        rates["harness"].append(seconds / cell["wall_s"])
        used["harness"].append(done.cpu_s)
        return done

    def bare() -> Run:
        commands = [python(CHILDREN / "bare_decode.py", manifest, k, CORES) for k in range(CORES)]
        children = [start(command, cwd=inputs.folder) for command in commands]
        done = [child.wait() for child in children]
        spans = [json.loads(one.output) for one in done]
        rates["bare"].append(seconds / (max(s["ended"] for s in spans) - min(s["began"] for s in spans)))
        used["bare"].append(sum(s["cpu"] for s in spans))
        return done[0]

    times = inputs.times(7)
    in_turns({"harness": harness, "bare": bare}, times)
    # The warm-up round is the first entry of each list.
    ratio = median([a / b for a, b in zip(rates["harness"][1:], rates["bare"][1:], strict=True)])
    ours, theirs = median(rates["harness"][1:]), median(rates["bare"][1:])
    work, least = median(used["harness"][1:]), median(used["bare"][1:])
    return Result(
        figure="feed rate",
        measured=ratio.text("x bare"),
        value=ratio.value,
        goal=f">= {GOAL:g} x two bare decode loops",
        met=ratio.value >= GOAL,
        how=f"null model, {count} FLAC of 20 s at 24 kHz to 16 kHz, {CORES} decode threads, by the clock, {times} "
        f"pairs; harness {ours.text('x real time', digits=0)}, loops {theirs.text('x', digits=0)}; CPU of the whole "
        f"command {work.value:.1f} s, of the loops {least.value:.1f} s",
        details={"ratio": ratio.plain(), "harness_x_real_time": ours.plain(), "bare_x_real_time": theirs.plain()}
        | {"harness_cpu_s": work.plain(), "bare_cpu_s": least.plain()},
    )
