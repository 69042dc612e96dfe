"""What collecting the repository's own benchmarks costs over a trivial pytest run."""

from inputs import REPOSITORY, Inputs
from measuring import in_turns, median, paired, pytest, run, wall
from result import Result

GOAL_S = 0.5


def measure(inputs: Inputs) -> Result:
    """Compare `pytest --collect-only benchmarks --model ...` in the repository with one trivial test elsewhere."""
    project = inputs.trivial_project()
    collect = pytest("--collect-only", "-p", "no:cacheprovider", "benchmarks", "--model", "whisper-large-v3,null")
    arms = {
        "collect": lambda: run(collect, cwd=REPOSITORY),
        "trivial": lambda: run(pytest("-p", "no:cacheprovider"), cwd=project),
    }
    times = inputs.times(15, 3)
    runs = in_turns(arms, times)
    clock = paired(runs["collect"], runs["trivial"], wall)
    used = paired(runs["collect"], runs["trivial"], lambda r: r.cpu_s)
    base = median([r.wall_s for r in runs["trivial"]])
    return Result(
        figure="--collect-only on the benchmarks",
        measured=clock.text("s more"),
        value=clock.value,
        goal=f"<= {GOAL_S:g} s more than a trivial run",
        met=clock.value <= GOAL_S,
        how=f"two models, whole catalogue; median of {times} pairs; CPU {used.text('s')}; trivial run {base.text('s')}",
        details={"wall_s": clock.plain(), "cpu_s": used.plain(), "trivial_wall_s": base.plain()},
    )
