"""The report in a real browser: sorted, filtered, heard, gone through by keyboard; nothing leaves its folder."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from made_runs import make_run

from audiobench_pytest.cli import main

playwright = pytest.importorskip("playwright.sync_api", reason="needs the package playwright")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs the package axe-playwright-python")

EVIL = "</script><script>window.hurt=1</script><img src=x onerror=window.hurt=2>"
NAMED = {what: f"<img src=x onerror=window.hurt='{what}'>" for what in ("set", "model", "prompt")}
NAMED["file"] = "<img src=x onerror=window.hurt='file'>.wav"
SAMPLES = 120


def called(run: Path, model: str) -> None:
    """Call the model of a run by another name, and let it have been asked in words."""
    said = {"digest": "f" * 16, "text": NAMED["prompt"]}
    (run / "prompts.jsonl").write_text(json.dumps(said) + "\n")
    for path in (run / "plan.json", *(run / "results").glob("*.jsonl")):
        text = path.read_text().replace('"model":"noisy"', f'"model":{json.dumps(model)}')
        # The prompt of a record is the digest of its words, that of a cell a name.
        path.write_text(
            re.sub(r'"prompt":""(?=,"calls"|,"ended"|,"speech"|,"draw"|,"heard")', f'"prompt":"{"f" * 16}"', text)
        )


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the page of a report of a run with sounds, a baseline, and data that would be a script if it could."""
    folder = tmp_path_factory.mktemp("report")
    rng = np.random.default_rng(0)
    rows = []
    for number in range(SAMPLES):
        tone = 0.3 * np.sin(np.arange(16_000) * rng.uniform(0.05, 0.3))
        soundfile.write(folder / f"{number}.wav", tone, 16_000)
        words = " ".join(rng.choice(["alpha", "bravo", "charlie", "delta"], 8))
        rows.append({"id": f"s{number:03}", "audio": f"{number}.wav", "text": words, "speaker": f"p{number % 3}"})
    rows[0]["text"] += f" {EVIL}"
    rows[1]["id"] = EVIL
    (folder / "2.wav").rename(folder / NAMED["file"])
    rows[2]["audio"] = NAMED["file"]
    manifest = folder / f"{NAMED['set']}.jsonl"
    manifest.write_text("".join(json.dumps(row) + "\n" for row in rows))
    run = make_run(folder / "run", manifest, args={"wer": "0.2"})
    before = make_run(folder / "before", manifest, args={"wer": "0.05", "seed": "1"})
    for one in (run, before):
        called(one, NAMED["model"])
    assert main(["gate", str(run), "--output", str(run)]) == 0
    assert main(["report", str(run), "--baseline", str(before)]) == 0
    return run / "report" / "index.html"


@pytest.fixture(scope="module")
def spoken_report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the page of a report of answers that are speech."""
    project, root = tmp_path_factory.mktemp("project"), Path(__file__).parents[2]
    shutil.copy(root / "conftest.py", project)
    shutil.copytree(root / "benchmarks" / "codec", project / "benchmarks" / "codec")
    command = [sys.executable, "-m", "pytest", "benchmarks/codec", "-m", "minispeech", "--model", "opus-6k"]
    options = ["--recipe", "speech-shape/audiobench-pytest@1", "--limit", "3", "--audiobench-html=report"]
    done = subprocess.run([*command, *options], cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return project / "report" / "index.html"


@pytest.fixture(scope="module")
def labelled_report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the page of a report of two models that name emotions."""
    project, root = tmp_path_factory.mktemp("emotions"), Path(__file__).parents[2]
    shutil.copy(root / "conftest.py", project)
    shutil.copytree(root / "benchmarks" / "emotion", project / "benchmarks" / "emotion")
    rows = []
    for number in range(12):
        soundfile.write(project / f"{number}.wav", np.random.default_rng(number).uniform(-0.1, 0.1, 4000), 16_000)
        mood = ("joy", "anger", "calm")[number % 3]
        rows.append({"id": f"e{number}", "audio": f"{number}.wav", "label": mood, "speaker": f"p{number % 2}"})
    (project / "moods.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    command = [sys.executable, "-m", "pytest", "benchmarks/emotion", "--dataset=emotion:moods.jsonl"]
    options = ["--model=oracle,chance", "--audiobench-set=slices=speaker", "--audiobench-html=report"]
    done = subprocess.run([*command, *options], cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return project / "report" / "index.html"


def test_speed_stands_beside_quality_labels_beside_each_other_and_slices_are_filtered(
    opened: Any, labelled_report: Path
) -> None:
    page = opened(labelled_report, labelled_report.parents[1])
    page.wait_for_selector("#samples article")
    figure = page.locator("#board figure")
    assert "oracle" in figure.locator("figcaption").text_content()
    assert figure.locator("svg circle").count() == 2
    page.locator("#board tr[data-cell] button").nth(1).click()
    matrix = page.locator("#cell table", has=page.locator("th[scope=row]"))
    counts = [int(text.replace("·", "0")) for text in matrix.locator("td").all_text_contents()]
    assert (len(counts), sum(counts)) == (9, 12)
    assert page.text_content("#count") == "12 of 12 samples"
    page.select_option("#slice", label="speaker = p1")
    playwright.expect(page.locator("#count")).to_have_text("6 of 12 samples")
    found = axe.Axe().run(page, options={"preload": False}).response["violations"]
    assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == []


@pytest.fixture(params=[1600, 1280, 390], ids=["broad", "wide", "narrow"])
def page(request: pytest.FixtureRequest, opened: Any, report: Path) -> Any:
    """Give the opened report."""
    found = opened(report, report.parents[2], width=request.param)
    found.wait_for_selector("#samples article")
    return found


def ids(page: Any) -> list[str]:
    return [text.split("  ")[0] for text in page.locator("#samples article h3").all_text_contents()]


def test_the_verdict_is_there_and_data_is_text(page: Any) -> None:
    assert page.text_content("#verdict").startswith("Green")
    page.fill("#words", "script")
    playwright.expect(page.locator("#count")).to_have_text(re.compile("^2 of"))
    assert EVIL in page.text_content("#samples")
    assert page.locator("img").count() == 0


def test_names_are_text_wherever_they_stand(page: Any) -> None:
    for where in ("#gates", "#board", "#cell-title"):
        assert NAMED["set"] in page.text_content(where)
        assert NAMED["model"] in page.text_content(where)
    details = page.locator("#samples details").first
    details.locator("summary").click()
    assert details.locator("p").text_content() == NAMED["prompt"]
    page.fill("#words", "s002")
    playwright.expect(page.locator("#samples article")).to_have_count(1)
    assert page.locator("#samples audio").evaluate("one => one.src").endswith(".wav")
    assert page.locator("img").count() == 0


def test_it_prints_without_what_paper_cannot_do(page: Any) -> None:
    page.emulate_media(media="print")
    shown = page.evaluate(
        "[...document.querySelectorAll('button, #filters, audio')].filter((one) => one.offsetParent).length"
    )
    assert shown == 0
    assert page.locator("#samples article").first.is_visible()
    assert len(page.pdf()) > 10_000


def test_columns_sort_both_ways(page: Any) -> None:
    head = page.locator("#board th button", has_text="value")
    head.click()
    assert page.locator("#board th[aria-sort=ascending]").count() == 1
    page.locator("#board th button", has_text="value").click()
    assert page.locator("#board th[aria-sort=descending]").count() == 1


def test_samples_are_filtered_by_what_turned_and_by_words(page: Any) -> None:
    every = page.text_content("#count")
    assert every == f"{SAMPLES} of {SAMPLES} samples"
    counts = {}
    for which in ("wrong", "worse", "better", "state:ok"):
        page.select_option("#which", which)
        page.wait_for_timeout(50)
        counts[which] = int(page.text_content("#count").split()[0])
    assert 0 < counts["better"] < counts["worse"] <= counts["wrong"] <= SAMPLES == counts["state:ok"]
    page.select_option("#which", "worst")
    page.fill("#words", "s007")
    playwright.expect(page.locator("#count")).to_have_text(re.compile("^1 of"))
    assert ids(page) == ["s007"]


def test_more_samples_come_as_one_scrolls(page: Any) -> None:
    assert len(ids(page)) < SAMPLES
    for _ in range(20):
        page.mouse.wheel(0, 20_000)
        page.wait_for_timeout(50)
        if len(ids(page)) == SAMPLES:
            break
    assert len(set(ids(page))) == SAMPLES


def test_a_sound_is_played(page: Any) -> None:
    audio = page.locator("#samples audio").first
    audio.scroll_into_view_if_needed()
    audio.evaluate("one => { one.muted = true; return one.play(); }")
    until = time.monotonic() + 10
    while audio.evaluate("one => one.currentTime") <= 0.1:
        assert time.monotonic() < until, "the sound does not move"
        page.wait_for_timeout(50)
    assert audio.evaluate("one => one.duration") == pytest.approx(1.0, abs=0.05)


def test_a_sound_is_seen_before_it_is_heard_and_goes_on_where_its_picture_is_clicked(page: Any) -> None:
    canvas = page.locator("#samples canvas").first
    canvas.scroll_into_view_if_needed()
    inked = """one => { const all = one.getContext("2d").getImageData(0, 0, one.width, one.height).data;
      const rows = (from, to) => all.slice(4 * one.width * from, 4 * one.width * to).filter((value, at) => at % 4 === 3 && value > 40).length;
      return [rows(0, one.height / 2), rows(one.height / 2, one.height)]; }"""  # noqa: E501
    waveform, spectrogram = canvas.evaluate(inked)
    assert waveform > 2000
    assert 200 < spectrogram < 4000  # a tone is a line
    page.locator("#samples audio").first.evaluate("one => { one.muted = true; }")
    box = canvas.bounding_box()
    canvas.click(position={"x": box["width"] * 0.8, "y": 10})
    until = time.monotonic() + 10
    while page.locator("#samples audio").first.evaluate("one => one.currentTime") < 0.75:
        assert time.monotonic() < until, "the sound does not go on from there"
        page.wait_for_timeout(50)


def test_what_was_asked_and_what_was_answered_are_played_apart(opened: Any, spoken_report: Path) -> None:
    page = opened(spoken_report, spoken_report.parents[1])
    page.wait_for_selector("#samples article")
    for which in ("asked", "answered"):
        audio = page.locator("#samples article").first.locator(f'audio[aria-label="sound {which}"]')
        audio.evaluate("one => { one.muted = true; return one.play(); }")
        assert audio.evaluate("one => one.duration") > 0.5
    assert page.locator("#samples audio").count() == 6


def test_errors_are_told_without_colour_too(page: Any) -> None:
    texts = page.locator("#samples .step").all_text_contents()
    assert texts
    assert all(any(mark in text for mark in "−+→") for text in texts)


def test_the_theme_turns(page: Any) -> None:
    colour = "getComputedStyle(document.body).backgroundColor"
    first = page.evaluate(colour)
    page.click("#theme")
    assert page.evaluate(colour) != first
    page.click("#theme")
    assert page.evaluate(colour) == first


def test_all_of_it_is_reached_by_keyboard(page: Any) -> None:
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "To the content"
    seen = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        seen.add(page.evaluate("document.activeElement.id || document.activeElement.textContent"))
    assert {"theme", "which", "words"} <= seen
    page.focus("#board th button")
    page.keyboard.press("Enter")
    assert page.locator("#board th[aria-sort=ascending]").count() == 1


def test_nothing_is_wider_than_the_window(page: Any) -> None:
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_all_of_a_gate_is_inside_the_window(page: Any) -> None:
    ends = page.eval_on_selector_all("#gates td", "cells => cells.map((one) => one.getBoundingClientRect().right)")
    assert len(ends) >= 5
    assert max(ends) <= page.viewport_size["width"]
    assert page.get_by_role("row").filter(has_text="built-in default").get_by_role("cell").count() == 5


def test_names_and_labels_are_there_for_those_who_listen(page: Any) -> None:
    unnamed = page.evaluate(
        """[...document.querySelectorAll('button, input, select, audio, canvas, svg[role=img], [role=region]')]
        .filter((one) => !(one.textContent.trim() || one.getAttribute('aria-label') || one.closest('label')))
        .map((one) => one.outerHTML.slice(0, 80))"""
    )
    assert unnamed == []
    assert page.evaluate("document.documentElement.lang") == "en"
    assert page.locator("main").count() == 1


def test_axe_finds_nothing_serious(page: Any) -> None:
    for _ in range(2):  # as it opens, and in the other theme
        found = axe.Axe().run(page, options={"preload": False}).response["violations"]
        serious = [one for one in found if one["impact"] in ("serious", "critical")]
        assert [(one["id"], [node["html"][:120] for node in one["nodes"][:3]]) for one in serious] == []
        page.click("#theme")
