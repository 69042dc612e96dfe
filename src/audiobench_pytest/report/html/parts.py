"""What every folder of pages is made of: a page that asks nothing from outside, data in scripts that hand it over."""

from __future__ import annotations

import html
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from audiobench_pytest.errors import UsageError
from audiobench_pytest.records.append import write_atomically


def page(title: str, body: str, style: str, scripts: Sequence[str]) -> str:
    """Return a page whose style and scripts lie beside it, and that may load nothing from elsewhere.

    Args:
        title: Text.
        body: Markup of ours; data never is among it.
        style: File name.
        scripts: File names, in order.
    """
    loaded = "\n".join(f'<script src="{name}"></script>' for name in scripts)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'self' file:; style-src 'self' file:;
 media-src 'self' file: data:; img-src 'self' data:; base-uri 'none'; form-action 'none'">
<title>{html.escape(title)}</title>
<link rel="stylesheet" href="{style}">
</head>
<body>
<a class="skip" href="#main">To the content</a>
{body}
{loaded}
</body>
</html>
"""


def write_script(path: Path, name: str, content: Any) -> None:
    """Write data as a script that hands it to the page: nothing in it can end the script or begin another."""
    text = json.dumps(content, ensure_ascii=True, separators=(",", ":"))
    for mark in "<>&":
        text = text.replace(mark, f"\\u{ord(mark):04x}")
    write_atomically(path, f"audiobench({json.dumps(name)},{text});\n".encode())


def refuse_others(target: Path, marker: str, what: str) -> None:
    """Refuse a folder that holds what is not ours to replace.

    Args:
        target: The folder.
        marker: File that says that all in it is.
        what: What is to be written there, in words.

    Raises:
        UsageError: It holds something else, or cannot be looked at.
    """
    try:
        found = sorted(path.name for path in target.iterdir()) if target.exists() else []
    except OSError as exc:
        raise UsageError(f"{target}: a {what} cannot be written there: {exc.strerror or exc}") from exc
    if found and marker not in found:
        raise UsageError(
            f"{target} holds what no {what} of ours wrote ({', '.join(found[:3])}{', ...' * (len(found) > 3)}): name "
            "a new or an empty folder"
        )
