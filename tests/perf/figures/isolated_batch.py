"""What handing a batch to a model in a process of its own costs."""

import json

from inputs import REPOSITORY, Inputs
from measuring import python, run
from result import Result

GOAL_MS = 15.0


def measure(inputs: Inputs) -> Result:
    """Take the median of `isolated_transport.py`, which can also be run by itself."""
    out = inputs.folder / "isolated.json"
    batches = inputs.times(101, 11)
    script = REPOSITORY / "tests" / "perf" / "isolated_transport.py"
    run(python(script, "--batches", batches, "--json", out), cwd=inputs.folder)
    rows = {row["transport"]: row for row in json.loads(out.read_text())["rows"]}
    shared, through_pipe = rows["shared"], rows["bytes"]
    return Result(
        figure="isolated model, batch of 16 x 10 s",
        measured=f"{shared['median_ms']:.1f} ms, p95 {shared['p95_ms']:.1f} ms",
        value=shared["median_ms"],
        goal=f"<= {GOAL_MS:g} ms",
        met=shared["median_ms"] <= GOAL_MS,
        how=f"float32 at 16 kHz through a shared file, by the clock, median of {batches - 1} batches; as messages (for "
        f"other hosts) {through_pipe['median_ms']:.1f} ms; start of the process {shared['start_ms']:.0f} ms",
        details=rows,
    )
