"""What is kept under version control: the product, and nothing that a run or a tool left behind."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOP = {
    *(".ci", "ci", "benchmarks", "deploy", "docs", "examples", "src", "tests", "tools"),
    *(".gitignore", "ARCHITECTURE.md", "CHANGELOG.md", "LICENSE", "NOTICE", "README.md"),
    *("conftest.py", "mkdocs.yml", "pyproject.toml", "tox.ini"),
}
KINDS = {".cfg", ".css", ".csv", ".flac", ".gitignore", ".ini", ".js", ".jsonl", ".md", ".png", ".py", ".sh", ".toml"}
KINDS |= {"", ".txt", ".typed", ".yaml", ".yml"}
LARGEST = 1 << 20


@pytest.fixture(scope="module")
def tracked() -> list[Path]:
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("no repository here")
    found = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    return [Path(name) for name in found.decode().split("\0") if name and (ROOT / name).exists()]


def test_nothing_stands_beside_what_belongs_there(tracked: list[Path]) -> None:
    """Once a tool took `--help` for the folder that it was to fill with weights."""
    assert {path.parts[0] for path in tracked} <= TOP


def test_no_weights_and_nothing_large(tracked: list[Path]) -> None:
    assert {path.suffix for path in tracked} <= KINDS
    assert [path for path in tracked if (ROOT / path).stat().st_size > LARGEST] == []
