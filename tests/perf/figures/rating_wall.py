"""What rating the sounds of answers takes beside the rater's own work."""

import json
import shutil
from pathlib import Path

from inputs import CHILDREN, REPOSITORY, Inputs
from measuring import Run, in_turns, median, pytest, python, run
from result import Result

GOAL = 1.02
RATER, RECIPE = "dnsmos", "dnsmos/audiobench-pytest@1"
SECONDS = 10


def measure(inputs: Inputs) -> Result:
    """Compare the stage that rates, when nothing is rated yet, with a bare loop over the same rater, in turns.

    The answers are those of the codec `identity`, given before. A stage that finds all of its ratings kept costs what
    starting and concluding cost: that is taken away.
    """
    count = 20 if inputs.quick else 100
    manifest = inputs.speech(count, SECONDS)
    asked = ("benchmarks/codec", "--dataset", manifest, "--model", "identity", "--recipe", RECIPE)

    def stage(project: Path, name: str) -> Run:
        return run(pytest(*asked, "--stage", name, "--audiobench-run", f"{name}-run"), cwd=project)

    def harness() -> Run:
        project = inputs.benchmark_project()
        shutil.copytree(REPOSITORY / "benchmarks" / "codec", project / "benchmarks" / "codec")
        stage(project, "predict")
        cold = stage(project, "derive")
        again.append(stage(project, "derive").wall_s)
        return cold

    again: list[float] = []
    arms = {
        "harness": harness,
        "bare": lambda: run(python(CHILDREN / "bare_rate.py", manifest, RATER), cwd=inputs.folder),
    }
    times = inputs.times(3)
    runs = in_turns(arms, times)
    ours = [cold.wall_s - start for cold, start in zip(runs["harness"], again[-times:], strict=True)]
    theirs = [json.loads(one.output)["wall_s"] for one in runs["bare"]]
    ratio = median([a / b for a, b in zip(ours, theirs, strict=True)])
    return Result(
        figure=f"rating {count} answers of {SECONDS} s",
        measured=ratio.text("x bare"),
        value=ratio.value,
        goal=f"<= {GOAL:g} x a bare loop",
        met=ratio.value <= GOAL,
        how=f"{RATER}, stage derive of answers given before, less what it takes when all is kept; {times} pairs; "
        f"harness {median(ours).text('s')}, bare {median(theirs).text('s')}",
        details={"ratio": ratio.plain(), "harness_s": ours, "bare_s": theirs, "again_s": again[-times:]},
    )
