"""Places that are not like ours: other encodings, proxies, options, dry runs; equal status with and without workers."""

import gzip
import json
import os
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


ROW = {"id": "1", "audio": "audio/0000.wav", "text": "hello there", "language": "en"}
TABLE = b"id,audio,text,language\n1,audio/0000.wav,hello there,en\n"
LINE = json.dumps(ROW).encode() + b"\n"


def written(project, name, content):
    """Write a manifest beside clips."""
    path = project.clips(1).parent / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("workers", WORKERS)
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("set.jsonl.gz", gzip.compress(LINE, mtime=0)),
        ("gz.jsonl", gzip.compress(LINE, mtime=0)),
        ("set.csv", TABLE),
        ("set.csv.gz", gzip.compress(TABLE, mtime=0)),
        ("set.tsv", TABLE.replace(b",", b"\t")),
        ("set.json", json.dumps([ROW], indent=1).encode()),
        ("bom.jsonl", b"\xef\xbb\xbf" + LINE),
        ("bom.csv", b"\xef\xbb\xbf" + TABLE),
    ],
)
def test_a_manifest_is_read_for_what_it_is(project, workers, name, content):
    result = project.run(f"--dataset={written(project, name, content)}", "--model=oracle", *workers)
    assert result.ret == 0, result.stdout.str()
    assert project.cell()["counts"]["ok"] == 1
    assert project.cell()["sums"]["units"] == 2


@pytest.mark.parametrize("workers", WORKERS)
@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("set.zip.jsonl", b"PK\x03\x04" + bytes(60), "is a ZIP archive or an office document: unpack it"),
        ("rows.parquet.jsonl", b"PAR1" + bytes(60), "is a Parquet file: write its rows as JSON lines"),
        ("wide.jsonl", LINE.decode().encode("utf-16"), "is UTF-16: save it as UTF-8"),
        ("table.jsonl", TABLE, "a manifest is JSON lines, or a table whose name ends in .csv or .tsv"),
        ("short.jsonl.gz", gzip.compress(LINE * 50, mtime=0)[:-12], "cut short or damaged"),
        ("uneven.csv", TABLE + b"2,audio/0000.wav\n", "uneven.csv:3: has 2 columns, the first row names 4"),
        ("twice.csv", TABLE.replace(b"language", b"text"), "twice.csv:1: two columns have one name"),
        ("page.jsonl", b"<!doctype html><p>404", "is HTML or XML, such as the page of an error"),
    ],
)
def test_what_is_no_manifest_is_named_for_what_it_is(project, workers, name, content, said):
    result = project.run(f"--dataset={written(project, name, content)}", "--model=oracle", *workers)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert said in result.stderr.str()


@pytest.mark.parametrize("workers", WORKERS)
@pytest.mark.parametrize("name", ["audiobench.toml", "benchmarks/gates.toml"])
@pytest.mark.parametrize(("encoding", "status"), [("utf-8-sig", 0), ("utf-16", 4)])
def test_a_settings_file_in_an_encoding_of_windows(project, workers, name, encoding, status):
    text = "seed = 3\n" if name == "audiobench.toml" else "[small.wer]\nmax = 999\n"
    args = (f"--dataset={project.clips(2)}", "--model=oracle", *workers)
    (project.path / name).write_bytes(text.encode(encoding))
    result = project.run(*args, *((f"--gates={name}",) if "gates" in name else ()))
    assert result.ret == status
    assert status == 0 or f"{name}: not UTF-8" in result.stderr.str()


@pytest.mark.xdist
def test_a_half_of_a_pair_is_storable_at_every_entrance_of_a_manifest(project):
    rows = [{**ROW, "id": "x\ud83d", "speaker": "s\udc00"}, {**ROW, "id": "2", "text": "a \ud800b"}]
    rows.append({**ROW, "id": "3\udfff", "audio": "no\udc80.wav"})
    path = written(project, "half.jsonl", "".join(json.dumps(row) + "\n" for row in rows).encode())
    states = set()
    for workers in WORKERS:
        result = project.run(f"--dataset={path}", "--model=oracle", *workers)
        assert "INTERNALERROR" not in result.stdout.str()
        states.add((result.ret, tuple(sorted(project.cell()["counts"].items()))))
    ((status, counts),) = states
    assert status == 1
    assert {name: n for name, n in counts if n} == {"ok": 2, "data_error": 1}


@pytest.mark.xdist
def test_arguments_that_are_not_utf_8(project):
    manifest = os.fsencode(project.clips(2))
    named = os.fsencode(project.path) + b"/small/\xe4\xf6.jsonl"
    os.link(manifest, named)
    command = [sys.executable, "-m", "pytest", "benchmarks/asr", "--model=oracle", "-p", "no:cacheprovider"]
    for argument in (b"--dataset=" + named, b"--dataset=m\xe4in=" + manifest):
        alone = subprocess.run([*command, argument], cwd=project.path, capture_output=True, timeout=60)
        assert alone.returncode == 0, alone.stdout
        parted = subprocess.run([*command, argument, "-n2"], cwd=project.path, capture_output=True, timeout=60)
        assert parted.returncode == pytest.ExitCode.USAGE_ERROR
        assert b"is not UTF-8, which is all that can be handed to workers: rename it, or leave out -n" in parted.stderr
        assert b"Traceback" not in parted.stdout + parted.stderr
