"""How long the report of 20,000 samples takes to build, to open in a browser, and how it scrolls there."""

import json

from inputs import CHILDREN, Inputs
from measuring import ChildFailedError, in_turns, median, pytest, python, run
from result import Result

BUILD_S, OPEN_S, FRAME_MS = 20, 2, 100


def measure(inputs: Inputs) -> Result:
    """Run a model that errs over clips of 10 ms, then build the report of that run and open it in Chromium."""
    samples = 1_000 if inputs.quick else 20_000
    _, manifest = inputs.clips(100, samples)
    project = inputs.benchmark_project()
    run(pytest("benchmarks/asr", "--dataset", manifest, "--model", "noisy"), cwd=project)
    page = project / ".audiobench/runs/latest/report/index.html"
    arms = {
        "report": lambda: run(python("-m", "audiobench_pytest.cli", "report", ".audiobench/runs/latest"), cwd=project)
    }
    times = inputs.times(3, 1)
    built = in_turns(arms, times)["report"]
    seen = [json.loads(run(python(CHILDREN / "report_browser.py", page), cwd=project).output) for _ in range(times)]
    if not all(one["seen"] > 50 for one in seen):
        raise ChildFailedError("the report did not scroll")
    build = median([one.wall_s for one in built])
    opened, worst = (median([one[name] for one in seen]) for name in ("opened_s", "worst_ms"))
    size = sum(path.stat().st_size for path in page.parent.rglob("*") if path.is_file()) / 1e6
    met = build.value <= BUILD_S and opened.value <= OPEN_S and worst.value <= FRAME_MS
    return Result(
        figure=f"report of {samples} samples",
        measured=f"built in {build.text('s')}, open in {opened.text('s')}, worst frame {worst.value:.0f} ms",
        value=build.value,
        goal=f"<= {BUILD_S} s, <= {OPEN_S} s, <= {FRAME_MS} ms",
        met=met,
        how=f"`audiobench report` as a whole, {size:.0f} MB with 50 sounds; Chromium at 1,280 x 900, 200 turns of the "
        f"wheel of 900 px; medians of {times}",
        details={"build_s": build.plain(), "opened_s": opened.plain(), "worst_frame_ms": worst.plain()},
    )
