"""`--stage predict|derive|score`: each runs alone, goes on after kill -9, and says what is missing."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from waiting import until

from audiobench_pytest.cli import main

ROOT = Path(__file__).parents[2]

SPEAKER = """
import math, os, time

class Speaker:
    gives = ("speech",)
    reads_aloud = True
    batch_rows = 1

    def load(self, args):
        pass

    def generate(self, batch):
        found = []
        for request in batch:
            with open("said.txt", "a") as file:
                file.write(request["prompt"] + "\\n")
            if "broken" in request["prompt"]:
                found.append({"text": "", "error": "no voice today"})
                continue
            time.sleep(float(os.environ.get("SAYS", "0")))
            step = 3 + len(request["prompt"])
            tone = [0.3 * math.sin(i / step) for i in range(8000)]
            found.append({"speech": tone, "sample_rate": 16000})
        return found
"""

WRITER = """
import os, time

class Writer:
    batch_rows = 1

    def load(self, args):
        pass

    def generate(self, batch):
        with open("heard.txt", "a") as file:
            file.write("heard\\n" * len(batch))
        time.sleep(float(os.environ.get("HEARS", "0")))
        return ["one two"] * len(batch)
"""

SLOW = """
import os, time
from audiobench_pytest.metrics.recipes import Recipe

_score = Recipe.score

def _slow(self, item):
    time.sleep(float(os.environ.get("SCORES", "0")))
    return _score(self, item)

Recipe.score = _slow
"""

RECIPE = "asr-wer/spoken-pocketsphinx@1"


class Staged:
    """A project whose voice and transcriber note what they were asked."""

    def __init__(self, project):
        self.project, self.path = project, project.path
        shutil.copytree(ROOT / "benchmarks" / "tts", self.path / "benchmarks" / "tts")
        (self.path / "speaker.py").write_text(SPEAKER)
        (self.path / "writer.py").write_text(WRITER)
        (self.path / "conftest.py").write_text((self.path / "conftest.py").read_text() + SLOW)
        self.texts("one two", "one", "one two three", "four")

    def texts(self, *said):
        rows = [{"id": f"t{i}", "text": text, "language": "en"} for i, text in enumerate(said)]
        (self.path / "texts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))

    def args(self, stage, *more):
        given = ["benchmarks/tts", "--dataset=tts:texts.jsonl", "--model=./speaker.py:Speaker", f"--recipe={RECIPE}"]
        stages = [f"--stage={stage}"] if stage else []
        return [*given, "--audiobench-set=transcriber=./writer.py:Writer", *stages, *more]

    def run(self, stage="", *more):
        return self.project.pytester.runpytest_inprocess(*self.args(stage, *more))

    def start(self, stage, **slow):
        env = {**os.environ, **{name: str(seconds) for name, seconds in slow.items()}}
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *self.args(stage)]
        return subprocess.Popen(command, cwd=self.path, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def count(self, name):
        path = self.path / name
        return len(path.read_text().splitlines()) if path.exists() else 0

    def outcomes(self):
        return {one["sample_id"]: one for one in self.project.outcomes()}


@pytest.fixture
def staged(project, monkeypatch):
    monkeypatch.chdir(project.path)
    return Staged(project)


def numbers(cell):
    return {name: cell[name] for name in ("value", "low", "high", "sums", "counts", "signature")}


def test_the_stages_one_by_one_give_what_they_give_at_once(staged):
    result = staged.run("predict")
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        ["*audiobench stage: predict*", "texts-speaker-Speaker: 4 of 4 answered", "next: *derive*"]
    )
    assert (staged.count("said.txt"), staged.count("heard.txt")) == (4, 0)
    assert not (staged.project.latest / "leaderboard.json").exists()
    result = staged.run("derive")
    assert result.ret == 0
    result.stdout.fnmatch_lines([f"texts-speaker-Speaker: 4 of 4 read or heard for {RECIPE}", "next: *score"])
    assert (staged.count("said.txt"), staged.count("heard.txt")) == (4, 4)
    assert staged.run("score").ret == 0
    by_stages = staged.project.cell()
    assert (staged.count("said.txt"), staged.count("heard.txt")) == (4, 4)
    assert staged.run().ret == 0
    assert numbers(staged.project.cell()) == numbers(by_stages)
    assert by_stages["counts"]["ok"] == 4
    assert "transcript:writer-Writer#" in by_stages["signature"]


def test_all_stages_may_go_into_one_directory(staged):
    for stage in ("predict", "derive", "score"):
        assert staged.run(stage, "--audiobench-run=run").ret == 0
    assert staged.project.cell(staged.path / "run")["counts"]["ok"] == 4
    assert main(["gate", str(staged.path / "run")]) == 0


def test_what_is_missing_is_said_in_each_stage_and_is_red_in_the_end(staged):
    staged.texts("one two", "broken", "three")
    result = staged.run("predict")
    result.stdout.fnmatch_lines(["texts-speaker-Speaker: 2 of 3 answered; 1 failed", "*1 x no voice today"])
    result = staged.run("derive")
    result.stdout.fnmatch_lines(
        ["*: 2 of 3 read or heard*; 1 missing", "*1 x not answered yet: --stage predict asks the model"]
    )
    staged.texts("one two", "broken", "three", "four", "five")
    result = staged.run("predict", "-k", "nothing")
    result = staged.run("score")
    assert result.ret == 1
    cell = staged.project.cell()
    assert (cell["counts"]["ok"], cell["counts"]["missing"], cell["expected"]) == (2, 3, 5)
    staged.run("predict")
    assert staged.run("score").ret == 1
    found = staged.outcomes()
    assert found["t3"]["state"] == "judge_invalid"
    assert (
        found["t3"]["reason"]
        == "./writer.py:Writer could not write the answer down: not heard yet: --stage derive asks"
    )


def test_a_run_that_only_asked_is_red_to_who_judges_it(staged, capsys):
    staged.run("predict")
    capsys.readouterr()
    assert main(["gate", str(staged.project.latest)]) == 1
    assert "0 of 4 answered" in capsys.readouterr().out


def test_later_stages_need_neither_the_model_nor_its_packages(staged):
    staged.run("predict")
    # Another machine: what is called by this name here cannot even be imported, and is another class.
    (staged.path / "speaker.py").write_text("import a_package_that_is_not_here\n" + SPEAKER.replace("0.3", "0.4"))
    assert staged.run("derive").ret == 0
    (staged.path / "writer.py").write_text("import a_package_that_is_not_here\n" + WRITER)
    assert staged.run("score").ret == 0
    assert staged.project.cell()["counts"]["ok"] == 4
    assert (staged.count("said.txt"), staged.count("heard.txt")) == (4, 4)


def test_of_two_models_of_one_name_nobody_guesses_which_is_meant(staged):
    staged.run("predict")
    for volume in ("0.2", "0.1"):
        (staged.path / "speaker.py").write_text(SPEAKER.replace("0.3", volume))
        if volume == "0.2":
            staged.run("predict")
    result = staged.run("score")
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        ["*the cache holds answers of 2 models called 'speaker-Speaker'*which is meant cannot be*"]
    )


def test_the_sounds_of_a_run_that_only_asked_are_not_pruned(staged, capsys):
    staged.run("predict")
    capsys.readouterr()
    assert main(["prune", "--yes"]) == 0
    assert "0 removed" in capsys.readouterr().out


def test_a_cache_that_was_carried_to_another_machine_is_enough(staged, tmp_path_factory):
    pytest.importorskip("fsspec", reason="needs the extra 'share'")
    staged.run("predict")
    place = tmp_path_factory.mktemp("shared")
    assert main(["cache", "push", f"file://{place}", "--cache", ".audiobench/cache"]) == 0
    assert main(["cache", "pull", f"file://{place}", "--cache", "elsewhere"]) == 0
    (staged.path / "speaker.py").write_text("import a_package_that_is_not_here\n" + SPEAKER.replace("0.3", "0.4"))
    assert staged.run("derive", "--audiobench-cache=elsewhere").ret == 0
    assert staged.run("score", "--audiobench-cache=elsewhere").ret == 0


def test_there_is_no_fourth_stage(staged):
    result = staged.run("train")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--stage must be one of predict, derive, score*"])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("stage", "slow", "before"),
    [
        ("predict", {"SAYS": 0.7}, ()),
        ("derive", {"HEARS": 0.7}, ("predict",)),
        ("score", {"SCORES": 0.7}, ("predict", "derive")),
    ],
)
def test_kill_9_in_any_stage_loses_nothing(staged, stage, slow, before):
    for one in before:
        staged.run(one)
    asked = {"predict": "said.txt", "derive": "heard.txt"}.get(stage)
    process = staged.start(stage, **slow)
    results = staged.path / ".audiobench" / "runs"

    def begun():
        if asked:
            return staged.count(asked) >= 2
        return any(b'"outcome"' in path.read_bytes() or b'"shard"' in path.read_bytes() for path in _lines(results, 3))

    try:
        assert until(lambda: begun() or process.poll() is not None)
        assert process.poll() is None, "it was to be killed amid its work"
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    killed = staged.count(asked) if asked else 0
    for one in ("predict", "derive", "score"):
        assert staged.run(one).ret == 0
    assert staged.project.cell()["counts"]["ok"] == 4
    # The one it was killed over is asked again, and no other.
    assert staged.count("said.txt") <= 4 + (stage == "predict")
    assert staged.count("heard.txt") <= 4 + (stage == "derive")
    assert killed < 4 or not asked


def _lines(runs, number):
    found = sorted(runs.glob("[0-9]*"))
    return found[number - 1].glob("results/*.jsonl") if len(found) >= number else ()
