"""Processor time of the harness per question with options, against the least that reads, asks and scores."""

import shutil
from pathlib import Path

from inputs import CHILDREN, REPOSITORY, Inputs
from measuring import Run, in_turns, median, pytest, python, run
from result import Result

GOAL = 1.5
SECONDS = 10
"""How long the clips of such benchmarks are: MMAU's are 10 s in the median."""

MODEL = """class AlwaysB:
    follows = True

    def load(self, args):
        pass

    def generate(self, batch):
        return ["B" for row in batch if row["prompt"]]
"""


def measure(inputs: Inputs) -> Result:
    """Compare the marginal cost of a cold run of a class that always says B with that of the bare loop, in turns."""
    sizes = (100, 300) if inputs.quick else (500, 2500)
    folder = inputs.made("questions", "make_questions.py", *sizes, 1, SECONDS)

    def harness(manifest: Path) -> Run:
        project = inputs.benchmark_project()
        shutil.copytree(REPOSITORY / "benchmarks" / "audio_qa", project / "benchmarks" / "audio_qa")
        (project / "mine.py").write_text(MODEL)
        asked = ("--dataset", f"audio-qa:{manifest}", "--model", "./mine.py:AlwaysB")
        return run(pytest("benchmarks/audio_qa", *asked), cwd=project)

    def bare(manifest: Path) -> Run:
        return run(python(CHILDREN / "bare_choice.py", manifest), cwd=inputs.folder)

    arms = {}
    for size in sizes:
        arms["harness", size] = lambda manifest=folder / f"{size}.jsonl": harness(manifest)
        arms["bare", size] = lambda manifest=folder / f"{size}.jsonl": bare(manifest)
    times = inputs.times(5)
    runs = in_turns(arms, times)
    small, large = sizes

    def marginal_ms(name: str) -> list[float]:
        pairs = zip(runs[name, large], runs[name, small], strict=True)
        return [1000 * (a.cpu_s - b.cpu_s) / (large - small) for a, b in pairs]

    ours, theirs = median(marginal_ms("harness")), median(marginal_ms("bare"))
    ratio = median([a / b for a, b in zip(marginal_ms("harness"), marginal_ms("bare"), strict=True)])
    return Result(
        figure="harness CPU per question with options",
        measured=ratio.text("x bare"),
        value=ratio.value,
        goal=f"<= {GOAL:g} x a bare loop",
        met=ratio.value <= GOAL,
        how=f"a class that always says B, {small} to {large} distinct WAVs of {SECONDS} s, the prompt audio-qa/en, "
        f"choice/audiobench-pytest@2 in both arms, cold cache, {times} pairs; harness {ours.text('ms', digits=3)}, "
        f"bare {theirs.text('ms', digits=3)}",
        details={"ratio": ratio.plain(), "harness_ms": ours.plain(), "bare_ms": theirs.plain()},
    )
