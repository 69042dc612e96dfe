"""SIM of published tables over a run of codecs: by random weights in the layout of the published file."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from waiting import HANGS_S

pytest.importorskip("transformers", reason="needs the extra 'local'")

from hub_server import COMMIT_1, HubServer, Repository
from tiny_voices import FILE, drawn, save

from audiobench_pytest.catalog.loader import load_catalog

ROOT = Path(__file__).parents[2]
ARGUMENTS = ("benchmarks/codec", "-m", "minispeech", "--recipe", "sim/wavlm-large-sv@1", "--limit=2", "-p", "no:xdist")


HERE = """
import dataclasses
from audiobench_pytest.runner.hearing import asking, stages

model_of = asking.model_of

def here(name):
    return dataclasses.replace(model_of(name), source=FOLDER, args={"file": FILE, "device": "cpu"})

asking.model_of = stages.model_of = here
"""


@pytest.fixture
def codecs(project):
    shutil.copytree(ROOT / "benchmarks" / "codec", project.path / "benchmarks" / "codec")
    return project


def run(project, *args, **environment):
    return subprocess.run(
        [sys.executable, "-m", "pytest", *ARGUMENTS, *args],
        cwd=project.path,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=HANGS_S,
        check=False,
    )


def test_what_a_codec_spoils_is_less_like_the_recording(codecs, tmp_path):
    save(drawn(), tmp_path)
    text = HERE.replace("FOLDER", repr(str(tmp_path))).replace("FILE", repr(FILE))
    (codecs.path / "weights_here.py").write_text(text)
    found = run(codecs, "-p", "weights_here", "--model=identity,mu-law-4")
    assert found.returncode == 0, found.stdout
    board = json.loads((codecs.path / ".audiobench" / "runs" / "latest" / "leaderboard.json").read_text())
    cells = {cell["model"]: cell for cell in board["cells"]}
    assert {(cell["recipe"], cell["metric"]) for cell in cells.values()} == {("sim/wavlm-large-sv@1", "sim")}
    same, spoilt = (cells[name]["value"] for name in ("identity", "mu-law-4"))
    assert same == pytest.approx(1.0, abs=1e-6)
    assert spoilt < 0.999


def test_a_copy_of_other_weights_scores_nothing(codecs, tmp_path):
    spec = load_catalog().models.get("wavlm-large-sv")
    other = Repository({COMMIT_1: {FILE: b"other weights"}}, {"main": COMMIT_1})
    with HubServer({spec.source: other}) as hub:
        found = run(codecs, "--model=identity", **hub.environment(tmp_path / "home"))
    assert found.returncode != 0
    assert f"its entry wants {spec.args['sha256']}" in found.stdout + found.stderr
