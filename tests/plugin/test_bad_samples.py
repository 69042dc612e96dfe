"""A bad sample becomes a record that names file and reason; the rest of the run goes on."""

import json

import numpy as np
import pytest
import soundfile as sf


def edit(manifest, i, **changes):
    rows = [json.loads(line) for line in manifest.read_text().splitlines()]
    rows[i].update(changes)
    manifest.write_text("".join(json.dumps(row) + "\n" for row in rows))


def write_nan(path):
    sf.write(path, np.full(800, np.nan, dtype="float32"), 16_000, subtype="FLOAT")


BROKEN = {
    "missing": lambda p: p.unlink(),
    "empty": lambda p: p.write_bytes(b""),
    "text": lambda p: p.write_text("this is not sound at all, " * 20),
    "truncated": lambda p: p.write_bytes(p.read_bytes()[: p.stat().st_size // 2]),
    "no_samples": lambda p: sf.write(p, np.zeros(0, dtype="float32"), 16_000),
    "nan": write_nan,
}


@pytest.mark.parametrize("kind", BROKEN)
def test_broken_file(project, kind):
    manifest = project.clips(5)
    BROKEN[kind](manifest.parent / "audio" / "0003.wav")
    result = project.run(f"--dataset={manifest}", "--model=oracle")
    assert result.ret == 1, "coverage is a gate by default"
    cell = project.cell()
    assert (cell["counts"]["ok"], cell["counts"]["data_error"]) == (4, 1)
    (bad,) = [o for o in project.outcomes() if o["state"] == "data_error"]
    assert bad["sample_id"] == "clip-0003"
    assert "0003.wav" in bad["reason"]
    assert cell["value"] == 0.0
    assert cell["worst"] > 0.0
    result.stdout.fnmatch_lines(["*clip-0003*0003.wav*"])


def test_empty_reference(project):
    manifest = project.clips(3)
    edit(manifest, 1, text="  ")
    result = project.run(f"--dataset={manifest}", "--model=oracle")
    assert result.ret == 1
    assert project.cell()["counts"]["data_error"] == 1
    result.stdout.fnmatch_lines(["*clip-0001*reference*"])


def test_duplicate_id(project):
    manifest = project.clips(3)
    edit(manifest, 2, id="clip-0001")
    result = project.run(f"--dataset={manifest}", "--model=oracle")
    assert result.ret == 1
    cell = project.cell()
    assert (cell["counts"]["ok"], cell["counts"]["data_error"]) == (2, 1)
    result.stdout.fnmatch_lines(["*clip-0001*line*"])


def test_over_long_audio(project):
    manifest = project.clips(3)
    sf.write(manifest.parent / "audio" / "0001.wav", np.zeros(3 * 16_000, dtype="float32"), 16_000)
    result = project.run(f"--dataset={manifest}", "--model=oracle", "--audiobench-set=max_audio_seconds=2")
    assert result.ret == 1
    assert project.cell()["counts"]["data_error"] == 1


@pytest.mark.parametrize(("rate", "channels"), [(8_000, 1), (22_050, 2), (44_100, 1), (48_000, 2)])
def test_other_rates_and_stereo_are_answered(project, rate, channels):
    manifest = project.clips(2)
    tone = 0.1 * np.sin(np.arange(rate // 2) / rate * 2 * np.pi * 220)
    sf.write(manifest.parent / "audio" / "0001.wav", np.repeat(tone[:, None], channels, axis=1), rate)
    result = project.run(f"--dataset={manifest}", "--model=oracle")
    assert result.ret == 0


def test_a_model_that_raises_fails_its_sample_alone_and_is_asked_again(project):
    manifest = project.clips(6)
    project.pytester.makeconftest(
        (project.path / "conftest.py").read_text()
        + """
import os, pytest
from audiobench_pytest.models.harness import OracleAdapter

@pytest.fixture(autouse=True, scope="session")
def sometimes_broken():
    real = OracleAdapter.generate
    def generate(self, batch):
        if "BROKEN" in os.environ and any(r.audio.samples.size == 3840 for r in batch):
            raise RuntimeError("device on fire")
        return real(self, batch)
    patch = pytest.MonkeyPatch()
    patch.setattr(OracleAdapter, "generate", generate)
    yield
    patch.undo()
"""
    )
    project.pytester._monkeypatch.setenv("BROKEN", "1")
    result = project.run(f"--dataset={manifest}", "--model=oracle", inprocess=False)
    assert result.ret == 1
    cell = project.cell()
    assert (cell["counts"]["ok"], cell["counts"]["failed"]) == (5, 1)
    result.stdout.fnmatch_lines(["*clip-0004*RuntimeError: device on fire*"])
    project.pytester._monkeypatch.delenv("BROKEN")
    assert project.run(f"--dataset={manifest}", "--model=oracle", inprocess=False).ret == 0
    assert project.cell()["cached"] == 5
