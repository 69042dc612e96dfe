"""A listening test in a real browser: heard, judged by keyboard, saved, gone on with; nothing leaves its folder."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from audiobench_pytest.cli import main
from audiobench_pytest.records.runs.listening import REFERENCE, sessions_of

playwright = pytest.importorskip("playwright.sync_api", reason="needs the package playwright")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs the package axe-playwright-python")
pytest.importorskip("pyloudnorm", reason="needs the extra speech")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a run of two codecs over two clips, with a listening test of each kind."""
    project, root = tmp_path_factory.mktemp("project"), Path(__file__).parents[2]
    shutil.copy(root / "conftest.py", project)
    shutil.copytree(root / "benchmarks" / "codec", project / "benchmarks" / "codec")
    command = [sys.executable, "-m", "pytest", "benchmarks/codec", "-m", "minispeech", "--model", "identity,opus-6k"]
    options = ["--recipe", "speech-shape/audiobench-pytest@1", "--limit", "2", "--audiobench-run=run"]
    done = subprocess.run([*command, *options], cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    cache = str(project / ".audiobench" / "cache")
    for kind in ("ab", "mos", "mushra"):
        assert main(["listen", str(project / "run"), "--kind", kind, "--cache", cache]) == 0
    return project / "run"


@pytest.fixture
def at_kind(opened: Any, run: Path) -> Any:
    """Give what opens the listening test of a kind."""
    return lambda kind: opened(run / f"listen-{kind}" / "index.html", run)


def begin(page: Any, rater: str) -> None:
    page.focus("#rater")
    page.keyboard.type(rater)
    page.keyboard.press("Enter")
    page.wait_for_selector("#sounds button")


def heard(page: Any, key: str, label: str) -> None:
    """Play a sound by its key until it is known to have begun, and stop it."""
    page.keyboard.press(key)
    page.wait_for_selector(f"#sounds button:text('Stop: {label}')")
    page.keyboard.press(key)
    page.wait_for_selector(f"#sounds button:text('Play: {label}')")


def saved(page: Any, folder: Path) -> Path:
    with page.expect_download() as waiting:
        page.click("#save")
    path = folder / waiting.value.suggested_filename
    waiting.value.save_as(path)
    return path


def test_two_are_compared_by_keyboard_alone_and_the_ratings_come_back(at_kind: Any, run: Path, tmp_path: Path) -> None:
    page = at_kind("ab")
    begin(page, "Zoë K.")
    for number in (1, 2):
        assert page.text_content("#where") == f"{number} of 2"
        assert page.locator("#next").is_disabled()
        page.keyboard.press("1")
        assert page.locator("#judge input:checked").count() == 0, "nothing is judged before both were heard"
        heard(page, "a", "Sound A")
        heard(page, "b", "Sound B")
        page.keyboard.press(str(number))  # the first time A, the second time neither
        assert page.locator("#judge input:checked").count() == 1
        page.keyboard.press("Enter")
    page.wait_for_selector("#end:not([hidden])")
    path = saved(page, tmp_path)
    assert path.name.startswith("ratings-")
    said = json.loads(path.read_text())
    assert said["rater"] == "Zoë K."
    assert sorted(sorted(one["values"].values()) for one in said["ratings"]) == [[0, 1], [0.5, 0.5]]
    assert main(["listen", str(run), "--import", str(path)]) == 0


def test_a_mean_opinion_is_given_by_mouse_and_gone_on_with_later(at_kind: Any, run: Path, tmp_path: Path) -> None:
    page = at_kind("mos")
    begin(page, "one")
    for number in (1, 2):
        page.locator("#sounds button").click()
        page.wait_for_selector("#judge input:not([disabled])")
        page.locator("#judge label", has_text="4 Good").click()
        page.click("#next")
        assert page.text_content("#where") == f"{number + 1} of 4"
    path = saved(page, tmp_path)
    assert page.text_content("#said") == "2 of 4 saved."
    order = page.evaluate("order.map((trial) => trial.id)")
    again = at_kind("mos")
    again.set_input_files("#earlier", path)
    again.wait_for_selector("#sounds button")
    assert again.text_content("#where") == "3 of 4"
    assert again.evaluate("order.map((trial) => trial.id)") == order, "the same rater hears the same order"
    again.click("#back")
    assert again.locator("#judge input:checked").count() == 1
    other = at_kind("mos")
    other.set_input_files("#earlier", {"name": "x.json", "mimeType": "application/json", "buffer": b"[1]"})
    playwright.expect(other.locator("#said")).to_have_text("These are ratings of another test.")


def test_mushra_hides_the_reference_and_moves_sliders(at_kind: Any, run: Path, tmp_path: Path) -> None:
    page = at_kind("mushra")
    begin(page, "two")
    for _ in range(2):
        heard(page, "r", "Reference")
        count = page.locator("#judge input").count()
        assert count == 4
        for number in range(1, count + 1):
            heard(page, str(number), f"Sound {number}")
        for number in range(count):
            slider = page.locator("#judge input").nth(number)
            slider.focus()
            for _ in range(number + 1):
                page.keyboard.press("ArrowRight")
        assert page.locator("#judge output").all_text_contents() == ["51", "52", "53", "54"]
        page.keyboard.press("Enter")
    path = saved(page, tmp_path)
    said = json.loads(path.read_text())
    session = sessions_of(run)[said["session"]]
    names = {name for trial in session.trials for name, what in trial.stimuli.items() if what == REFERENCE}
    assert len(names & {name for one in said["ratings"] for name in one["values"]}) == 2
    assert main(["listen", str(run), "--import", str(path)]) == 0


@pytest.mark.parametrize("kind", ["ab", "mos", "mushra"])
def test_it_is_for_everybody(browser: Any, run: Path, kind: str) -> None:
    page = browser.new_page()  # axe itself asks for the style, which the page may not
    page.goto((run / f"listen-{kind}" / "index.html").as_uri())
    begin(page, "three")
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    found = axe.Axe().run(page).response["violations"]
    assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found] == []
    page.close()
