"""Take the pictures of the report that the docs show.

    python tools/make_screenshots.py            # about three minutes: the demo is run, then its report is opened

Runs `pocketsphinx` and the harness's `noisy` on the bundled recordings, writes the report of that run and takes it in
headless Chromium at 1,280 and 390 pixels into docs/pictures. Needs the extras `demo` and `test`, and `chromium`.
`--run DIR` takes the report of a run that is there.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PICTURES = ROOT / "docs" / "pictures"
MOST_BYTES = 150_000
FLAGS = ("--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--font-render-hinting=none")


@dataclass(frozen=True)
class Shot:
    """One picture: its file, the window, what it begins at ("" for the top), and how the page looks."""

    name: str
    width: int
    height: int
    begins: str = ""
    theme: str = "light"


SHOTS = (
    Shot("report.png", 1280, 860),
    Shot("report-samples.png", 1280, 860, "#cell-title"),
    Shot("report-dark.png", 1280, 700, "#samples-title", "dark"),
    Shot("report-narrow.png", 390, 844),
    Shot("report-narrow-samples.png", 390, 844, "#samples-title"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, help="a run directory; default: the demo is run")
    parser.add_argument("--output", type=Path, default=PICTURES, help="folder of the pictures")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        run = given.run.resolve() if given.run else demo(Path(folder))
        page = Path(folder) / "report" / "index.html"
        command = [sys.executable, "-m", "audiobench_pytest.cli", "report", str(run), "--output", str(page.parent)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        given.output.mkdir(parents=True, exist_ok=True)
        for path in take(page, given.output):
            print(f"{path}: {path.stat().st_size} bytes")


def demo(folder: Path) -> Path:
    """Return the directory of a run of the demo, in a project of its own."""
    shutil.copy(ROOT / "conftest.py", folder)
    shutil.copytree(ROOT / "benchmarks", folder / "benchmarks")
    command = [sys.executable, "-m", "pytest", "benchmarks/asr", "-m", "minispeech", "--model", "pocketsphinx,noisy"]
    done = subprocess.run([*command, "--audiobench-run=run", "-q"], cwd=folder, check=False)
    if done.returncode not in (0, 1):  # a red gate is worth a picture, too
        sys.exit(f"the demo ended with status {done.returncode}")
    return folder / "run"


def take(page: Path, folder: Path) -> Iterator[Path]:
    """Yield the pictures of a report's page; none may be larger than a page of docs can bear."""
    with browser() as started:
        for shot in SHOTS:
            opened = started.new_page(
                viewport={"width": shot.width, "height": shot.height}, color_scheme=shot.theme, device_scale_factor=1
            )
            opened.goto(page.as_uri())
            opened.wait_for_selector("#samples article")
            if shot.begins:
                opened.evaluate("begin => document.querySelector(begin).scrollIntoView()", shot.begins)
            opened.wait_for_timeout(300)
            path = folder / shot.name
            opened.screenshot(path=path)
            opened.close()
            if path.stat().st_size > MOST_BYTES:
                sys.exit(f"{path} has {path.stat().st_size} bytes, more than {MOST_BYTES}: make its window smaller")
            yield path


@contextmanager
def browser() -> Iterator[Any]:
    """Give headless Chromium, the one that is installed here."""
    from playwright.sync_api import sync_playwright

    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        sys.exit("there is no Chromium here: Debian's package is called chromium")
    with sync_playwright() as started:
        opened = started.chromium.launch(executable_path=found, args=list(FLAGS))
        yield opened
        opened.close()


if __name__ == "__main__":
    main()
