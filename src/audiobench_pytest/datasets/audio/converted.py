"""Containers that libsndfile does not know (m4a, MP4, webm, AMR, WMA), by way of ffmpeg where it is installed."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from audiobench_pytest.errors import SampleError

_TIMEOUT_S = 600

_KNOWN = (
    (re.compile(rb".{4}ftyp", re.DOTALL), "MP4 or M4A"),
    (re.compile(rb"\x1aE\xdf\xa3"), "webm or Matroska"),
    (re.compile(rb"#!AMR"), "AMR"),
    (re.compile(rb"0&\xb2u\x8ef\xcf\x11"), "WMA"),
)
"""What such files begin with."""


def foreign_container(head: bytes) -> str:
    """Return which container a file's first bytes are of that ffmpeg reads and libsndfile does not, or ""."""
    return next((name for pattern, name in _KNOWN if pattern.match(head)), "")


def convert(path: Path, container: str, target: Path) -> None:
    """Write the first sound of a file as WAV of floats, so that nothing is clipped, at its own rate and channels.

    Args:
        path: The file.
        container: What it is, for the message.
        target: Where to.

    Raises:
        SampleError: ffmpeg is not installed, or does not read the file to its end.
    """
    program = shutil.which("ffmpeg")
    if program is None:
        raise SampleError(
            f"{path}: is {container}, which is read by ffmpeg alone: install it (apt-get install ffmpeg), or convert "
            "the file to WAV or FLAC"
        )
    command = [program, "-nostdin", "-v", "error", "-xerror", "-i", str(path), "-map", "0:a:0", "-c:a", "pcm_f32le"]
    try:
        done = subprocess.run(
            [*command, "-y", str(target)], capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as exc:
        raise SampleError(f"{path}: ffmpeg gave no answer: {exc}") from exc
    # Of a file that is cut short or has a hole, ffmpeg decodes what there is, complains, and ends well all the same.
    if done.returncode != 0 or done.stderr.strip() or not target.is_file():
        said = (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1]
        raise SampleError(f"{path}: ffmpeg does not read this {container} to its end: {said}")
