"""How long the first five rows of a set on the hub take, and how much memory."""

from inputs import CHILDREN, Inputs
from measuring import Run, in_turns, median, paired, pytest, python, run, serving, wall
from result import Result

GOAL_S, GOAL_MB = 1.5, 300


def measure(inputs: Inputs) -> Result:
    """Compare a process that loads and decodes 5 rows, nothing cached, with the bare import of pyarrow.

    The server is on loopback, so this is the cost of the loader, not of a network. The whole pytest command with
    `--limit 5` is timed as well.
    """
    rows = 200 if inputs.quick else 2000
    data = inputs.made(f"hub-{rows}", "make_hub_set.py", rows)
    project = inputs.benchmark_project()
    peaks: list[float] = []
    turn = iter(range(10_000))

    with serving(CHILDREN / "serve_hub.py", data, project / "unused") as environment:

        def fresh() -> dict[str, str]:
            return environment | {"HF_HOME": str(project / f"home-{next(turn)}")}

        def five() -> Run:
            cache = project / f"cache-{next(turn)}"
            done = run(python(CHILDREN / "first_rows.py", cache), cwd=project, env=fresh())
            peaks.append(float(done.output.split()[-1]))
            return done

        def command() -> Run:
            cache = project / f"cache-{next(turn)}"
            arguments = ["--dataset", "librispeech-test-clean", "--model", "null", "--limit", 5]
            return run(pytest("benchmarks/asr", *arguments, f"--audiobench-cache={cache}"), cwd=project, env=fresh())

        arms = {
            "five": five,
            "pyarrow": lambda: run(python("-c", "import pyarrow, pyarrow.parquet"), cwd=project),
            "pytest": command,
        }
        times = inputs.times(10, 3)
        runs = in_turns(arms, times)
    more = paired(runs["five"], runs["pyarrow"], wall)
    base, whole = (median([r.wall_s for r in runs[name]]) for name in ("pyarrow", "pytest"))
    size = sum(path.stat().st_size for path in data.glob("*.parquet")) / 1e6
    return Result(
        figure=f"first 5 rows of {rows} on the hub",
        measured=f"{more.text('s more')}, {max(peaks):.0f} MB",
        value=more.value,
        goal=f"<= {GOAL_S:g} s more than import pyarrow, <= {GOAL_MB} MB",
        met=more.value <= GOAL_S and max(peaks) <= GOAL_MB,
        how=f"parquet of {size:.0f} MB in row groups of 100, hub on loopback, nothing cached, loaded and decoded by a "
        f"fresh process; median of {times} pairs; import pyarrow {base.text('s')}; `pytest --limit 5` as a whole "
        f"{whole.text('s')}",
        details={"wall_s": more.plain(), "peak_mb": max(peaks), "pyarrow_s": base.plain(), "pytest_s": whole.plain()}
        | {"pytest_peak_mb": max(r.peak_mb for r in runs["pytest"])},
    )
