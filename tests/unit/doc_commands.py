"""The commands that the pages tell a reader to type, as they stand there."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "examples").glob("*/README.md"))]
BLOCK = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`((?:audiobench|pytest) [^`]*)`")


@dataclass(frozen=True)
class Command:
    """One command.

    Attributes:
        page: The page, from the root of the repository.
        line: Where it stands there.
        words: What a shell makes of it.
    """

    page: str
    line: int
    words: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.page}:{self.line} {shlex.join(self.words)}"


def commands_of(page: Path, text: str) -> list[Command]:
    """Return the commands of a page's `sh` blocks; `&&` makes two of one line, a backslash at its end one of two."""
    found = []
    for block in BLOCK.finditer(text):
        if block[1] not in ("sh", "bash", "shell", "console"):
            continue
        line = text.count("\n", 0, block.start()) + 2
        waiting = ""
        for number, content in enumerate(block[2].splitlines(), line):
            waiting += content
            if waiting.endswith("\\"):
                waiting = waiting[:-1]
                continue
            words: list[str] = []
            for word in [*shlex.split(waiting, comments=True), "&&"]:
                if word != "&&":
                    words.append(word)
                elif words:
                    found.append(Command(str(page.relative_to(ROOT)), number, tuple(words)))
                    words = []
            waiting = ""
    return found


def all_commands() -> list[Command]:
    """Return those of all pages."""
    return [command for page in PAGES for command in commands_of(page, page.read_text("utf-8"))]


def spans() -> list[tuple[str, str]]:
    """Return each page with each command that stands amid its sentences."""
    found = []
    for page in PAGES:
        prose = BLOCK.sub("", page.read_text("utf-8"))
        found += [(str(page.relative_to(ROOT)), " ".join(span.split())) for span in SPAN.findall(prose)]
    return found
