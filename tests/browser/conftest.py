"""A headless Chromium, and a page of which nothing may be complained and that may ask for nothing from outside."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = (
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--autoplay-policy=no-user-gesture-required",
    "--disable-sync",
    "--no-first-run",
    "--mute-audio",
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="needs the package playwright")
    pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs the package axe-playwright-python")
    if CHROMIUM is None:
        pytest.skip("needs Chromium (Debian's package chromium)")
    with playwright.sync_playwright() as started:
        found = started.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield found
        found.close()


@pytest.fixture
def opened(browser: Any) -> Iterator[Callable[..., Any]]:
    """Give what opens a page at a width; when the test ends, nothing may be wrong with any of them."""
    with contextlib.ExitStack() as stack:

        def open_page(place: Path, *inside: Path, width: int = 1280) -> Any:
            """Open a page of a folder; it may load what lies in that folder, and in those that are named."""
            context = browser.new_context(viewport={"width": width, "height": 900}, accept_downloads=True)
            stack.callback(context.close)
            page = context.new_page()
            complaints: list[str] = []
            asked: list[str] = []
            page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.on("request", lambda one: asked.append(one.url))
            allowed = (place.parent.as_uri(), *(one.as_uri() for one in inside), "blob:")

            def nothing_is_wrong() -> None:
                assert complaints == []
                assert [url for url in asked if not url.startswith(allowed)] == []
                assert page.evaluate("window.hurt") is None

            stack.callback(nothing_is_wrong)
            page.goto(place.as_uri())
            return page

        yield open_page
