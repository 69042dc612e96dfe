"""What the installed plugin costs a pytest run that has nothing to do with benchmarks."""

from inputs import Inputs
from measuring import Run, cpu, in_turns, median, paired, pytest, run, wall
from result import Result

GOAL_MS = 5.0


def measure(inputs: Inputs) -> Result:
    """Compare a trivial test with and without `-p no:audiobench`; xdist, which we depend on, is off in both arms."""
    project = inputs.trivial_project()

    def arm(*arguments: str) -> Run:
        command = pytest("-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:xdist.looponfail", *arguments)
        return run(command, cwd=project)

    times = inputs.times(60, 8)
    runs = in_turns({"with": lambda: arm(), "without": lambda: arm("-p", "no:audiobench")}, times)
    used = paired(runs["with"], runs["without"], cpu)
    clock = paired(runs["with"], runs["without"], wall)
    base = median([r.cpu_s for r in runs["without"]])
    return Result(
        figure="idle cost in an unrelated project",
        measured=used.text("ms CPU", scale=1000, digits=1),
        value=1000 * used.value,
        goal=f"<= {GOAL_MS:g} ms",
        met=1000 * used.value <= GOAL_MS,
        how=f"pytest of one test with the plugin minus -p no:audiobench, median of {times} pairs [95 % interval]; "
        f"without: {base.text('ms', scale=1000, digits=0)}; clock: {clock.text('ms', scale=1000, digits=1)}",
        details={"cpu_s": used.plain(), "wall_s": clock.plain(), "without_cpu_s": base.plain()},
    )
