"""How long a run takes until its first sample is answered and scored."""

import json

from inputs import Inputs
from measuring import in_turns, median, pytest, run
from result import Result

GOAL_S = 0.4

STAMPING = """import json
import os
import time

import pytest


@pytest.mark.audiobench(task="asr")
def test_asr(audiobench, audiobench_collector):
    for outcome in audiobench.outcomes():
        audiobench_collector.check_error_rate(outcome)
        if "PERF_STAMP" in os.environ:
            with open(os.environ.pop("PERF_STAMP"), "w") as file:
                json.dump({"clock": time.monotonic(), "cpu": time.process_time()}, file)
"""


def measure(inputs: Inputs) -> Result:
    """Compare the time to the first scored sample of a cold `null` run with the whole of a trivial pytest run."""
    project = inputs.trivial_project()
    clock: list[float] = []
    used: list[float] = []

    def until_first():
        fresh = inputs.benchmark_project()
        (fresh / "benchmarks" / "asr" / "test_asr.py").write_text(STAMPING)
        stamp = fresh / "stamp.json"
        command = pytest("benchmarks/asr", "-m", "minispeech", "--model", "null")
        done = run(command, cwd=fresh, env={"PERF_STAMP": str(stamp)})
        first = json.loads(stamp.read_text())
        clock.append(first["clock"] - done.began)
        used.append(first["cpu"])
        return done

    times = inputs.times(15, 3)
    arms = {"first": until_first, "trivial": lambda: run(pytest(), cwd=project)}
    runs = in_turns(arms, times)
    trivial = runs["trivial"]
    more = median([a - b.wall_s for a, b in zip(clock[1:], trivial, strict=True)])
    more_cpu = median([a - b.cpu_s for a, b in zip(used[1:], trivial, strict=True)])
    base = median([r.wall_s for r in trivial])
    return Result(
        figure="start to first sample",
        measured=more.text("s more"),
        value=more.value,
        goal=f"<= {GOAL_S:g} s more than a trivial run",
        met=more.value <= GOAL_S,
        how=f"null model, minispeech, whole catalogue present, cold cache; median of {times} pairs; "
        f"CPU {more_cpu.text('s')}; trivial run {base.text('s')}",
        details={"wall_s": more.plain(), "cpu_s": more_cpu.plain(), "trivial_wall_s": base.plain()},
    )
