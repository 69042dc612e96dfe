"""Reports of real runs in a real browser: recordings that a recogniser got wrong, and the board of offline codecs."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

playwright = pytest.importorskip("playwright.sync_api", reason="needs the package playwright")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs the package axe-playwright-python")
ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data"
pytestmark = pytest.mark.slow
CLIPS = 8


def report_of(folder: Path, task: str, *arguments: str) -> Path:
    """Run a benchmark, and return the page of its report."""
    shutil.copy(ROOT / "conftest.py", folder)
    shutil.copytree(ROOT / "benchmarks" / task, folder / "benchmarks" / task)
    command = [sys.executable, "-m", "pytest", f"benchmarks/{task}", *arguments, "--audiobench-html=report"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "report" / "index.html"


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("pocketsphinx", reason="needs the extra 'demo'")
    if not DATA.is_dir():
        pytest.skip("no recordings beside the checkout")
    folder, sets = tmp_path_factory.mktemp("recordings"), []
    for name in ("en_sentences", "digits_fsdd"):
        rows = [json.loads(line) for line in (DATA / name / "manifest.jsonl").read_text("utf-8").splitlines()]
        short = [row for row in rows if row["duration_s"] < 8][:: len(rows) // 40][:CLIPS]
        lines = [json.dumps({**row, "audio": str(DATA / name / row["audio"])}) for row in short]
        (folder / f"{name}.jsonl").write_text("\n".join(lines), "utf-8")
        sets.append(f"--dataset={name}.jsonl")
    return report_of(folder, "asr", *sets, "--model=pocketsphinx,noisy")


@pytest.fixture(scope="module")
def codecs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("pystoi", reason="needs the extra 'speech'")
    recipes = "stoi/audiobench-pytest@1,bit-rate/audiobench-pytest@1"
    models = "identity,mu-law,opus-32k,opus-16k,opus-8k,opus-6k"
    arguments = ("-m", "minispeech", "--model", models, "--recipe", recipes, "--limit", "4")
    return report_of(tmp_path_factory.mktemp("codecs"), "codec", *arguments)


def gone_through(page: Any, cells: int, clips: int, pictures: int) -> None:
    """Read, sort, choose, filter, play, turn the theme, and do it by keyboard."""
    page.wait_for_selector("#samples article")
    assert page.text_content("#verdict").startswith("Green")
    assert page.locator("#board tbody tr").count() == cells
    for head in ("value", "model"):
        page.locator("#board th button", has_text=head).click()
        assert page.locator("#board th[aria-sort=ascending]").count() == 1
    order = page.locator("#board tr[data-cell]").evaluate_all("rows => rows.map((one) => one.dataset.cell)")
    assert sorted(order, key=int) == [str(number) for number in range(cells)]
    for number in range(cells):
        page.locator("#board tr[data-cell] button").nth(number).click()
        playwright.expect(page.locator("#count")).to_have_text(f"{clips} of {clips} samples")
        playwright.expect(page.locator("#samples canvas")).to_have_count(pictures)
    audio = page.locator("#samples audio").first
    audio.evaluate("one => { one.muted = true; return one.play(); }")
    until = time.monotonic() + 10
    while audio.evaluate("one => one.currentTime") <= 0.05:
        assert time.monotonic() < until, "the sound does not move"
        page.wait_for_timeout(50)
    first = page.text_content("#samples article h3").split("  ")[0]
    page.fill("#words", first)
    playwright.expect(page.locator("#count")).to_have_text(f"1 of {clips} samples")
    page.fill("#words", "")
    page.select_option("#which", "state:ok")
    playwright.expect(page.locator("#count")).to_have_text(f"{clips} of {clips} samples")
    page.focus("#theme")
    before = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.keyboard.press("Enter")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != before
    page.focus("#board tr[data-cell] button")
    page.keyboard.press("Enter")
    assert page.locator("#board tr.chosen").count() == 1
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    found = axe.Axe().run(page, options={"preload": False}).response["violations"]
    assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == []


@pytest.mark.parametrize("width", [1280, 390])
def test_what_went_wrong_in_real_recordings_is_seen_and_heard(opened: Any, recordings: Path, width: int) -> None:
    page = opened(recordings, recordings.parents[1], width=width)
    gone_through(page, cells=4, clips=CLIPS, pictures=CLIPS)
    assert page.locator("#board figure").count() == 2
    page.select_option("#which", "wrong")
    assert page.locator("#samples .step.replace, #samples .step.delete, #samples .step.insert").first.is_visible()


@pytest.mark.parametrize("width", [1280, 390])
def test_the_board_of_codecs_is_heard_before_and_after(opened: Any, codecs: Path, width: int) -> None:
    page = opened(codecs, codecs.parents[1], width=width)
    gone_through(page, cells=12, clips=4, pictures=8)
    assert page.locator('#samples audio[aria-label="sound answered"]').count() == 4
