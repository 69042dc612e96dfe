"""A small benchmark project for pytester: our own benchmark module over clips that the test makes."""

from __future__ import annotations

import contextlib
import importlib
import json
import pkgutil
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf
from waiting import until

import audiobench_pytest
from audiobench_pytest.records.answers.columns import SUFFIX, read_columns

# An in-process pytester run forgets the modules it imported; an extension module that is then imported a second time
# may hang (soxr does), and a class that exists twice is no longer what an `except` or `isinstance` names. What is
# imported here stays: all of ours, and what ours import when they need it.
for _module in (
    "filelock",
    "httpcore",
    "httpx",
    "jiwer",
    "msgspec",
    "numpy.fft",
    "pandas",
    "soxr",
    "whisper_normalizer.english",
    "zhconv",
    *(one.name for one in pkgutil.walk_packages(audiobench_pytest.__path__, "audiobench_pytest.")),
):
    if not _module.endswith((".__main__", ".child")) and ".bundled." not in _module:
        with contextlib.suppress(ImportError):  # of an extra that is not installed
            importlib.import_module(_module)

ROOT = Path(__file__).parents[2]

HOLDS = """
import os, time
from audiobench_pytest.models import harness

_generate, _given = harness.NoisyAdapter.generate, 0

def _held(self, batch):
    global _given
    while _given >= float(os.environ.get("HOLD_AFTER") or "inf"):
        time.sleep(0.01)
    _given += len(batch)
    return _generate(self, batch)

harness.NoisyAdapter.generate = _held
"""
"""A conftest in which the noisy model answers HOLD_AFTER samples in a process, and then works until it is stopped."""

WORDS = """the quick brown fox jumps over a lazy dog while seven old sailors watch from their quiet green
harbour""".split()  # noqa: SIM905 - a sentence reads better than a list


def sentence(i: int) -> str:
    """Return a sentence of five words, different for each `i`."""
    return (
        " ".join(WORDS[(i * 7 + k * (i % 3 + 1)) % len(WORDS)] for k in range(4))
        + f" word{chr(97 + i % 26)}{chr(97 + i // 26)}"
    )


def make_clips(folder: Path, n: int, *, name: str = "manifest.jsonl", seconds: float = 0.2) -> Path:
    """Write `n` distinct clips and their manifest; return the manifest's path."""
    (folder / "audio").mkdir(parents=True, exist_ok=True)
    rows = []
    for i in range(n):
        length = int(16_000 * (seconds + 0.01 * (i % 7)))
        rng = np.random.default_rng(i)
        sf.write(folder / "audio" / f"{i:04d}.wav", (0.1 * rng.standard_normal(length)).astype("float32"), 16_000)
        rows.append(
            {
                "id": f"clip-{i:04d}",
                "audio": f"audio/{i:04d}.wav",
                "text": sentence(i),
                "language": "en",
                "duration_s": length / 16_000,
                "speaker": f"spk{i % 3}",
            }
        )
    manifest = folder / name
    manifest.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return manifest


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what starts workers; a run without xdist starts none that have it, so there these are skipped."""
    without = pytest.mark.skip(reason="started with -p no:xdist")
    for item in items:
        if Path(__file__).parent not in item.path.parents:
            continue
        given = item.callspec.params.values() if isinstance(item, pytest.Function) and hasattr(item, "callspec") else ()
        words = [word for value in given if isinstance(value, list | tuple) for word in value]
        if any(isinstance(word, str) and re.match("-n[0-9]", word) for word in words):
            item.add_marker(pytest.mark.xdist)
        if item.get_closest_marker("xdist") and not config.pluginmanager.hasplugin("xdist"):
            item.add_marker(without)


class Project:
    """A pytester project with our benchmark module, and runs of it."""

    def __init__(self, pytester: pytest.Pytester, addopts: str = "") -> None:
        self.pytester = pytester
        self.path = pytester.path
        (self.path / "benchmarks" / "asr").mkdir(parents=True)
        shutil.copy(ROOT / "conftest.py", self.path / "conftest.py")
        shutil.copy(ROOT / "benchmarks" / "asr" / "test_asr.py", self.path / "benchmarks" / "asr")
        # Hypothesis' plugin imports all of it at the end of a run: 0.1 s of each process, for nothing tested.
        pytester.makeini(f"[pytest]\naddopts = --strict-markers -p no:cacheprovider -p no:hypothesispytest {addopts}\n")

    def clips(self, n: int = 6, name: str = "small", **kwargs: float) -> Path:
        """Make a data set called `name`."""
        return make_clips(self.path / name, n, **kwargs)

    def run(self, *args: object, inprocess: bool = True) -> pytest.RunResult:
        """Run `pytest benchmarks/asr ARGS`."""
        run = self.pytester.runpytest_inprocess if inprocess else self.pytester.runpytest_subprocess
        return run("benchmarks/asr", *map(str, args))

    @property
    def latest(self) -> Path:
        """The newest run directory."""
        return (self.path / ".audiobench" / "runs" / "latest").resolve()

    def board(self, run: Path | None = None) -> dict:
        """Return leaderboard.json."""
        return json.loads(((run or self.latest) / "leaderboard.json").read_text())

    def cell(self, run: Path | None = None) -> dict:
        """Return the only cell of leaderboard.json."""
        (cell,) = self.board(run)["cells"]
        return cell

    def outcomes(self, run: Path | None = None) -> list[dict]:
        """Return every outcome line of a run, duplicates included."""
        lines = [
            json.loads(x)
            for f in sorted((run or self.latest).glob("results/*.jsonl"))
            for x in f.read_text().splitlines()
        ]
        return [x["outcome"] for x in lines if x.get("outcome")]

    def cached_answers(self) -> list[tuple[str, str]]:
        """Return (key, text) of every complete record of the cache, duplicates included."""
        found = []
        for path in sorted((self.path / ".audiobench" / "cache" / "predictions").glob("*/*")):
            if path.suffix == ".jsonl":
                records = [json.loads(line) for line in path.read_bytes().split(b"\n")[:-1]]
                found += [(record["key"], record["text"]) for record in records]
            elif path.suffix == SUFFIX:
                found += [(prediction.key, prediction.text) for prediction in read_columns(path).answers]
        return found

    def until_answered(self, number: int, process: subprocess.Popen | None = None) -> None:
        """Wait until so many answers are kept, or the process has ended."""
        assert until(
            lambda: len(self.cached_answers()) >= number or (process is not None and process.poll() is not None)
        )

    def until_scored(self, number: int, process: subprocess.Popen) -> None:
        """Wait until so many answers are in the results of the newest run, or the process has ended.

        An answer is kept before it is scored: a run that is stopped between the two has it in its cache alone.
        """

        def scored() -> int:
            return sum(f.read_bytes().count(b'{"outcome":') for f in self.latest.glob("results/*.jsonl"))

        assert until(lambda: scored() >= number or process.poll() is not None)

    def holds(self) -> None:
        """Make the noisy model of this project one that HOLD_AFTER holds."""
        conftest = self.path / "conftest.py"
        conftest.write_text(conftest.read_text() + HOLDS)

    def gates(self, text: str) -> None:
        """Write benchmarks/gates.toml."""
        (self.path / "benchmarks" / "gates.toml").write_text(text)


@pytest.fixture
def project(pytester: pytest.Pytester, pytestconfig: pytest.Config) -> Project:
    """An empty benchmark project; its runs have xdist where the run of its test has."""
    return Project(pytester, "" if pytestconfig.pluginmanager.hasplugin("xdist") else "-p no:xdist")
