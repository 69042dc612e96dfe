"""What collecting a catalogue of the size that is aimed at costs."""

import shutil

from inputs import REPOSITORY, Inputs
from measuring import in_turns, median, pytest, run
from result import Result

GOAL_S = 2.0

DATASETS = """datasets:
  - name: set-{number}
    matrix: [{rows}]
    task: asr
    family: family_{family}
    language: en
    recipe: wer/audiobench-pytest@1
    samples: 1000
    hub: {{repo: "somebody/set-{number}", split: test, audio_column: audio, text_column: text}}
    licence: CC BY 4.0
    origin: somebody
"""


def measure(inputs: Inputs) -> Result:
    """Collect every cell of 300 datasets x 10 models from a copy of the package with a larger catalogue."""
    datasets, models = (30, 5) if inputs.quick else (300, 10)
    project = inputs.benchmark_project()
    package = project / "package" / "audiobench_pytest"
    source = REPOSITORY / "src" / "audiobench_pytest"
    shutil.copytree(source, package, ignore=shutil.ignore_patterns("minispeech", "__pycache__"))
    for own in (package / "catalog" / "datasets").glob("*.yaml"):
        own.unlink()
    # As in the real catalogue: files of some entries each, an entry of each family standing for several sets.
    for family in range(datasets // 10):
        rows = ", ".join(f"{{n: {n}}}" for n in range(10))
        text = DATASETS.format(number=f"{family:02d}-{{n}}", rows=rows, family=family)
        (package / "catalog" / "datasets" / f"family-{family:02d}.yaml").write_text(text)
    entries = "".join(f"  - {{name: model-{i}, adapter: 'null', licence: none}}\n" for i in range(models))
    (package / "catalog" / "models" / "many.yaml").write_text("models:\n" + entries)
    names = ",".join(f"model-{i}" for i in range(models))
    command = pytest("--collect-only", "benchmarks/asr", "--model", names)
    environment = {"PYTHONPATH": str(project / "package")}
    times = inputs.times(10, 3)
    runs = in_turns({"collect": lambda: run(command, cwd=project, env=environment)}, times)["collect"]
    collected = sum("::test_asr[" in line for line in runs[0].output.splitlines())
    if collected != datasets * models:
        raise RuntimeError(f"collected {collected} items instead of {datasets * models}:\n{runs[0].output[-2000:]}")
    clock, used = median([r.wall_s for r in runs]), median([r.cpu_s for r in runs])
    return Result(
        figure=f"--collect-only, {datasets} datasets x {models} models",
        measured=clock.text("s"),
        value=clock.value,
        goal=f"<= {GOAL_S:g} s",
        met=clock.value <= GOAL_S,
        how=f"{collected:,} items, the whole command by the clock, median of {times}; CPU {used.text('s')}",
        details={"wall_s": clock.plain(), "cpu_s": used.plain(), "items": collected},
    )
