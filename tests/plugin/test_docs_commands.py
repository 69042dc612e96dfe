"""Every command of the pages: read by the parser that it is for, planned, run where this machine has what it needs."""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from doc_commands import ROOT, Command, all_commands, commands_of, spans
from made_runs import make_run, make_set

from audiobench_pytest.cli import main, parser
from audiobench_pytest.plugin.asked.declared import OPTIONS

COMMANDS = all_commands()
OURS = [command for command in COMMANDS if command.words[0] == "audiobench"]
BENCHMARKS = [command for command in COMMANDS if command.words[0] == "pytest" and len(command.words) > 3]
KNOWN = {"audiobench", "pytest", "pip", "mkdocs", "python"}
ELSEWHERE = re.compile(r"https?://(?!127\.)|/mnt/|^wer/mine@1$|^ultraeval:|^\.\./")
"""What is on no machine as it stands: a server, a mount, a checkout, a recipe that the page goes on to write."""

TRIED_ELSEWHERE = {"prepare": "test_prepare.py, on a hub of its own", "listen": "test_listening.py, on spoken answers"}
"""Commands of ours that the folder of this file has nothing for."""


def test_the_pages_are_read():
    assert len(OURS) > 25
    assert len(BENCHMARKS) > 20
    text = "x\n```sh\na b  # c\nd \\\n  e && f 'g h'\n```\n```toml\nno\n```\n"
    found = [(one.line, one.words) for one in commands_of(ROOT / "x.md", text)]
    assert found == [(3, ("a", "b")), (5, ("d", "e")), (5, ("f", "g h"))]


@pytest.mark.parametrize("command", COMMANDS, ids=str)
def test_a_command_is_one_that_is_looked_at_here(command: Command):
    assert command.words[0] in KNOWN
    if command.words[0] == "python":
        assert (ROOT / command.words[1]).is_file()
    if command.words[0] == "pip":
        extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
        for named in re.findall(r"\[([\w,-]+)\]", " ".join(command.words)):
            assert set(named.split(",")) <= set(extras)


@pytest.mark.parametrize("command", OURS, ids=str)
def test_our_own_parser_takes_it(command: Command):
    parser().parse_args(list(command.words[1:]))


def test_a_command_of_ours_that_is_misspelt_is_seen():
    with pytest.raises(SystemExit):
        parser().parse_args(["compare", "A", "B", "--flip-samples", "3"])


def options_of(command: argparse.ArgumentParser, words: list[str]) -> set[str] | None:
    """Return the options of the subcommand that words begin with; None where there is no such subcommand."""
    for word in words:
        below = next((one for one in command._actions if isinstance(one, argparse._SubParsersAction)), None)
        if below is None:
            break
        if word not in below.choices:
            return None if re.fullmatch(r"[a-z]+", word) else options_in(command)
        command = below.choices[word]
    return options_in(command)


def options_in(command: argparse.ArgumentParser) -> set[str]:
    below = [one for one in command._actions if isinstance(one, argparse._SubParsersAction)]
    own = {text for action in command._actions for text in action.option_strings}
    return own.union(*(options_in(one) for action in below for one in action.choices.values()))


PYTESTS = {"--audiobench-" + one.name for one in OPTIONS} | {"--" + one.name for one in OPTIONS if one.short}
PYTESTS |= {
    "--help",
    "--markers",
    "--junitxml",
    "--color",
    "--collect-only",
    "--maxprocesses",
    "--tx",
    "--pdb",
    "--setup-plan",
}


@pytest.mark.parametrize(("page", "span"), spans())
def test_commands_amid_sentences_name_what_there_is(page: str, span: str):
    program, *words = span.replace("|", " ").split()
    named = {word.partition("=")[0].strip("[],.") for word in words if word.strip("[").startswith("--")}
    known = PYTESTS if program == "pytest" else options_of(parser(), words)
    assert known is not None, f"{page}: there is no command `{span}`"
    if words[:1] != ["plan"]:  # what follows is pytest's
        assert named <= known, f"{page}: `{span}`"


def fill(project: Path) -> None:
    """Write what the pages name: runs, manifests, a model, predictions, a catalogue."""
    shutil.copy(ROOT / "conftest.py", project)
    shutil.copytree(ROOT / "benchmarks", project / "benchmarks", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "examples" / "gate-in-ci" / "model.py", project)
    text = (ROOT / "docs" / "own-model.md").read_text()
    (project / "my_model.py").write_text(re.search(r"```python\n(# my_model.py.*?)```", text, re.DOTALL)[1])
    clips = make_set(project / "path" / "to", 6, "manifest")
    rows = [json.loads(line) | {"duration_s": 0.01} for line in clips.read_text().splitlines()]
    clips.write_text("".join(json.dumps(row) + "\n" for row in rows))
    emotions = [row | {"text": "happy" if number % 2 else "sad"} for number, row in enumerate(rows)]
    (clips.parent / "emotions.jsonl").write_text("".join(json.dumps(row) + "\n" for row in emotions))
    shutil.copy(clips, clips.parent / "wu.jsonl")
    pairs = [{"reference": row["text"], "prediction": row["text"], "id": row["id"]} for row in rows]
    (project / "predictions.jsonl").write_text("".join(json.dumps(row) + "\n" for row in pairs))
    checkpoint = project / "path" / "to" / "checkpoint"
    checkpoint.mkdir()
    (checkpoint / "config.json").write_text(
        '{"model_type": "whisper", "architectures": ["WhisperForConditionalGeneration"]}'
    )
    own = re.search(
        r"```yaml\n# catalog/datasets/ours.yaml\n(.*?)```", (ROOT / "docs" / "own-data.md").read_text(), re.DOTALL
    )
    (project / "catalog" / "datasets").mkdir(parents=True)
    (project / "catalog" / "datasets" / "ours.yaml").write_text(own[1])
    runs = project / ".audiobench" / "runs"
    for number, name in enumerate(("RUN", "RUN_A", "RUN_B", "RUN1", "RUN2", "RUN3", "parts/1", "a", "b")):
        (project / name).parent.mkdir(exist_ok=True)
        run = make_run(project / name, clips, args={"wer": "0.2", "seed": str(number)})
        assert main(["gate", str(run), "--output", str(run)]) == 0
    runs.mkdir(parents=True, exist_ok=True)
    shutil.copytree(project / "RUN", runs / "latest")
    for name in "234":
        shutil.copytree(project / "parts" / "1", project / "parts" / name)
    lock = project / "benchmarks" / "audiobench.lock.json"
    assert main(["baseline", "update", str(project / "RUN_A"), "--file", str(lock)]) == 0


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder that has what the pages name."""
    folder = tmp_path_factory.mktemp("project")
    fill(folder)
    return folder


@pytest.mark.parametrize(
    "command",
    [one for one in OURS if not any(map(ELSEWHERE.search, one.words)) and one.words[1] not in TRIED_ELSEWHERE],
    ids=str,
)
def test_our_own_commands_run(command: Command, project: Path, monkeypatch: pytest.MonkeyPatch, capsys):
    if command.words[1] == "plot":
        pytest.importorskip("matplotlib", reason="needs the extra plots")
    monkeypatch.chdir(project)
    status = main(list(command.words[1:]))
    said = capsys.readouterr()
    # The doctor says by its status whether this machine lacks what was asked about.
    assert status in ((0, 1) if command.words[1] == "doctor" else (0,)), said.err or said.out


IN_ONE_PROCESS = """
import contextlib, io, json, sys
import pytest
for arguments in json.loads(sys.argv[1]):
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        status = int(pytest.main([*arguments, "-p", "no:cacheprovider"]))
    print("RUN", json.dumps([status, said.getvalue()]), flush=True)
"""


def statuses(project: Path, commands: list[list[str]]) -> list[tuple[int, str]]:
    """Return status and output of pytest with these arguments, one after the other in one process."""
    command = [sys.executable, "-c", IN_ONE_PROCESS, json.dumps(commands)]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=True)
    # What a run starts may write to the same stdout, past whatever stands in for it here.
    told = [line.removeprefix("RUN ") for line in done.stdout.splitlines() if line.startswith("RUN ")]
    assert len(told) == len(commands), done.stdout
    return [(status, said) for status, said in map(json.loads, told)]


def lacks(said: str) -> list[str]:
    """Return what a plan says is missing here."""
    line = next(line for line in said.splitlines() if line.startswith('{"audiobench_plan'))
    return [one["what"] for cell in json.loads(line)["audiobench_plan"] for one in cell["missing"]]


HEARD_BY_MANY = re.compile(r"espeak|opus|speecht5")
"""Their answers are heard by packages that take long to load, or spoken by weights of the hub: `test_speech.py` and
`test_stages.py` run such."""


@pytest.mark.slow
def test_benchmarks_can_be_planned_and_what_is_here_runs(project: Path):
    distinct = {one.words: one for one in BENCHMARKS if "ultraeval:" not in " ".join(one.words)}
    # Without workers: what is planned is the same, and a process each would take half a minute more.
    arguments = [[word for word in words[1:] if word not in ("-n", "auto", "--plan")] for words in distinct]
    planned = statuses(project, [[*given, "--audiobench-plan=json"] for given in arguments])
    assert len(planned) == len(distinct)
    runnable = []
    for command, given, (status, said) in zip(distinct.values(), arguments, planned, strict=True):
        assert status == 0, f"{command}\n{said}"
        elsewhere = any(ELSEWHERE.search(word) for word in " ".join(given).split("="))
        if not lacks(said) and not elsewhere and not HEARD_BY_MANY.search(" ".join(given)):
            runnable.append((command, [*given, "--limit", "1"] if "--limit" not in given else given))
    assert len(runnable) >= 3
    for (command, _), (status, said) in zip(runnable, statuses(project, [one for _, one in runnable]), strict=True):
        assert status in (0, 1), f"{command}\n{said}"  # a gate may be red; a command may not be wrong
        assert "audiobench leaderboard" in said
