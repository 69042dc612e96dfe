"""Hub repositories that hold no parquet, through the `datasets` library in a process of its own.

The library leaves threads behind that can keep a process from ending, so it never enters this one: a child extracts
the selected rows into the audio store and the index, and is ended with `os._exit`. It also ends when its parent does.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from audiobench_pytest.catalog.schema import HubSource
from audiobench_pytest.datasets.hub.parquet import json_value
from audiobench_pytest.datasets.hub.prepared import Prepared
from audiobench_pytest.datasets.hub.rows import content_id, make_record, row_id
from audiobench_pytest.datasets.settings import LoadSettings
from audiobench_pytest.errors import DatasetError, MissingExtraError, did_you_mean

_WHOLE_SPLIT = "(read by the datasets library)"
"""Stands for the files in the layout of a split whose files only the library knows."""


def extract_with_datasets(settings: LoadSettings, prepared: Prepared, *, streaming: bool) -> list[int]:
    """Extract the selected rows of a split and return their positions.

    Args:
        settings: The selection.
        prepared: Where rows go; the caller holds its lock.
        streaming: Let the library read the first rows only, where the selection is that; else it fetches the split.

    Raises:
        DatasetError: The library cannot load the split, or a column is missing.
        MissingExtraError: The library is not installed.
    """
    if importlib.util.find_spec("datasets") is None:
        raise MissingExtraError(f"the dataset {prepared.source.repo}, which is not parquet,", "datasets", "hub")
    order = {
        "cache": os.fspath(settings.cache.absolute()),
        "source": asdict(prepared.source),
        "commit": prepared.commit,
        "limit": settings.limit,
        "sample": settings.sample,
        "seed": settings.seed,
        "streaming": streaming and settings.sample is None and settings.limit is not None,
    }
    error = _run_child(order)
    if error is not None:
        raise DatasetError(f"{prepared.source.repo}@{prepared.commit[:8]} (through the datasets library): {error}")
    prepared.reload()
    rows = prepared.wanted(settings)
    if rows is None or prepared.lacking(rows):
        raise DatasetError(f"{prepared.source.repo}@{prepared.commit[:8]}: the datasets library left rows out")
    return rows


def _run_child(order: Mapping[str, Any]) -> str | None:
    """Run the child to its end; return what went wrong, or None."""
    root = Path(__file__).parents[3]
    paths = [os.fspath(root), *filter(None, [os.environ.get("PYTHONPATH")])]
    # -P: a folder called `datasets` in the working folder must not stand in for the library.
    command = [sys.executable, "-P", "-m", "audiobench_pytest.datasets.hub.library"]
    with tempfile.TemporaryDirectory(prefix="audiobench-") as folder:
        answer, log = Path(folder, "answer.json"), Path(folder, "log.txt")
        with log.open("wb") as output:
            child = subprocess.Popen(
                [*command, os.fspath(answer)],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
            )
        assert child.stdin is not None
        try:
            child.stdin.write((json.dumps(order) + "\n").encode())
            child.stdin.flush()
            status = child.wait()
        finally:
            child.kill()
            child.wait()
            child.stdin.close()
        if answer.exists():
            error: str | None = json.loads(answer.read_bytes())["error"]
            return error
        tail = log.read_text(errors="replace").strip()[-1000:]
        return f"its process ended with status {status}: {tail}"


def _child(answer: Path) -> None:
    """Carry out the order on standard input, write the answer, end at once."""
    order = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    error: str | None = None
    try:
        settings = LoadSettings(Path(order["cache"]), order["limit"], order["sample"], order["seed"])
        columns = tuple((ours, tuple(theirs)) for ours, theirs in order["source"]["columns"])
        source = HubSource(**{**order["source"], "files": tuple(order["source"]["files"]), "columns": columns})
        with Prepared(settings.cache, source, order["commit"]) as prepared:
            _extract(settings, prepared, streaming=order["streaming"])
    except DatasetError as exc:
        error = str(exc)
    except Exception as exc:
        error = _told(exc)  # reported by the parent, which has nothing else of this process
    answer.write_text(json.dumps({"error": error}))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _told(exc: BaseException) -> str:
    """Return what went wrong, down to the first cause, which the library wraps in errors of its own."""
    told = f"{type(exc).__name__}: {exc}"
    return f"{told} ({_told(exc.__cause__)})" if exc.__cause__ is not None else told


def _end_with_parent() -> None:
    sys.stdin.read()  # returns when the parent closes the pipe, be it by dying
    os._exit(1)


def _extract(settings: LoadSettings, prepared: Prepared, *, streaming: bool) -> None:
    import datasets

    # The library's own want torchcodec and torch even to pass encoded audio on, which is all that is done here.
    datasets.Audio.encode_example = _keep_encoded
    datasets.Audio.decode_example = _leave_encoded
    source = prepared.source
    data = datasets.load_dataset(
        source.repo, source.config, split=source.split, revision=prepared.commit, streaming=streaming
    )
    names = list(data.column_names or ())
    for column in (source.audio_column, source.text_column, source.id_column):
        if names and column is not None and column not in names:
            raise DatasetError(
                f"no column '{column}'{did_you_mean(column, names, show_all_below=0)}; columns: {', '.join(names)}"
            )
    reader = _Rows(prepared, getattr(data, "features", None))
    if streaming:
        limit, seen = settings.limit or 0, 0
        for row in data.take(limit):
            reader.add(seen, row)
            seen += 1
        if seen < limit:
            prepared.set_layout([(_WHOLE_SPLIT, seen)])
        return
    prepared.set_layout([(_WHOLE_SPLIT, len(data))])
    if settings.sample is not None and settings.sample < len(data):
        prepared.set_ids(list(reader.ids(data)))
    for row in prepared.lacking(prepared.wanted(settings) or ()):
        reader.add(row, data[row])


def _keep_encoded(feature: object, value: Any) -> dict[str, Any]:
    """Stand in for `datasets.Audio.encode_example`: keep path and bytes as they are."""
    if isinstance(value, str | os.PathLike):
        return {"bytes": None, "path": os.fspath(value)}
    if isinstance(value, bytes | bytearray):
        return {"bytes": bytes(value), "path": None}
    if isinstance(value, Mapping) and "array" not in value:
        return {"bytes": value.get("bytes"), "path": value.get("path")}
    raise ValueError(f"the audio column holds {type(value).__name__}, not encoded audio")


def _leave_encoded(feature: object, value: Any, *_: Any, **__: Any) -> Any:
    """Stand in for `datasets.Audio.decode_example`: do not decode."""
    return value


class _Rows:
    """Reads rows as the library gives them."""

    def __init__(self, prepared: Prepared, features: Mapping[str, Any] | None = None) -> None:
        import datasets
        import huggingface_hub.constants

        self._prepared, self._source, self._features = prepared, prepared.source, features
        caches = (datasets.config.HF_DATASETS_CACHE, huggingface_hub.constants.HF_HUB_CACHE)
        self._caches = [os.path.realpath(cache) for cache in caches]

    def add(self, position: int, row: Mapping[str, Any]) -> None:
        """Record one row."""
        key, path, audio = self._audio(row)
        source = self._source
        used = (source.audio_column, source.text_column, source.id_column)
        meta = {name: json_value(self._named(name, value)) for name, value in row.items() if name not in used}
        self._prepared.add(
            make_record(
                position,
                key=key,
                path=path,
                audio=audio,
                text=self._named(source.text_column, row.get(source.text_column)) if source.text_column else None,
                meta=meta,
                store=self._prepared.store,
                reference=source.text_column is not None,
            )
        )

    def _named(self, column: str, value: Any) -> Any:
        names = getattr((self._features or {}).get(column), "names", None)
        return names[value] if names and isinstance(value, int) and 0 <= value < len(names) else value

    def ids(self, data: Any) -> Iterator[str]:
        """Yield the id of every row; audio is read only of rows that have neither key nor path."""
        source = self._source
        columns = (
            [source.id_column]
            if source.id_column
            else [one for one in (source.audio_column, source.text_column) if one]
        )
        for row in data.select_columns(columns):
            key = row.get(source.id_column) if source.id_column else None
            path = self._field(row, "path")
            known = row_id(key, None if path is None else stable_path(path))
            if known is None:
                _, _, audio = self._audio(row)
                known = content_id(audio, row.get(source.text_column or ""))
            yield known

    def _field(self, row: Mapping[str, Any], name: str) -> Any:
        value = row.get(self._source.audio_column) if self._source.audio_column is not None else None
        if isinstance(value, Mapping):
            return value.get(name)
        kind = str if name == "path" else bytes
        return value if isinstance(value, kind) else None

    def _audio(self, row: Mapping[str, Any]) -> tuple[Any, str | None, bytes | None]:
        """Return key, path and encoded bytes of a row."""
        key = row.get(self._source.id_column) if self._source.id_column else None
        path, data = self._field(row, "path"), self._field(row, "bytes")
        if data is None and path is not None:
            data = self._read(path)
        return key, None if path is None else stable_path(path), data

    def _read(self, path: str) -> bytes | None:
        """Read audio that the library left in a file, if that file belongs to the repository."""
        import fsspec
        import huggingface_hub
        import huggingface_hub.errors

        source, commit = self._source, self._prepared.commit
        if "://" in path:
            # A row may name any address; only the repository's own files are opened.
            if f"hf://datasets/{source.repo}@{commit}/" not in path.rpartition("::")[2]:
                return None
            with fsspec.open(path, "rb") as file:
                return bytes(file.read())
        if Path(path).is_absolute():
            resolved = os.path.realpath(path)
            if not any(os.path.commonpath([cache, resolved]) == cache for cache in self._caches):
                return None
            return Path(resolved).read_bytes()
        try:
            found = huggingface_hub.hf_hub_download(source.repo, path, repo_type="dataset", revision=commit)
        except (huggingface_hub.errors.EntryNotFoundError, ValueError):  # ValueError: a path that leaves the repository
            return None
        return Path(found).read_bytes()


def stable_path(path: str) -> str:
    """Return the part of an audio path that does not depend on this machine.

    The library gives places in its caches (`.../snapshots/<commit>/<path>`, `.../extracted/<digest>/<path>`) or
    addresses (`hf://datasets/<repo>@<commit>/<path>`, `zip://<path>::...`).
    """
    inner = path.partition("::")[0]
    for pattern in (
        r"^hf://datasets/[^@]+@[^/]+/",
        r"^.*/snapshots/[0-9a-f]{40}/",
        r"^.*/extracted/[0-9a-f]+/",
        r"^\w+://",
    ):
        stripped, count = re.subn(pattern, "", inner)
        if count:
            return stripped
    return Path(inner).name if Path(inner).is_absolute() else inner


if __name__ == "__main__":
    _child(Path(sys.argv[1]))
