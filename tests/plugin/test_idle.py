"""In a project that has nothing to do with benchmarks the plugin imports nothing and changes nothing."""

import importlib.util
import os
import subprocess
import sys

import pytest
from waiting import HANGS_S

HEAVY = ("torch", "transformers", "pandas", "numpy", "soundfile", "jiwer", "yaml", "msgspec", "soxr", "filelock")

# The light environments of tox have no torch, and a model whose package is missing is refused.
MODELS = "oracle,pocketsphinx" + (",whisper-tiny" if importlib.util.find_spec("torch") else "")

CHECK = f"""
import sys
def test_nothing_heavy_is_loaded():
    assert [name for name in {HEAVY!r} if name in sys.modules] == []
    ours = sorted(name for name in sys.modules if name.startswith("audiobench_pytest."))
    names = ("", ".asked", ".asked.options", ".asked.declared", ".asked.setting", ".hookspecs")
    allowed = {{f"audiobench_pytest.plugin{{name}}" for name in names}}
    assert set(ours) <= allowed, ours
"""


@pytest.mark.parametrize("args", [[], ["-n1"]])
def test_unrelated_project_imports_nothing_heavy(pytester, args):
    pytester.makepyfile(CHECK)
    # Other plugins of this environment (hypothesis) may import numpy: only ours and xdist are loaded.
    env_plugins = ["-p", "audiobench_pytest.plugin", *(["-p", "xdist"] if args else [])]
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *env_plugins, *args],
        cwd=pytester.path,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
        timeout=HANGS_S,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert "1 passed" in result.stdout


def test_fixture_without_options_skips(pytester):
    pytester.makepyfile(
        "import pytest\n"
        "@pytest.mark.audiobench(task='asr')\n"
        "def test_asr(audiobench):\n"
        "    list(audiobench.outcomes())\n"
    )
    pytester.runpytest_inprocess().assert_outcomes(skipped=1)


def test_collecting_benchmarks_imports_nothing_heavy(project):
    heavy = tuple(set(HEAVY) - {"yaml", "msgspec"})
    (project.path / "conftest.py").write_text(
        (project.path / "conftest.py").read_text()
        + f"""
def pytest_collection_finish():
    import sys
    found = [name for name in {heavy!r} if name in sys.modules]
    assert not found, found
"""
    )
    result = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "audiobench_pytest.plugin", "--collect-only"),
            *("benchmarks", f"--model={MODELS}"),
        ],
        cwd=project.path,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
        timeout=HANGS_S,
    )
    assert "test_asr[minispeech-oracle]" in result.stdout, result.stdout + result.stderr
    assert result.returncode == 0


def test_benchmark_without_a_task_is_told_what_to_write(pytester):
    pytester.makepyfile("def test_asr(audiobench):\n    pass\n")
    result = pytester.runpytest_inprocess()
    assert result.ret != 0
    assert '@pytest.mark.audiobench(task="asr")' in result.stdout.str() + result.stderr.str()
