"""The documentation as a site: built strictly, complete, and with nothing of other servers in it."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
MARKDOWN = [
    ROOT / "README.md",
    ROOT / "ARCHITECTURE.md",
    *sorted(DOCS.glob("*.md")),
    ROOT / "examples/gate-in-ci/README.md",
]
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
MOST_BYTES = 150_000


def slug(heading: str) -> str:
    """Return what a heading is linked by, on the site and where the repository is read."""
    text = re.sub(r"[^\w\s-]", "", heading.replace("`", "").lower())
    return re.sub(r"[\s]+", "-", text.strip())


def broken(page: Path, text: str) -> list[str]:
    """Return the links of a page that lead nowhere in this repository; others are not followed."""
    found = []
    for target in LINK.findall(re.sub(r"```.*?```", "", text, flags=re.DOTALL)):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = unquote(target).partition("#")
        path = (page.parent / name).resolve() if name else page
        if not path.exists() or (anchor and anchor not in map(slug, HEADING.findall(path.read_text("utf-8")))):
            found.append(target)
    return found


@pytest.mark.parametrize("page", MARKDOWN, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    assert broken(page, page.read_text("utf-8")) == []


def test_broken_links_are_seen() -> None:
    text = "[a](docs/start.md) [b](docs/none.md) [c](docs/ci.md#exit-statuses) [d](docs/ci.md#none) ![e](docs/none.png)"
    assert broken(ROOT / "README.md", text) == ["docs/none.md", "docs/ci.md#none", "docs/none.png"]


def test_every_page_is_in_the_navigation_once() -> None:
    listed = re.findall(r"[\w-]+\.md", (ROOT / "mkdocs.yml").read_text("utf-8").partition("\nnav:")[2])
    assert sorted(listed) == sorted(page.name for page in DOCS.glob("*.md"))


def test_the_table_of_extras_is_that_of_the_package() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    brings = {extra: list(dict.fromkeys(brought(lines))) for extra, lines in declared.items()}
    rows = re.findall(r"^\| `([\w-]+)` \| ([^|]+) \| [^|]+ \|$", (DOCS / "options.md").read_text("utf-8"), re.MULTILINE)
    told = {extra: [name.strip("`") for name in text.split(", ")] for extra, text in rows}
    assert told == {extra: names for extra, names in brings.items() if extra not in ("test", "lint")}


def brought(lines: list[str]) -> Iterator[str]:
    """Yield what requirements bring: distributions, and extras of our own."""
    for line in lines:
        name, extras = re.match(r"([\w-]+)(?:\[([^]]+)\])?", line).groups()
        yield from extras.split(",") if name == "audiobench-pytest" else [name]


@pytest.mark.parametrize("picture", sorted((DOCS / "pictures").iterdir()), ids=lambda picture: picture.name)
def test_a_picture_is_small_and_shown(picture: Path) -> None:
    assert picture.stat().st_size <= MOST_BYTES
    assert any(f"pictures/{picture.name}" in page.read_text("utf-8") for page in MARKDOWN)


@pytest.mark.skipif(importlib.util.find_spec("material") is None, reason="needs the extra docs")
def test_the_site_builds_strictly_and_asks_nothing_of_others(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--config-file", str(ROOT / "mkdocs.yml")]
    done = subprocess.run(
        [*command, "--site-dir", str(tmp_path / "site")],
        cwd=tmp_path,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1", "DISABLE_MKDOCS_2_WARNING": "true"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "WARNING -" not in done.stderr
    pages = list((tmp_path / "site").rglob("*.html"))
    assert len(pages) > len(list(DOCS.glob("*.md")))
    loads = re.compile(r"<(?:script|img|link)\b[^>]*(?:src|href)=[\"']?(https?://[^\"'\s>]+)")
    outside = {url for page in pages for url in loads.findall(page.read_text("utf-8"))}
    assert outside == set()
