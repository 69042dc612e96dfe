"""Processor time of the harness per question with options, against the least that reads, asks and scores."""

import shutil
from pathlib import Path

from inputs import CHILDREN, REPOSITORY, Inputs
from measuring import Run, marginal, median, pytest, python, run
from result import Result

GOAL = 1.5
SECONDS = 10
"""How long the clips of such benchmarks are: MMAU's are 10 s in the median."""

ADAPTER = """from audiobench_pytest.models.base import ModelAdapter
from audiobench_pytest.types import Answer


class AlwaysB(ModelAdapter):
    follows_instructions = True
    batch_rows = 16

    def identity(self):
        return self.base_identity()

    def load(self):
        pass

    def generate(self, batch):
        return [Answer("B") for request in batch if request.prompt.text and len(request.audio.samples)]
"""

REGISTER = """

def pytest_audiobench_register(registry):
    registry.catalog(Path(__file__).parent / "catalog")
    registry.adapter("always-b", "always_b:AlwaysB")
"""

ENTRY = "models: [{name: always-b, adapter: always-b, licence: none}]\n"


def measure(inputs: Inputs) -> Result:
    """Compare the marginal cost of a cold run of an adapter that always says B with that of the bare loop, in turns."""
    sizes = (100, 300) if inputs.quick else (500, 2500)
    folder = inputs.made("questions", "make_questions.py", *sizes, 1, SECONDS)

    def harness(manifest: Path) -> Run:
        project = inputs.benchmark_project()
        shutil.copytree(REPOSITORY / "benchmarks" / "audio_qa", project / "benchmarks" / "audio_qa")
        (project / "always_b.py").write_text(ADAPTER)
        (project / "catalog" / "models").mkdir(parents=True)
        (project / "catalog" / "models" / "always_b.yaml").write_text(ENTRY)
        conftest = project / "conftest.py"
        conftest.write_text(f"from pathlib import Path\n{conftest.read_text()}{REGISTER}")
        asked = ("--dataset", f"audio-qa:{manifest}", "--model", "always-b")
        return run(pytest("benchmarks/audio_qa", *asked), cwd=project, env={"PYTHONPATH": str(project)})

    def bare(manifest: Path) -> Run:
        return run(python(CHILDREN / "bare_choice.py", manifest), cwd=inputs.folder)

    times = inputs.times(5)
    files = {size: folder / f"{size}.jsonl" for size in sizes}
    cost = marginal({"harness": harness, "bare": bare}, files, times)
    ours, theirs, ratio = median(cost.ms("harness")), median(cost.ms("bare")), cost.ratio("harness", "bare")
    return Result(
        figure="harness CPU per question with options",
        measured=ratio.text("x bare"),
        value=ratio.value,
        goal=f"<= {GOAL:g} x a bare loop",
        met=ratio.value <= GOAL,
        how=f"an adapter that always says B, {cost.small} to {cost.large} distinct WAVs of {SECONDS} s, the prompt "
        f"audio-qa/en, choice/audiobench-pytest@2 in both arms, cold cache, {times} pairs; "
        f"harness {ours.text('ms', digits=3)}, bare {theirs.text('ms', digits=3)}",
        details={"ratio": ratio.plain(), "harness_ms": ours.plain(), "bare_ms": theirs.plain()},
    )
