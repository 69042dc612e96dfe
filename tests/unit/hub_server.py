"""A loopback server that speaks the file routes of the Hugging Face hub, for tests without network.

It knows repositories of data sets and models with commits and branches, counts what it serves, and can be told to fail.
"""

import functools
import hashlib
import io
import json
import os
import re
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

from waiting import HANGS_S

COMMIT_1 = "1" * 40
COMMIT_2 = "2" * 40


@dataclass
class Repository:
    """One repository, of a data set or a model."""

    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    branches: dict[str, str] = field(default_factory=dict)
    card: dict | None = None
    gated: bool = False

    def files(self, revision: str) -> tuple[str, dict[str, bytes]] | None:
        commit = self.branches.get(revision, revision)
        return (commit, self.commits[commit]) if commit in self.commits else None


@dataclass
class Served:
    """One answered request."""

    method: str
    path: str
    status: int
    sent: int
    span: str | None


class HubServer:
    """Use as a context manager; `environment()` points a subprocess at it."""

    def __init__(self, repositories: dict[str, Repository]) -> None:
        self.repositories = repositories
        self.log: list[Served] = []
        self.short_by: dict[str, int] = {}
        """Per file: so many bytes fewer than promised are sent of it."""
        self.held: dict[str, threading.Event] = {}
        """Per file: nothing is sent of it before this is set."""
        self.swap: dict[str, bytes] = {}
        """Per file: other bytes of the same length that are sent in its stead."""

    def __enter__(self) -> "HubServer":
        hub = self

        class Handler(_Handler):
            server_state = hub

        self._server = _Server(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def environment(self, home: object, **more: str) -> dict[str, str]:
        return {
            "HF_ENDPOINT": self.url,
            "HF_HOME": str(home),
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            "HF_HUB_DISABLE_UPDATE_CHECK": "1",
            "HF_TOKEN": "",
            "NO_PROXY": "127.0.0.1",
            "no_proxy": "127.0.0.1",
            **more,
        }

    def sent_of(self, suffix: str) -> int:
        """Bytes of file content served for paths that end so."""
        return sum(r.sent for r in self.log if "/resolve/" in r.path and r.path.endswith(suffix) and r.method == "GET")


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        if not isinstance(sys.exc_info()[1], ConnectionError):  # a client that was killed is no news
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_state: HubServer

    def log_message(self, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        url = urlsplit(self.path)
        path = unquote(url.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = re.sub(r"^/api/models/", "/api/datasets/", path)
        path = re.sub(r"^/(?!api/|datasets/)", "/datasets/", path)
        if match := re.fullmatch(r"/api/datasets/([^/]+/[^/]+)", path):
            self._info(match[1], "main")
        elif match := re.fullmatch(r"/api/datasets/([^/]+/[^/]+)/revision/(.+)", path):
            self._info(match[1], match[2])
        elif match := re.fullmatch(r"/api/datasets/([^/]+/[^/]+)/tree/([^/]+)/?(.*)", path):
            self._tree(match[1], match[2], match[3], recursive=parse_qs(url.query).get("recursive") == ["True"])
        elif match := re.fullmatch(r"/api/datasets/([^/]+/[^/]+)/paths-info/([^/]+)", path):
            self._paths_info(match[1], match[2], parse_qs(body.decode()).get("paths", []))
        elif match := re.fullmatch(r"/datasets/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            self._resolve(match[1], match[2], match[3])
        else:
            self._send(404, b"{}", {})

    def _find(self, repo: str, revision: str) -> tuple[str, dict[str, bytes]] | None:
        repository = self.server_state.repositories.get(repo)
        if repository is None:
            self._send(404, b"{}", {"X-Error-Code": "RepoNotFound", "X-Error-Message": "Repository not found"})
            return None
        if repository.gated:
            self._send(403, b"{}", {"X-Error-Code": "GatedRepo", "X-Error-Message": "Access is restricted"})
            return None
        found = repository.files(revision)
        if found is None:
            self._send(404, b"{}", {"X-Error-Code": "RevisionNotFound", "X-Error-Message": "Invalid rev id"})
        return found

    def _info(self, repo: str, revision: str) -> None:
        if (found := self._find(repo, revision)) is None:
            return
        commit, files = found
        self._send_json(
            {
                "id": repo,
                "sha": commit,
                "private": False,
                "gated": False,
                "disabled": False,
                "downloads": 0,
                "likes": 0,
                "tags": [],
                "lastModified": "2026-01-01T00:00:00.000Z",
                "createdAt": "2026-01-01T00:00:00.000Z",
                "cardData": self.server_state.repositories[repo].card,
                "siblings": [{"rfilename": name, "size": len(files[name])} for name in sorted(files)],
            }
        )

    def _tree(self, repo: str, revision: str, folder: str, *, recursive: bool) -> None:
        if (found := self._find(repo, revision)) is None:
            return
        _, files = found
        prefix = f"{folder}/" if folder else ""
        entries = _entries(files)
        inside = [e for name, e in sorted(entries.items()) if name.startswith(prefix)]
        if folder and not inside:
            self._send(404, b"{}", {"X-Error-Code": "EntryNotFound", "X-Error-Message": "Entry not found"})
            return
        self._send_json([e for e in inside if recursive or "/" not in e["path"][len(prefix) :]])

    def _paths_info(self, repo: str, revision: str, paths: list[str]) -> None:
        if (found := self._find(repo, revision)) is not None:
            entries = _entries(found[1])
            self._send_json([entries[p] for p in paths if p in entries])

    def _resolve(self, repo: str, revision: str, name: str) -> None:
        if (found := self._find(repo, revision)) is None:
            return
        commit, files = found
        if name not in files:
            headers = {"X-Error-Code": "EntryNotFound", "X-Error-Message": "Entry not found", "X-Repo-Commit": commit}
            self._send(404, b"", headers)
            return
        etag = _sha256(files[name])
        headers = {
            "X-Repo-Commit": commit,
            "ETag": f'"{etag}"',
            "X-Linked-ETag": f'"{etag}"',
            "X-Linked-Size": str(len(files[name])),
            "Accept-Ranges": "bytes",
        }
        if (held := self.server_state.held.get(name)) and self.command == "GET":
            self.server_state.log.append(Served(self.command, self.path, 0, 0, None))
            held.wait(HANGS_S)
        data, status = self.server_state.swap.get(name, files[name]), 200
        if span := re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or ""):
            start, end = int(span[1]), min(int(span[2] or len(data)), len(data) - 1)
            headers["Content-Range"] = f"bytes {start}-{end}/{len(data)}"
            data, status = data[start : end + 1], 206
        if short := self.server_state.short_by.get(name):
            data = data[: max(0, len(data) - short)]
        self._send(status, data, headers)

    def _send_json(self, content: object) -> None:
        self._send(200, json.dumps(content).encode(), {"Content-Type": "application/json"})

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        has_body = self.command != "HEAD"
        self.server_state.log.append(
            Served(self.command, urlsplit(self.path).path, status, len(body) * has_body, self.headers.get("Range"))
        )
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if has_body:
            self.wfile.write(body)


def _entries(files: dict[str, bytes]) -> dict[str, dict]:
    """The hub's description of every file and folder of a commit."""
    entries: dict[str, dict] = {}
    for name, data in files.items():
        parts = name.split("/")
        for depth in range(1, len(parts)):
            folder = "/".join(parts[:depth])
            entries[folder] = {"type": "directory", "path": folder, "size": 0, "oid": _git_id(folder.encode())}
        digest = _sha256(data)
        entries[name] = {
            "type": "file",
            "path": name,
            "size": len(data),
            "oid": _git_id(data),
            "lfs": {"oid": digest, "size": len(data), "pointerSize": 130},
            "lastCommit": {"id": COMMIT_1, "title": "", "date": "2026-01-01T00:00:00.000Z"},
        }
    return entries


@functools.cache
def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@functools.cache
def _git_id(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def clip(seed: int, seconds: float = 0.3) -> bytes:
    """A short FLAC file, different for each seed."""
    import numpy as np
    import soundfile

    noise = 0.1 * np.random.default_rng(seed).standard_normal(int(16000 * seconds))
    file = io.BytesIO()
    soundfile.write(file, noise.astype("float32"), 16000, format="FLAC")
    return file.getvalue()


def row(number: int, **changes: object) -> dict:
    """One row as the usual speech sets hold it."""
    audio = {"bytes": clip(number), "path": f"{number}.flac"}
    return {"audio": audio, "text": f"text {number}", "id": f"id-{number}", "speaker_id": number % 3, **changes}


def parquet(rows: list[dict], *, row_group: int = 10, **columns: object) -> bytes:
    """Rows as a parquet file; `columns` changes the type of a column, None drops it."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds: dict = {
        "audio": pa.struct([("bytes", pa.binary()), ("path", pa.string())]),
        "text": pa.string(),
        "id": pa.string(),
        "speaker_id": pa.int64(),
        **columns,
    }
    schema = pa.schema([(name, kind) for name, kind in kinds.items() if kind is not None])
    file = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), file, row_group_size=row_group)
    return file.getvalue()


_LOAD = """
import json, sys
from pathlib import Path
order = json.loads(sys.stdin.read())
for name in order["without"]:
    sys.modules[name] = None
from audiobench_pytest.catalog.schema import DatasetSpec, HubSource
from audiobench_pytest.datasets import LoadSettings, count_samples, load_dataset
from audiobench_pytest.errors import AudiobenchError
answers = []
for step in order["steps"]:
    source = HubSource(**{**step["source"], "files": tuple(step["source"].get("files", ()))})
    spec = DatasetSpec("the-set", hub=source, samples=step.get("samples"))
    settings = LoadSettings(Path(order["cache"]), **step.get("settings", {}))
    try:
        answer = {"count": count_samples(spec, settings)} if step.get("count_only") else {}
        if not answer:
            data = load_dataset(spec, settings)
            answer = {
                "ids": [s.id for s in data.samples],
                "texts": [s.reference for s in data.samples],
                "problems": {s.id: s.problem for s in data.samples if s.problem},
                "audio": [str(s.audio) for s in data.samples],
                "seconds": [s.duration_s for s in data.samples],
                "meta": [dict(s.meta) for s in data.samples],
                "revision": data.revision,
                "source": data.source,
                "digest": data.digest,
            }
    except AudiobenchError as exc:
        answer = {"error": str(exc), "kind": type(exc).__name__}
    answers.append(answer)
print(json.dumps({"answers": answers, "modules": sorted(m for m in sys.modules if "." not in m)}))
"""


@dataclass
class Loads:
    """What a subprocess made of its loads."""

    answers: list[dict]
    modules: set[str]

    @property
    def one(self) -> dict:
        assert len(self.answers) == 1
        return self.answers[0]


def start_loads(
    environment: dict[str, str], cache: object, steps: list[dict], without: tuple[str, ...] = ()
) -> subprocess.Popen:
    """Start a fresh interpreter that loads sets, one step after the other."""
    process = subprocess.Popen(
        [sys.executable, "-c", _LOAD],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, **environment},
    )
    assert process.stdin is not None
    process.stdin.write(json.dumps({"cache": str(cache), "steps": steps, "without": without}).encode())
    process.stdin.close()
    process.stdin = None
    return process


def finish_loads(process: subprocess.Popen, timeout: float = HANGS_S) -> Loads:
    """Wait for it; fails when it does not end by itself."""
    try:
        out, err = process.communicate(timeout=timeout)
    finally:
        process.kill()
    assert process.returncode == 0, err.decode()
    answer = json.loads(out)
    return Loads(answer["answers"], set(answer["modules"]))
