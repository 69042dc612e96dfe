"""What others add: a distribution in a new environment, a project's conftest, and what becomes of a broken one."""

import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

STRANGER = {
    "stranger/__init__.py": "",
    "stranger/doors.py": """
from pathlib import Path

import stranger.steps

def register(registry):
    registry.catalog(Path(__file__).parent / "catalog")
    registry.adapter("echo", "stranger.models:Echo")
    registry.metric("length", "stranger.metrics:Length")
    registry.steps(stranger.steps)
    registry.report("txt", lambda conclusion: f"{len(conclusion.results)} cells\\n")
""",
    "stranger/steps.py": 'TEXT_STEPS = {"swap_case": str.swapcase}\n',
    "stranger/models.py": """
from audiobench_pytest.models.base import ModelAdapter
from audiobench_pytest.types import Answer

class Echo(ModelAdapter):
    \"\"\"Says one thing.\"\"\"

    def identity(self):
        return self.base_identity()

    def load(self):
        pass

    def generate(self, batch):
        return [Answer("THE quick BROWN fox") for _ in batch]
""",
    "stranger/metrics.py": """
from audiobench_pytest.metrics.base import Metric, ratio, total
from audiobench_pytest.types import Quantity, SampleScore

class Length(Metric):
    \"\"\"Mean number of characters of an answer.\"\"\"

    def quantities(self, languages):
        return (Quantity("length", unit=""),)

    def score(self, item, reference, prediction, rule):
        return SampleScore({"n": 1, "characters": len(prediction or "")}, reference, prediction or "")

    def values(self, sums):
        return {"length": ratio(total(sums, "characters"), total(sums, "n"), 1.0)}
""",
    "stranger/catalog/models/echo.yaml": "models: [{name: echo-1, adapter: echo, licence: MIT}]\n",
    "stranger/catalog/recipes/echo.yaml": """
recipes:
  - {name: length/stranger@1, score: length, description: How long answers are, steps: [swap_case]}
""",
    "stranger-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: stranger\nVersion: 1.0\n",
    "stranger-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    "stranger-1.0.dist-info/entry_points.txt": """
[audiobench_pytest]
stranger = stranger.doors:register
broken = stranger.nowhere:register
""",
}


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """A new environment that sees what is installed here, with the stranger's distribution installed into it."""
    folder = tmp_path_factory.mktemp("stranger")
    wheel = folder / "stranger-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, content in STRANGER.items():
            archive.writestr(name, content)
        record = "".join(f"{name},,\n" for name in (*STRANGER, "stranger-1.0.dist-info/RECORD"))
        archive.writestr("stranger-1.0.dist-info/RECORD", record)
    venv.create(folder / "env", with_pip=False)
    python = folder / "env" / "bin" / "python"
    install = [sys.executable, "-m", "pip", "--python", str(python), "install", "--no-index", "--no-deps", str(wheel)]
    subprocess.run(install, check=True, capture_output=True)
    ask = [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    place = Path(subprocess.run(ask, capture_output=True, text=True, check=True).stdout.strip())
    here = [sysconfig.get_path("purelib"), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    # Read line by line: what stands in them adds to the path, which a plain PYTHONPATH would not.
    lines = "".join(f"import site; site.addsitedir({folder!r})\n" for folder in here if folder)
    (place / "here.pth").write_text(lines)
    return python


def test_an_installed_distribution_adds_models_recipes_metrics_steps_and_reports(project, environment):
    manifest = project.clips(4)
    arguments = [f"--dataset={manifest}", "--model=echo-1", "--recipe=length/stranger@1"]
    done = subprocess.run(
        [environment, "-m", "pytest", "-p", "no:cacheprovider", "benchmarks/asr", *arguments],
        cwd=project.path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    cell = project.cell()
    assert (cell["model"], cell["metric"], cell["value"]) == ("echo-1", "length", 19.0)
    assert project.outcomes()[0]["score"]["prediction"] == "the QUICK brown FOX"
    assert (project.latest / "leaderboard.txt").read_text() == "1 cells\n"


def test_listing_shows_what_was_added_and_names_a_broken_door_with_its_distribution(environment):
    done = subprocess.run(
        [environment, "-m", "audiobench_pytest.cli", "list", "models"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "echo-1" in done.stdout
    assert "stranger: its entry point 'broken' failed: ModuleNotFoundError" in done.stderr


def test_nothing_of_others_is_loaded_at_start_up(project, environment):
    manifest = project.clips(2)
    code = (
        "import sys, pytest\n"
        "class Look:\n"
        "    def pytest_sessionfinish(self):\n"
        "        print('LOADED', [name for name in sys.modules if name.startswith('stranger')])\n"
        f"pytest.main(['-q', '-s', 'benchmarks/asr', '--dataset={manifest}', '--model=oracle'], plugins=[Look()])\n"
    )
    done = subprocess.run([environment, "-c", code], cwd=project.path, capture_output=True, text=True, check=False)
    assert "LOADED []" in done.stdout, done.stdout + done.stderr


def test_a_name_that_nobody_knows_names_the_broken_door_as_well(project, environment):
    done = subprocess.run(
        [environment, "-m", "pytest", "benchmarks/asr", "--model=echo-2"],
        cwd=project.path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "unknown model 'echo-2' (did you mean echo-1" in done.stderr
    assert "stranger: its entry point 'broken' failed" in done.stderr


CONFTEST = """
import json
from pathlib import Path

SEEN = Path(__file__).parent / "seen.jsonl"

def note(**what):
    with SEEN.open("a") as file:
        file.write(json.dumps(what) + "\\n")

def pytest_audiobench_register(registry):
    registry.catalog(Path(__file__).parent / "ours")

def pytest_audiobench_run_started(run):
    note(hook="run_started", path=str(run.path))

def pytest_audiobench_cell(result):
    note(hook="cell", cell=str(result.cell), value=result.value)

def pytest_audiobench_gate(result):
    note(hook="gate", metric=result.metric, verdict=str(result.verdict))

def pytest_audiobench_leaderboard(conclusion):
    note(hook="leaderboard", gates=len(conclusion.gates))
"""


@pytest.mark.parametrize("workers", [[], ["-n2"]])
def test_a_conftest_adds_names_and_is_told_what_was_concluded(project, workers):
    (project.path / "ours" / "models").mkdir(parents=True)
    (project.path / "ours" / "models" / "mine.yaml").write_text("models: [{name: perfect, adapter: oracle}]\n")
    conftest = project.path / "conftest.py"
    conftest.write_text(conftest.read_text() + CONFTEST)
    project.gates('["small".wer]\nmax = 1.0\n')
    result = project.run(f"--dataset={project.clips(4)}", "--model=perfect", *workers, inprocess=False)
    assert result.ret == 0, result.stdout.str()
    seen = [json.loads(line) for line in (project.path / "seen.jsonl").read_text().splitlines()]
    assert [row["hook"] for row in seen] == ["run_started", "cell", "gate", "gate", "leaderboard"]
    assert seen[1] == {"hook": "cell", "cell": "small-perfect", "value": 0.0}
    assert {row["metric"] for row in seen[2:4]} == {"coverage", "wer"}
    assert seen[-1]["gates"] == 2


def test_a_hook_that_raises_takes_no_verdict_away(project):
    conftest = project.path / "conftest.py"
    conftest.write_text(conftest.read_text() + "def pytest_audiobench_cell(result):\n    raise OSError('offline')\n")
    project.gates('["small".wer]\nmax = 1.0\n')
    result = project.run(f"--dataset={project.clips(4)}", "--model=oracle", inprocess=False)
    assert result.ret == 0, result.stdout.str()
    result.stdout.fnmatch_lines(["*a hook of another plugin or conftest failed*OSError: offline*"])
    assert (project.latest / "leaderboard.md").is_file()


def test_the_summary_of_a_ci_job_gets_the_leaderboard(project, monkeypatch):
    summary = project.path / "summary.md"
    summary.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    assert project.run(f"--dataset={project.clips(4)}", "--model=oracle").ret == 0
    assert summary.read_text().startswith("before\n")
    assert (project.latest / "leaderboard.md").read_text() in summary.read_text()
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(project.path / "no" / "such" / "folder.md"))
    result = project.run(f"--dataset={project.clips(4)}", "--model=oracle")
    assert result.ret == 0, "what is no verdict turns nothing red"
    result.stdout.fnmatch_lines(["*cannot write GITHUB_STEP_SUMMARY*"])


def test_a_test_report_says_of_each_gate_what_its_cell_measured(project):
    import xml.etree.ElementTree as ET

    project.gates('["small".wer]\nmax = 100.0\n')
    arguments = (f"--dataset={project.clips(6)}", "--model=noisy", "--model-args=wer=0.4", "--junitxml=out.xml")
    assert project.run(*arguments).ret == 0
    cases = {case.get("name"): case for case in ET.parse(project.path / "out.xml").iter("testcase")}
    gate = next(case for name, case in cases.items() if "wer-max" in name)
    told = {found.get("name"): found.get("value") for found in gate.iter("property")}
    cell = project.cell()
    assert told["audiobench_metric"] == "wer"
    assert float(told["audiobench_value"]) == pytest.approx(cell["value"])
    assert (float(told["audiobench_low"]), float(told["audiobench_high"])) == pytest.approx((cell["low"], cell["high"]))
    assert (told["audiobench_n"], told["audiobench_limit"]) == ("6", "100.0")
    assert told["audiobench_recipe"] == cell["recipe"]
    assert told["audiobench_run"].startswith(".audiobench")
    coverage = next(case for name, case in cases.items() if "coverage" in name)
    assert "audiobench_low" not in {found.get("name") for found in coverage.iter("property")}


def test_the_header_is_short_when_little_is_wanted(project):
    manifest = project.clips(2)
    quiet = project.run(f"--dataset={manifest}", "--model=oracle", "-q").outlines
    loud = [line for line in project.run(f"--dataset={manifest}", "--model=oracle").outlines if "cache " in line]
    assert not [line for line in quiet if "cache " in line]
    assert loud
