"""Memory that a set of questions with several sounds a row takes while it is read."""

from inputs import CHILDREN, Inputs
from measuring import in_turns, median, python, run
from result import Result

GOAL_MB = 150.0
SOUNDS = 3


def measure(inputs: Inputs) -> Result:
    """Read a manifest of questions, four options and three sounds a row, in a process of its own."""
    rows = 300 if inputs.quick else 3000
    folder = inputs.made(f"question-rows-{rows}", "make_questions.py", rows // 10, rows, SOUNDS, 1)
    command = python(CHILDREN / "read_questions.py", folder / f"{rows}.jsonl", SOUNDS)
    times = inputs.times(3)
    runs = in_turns({"read": lambda: run(command, cwd=inputs.folder)}, times)["read"]
    if runs[0].output.split() != [str(rows)]:
        raise RuntimeError(f"read {runs[0].output} instead of {rows}")
    peak, used = max(r.peak_mb for r in runs), median([r.cpu_s for r in runs])
    return Result(
        figure=f"{rows} questions of {SOUNDS} sounds read",
        measured=f"{peak:.0f} MB",
        value=peak,
        goal=f"<= {GOAL_MB:g} MB",
        met=peak <= GOAL_MB,
        how=f"highest of {times}, imports included, files looked at; CPU {used.text('s')}",
        details={"peak_mb": peak, "cpu_s": used.plain()},
    )
