"""How many functions of how many files a sample passes, from its manifest to its result line."""

import json

from inputs import CHILDREN, Inputs
from measuring import pytest, run
from result import Result

SAMPLES = 100
FUNCTIONS, FILES = 167, 37
AFTER = ("leaderboard/", "report/", "records/runs/table.py")
"""What is called once the result lines are written."""


def measure(inputs: Inputs) -> Result:
    """Run the oracle over so many clips and over twice as many; what a sample passes is what is called so much more."""
    seen = [_calls(inputs, manifest) for manifest in inputs.clips(SAMPLES, 2 * SAMPLES)]
    passed = [
        name
        for name, calls in seen[1].items()
        if calls - seen[0].get(name, 0) >= 0.9 * SAMPLES and not name.startswith(AFTER)
    ]
    files = {name.split()[0] for name in passed}
    return Result(
        figure="walk of a sample",
        measured=f"{len(passed)} functions in {len(files)} files",
        value=len(passed),
        goal=f"< {FUNCTIONS} in {FILES}",
        met=len(passed) < FUNCTIONS and len(files) < FILES,
        how=f"ours that {SAMPLES} samples more call as many times more, from the manifest to the result line",
        details={"functions": sorted(passed)},
    )


def _calls(inputs: Inputs, manifest) -> dict[str, int]:
    project = inputs.benchmark_project()
    told = project / "calls.json"
    env = {"CALLS": str(told), "PYTHONPATH": str(CHILDREN)}
    run(pytest("-p", "calls", "benchmarks/asr", "--dataset", manifest, "--model", "oracle"), cwd=project, env=env)
    return json.loads(told.read_text())
