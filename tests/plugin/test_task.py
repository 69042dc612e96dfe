"""Tasks: each model is asked the question of the task, or nothing is asked at all and the status says so."""

import json
import re
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MOODS = ("angry", "calm", "sad")


@pytest.fixture
def moods(project):
    """A project with a second task, and clips whose answer is a mood."""
    (project.path / "benchmarks" / "emotion").mkdir()
    shutil.copy(ROOT / "benchmarks" / "emotion" / "test_emotion.py", project.path / "benchmarks" / "emotion")
    manifest = project.clips(9)
    rows = [json.loads(line) for line in manifest.read_text().splitlines()]
    manifest.write_text("".join(json.dumps({**row, "label": MOODS[i % 3]}) + "\n" for i, row in enumerate(rows)))
    project.manifest = manifest
    return project


def ask(project, *args, folder="benchmarks/emotion", inprocess=True):
    run = project.pytester.runpytest_inprocess if inprocess else project.pytester.runpytest_subprocess
    return run(folder, *map(str, args))


def told(result):
    return "\n".join([*result.outlines, *result.errlines])


def test_a_served_model_is_asked_for_the_emotion_and_not_to_write_down_what_is_said(moods):
    """Once it was told to write down what is said: accuracy 0, full coverage, PASS."""
    pytest.importorskip("httpx", reason="needs the extra 'api'")
    from openai_server import OpenAIServer, heard

    def respond(asked):
        words = asked.fields["messages"][0]["content"][0]["text"]
        options = words.rsplit(":", 1)[1].strip(" .").split(", ")
        return heard(asked, f"The speaker sounds {options[0]}." if "emotion" in words else "the quick brown fox")

    with OpenAIServer(respond) as server:
        args = ("--model=openai:ear", f"--model-args=url={server.url}")
        result = ask(moods, f"--dataset=emotion:{moods.manifest}", *args, inprocess=False)
        assert result.ret == 0, told(result)
        cell = moods.cell()
        right = sum(row["reference"] in row["prediction"] for row in moods.outcomes())
        assert (cell["metric"], cell["value"]) == ("acc", pytest.approx(100 * right / 9))
        assert right == 3


def test_the_oracle_is_right_and_chance_is_not(moods):
    assert ask(moods, f"--dataset=emotion:{moods.manifest}", "--model=oracle,null").ret == 0
    values = {cell["model"]: cell["value"] for cell in moods.board()["cells"]}
    assert values == {"oracle": 100.0, "null": 0.0}


MODULES = [
    ("emotion", "emotion"),
    ("speaker", "gender"),
    ("sound", "label"),
    ("keyword", "digit"),
    ("audio-qa", "answer"),
]


@pytest.mark.parametrize(("task", "column"), MODULES)
def test_each_task_has_a_run_of_100_percent_and_one_of_chance(project, task, column):
    """What reads the answers, before any model: its own channel is right, a guess at times."""
    module = task.replace("-", "_")
    shutil.copytree(ROOT / "benchmarks" / module, project.path / "benchmarks" / module, dirs_exist_ok=True)
    manifest, options = project.clips(30), ["three", "seven", "nine"]
    rows = [json.loads(line) for line in manifest.read_text().splitlines()]
    asked = {"choices": options, "question": "Which?"} if task == "audio-qa" else {}
    for at, row in enumerate(rows):
        row |= {column: options[at % 3], **asked}
        del row["text"]
    manifest.write_text("".join(json.dumps(row) + "\n" for row in rows))

    assert ask(project, f"--dataset={task}:{manifest}", "--model=oracle,chance", folder=f"benchmarks/{module}").ret == 0
    values = {cell["model"]: cell["value"] for cell in project.board()["cells"]}
    picked = [row for row in project.outcomes() if row["cell"]["model"] == "chance"]
    assert values["oracle"] == 100.0
    assert values["chance"] == pytest.approx(100 * sum(row["reference"] in row["prediction"] for row in picked) / 30)
    assert 10 < values["chance"] < 60


ALWAYS_C = """
class C:
    languages = ["en"]
    follows = True

    def load(self, args):
        pass

    def generate(self, batch):
        assert all("label" in request["prompt"] for request in batch)
        return ["Here they are:\\n0.0 4.0 C:maj" for request in batch]
"""


def test_chords_are_written_down_with_their_times(project):
    """The set of the catalogue is a copy of one's own; half of the time is another chord than is said."""
    pytest.importorskip("mir_eval", reason="needs the extra 'music'")
    shutil.copytree(ROOT / "benchmarks" / "chords", project.path / "benchmarks" / "chords")
    manifest = project.clips(4)
    rows = [json.loads(line) for line in manifest.read_text().splitlines()]
    for at, row in enumerate(rows):
        row["text"] = f"0 2 C:maj\n2 4 {'C:maj' if at % 2 else 'A:min'}"
    manifest.write_text("".join(json.dumps(row) + "\n" for row in rows))
    (project.path / "always.py").write_text(ALWAYS_C)
    asked = [f"--dataset=isophonics-beatles={manifest}", "--model=oracle", f"--model={project.path}/always.py:C"]
    assert ask(project, *asked, folder="benchmarks/chords").ret == 0
    values = {cell["model"]: (cell["metric"], cell["value"]) for cell in project.board()["cells"]}
    assert values == {"oracle": ("majmin", 100.0), "always-C": ("majmin", 75.0)}


@pytest.mark.parametrize("workers", [[], ["-n2"]])
@pytest.mark.parametrize(
    ("dataset", "args", "words"),
    [
        ("emotion:{}", ["--model=pocketsphinx"], "writes down speech and follows no instruction, so emotion"),
        ("{}", ["--model=oracle"], "none of the data sets asked for is of the task emotion: small (asr)"),
        ("emotoin:{}", ["--model=oracle"], "unknown task or layout 'emotoin' (did you mean emotion or nemo?)"),
    ],
)
def test_a_run_in_which_nothing_can_be_asked_is_wrong_usage(moods, workers, dataset, args, words):
    """Once a skipped test and status 0."""
    result = ask(moods, f"--dataset={dataset.format(moods.manifest)}", *args, *workers, inprocess=not workers)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert words in told(result)
    assert not list((moods.path / ".audiobench").glob("runs/*/leaderboard.json"))


@pytest.mark.parametrize("pick", [["-m", "minispeech"], ["--dataset=minispeech"]])
def test_why_nothing_can_be_asked_is_told_however_the_set_was_picked(project, pick):
    """Once a marker left the reason out of the selection: "1 deselected" and status 5."""
    result = ask(project, *pick, "--model=chance", folder="benchmarks/asr")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "model chance does emotion, sentiment" in told(result)


def test_a_task_that_does_not_exist_is_wrong_usage(moods):
    module = moods.path / "benchmarks" / "emotion" / "test_emotion.py"
    module.write_text(module.read_text().replace('"emotion"', '"emotoin"'))
    result = ask(moods, f"--dataset=emotion:{moods.manifest}", "--model=oracle")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "test_emotion: unknown task 'emotoin' (did you mean emotion?)" in told(result)


def test_where_something_can_be_asked_the_rest_is_skipped_with_the_reason(moods):
    result = ask(moods, f"--dataset=emotion:{moods.manifest}", "--model=oracle,pocketsphinx", "-rs")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*model pocketsphinx writes down speech and follows no instruction*"])


def test_a_class_of_ones_own_is_told_how_to_say_that_it_can_be_asked(moods):
    (moods.path / "mine.py").write_text(ALWAYS_C.replace("follows = True", "deaf = True"))
    result = ask(moods, f"--dataset=emotion:{moods.manifest}", f"--model={moods.path}/mine.py:C")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "(a class of your own says that it does with `follows = True`)" in told(result)
    assert re.search(r"it can of openai:<name on a server>, (\S+, ){5}\S+ and \d+ more", told(result))


CATALOG = """
datasets:
  - {name: good, task: emotion, recipe: match/label@1, family: moods, manifest: {path: small/manifest.jsonl}}
  - {name: typo, task: emotion, recipe: match/lable@1, family: typos, manifest: {path: small/manifest.jsonl}}
  - {name: asks, task: emotion, prompt: mine/verbose, family: asks, manifest: {path: small/manifest.jsonl}}
  - {name: gone, task: emotion, family: gone, manifest: {path: no-such/manifest.jsonl}}
"""


@pytest.fixture
def own(moods):
    folder = moods.path / "catalog" / "datasets"
    folder.mkdir(parents=True)
    (folder / "own.yaml").write_text(CATALOG)
    (moods.path / "audiobench.toml").write_text('catalog = "catalog"\n')
    return moods


def test_an_unknown_recipe_of_an_entry_is_refused_where_it_is_selected_only(own):
    """Once it was scored as a word error rate of 278 %, PASS."""
    assert ask(own, "-m", "moods", "--model=oracle").ret == 0
    assert own.cell()["signature"].startswith("match/label@1|")
    result = ask(own, "-m", "typos", "--model=oracle")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "dataset 'typo': unknown recipe 'match/lable@1' (did you mean match/label@1" in told(result)


def test_a_missing_manifest_of_an_entry_that_is_not_selected_ends_nothing(own):
    """Once every run ended with status 4."""
    assert ask(own, "-m", "moods", "--model=oracle").ret == 0
    result = ask(own, "-m", "gone", "--model=oracle")
    assert result.ret != 0
    assert "no such manifest" in told(result)


def test_a_prompt_that_does_not_exist_is_refused_before_anything_is_asked(own):
    pytest.importorskip("httpx", reason="needs the extra 'api'")
    result = ask(own, "-m", "asks", "--model=openai:ear", "--model-args=url=http://127.0.0.1:9/v1")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "unknown prompt 'mine/verbose'" in told(result)


def test_an_entry_may_name_its_columns_and_its_labels(own):
    entry = {
        "name": "mapped",
        "task": "emotion",
        "labels": "ravdess-emotion",
        "family": "mapped",
        "manifest": {"path": str(own.manifest), "columns": {"text": "label"}},
    }
    (own.path / "catalog" / "datasets" / "mapped.yaml").write_text(json.dumps({"datasets": [entry]}))
    assert ask(own, "--dataset=mapped", "--model=oracle").ret == 0
    assert {row["reference"] for row in own.outcomes()} == set(MOODS)
    assert own.outcomes()[0]["meta"]["choices"][0] == "neutral"


DATASET = """datasets:
  - name: my-quiz
    task: bird
    family: my_quiz
    manifest: {path: MANIFEST, columns: {text: label, choices: [a, b, c]}}
    licence: CC0
"""
TASK = """tasks:
  - {name: bird, title: bird song, recipe: match/label@2, reference: [label], closed: true}
"""
PROMPT = """prompts:
  - {name: bird/en, task: bird, text: "{{ audio }}Which bird? {{ choices | join(', ') }}"}
"""
MODULE = """import pytest

@pytest.mark.audiobench(task="bird")
def test_bird(audiobench, audiobench_collector):
    for outcome in audiobench.outcomes():
        audiobench_collector.check(outcome)
"""


def test_a_data_set_is_six_lines_and_a_task_three_entries_and_a_six_line_module(moods):
    """As docs/tasks.md and ARCHITECTURE.md have it, and nothing else."""
    rows = [json.loads(line) for line in moods.manifest.read_text().splitlines()]
    names = dict(zip("abc", MOODS, strict=True))
    moods.manifest.write_text("".join(json.dumps({**row, **names}) + "\n" for row in rows))
    assert len(DATASET.splitlines()) - 1 <= 6
    assert len(MODULE.splitlines()) <= 6
    for kind, text in (("datasets", DATASET), ("tasks", TASK), ("prompts", PROMPT)):
        (moods.path / "catalog" / kind).mkdir(parents=True)
        (moods.path / "catalog" / kind / "mine.yaml").write_text(text.replace("MANIFEST", str(moods.manifest)))
    (moods.path / "audiobench.toml").write_text('catalog = "catalog"\n')
    (moods.path / "benchmarks" / "bird").mkdir()
    (moods.path / "benchmarks" / "bird" / "test_bird.py").write_text(MODULE)
    assert ask(moods, "-m", "my_quiz", "--model=oracle", folder="benchmarks/bird").ret == 0
    assert moods.cell()["value"] == 100.0
    assert moods.outcomes()[0]["meta"]["choices"] == list(MOODS)


@pytest.mark.parametrize("workers", [[], pytest.param(["-n2"], marks=pytest.mark.xdist)])
def test_what_a_model_lacks_that_is_asked_nothing_ends_no_run(project, monkeypatch, workers):
    """Once a key for Chinese was wanted by a run of English, beside a model that could be asked."""
    for variable in ("TENCENTCLOUD_SECRET_ID", "TENCENTCLOUD_SECRET_KEY"):
        monkeypatch.delenv(variable, raising=False)
    args = ["--dataset=minispeech", "--limit=2", "--model=oracle,tencent-zh", "-rs", *workers]
    result = ask(project, *args, folder="benchmarks/asr", inprocess=not workers)
    assert result.ret == 0
    assert "model tencent-zh knows zh; dataset minispeech is en" in told(result)
    assert {cell["model"] for cell in project.board()["cells"]} == {"oracle"}


def test_what_a_model_lacks_that_is_asked_is_told_before_anything_loads(project, monkeypatch):
    for variable in ("TENCENTCLOUD_SECRET_ID", "TENCENTCLOUD_SECRET_KEY"):
        monkeypatch.delenv(variable, raising=False)
    result = ask(project, "--dataset", str(project.clips(4)), "--model=oracle,tencent-en", folder="benchmarks/asr")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "model 'tencent-en' needs" in told(result)
    assert "TENCENTCLOUD_SECRET_KEY" in told(result)
    assert not list((project.path / ".audiobench").glob("runs/*/leaderboard.json"))
