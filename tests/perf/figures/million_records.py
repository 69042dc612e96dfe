"""What the controller needs to conclude a run of a million scored records."""

import json

from inputs import CHILDREN, Inputs
from measuring import median, python, run
from result import Result

GOAL_S, GOAL_GB = 60.0, 1.5


def measure(inputs: Inputs) -> Result:
    """Read, reduce, judge and report a run directory, in a process that does nothing else."""
    cells, samples = (10, 2000) if inputs.quick else (100, 10_000)
    data = inputs.made(f"records-{cells}-{samples}", "make_records.py", cells, samples)
    times = inputs.times(3, 1)
    seen = []
    for _ in range(times):
        done = run(python(CHILDREN / "reduce_records.py", data, data / "out"), cwd=inputs.folder)
        seen.append(json.loads(done.output.splitlines()[-1]) | {"cpu_s": done.cpu_s})
    if any(one["samples"] != cells * samples for one in seen):
        raise RuntimeError(f"reduced {seen[0]['samples']} of {cells * samples} records")
    clock, used = median([one["total_s"] for one in seen]), median([one["cpu_s"] for one in seen])
    peak = max(one["peak_mb"] for one in seen) / 1000
    steps = ", ".join(f"{name.replace('_', ' ')} {value:.1f} s" for name, value in seen[-1]["steps_s"].items())
    return Result(
        figure=f"conclude {cells * samples:,} scored records",
        measured=f"{clock.text('s', digits=1)}, {peak:.2f} GB",
        value=clock.value,
        goal=f"<= {GOAL_S:g} s, <= {GOAL_GB:g} GB",
        met=clock.value <= GOAL_S and peak <= GOAL_GB,
        how=f"{cells} cells of {samples:,} samples in the files of two workers; median of {times}; {steps}; "
        f"CPU {used.text('s', digits=1)}",
        details={"wall_s": clock.plain(), "cpu_s": used.plain(), "peak_gb": peak, "runs": seen},
    )
