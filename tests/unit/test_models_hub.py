"""From a hub id to a commit and its small files: a cache made by hand, and a hub on the loopback interface.

Where the cache lies and which hub is asked is read from the environment when `huggingface_hub` is imported, so each
case is a process of its own.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from audiobench_pytest.errors import ModelError
from audiobench_pytest.models.transformers.hub_files import HubFiles

COMMIT = "0123456789abcdef0123456789abcdef01234567"
OTHER = "fedcba9876543210fedcba9876543210fedcba98"
CONFIG = {"model_type": "wav2vec2", "architectures": ["Wav2Vec2ForCTC"], "feat_extract_norm": "layer"}
FILES = {
    "config.json": json.dumps(CONFIG).encode(),
    "preprocessor_config.json": b'{"return_attention_mask": true, "sampling_rate": 8000}',
}

ASK = """
import json, sys
from audiobench_pytest.errors import ModelError
from audiobench_pytest.models.registry import create, spec_from
told = []
for text in sys.argv[1:]:
    try:
        adapter = create(spec_from(text), {"device": "cpu"})
        identity = adapter.identity()
        told.append([identity["model"], identity["revision"], adapter.sample_rate, adapter.equal_length])
    except ModelError as exc:
        told.append(str(exc))
assert not {"torch", "transformers"} & set(sys.modules), "the identity of a model imports no model library"
print(json.dumps(told))
"""


def ask(
    home: Path, *texts: str, endpoint: str = "http://127.0.0.1:9", offline: bool = False
) -> list[list[object] | str]:
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "TRANSFORMERS_"))}
    environ |= {"HF_HOME": str(home), "HF_ENDPOINT": endpoint, "HF_HUB_OFFLINE": str(int(offline))}
    environ |= {"HF_HUB_DISABLE_TELEMETRY": "1", "NO_PROXY": "127.0.0.1"}
    done = subprocess.run([sys.executable, "-c", ASK, *texts], env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told: list[list[object] | str] = json.loads(done.stdout)
    return told


class Hub(BaseHTTPRequestHandler):
    """Knows acme/tiny at `main` and at the tag `v1`, and the gated acme/closed; `asked` is what it was asked for."""

    asked: list[str]

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def _answer(self, *, with_body: bool) -> None:
        self.asked.append(self.path)
        repo, _, rest = self.path.strip("/").partition("/resolve/")
        revision, _, name = rest.partition("/")
        commits = {"main": COMMIT, "v1": OTHER, COMMIT: COMMIT, OTHER: OTHER}
        trouble = None
        if repo == "acme/closed":
            trouble = (403, "GatedRepo")
        elif repo not in ("acme/tiny", "acme/empty"):
            trouble = (404, "RepoNotFound")
        elif revision not in commits:
            trouble = (404, "RevisionNotFound")
        elif name not in FILES or repo == "acme/empty":
            trouble = (404, "EntryNotFound")
        body = b"" if trouble else FILES[name]
        self.send_response(trouble[0] if trouble else 200)
        if trouble:
            self.send_header("X-Error-Code", trouble[1])
        if revision in commits:
            self.send_header("X-Repo-Commit", commits[revision])
        self.send_header("ETag", f'"{hashlib.sha256(body).hexdigest()}"')
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if with_body:
            self.wfile.write(body)

    def log_message(self, *_args: object) -> None:
        """Say nothing."""


@pytest.fixture
def hub() -> Iterator[tuple[str, list[str]]]:
    asked: list[str] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("OneHub", (Hub,), {"asked": asked}))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}", asked
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_cached_snapshot_is_found_without_a_network(tmp_path: Path) -> None:
    repository = tmp_path / "hub" / "models--acme--tiny"
    snapshot = repository / "snapshots" / COMMIT
    snapshot.mkdir(parents=True)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(COMMIT)
    (snapshot / "config.json").write_text(json.dumps(CONFIG))
    texts = ("hf:acme/tiny", f"hf:acme/tiny@{COMMIT}", "hf:acme/tiny@v2", f"hf:acme/tiny@{OTHER}", "hf:acme/none")
    newest, pinned, *missing = ask(tmp_path, *texts, offline=True)
    # It has no settings of a feature extractor, and offline there is nobody to ask for them: defaults.
    assert newest == pinned == ["acme/tiny", COMMIT, 16_000, True]
    assert len(missing) == 3
    for text in missing:
        assert "is not in the cache" in text
        assert "HF_HUB_OFFLINE forbids asking the hub" in text
        assert "HF_HOME" in text


def test_the_hub_is_asked_once_and_the_cache_then_knows_the_commit(tmp_path: Path, hub: tuple[str, list[str]]) -> None:
    endpoint, asked = hub
    expected = [["acme/tiny", COMMIT, 8000, False], ["acme/tiny", OTHER, 8000, False]]
    texts = ("hf:acme/tiny", "hf:acme/tiny@v1")
    assert ask(tmp_path, *texts, endpoint=endpoint) == expected
    assert asked
    asked.clear()
    assert ask(tmp_path, *texts, endpoint=endpoint) == expected
    assert asked == []
    assert ask(tmp_path, *texts) == expected  # nobody listens at that endpoint
    assert ask(tmp_path, *texts, offline=True) == expected


def test_what_the_hub_does_not_give_says_what_to_do(tmp_path: Path, hub: tuple[str, list[str]]) -> None:
    endpoint, _ = hub
    texts = ("hf:acme/tiny@nope", "hf:acme/wrong", "hf:acme/closed", "hf:acme/empty", f"hf:acme/tiny@{COMMIT[::-1]}")
    revision, repo, gated, empty, commit = ask(tmp_path, *texts, endpoint=endpoint)
    assert "model 'tiny@nope': acme/tiny at nope: the hub" in revision
    assert "no such revision" in revision
    assert "no folder of that name" in repo
    assert "hf auth login" in repo
    assert "ask for it on" in gated
    assert "has no config.json" in empty
    assert "no such revision" in commit


def test_a_hub_that_cannot_be_reached_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    # In this process, because huggingface_hub itself tries again for half a minute.
    import huggingface_hub
    from huggingface_hub import constants, errors

    def refuse(*_args: object, **_options: object) -> str:
        raise errors.LocalEntryNotFoundError("not found locally") from ConnectionError("connection refused")

    monkeypatch.setattr(huggingface_hub, "try_to_load_from_cache", lambda *_args, **_options: None)
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", refuse)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    with pytest.raises(ModelError, match=r"acme/tiny at main.*cannot be reached \(connection refused\).*HF_ENDPOINT"):
        HubFiles("tiny", "acme/tiny", None)
