"""The report of real recordings, recognised by a real recogniser, in a real browser."""

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
pytest.importorskip("pocketsphinx", reason="needs the extra 'demo'")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium (Debian's package chromium)"),
    pytest.mark.skipif(not DATA.is_dir(), reason="no recordings beside the checkout"),
]
CLIPS = 8


def test_what_went_wrong_in_real_recordings_is_seen_and_heard(tmp_path: Path) -> None:
    shutil.copy(ROOT / "conftest.py", tmp_path)
    shutil.copytree(ROOT / "benchmarks" / "asr", tmp_path / "benchmarks" / "asr")
    sets = []
    for name in ("en_sentences", "digits_fsdd"):
        rows = [json.loads(line) for line in (DATA / name / "manifest.jsonl").read_text("utf-8").splitlines()]
        short = [row for row in rows if row["duration_s"] < 8][:: len(rows) // 40][:CLIPS]
        lines = [json.dumps({**row, "audio": str(DATA / name / row["audio"])}) for row in short]
        (tmp_path / f"{name}.jsonl").write_text("\n".join(lines), "utf-8")
        sets.append(f"--dataset={name}.jsonl")
    command = [sys.executable, "-m", "pytest", "benchmarks/asr", *sets, "--model=pocketsphinx,noisy"]
    done = subprocess.run(
        [*command, "--audiobench-html=report"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    complaints: list[str] = []
    with playwright.sync_playwright() as started:
        flags = ["--no-sandbox", "--disable-dev-shm-usage", "--autoplay-policy=no-user-gesture-required"]
        page: Any = started.chromium.launch(executable_path=CHROMIUM, args=flags).new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
        page.goto((tmp_path / "report" / "index.html").as_uri())
        page.wait_for_selector("#samples article")
        assert page.text_content("#verdict") == "Green: 4 gates"
        assert page.locator("#board figure").count() == 2
        for number in range(4):
            page.locator("#board tr[data-cell] button").nth(number).click()
            playwright.expect(page.locator("#count")).to_have_text(f"{CLIPS} of {CLIPS} samples")
            playwright.expect(page.locator("#samples canvas")).to_have_count(CLIPS)
        page.select_option("#which", "wrong")
        audio = page.locator("#samples audio").first
        audio.evaluate("one => { one.muted = true; return one.play(); }")
        until = time.monotonic() + 10
        while audio.evaluate("one => one.currentTime") <= 0.05:
            assert time.monotonic() < until, "the sound does not move"
            page.wait_for_timeout(50)
        found = axe.Axe().run(page, options={"preload": False}).response["violations"]
        assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == []
    assert complaints == []
