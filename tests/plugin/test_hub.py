"""LibriSpeech end to end: from a server on loopback that speaks the hub's routes, then from OpenSLR's folder."""

import os
import subprocess
import sys

import pytest
from waiting import HANGS_S

pytest.importorskip("pyarrow", reason="needs the extra 'hub', which the light environments of tox do not install")

from hub_server import COMMIT_1, HubServer, Repository, clip, parquet, row

ROWS = 12


def asr(project, environment, *args):
    return subprocess.run(
        [sys.executable, "-m", "pytest", "benchmarks/asr", "--dataset=librispeech-test-clean", "--model=oracle", *args],
        cwd=project.path,
        env={**os.environ, "PYTEST_ADDOPTS": "", **environment},
        capture_output=True,
        text=True,
        timeout=HANGS_S,
    )


@pytest.fixture
def hub():
    files = {"data/test_clean-00000-of-00001.parquet": parquet([row(n) for n in range(ROWS)])}
    with HubServer({"TwinkStart/librispeech": Repository({COMMIT_1: files}, {"main": COMMIT_1})}) as server:
        yield server


def test_five_samples_from_the_hub_offline_and_from_a_folder(project, hub, tmp_path):
    environment = hub.environment(tmp_path / "home")
    result = asr(project, environment, "--limit=5")
    assert result.returncode == 0, result.stdout + result.stderr
    cell = project.cell()
    assert (cell["expected"], cell["counts"]["ok"], cell["cached"]) == (5, 5, 0)
    assert cell["data_info"]["revision"] == COMMIT_1
    assert (cell["recipe"], cell["published_recipe"]) == ("wer/ultraeval@1.1", None)
    assert cell["signature"].startswith("wer/ultraeval@1.1|lang:en|")
    stored = [p for p in (project.path / ".audiobench/cache/audio").rglob("*") if p.is_file()]
    assert len(stored) == 5

    folder = project.path / "LibriSpeech" / "test-clean" / "1089" / "134686"
    folder.mkdir(parents=True)
    for n in range(3):
        (folder / f"1089-134686-{n:04d}.flac").write_bytes(clip(n))
    text = "".join(f"1089-134686-{n:04d} text {n}\n" for n in range(3))
    (folder / "1089-134686.trans.txt").write_text(text)
    result = asr(project, {}, "--limit=3", f"--audiobench-set=librispeech_dir={project.path / 'LibriSpeech'}")
    assert result.returncode == 0, result.stdout + result.stderr
    assert project.cell()["cached"] == 3, "the same clips from a folder are not asked again"


def test_a_count_that_differs_from_the_catalogue_stops_the_cell(project, hub, tmp_path):
    result = asr(project, hub.environment(tmp_path / "home"))
    assert result.returncode == 1
    assert "2620" in result.stdout
    assert str(ROWS) in result.stdout


def test_no_hub_within_reach_says_what_to_do(project, tmp_path):
    environment = {"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HOME": str(tmp_path / "home"), "HF_HUB_OFFLINE": "1"}
    result = asr(project, environment, "--limit=5")
    assert result.returncode == 1
    assert "TwinkStart/librispeech" in result.stdout
    assert "HF_HUB_OFFLINE" in result.stdout
