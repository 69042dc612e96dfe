"""Recordings that ship with the package, a folder per corpus; each has a `README.md` and a `manifest.jsonl`."""

from __future__ import annotations

from pathlib import Path


def corpus_path(relative: str) -> Path:
    """Return the path of a bundled file.

    Args:
        relative: Its path below this package (`minispeech/manifest.jsonl`).

    Raises:
        FileNotFoundError: The package holds no such file.
    """
    path = Path(__file__).parent / relative
    if not path.exists():
        raise FileNotFoundError(f"{path}: not part of this installation; reinstall audiobench-pytest")
    return path
