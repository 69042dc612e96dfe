"""Opens a report in Chromium and scrolls it; prints seconds until it is readable, the longest frame, samples seen."""

import json
import shutil
import sys
import time
from pathlib import Path

from playwright.sync_api import sync_playwright

SCROLLS = 200
WATCH = """() => {
  window.frames_ms = [];
  let last = performance.now();
  const tick = (now) => { window.frames_ms.push(now - last); last = now; requestAnimationFrame(tick); };
  requestAnimationFrame((now) => { last = now; requestAnimationFrame(tick); });
}"""


def main() -> None:
    page_at = Path(sys.argv[1]).resolve().as_uri()
    with sync_playwright() as started:
        flags = ["--no-sandbox", "--disable-gpu", "--no-first-run"]
        browser = started.chromium.launch(executable_path=shutil.which("chromium"), args=flags)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto("about:blank")
        began = time.perf_counter()
        page.goto(page_at)
        page.wait_for_selector("#samples article")
        opened = time.perf_counter() - began
        page.evaluate(WATCH)
        for _ in range(SCROLLS):
            page.mouse.wheel(0, 900)
            page.wait_for_timeout(15)
        frames = page.evaluate("window.frames_ms")
        seen = page.locator("#samples article").count()
        browser.close()
    print(json.dumps({"opened_s": opened, "worst_ms": max(frames), "frames": len(frames), "seen": seen}))


if __name__ == "__main__":
    main()
