"""What a plan of the whole catalogue costs."""

import re
import shutil

from inputs import REPOSITORY, Inputs
from measuring import in_turns, median, pytest, run
from result import Result

GOAL_S = 2.0
MODELS = [
    *("kimiaudio", "qwen2-audio", "qwen2.5-omni", "whisper-large-v3", "whisper-tiny", "step-audio-2-mini"),
    *("voxtral-mini", "oracle", "noisy", "chance"),
]


def measure(inputs: Inputs) -> Result:
    """Plan every data set of every module x ten models, in a project with the repository's benchmarks."""
    project = inputs.benchmark_project()
    shutil.copytree(REPOSITORY / "benchmarks", project / "benchmarks", dirs_exist_ok=True)
    models = MODELS[:2] if inputs.quick else MODELS
    command = pytest("benchmarks", "--plan", "--model", ",".join(models))
    environment = {"HF_HUB_OFFLINE": "1"}
    times = inputs.times(10, 3)
    runs = in_turns({"plan": lambda: run(command, cwd=project, env=environment)}, times)["plan"]
    (cells,) = re.findall(r"^(\d+) cells,", runs[0].output, re.MULTILINE)
    clock, used = median([r.wall_s for r in runs]), median([r.cpu_s for r in runs])
    return Result(
        figure=f"--plan, the whole catalogue x {len(models)} models",
        measured=clock.text("s"),
        value=clock.value,
        goal=f"<= {GOAL_S:g} s",
        met=clock.value <= GOAL_S,
        how=f"{int(cells):,} cells, the whole command by the clock, median of {times}; CPU {used.text('s')}",
        details={"wall_s": clock.plain(), "cpu_s": used.plain(), "cells": int(cells)},
    )
