"""What a sweep of models saves by loading each while the last batches of the one before are answered."""

import json

from inputs import Inputs
from measuring import Run, in_turns, median, pytest, run
from result import Result

GOAL = 0.8

MODELS = """
import time

class Slow:
    def load(self, args):
        time.sleep({load_s})

    def generate(self, batch):
        time.sleep({batch_s})
        return ["nothing" for _ in batch]

class First(Slow):
    loads_beside = True
    memory_gb = 0.01

class Second(Slow):
    loads_beside = True
    memory_gb = 0.01

class Third(Slow):
    loads_beside = True
    memory_gb = 0.01
"""


def measure(inputs: Inputs) -> Result:
    """Compare a sweep of three models with and without, in turns, by the clock.

    Loading takes as long as eight batches of the model before, in seconds that are known: what is hidden of the second
    and third load is the difference over the two of them.
    """
    load_s, batch_s, limit = (0.4, 0.05, 80) if inputs.quick else (2.0, 0.25, 80)

    def sweep(how: str) -> Run:
        project = inputs.benchmark_project()
        (project / "sweep.py").write_text(MODELS.format(load_s=load_s, batch_s=batch_s))
        names = ",".join(f"./sweep.py:{name}" for name in ("First", "Second", "Third"))
        arguments = ["-m", "minispeech", "--model", names, "--limit", limit, "-n", 0]
        settings = ["--audiobench-set", f"load_ahead={how}", "--audiobench-run", "out"]
        done = run(pytest("benchmarks/asr", *arguments, *settings), cwd=project)
        cells = json.loads((project / "out" / "leaderboard.json").read_text())["cells"]
        if [cell["coverage"] for cell in cells] != [1.0] * 3:
            raise RuntimeError(f"load_ahead={how}: not everything was answered")
        return done

    times = inputs.times(3, 1)
    runs = in_turns({how: lambda how=how: sweep(how) for how in ("on", "off")}, times)
    pairs = list(zip(runs["on"], runs["off"], strict=True))
    hidden = median([(off.wall_s - on.wall_s) / (2 * load_s) for on, off in pairs])
    clock = {how: median([one.wall_s for one in found]) for how, found in runs.items()}
    return Result(
        figure="loads of the next models, hidden behind the ones before",
        measured=hidden.text("of two loads", digits=2),
        value=hidden.value,
        goal=f">= {GOAL:g}",
        met=hidden.value >= GOAL,
        how=f"three models that take {load_s:g} s to load, 10 batches of {batch_s:g} s each, by the clock, {times} "
        f"rounds: {clock['on'].text('s')} against {clock['off'].text('s')} with load_ahead=off",
        details={"hidden": hidden.plain()} | {f"wall_s_{how}": value.plain() for how, value in clock.items()},
    )
