"""Places that are not like ours: other encodings, proxies, options, dry runs; equal status with and without workers."""

import subprocess
import sys

import pytest

WORKERS = [(), ("-n2",)]
CHINESE = "\u4eca\u5929\u5929\u6c14\u5f88\u597d"


def odd_texts(project):
    """Make a set whose texts and name hold what not every terminal or file can."""
    manifest = project.clips(3)
    lines = manifest.read_text().splitlines()
    lines[0] = lines[0].replace('"text": "', '"text": "\\\\ud83d ' + CHINESE)
    manifest.write_text("\n".join(lines) + "\n")
    return manifest


@pytest.mark.parametrize("workers", WORKERS)
@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "ascii"])
def test_any_text_on_any_terminal(project, monkeypatch, workers, encoding):
    monkeypatch.setenv("PYTHONIOENCODING", encoding)
    project.gates("[asr.wer]\nmax = 999\n")
    result = project.run(f"--dataset={CHINESE}={odd_texts(project)}", "--model=oracle", *workers, inprocess=False)
    assert result.ret == 0, result.stdout.str()
    assert {g["metric"]: g["verdict"] for g in project.board()["gates"]} == {"coverage": "pass", "wer": "pass"}


@pytest.mark.parametrize("command", [["list", "recipes"], ["gate", "run"], ["compare", "run", "run"]])
@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
def test_commands_print_on_any_terminal(project, monkeypatch, command, encoding):
    project.run(f"--dataset={CHINESE}={odd_texts(project)}", "--model=oracle", "--audiobench-run=run")
    monkeypatch.setenv("PYTHONIOENCODING", encoding)
    done = subprocess.run(
        [sys.executable, "-m", "audiobench_pytest.cli", *command], cwd=project.path, capture_output=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert b"Traceback" not in done.stderr


def test_an_error_of_ours_is_no_red_verdict(monkeypatch, capsys):
    from audiobench_pytest import cli

    monkeypatch.setattr(cli, "_use_catalog", lambda folders: 1 / 0)
    assert cli.main(["list", "recipes"]) == 3
    assert "ZeroDivisionError" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--setup-plan", "--setup-only", "--collect-only"])
def test_a_dry_run_runs_and_writes_nothing(project, option):
    project.gates("[small.wer]\nmax = 1\n")
    assert project.run(f"--dataset={project.clips(3)}", "--model=noisy", option).ret == 0
    assert not (project.path / ".audiobench").exists()


@pytest.mark.skipif(pytest.version_tuple < (9,), reason="earlier versions notice such a conflict where nobody can tell")
def test_options_that_are_taken_are_told_in_a_sentence(project):
    conftest = project.path / "conftest.py"
    conftest.write_text(
        conftest.read_text() + "\ndef pytest_addoption(parser):\n    parser.addoption('--model', default='mine')\n"
    )
    result = project.run(inprocess=False)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "use the long ones (--audiobench-model)" in result.stderr.str()
    assert "Traceback" not in result.stderr.str()


def test_folders_of_one_name_are_told_apart(project):
    pytest.importorskip("transformers", reason="needs the extra 'local'")
    from audiobench_pytest.models.registry import spec_from

    folders = [project.path / name / "checkpoint-500" for name in ("one", "two")]
    for folder in folders:
        folder.mkdir(parents=True)
    args = (f"--dataset={project.clips(1)}", "--model=" + ",".join(f"hf:{folder}" for folder in folders))
    result = project.run(*args, "--collect-only", "-q")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*small-one-checkpoint-500*", "*small-two-checkpoint-500*"])
    assert spec_from(f"best=hf:{folders[0]}").name == "best"
    assert spec_from("mine=openai:asr-prod").name == "mine"


def test_data_without_a_language_may_be_told_one_and_a_wrong_one_shows(project):
    manifest = project.clips(3)
    lines = [line.replace('"language": "en", ', "") for line in manifest.read_text().splitlines()]
    manifest.write_text("\n".join(line.replace('"text": "', f'"text": "{CHINESE}", "was": "') for line in lines) + "\n")
    result = project.run(f"--dataset={manifest}", "--model=oracle")
    result.stdout.fnmatch_lines(["*3 of 3 references looked at are not written in the script of their language ('en'*"])
    result = project.run(f"--dataset={manifest}", "--model=oracle", "--audiobench-set=language=Chinese")
    assert "not written in the script" not in result.stdout.str()
    assert project.cell()["sums"]["units"] == 3 * len(CHINESE)
    result = project.run(f"--dataset={manifest}", "--model=oracle", "--audiobench-set=language=chinees")
    assert result.ret == 4
    assert "did you mean chinese" in result.stderr.str()
