"""Copies answers between a cache and a place that machines share (a folder, a bucket), through fsspec."""

from __future__ import annotations

import hashlib
import posixpath
import re
import uuid
from pathlib import Path
from typing import Any

from audiobench_pytest.errors import MissingExtraError, RecordError
from audiobench_pytest.records.answers.columns import SUFFIX, read_columns
from audiobench_pytest.records.answers.compaction import compact
from audiobench_pytest.records.answers.described import DESCRIPTIONS
from audiobench_pytest.records.answers.spoken import digest_of, sounds_of
from audiobench_pytest.records.append import write_atomically
from audiobench_pytest.records.sounds import SOUNDS


def push(cache: Path, url: str) -> int:
    """Copy the answers of a cache, and the sounds they are, to a shared place; return the number of files of answers.

    Each model's answers are merged into one file first. Files are named by their content and never changed, so that
    machines may push at once; what is there already is not copied again.

    Args:
        cache: The cache folder.
        url: Where to, any URL that fsspec understands (`s3://bucket/path`, `file:///mnt/share`).

    Raises:
        MissingExtraError: fsspec, or the package it needs for that kind of URL, is not installed.
        RecordError: The place cannot be written.
    """
    files, root = _place(url)
    copied = 0
    for folder in sorted((cache / "predictions").glob("*")):
        compact(folder, least=1)
        there = set(_names(files, posixpath.join(root, folder.name)))
        said = (path for name in DESCRIPTIONS for path in folder.glob(name))
        for path in sorted([*folder.glob(f"*{SUFFIX}"), *said]):
            if path.name not in there:
                _upload(files, path.read_bytes(), posixpath.join(root, folder.name, path.name))
                copied += path.suffix == SUFFIX
    _push_sounds(cache, files, posixpath.join(root, SOUNDS))
    return copied


def _push_sounds(cache: Path, files: Any, place: str) -> None:
    named = {name for folder in (cache / "predictions").glob("*") for name in sounds_of(folder)}
    there = set(_names(files, place)) if named else set()
    for name in sorted(named):
        path = cache / SOUNDS / name
        if digest_of(name) not in there and path.is_file():
            _upload(files, path.read_bytes(), posixpath.join(place, digest_of(name)))


def _pull_sounds(cache: Path, files: Any, place: str) -> None:
    for name in _names(files, place):
        # Names come from a place others write to, and so do contents.
        target = cache / SOUNDS / name[:2] / name
        if not re.fullmatch(r"[0-9a-f]{64}\.flac", name) or target.exists():
            continue
        data = _download(files, posixpath.join(place, name))
        if hashlib.sha256(data).hexdigest() != name.removesuffix(".flac"):
            raise RecordError(f"{place}/{name}: is damaged: its content is not what its name says")
        target.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(target, data)


def pull(cache: Path, url: str) -> int:
    """Copy the answers of a shared place into a cache; return the number of files copied.

    Files whose answers are in the cache already, also as a part of a larger one, are not copied again.

    Args:
        cache: The cache folder.
        url: As for `push`.

    Raises:
        MissingExtraError: As for `push`.
        RecordError: The place cannot be read, or a file in it is damaged; what was copied before is kept.
    """
    files, root = _place(url)
    copied = 0
    _pull_sounds(cache, files, posixpath.join(root, SOUNDS))
    for model in _names(files, root):
        if model == SOUNDS:
            continue
        folder = cache / "predictions" / model
        have = {path.name for path in folder.glob(f"*{SUFFIX}")}
        for name in list(have):
            have.update(read_columns(folder / name).absorbed)
        for name in _names(files, posixpath.join(root, model)):
            # Names come from a place others write to: only plain ones become paths here.
            if name in have or "/" in name or not (name.endswith(SUFFIX) or name in DESCRIPTIONS):
                continue
            folder.mkdir(parents=True, exist_ok=True)
            target = folder / name
            if name in DESCRIPTIONS and target.exists():
                continue
            data = _download(files, posixpath.join(root, model, name))
            write_atomically(target, data, durable=True)
            if name.endswith(SUFFIX):
                try:
                    read_columns(target)
                except RecordError:
                    target.unlink()
                    raise
                copied += 1
    return copied


def _place(url: str) -> tuple[Any, str]:
    try:
        import fsspec
    except ImportError:
        raise MissingExtraError("sharing a cache", "fsspec", "share") from None
    try:
        files, root = fsspec.core.url_to_fs(url)
    except ImportError as exc:  # fsspec names the package that the scheme needs
        raise RecordError(f"{url}: {exc}") from exc
    except ValueError as exc:
        raise RecordError(f"{url}: {exc}; write for example s3://bucket/path or file:///mnt/share") from exc
    return files, root.rstrip("/")


def _names(files: Any, folder: str) -> list[str]:
    try:
        return sorted(posixpath.basename(path.rstrip("/")) for path in files.ls(folder, detail=False))
    except FileNotFoundError:
        return []
    except OSError as exc:
        raise RecordError(f"{folder}: cannot be listed: {exc}") from exc


def _upload(files: Any, data: bytes, target: str) -> None:
    # A file that is cut short must never stand under its final name: another machine would take it for whole.
    partial = f"{target}.{uuid.uuid4().hex}.part"
    try:
        files.makedirs(posixpath.dirname(target), exist_ok=True)
        files.pipe_file(partial, data)
        files.mv(partial, target)
    except OSError as exc:
        raise RecordError(f"{target}: cannot be written: {exc}") from exc


def _download(files: Any, source: str) -> bytes:
    try:
        data: bytes = files.cat_file(source)
    except OSError as exc:
        raise RecordError(f"{source}: cannot be read: {exc}") from exc
    return data
