"""`audiobench doctor`: what it finds, what mends it, and when its status is 1."""

import json
import os
import subprocess
import sys

import pytest
from hub_server import HubServer

from audiobench_pytest.cli import main
from audiobench_pytest.cli.machine import checks


@pytest.fixture
def doctor(monkeypatch, capsys, tmp_path):
    """Run it in this process, where torch is not looked for and no hub is asked."""
    monkeypatch.setattr(checks, "_is_installed", lambda package: package not in ("torch", "huggingface_hub"))
    monkeypatch.setenv("AUDIOBENCH_ENVIRONMENTS", str(tmp_path / "environments"))
    monkeypatch.chdir(tmp_path)

    def run(*args):
        status = main(["doctor", *map(str, args)])
        out, err = capsys.readouterr()
        found = {one["name"]: one for one in json.loads(out)} if "--json" in args else out
        return status, found, err

    return run


def program(folder, name, script):
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_what_is_here_is_ok_and_nothing_is_left_behind(doctor, tmp_path, monkeypatch):
    program(tmp_path / "bin", "ffmpeg", "echo ffmpeg version 7.1")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    status, found, _ = doctor("--json", "--cache", tmp_path / "cache")
    assert status == 0
    assert found["ffmpeg"]["state"] == "ok"
    assert found["ffmpeg"]["told"].startswith("ffmpeg version 7.1")
    assert found["core"]["state"] == "ok"
    assert found["cache"]["told"].startswith(str(tmp_path / "cache"))
    assert found["key OPENAI_API_KEY"]["state"] == "ok"
    assert "sk-secret" not in json.dumps(found)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bin"]


def test_what_is_not_there_is_off_until_it_is_named(doctor, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("GEMINI_API_KEY", raising=False)
    monkeypatch.delenv("DOUBAO_APP_ID", raising=False)
    status, found, _ = doctor("--json")
    assert status == 0
    assert (found["ffmpeg"]["state"], found["ffmpeg"]["mend"]) == ("off", "apt-get install ffmpeg")
    assert found["key GEMINI_API_KEY"]["mend"] == "export GEMINI_API_KEY=..."
    assert found["account DOUBAO_APP_ID"]["mend"] == "export DOUBAO_APP_ID=..."
    assert found["account DOUBAO_APP_ID"]["told"] == "not set; doubao-llm-asr wants it"
    status, out, _ = doctor("ffmpeg")
    assert status == 1
    assert out.splitlines()[-1] == "to be mended: ffmpeg"
    status, _, err = doctor("ffmpg")
    assert status == 4
    assert "unknown check 'ffmpg' (did you mean ffmpeg" in err


def test_what_does_not_work_is_wrong(doctor, tmp_path, monkeypatch):
    program(tmp_path / "bin", "ffmpeg", "exit 1")
    program(tmp_path / "bin", "nvidia-smi", "echo Failed to initialize NVML; exit 18")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    (tmp_path / "file").touch()
    status, found, _ = doctor("--json", "--cache", tmp_path / "file" / "cache")
    assert status == 1
    assert (found["ffmpeg"]["state"], found["gpu"]["state"]) == ("wrong", "wrong")
    assert "Failed to initialize NVML" in found["gpu"]["told"]
    assert found["cache"]["state"] == "wrong"
    assert "cannot be written: Not a directory" in found["cache"]["told"]
    assert found["cache"]["mend"].startswith("--cache DIR")


def test_an_interpreter_that_isolated_models_want(doctor, tmp_path, monkeypatch):
    program(tmp_path / "bin", "python3.10", "echo 3.10.9")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}/usr/bin{os.pathsep}/bin")
    assert doctor("--json")[1]["python 3.10"]["state"] == "ok"
    program(tmp_path / "bin", "python3.10", "exit 1")
    found = doctor("--json")[1]["python 3.10"]
    assert (found["state"], found["mend"]) == ("off", "pip install uv && uv python install 3.10")


def test_a_model_that_lacks_something_is_wrong(doctor, monkeypatch):
    monkeypatch.delenv("AUDIOBENCH_OPENAI_URL", raising=False)
    status, found, _ = doctor("--json", "--model", "oracle,qwen2-audio-served")
    assert status == 1
    assert found["model oracle"]["state"] == "ok"
    assert "the address of a server that has Qwen/Qwen2-Audio-7B-Instruct" in found["model qwen2-audio-served"]["told"]
    status, found, _ = doctor("--json", "--model", "whisper-tiny@vllm")
    assert "model whisper-tiny@vllm" in found
    status, _, err = doctor("--model", "whisper-tiny@sglang")
    assert status == 4
    assert "cannot be run by 'sglang'; it can by " in err
    status, _, err = doctor("--model", "orakle")
    assert status == 4
    assert "--model: unknown model 'orakle' (did you mean oracle" in err


def test_an_extra_is_as_good_as_what_it_needs(monkeypatch):
    requires = {
        "audiobench-pytest": [
            "numpy>=1",
            "alpha>=2; extra == 'one'",
            "audiobench-pytest[one]; extra == 'two'",
            "beta[fast]; extra == 'two'",
        ],
        "beta": ["gamma; extra == 'fast'"],
    }
    versions = {"alpha": "1.0", "beta": "3"}
    monkeypatch.setattr(checks.importlib.metadata, "requires", lambda name: requires.get(name))
    monkeypatch.setattr(checks, "_version", versions.get)

    def found(extra):
        one = checks._installed("x", checks._needed("audiobench-pytest", extra), "pip", lacking=checks.OFF)
        return one.state, one.told

    assert found("") == ("off", "not installed: numpy")
    assert found("one") == ("wrong", "other versions are needed: alpha 1.0 (wanted: >=2)")
    versions["alpha"] = "2.5"
    assert found("two") == ("off", "not installed: gamma")
    versions["gamma"] = "1"
    assert found("two") == ("ok", "alpha 2.5, beta 3, gamma 1")


WITHOUT_TORCH = """
import sys
from audiobench_pytest.cli import main
from audiobench_pytest.cli.machine import checks
found = checks._is_installed
checks._is_installed = lambda package: package != "torch" and found(package)
sys.exit(main(["doctor", "--json"]))
"""
"""Importing torch takes seconds, and the hub does not need it."""


@pytest.mark.slow
def test_the_hub_is_asked_once_and_not_where_that_is_forbidden(tmp_path):
    pytest.importorskip("huggingface_hub", reason="needs the extra 'hub'")
    with HubServer({}) as server:
        for more, state, words in (
            ({}, "ok", f"{server.url} answers"),
            ({"HF_HUB_OFFLINE": "1"}, "off", "HF_HUB_OFFLINE is set"),
            ({"HF_ENDPOINT": "http://127.0.0.1:9"}, "off", "http://127.0.0.1:9 cannot be reached"),
        ):
            done = subprocess.run(
                [sys.executable, "-c", WITHOUT_TORCH],
                cwd=tmp_path,
                env={**os.environ, **server.environment(tmp_path / "home"), "HF_TOKEN": "hf_secret", **more},
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stdout + done.stderr
            found = {one["name"]: one for one in json.loads(done.stdout)}
            assert found["hub"]["state"] == state
            assert found["hub"]["told"].startswith(words)
            assert found["hub login"]["state"] == "ok"
            assert "hf_secret" not in done.stdout
        assert len(server.log) == 1
